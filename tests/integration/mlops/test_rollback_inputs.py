"""A rollback on real tables: the restored model is pinned, can answer, and outlives training."""

import numpy as np
import pytest

from src.core.calendars.nse import nse
from src.core.errors import ForecastError
from src.features import catalogue
from src.modeling.serving.predict import forecast_from_row
from src.registry.formats.models import RankTilt
from src.registry.lifecycle.events import Author
from tests.support.daily_runs import after_close, clean_rows, daily_runs
from tests.support.models import make_artifact
from tests.support.pools import wandering
from tests.support.trees import stump

TICKERS = ("HDFC.NS", "INFY.NS", "ITC.NS", "SBIN.NS", "TCS.NS", "WIPRO.NS")
DAYS = [day for day in nse().array.tolist() if str(day) <= "2026-04-13"][-420:]
PRICES = wandering(len(DAYS), len(TICKERS))
TODAY, YESTERDAY = DAYS[-1], DAYS[-2]
HORIZONS = ("short", "long")
LOW, HIGH = -0.25, 0.125


@pytest.fixture
def at(database_url, home):
    with daily_runs(database_url, home) as opened:
        opened.register(TICKERS, DAYS[0])
        yield opened


def known_on(row):
    return clean_rows(DAYS[: row + 1], PRICES.until(row + 1), TICKERS)


def tilts(low, high, **changes):
    """A set for each horizon whose trees ask whether the last session rose."""
    return [
        make_artifact(
            horizon=horizon,
            sessions=sessions,
            candidate="rank_tilt",
            features_version=catalogue.version(),
            model=RankTilt(
                ("ret_lag1_s", f"volatility_{sessions}", "rank_mean"), stump(0, low, high), 0.5
            ),
            **changes,
        )
        for horizon, sessions in (("short", 1), ("long", 63))
    ]


def publish(at, artifacts, day):
    return at.models.publish(artifacts, Author("a test", after_close(day)))


@pytest.fixture
def two_versions(at):
    """Version one with one kind of trees, version two with another; two is live and has inputs."""
    at.store_prices(known_on(len(DAYS) - 1))
    publish(at, tilts(LOW, HIGH), YESTERDAY)
    at.manager(YESTERDAY).version_models("v1")
    publish(at, tilts(1.0, 2.0), TODAY)
    at.manager(TODAY).version_models("v2")
    at.run_after_close(TICKERS, TODAY)
    return at


def rows(at):
    return at.records.serving.read(TICKERS)


def forecasts(at):
    """What the live models forecast from what is stored."""
    found = []
    for row in rows(at):
        artifact = at.models.load("NSE", row["horizon"])
        pin, pool_row = at.models.pin("NSE", row["horizon"]), at.pool_row(row["horizon"])
        found.append(forecast_from_row(artifact, row, pool_row, nse(), pin))
    return found


def test_the_restored_sets_are_measured_from_the_mean_of_their_own_trees(two_versions):
    before = rows(two_versions)

    done = two_versions.manager(TODAY).rollback_to_version("v1")

    assert (done.changed, done.missing_inputs) == (True, "")
    # What a ticker's forecast is made from does not depend on the model.
    assert rows(two_versions) == before
    rose = PRICES.close[-1] > PRICES.close[-2]
    assert 0 < rose.sum() < len(TICKERS)
    mean = np.where(rose, HIGH, LOW).mean()
    for horizon in HORIZONS:
        pool_row = two_versions.pool_row(horizon)
        assert pool_row["inputs"] == {"rank_mean": pytest.approx(mean)}
        assert pool_row["session"] == TODAY
    for row, entry in zip(before, forecasts(two_versions), strict=True):
        rank = HIGH if rose[TICKERS.index(row["ticker"])] else LOW
        tilt = 0.5 * (rank - mean) * row["sigma"]
        assert entry["candidate"]["pred_return"] == pytest.approx(tilt)


def test_what_a_rollback_writes_is_what_a_run_writes(two_versions):
    two_versions.manager(TODAY).rollback_to_version("v1")
    restored = [two_versions.pool_row(horizon) for horizon in HORIZONS]

    entries, _ = two_versions.run_after_close(TICKERS, TODAY)

    assert repr(forecasts(two_versions)) == repr(entries)
    assert [two_versions.pool_row(horizon) for horizon in HORIZONS] == restored


def test_a_ticker_whose_bars_have_ended_is_left_out_of_the_mean_and_gets_zero(at):
    clean = known_on(len(DAYS) - 1)
    stopped = (clean["ticker"] == "ITC.NS") & (clean["date"] > DAYS[-4])
    at.store_prices(clean.filter(~stopped))
    served = {"served": "rank_tilt", "since": str(DAYS[-40]), "verdict": "better"}
    publish(at, tilts(LOW, HIGH, **served), TODAY)
    at.manager(TODAY).version_models("v1")
    at.run_after_close(TICKERS, TODAY)

    at.manager(TODAY).rollback_to_version("v1")

    rose = np.delete(PRICES.close[-1] > PRICES.close[-2], TICKERS.index("ITC.NS"))
    mean = np.where(rose, HIGH, LOW).mean()
    assert at.pool_row("short")["inputs"] == {"rank_mean": pytest.approx(mean)}
    for entry in forecasts(at):
        has_ended = entry["ticker"] == "ITC.NS"
        assert entry["feature_date"] == str(DAYS[-4] if has_ended else TODAY)
        assert entry["model"]["name"] == ("zero" if has_ended else "rank_tilt")
        assert (f"the newest price of ITC.NS is of {DAYS[-4]}" in entry["note"]) == has_ended


def test_a_rollback_logs_no_forecast(two_versions):
    def logged():
        return two_versions.connection.execute("SELECT count(*) FROM predictions").fetchone()

    before = logged()

    two_versions.manager(TODAY).rollback_to_version("v1")

    assert logged() == before


def test_a_rollback_stands_where_no_ticker_has_inputs(two_versions):
    at = two_versions
    at.connection.execute("DELETE FROM serving_inputs WHERE horizon = 'long'")

    done = at.manager(TODAY).rollback_to_version("v1")

    assert done.missing_inputs == (
        "The models are live, but those of NSE cannot answer yet (no inputs of its tickers at the "
        "long horizon are stored): run `python -m mlops.pipeline --all`."
    )
    assert at.models.state("NSE", "long").live.version_tag == "v1"
    assert at.pool_row("long") is None
    assert at.pool_row("short")["session"] == TODAY


def test_a_rollback_stands_where_the_inputs_are_of_other_features(two_versions):
    at = two_versions
    at.connection.execute("UPDATE serving_inputs SET features_version = 'another'")

    done = at.manager(TODAY).rollback_to_version("v1")

    assert f"features {catalogue.version()}, stored are another" in done.missing_inputs
    assert at.models.state("NSE", "long").live.version_tag == "v1"


def test_a_rollback_stands_where_nothing_can_be_written(two_versions):
    at = two_versions
    at.connection.execute("ALTER TABLE pool_inputs RENAME TO away")

    done = at.manager(TODAY).rollback_to_version("v1")

    at.connection.execute("ALTER TABLE away RENAME TO pool_inputs")
    assert 'relation "pool_inputs" does not exist' in done.missing_inputs
    assert "\n" not in done.missing_inputs
    assert at.models.state("NSE", "short").live.version_tag == "v1"


REFUSED = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'not now'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON model_events EXECUTE FUNCTION refuse()
"""


def test_a_rollback_that_fails_changes_no_inputs(two_versions):
    at = two_versions
    before = [at.pool_row(horizon) for horizon in HORIZONS]
    at.connection.execute(REFUSED)

    with pytest.raises(ForecastError, match="not now"):
        at.manager(TODAY).rollback_to_version("v1")

    assert [at.pool_row(horizon) for horizon in HORIZONS] == before
    assert None not in before


def test_a_rollback_that_is_repeated_writes_what_was_missing(two_versions):
    at = two_versions
    at.manager(TODAY).rollback_to_version("v1")
    expected = forecasts(at)
    at.connection.execute("DELETE FROM pool_inputs")

    again = at.manager(TODAY).rollback_to_version("v1")

    assert (again.changed, again.missing_inputs) == (False, "")
    assert forecasts(at) == expected


def test_training_does_not_undo_a_rollback_and_forecasts_come_from_what_is_pinned(at):
    row = len(DAYS) - 3
    at.store_prices(known_on(row))
    at.run_after_close(TICKERS, DAYS[row], training=True)
    first = {h: at.models.load("NSE", h).digest for h in HORIZONS}
    at.manager(DAYS[row]).version_models("v1")
    publish(at, tilts(LOW, HIGH), DAYS[row])
    at.manager(DAYS[row]).rollback_to_version("v1")
    at.store_prices(known_on(row + 1))

    entries, _ = at.run_after_close(TICKERS, DAYS[row + 1], training=True)

    assert {h: at.models.state("NSE", h).live.digest for h in HORIZONS} == first
    assert repr(forecasts(at)) == repr(entries)
    for horizon in HORIZONS:
        newest = at.models.newest("NSE", horizon)
        assert newest.digest != first[horizon]
        assert at.pool_row(horizon)["session"] == DAYS[row + 1]
        of_horizon = entries[HORIZONS.index(horizon) :: 2]
        assert {entry["model"]["version"] for entry in of_horizon} == {first[horizon]}
        assert {entry["model"]["pinned"]["version_tag"] for entry in of_horizon} == {"v1"}
        assert {entry["reason"] for entry in of_horizon} == {newest.reason}
    logged = at.connection.execute(
        "SELECT DISTINCT horizon, version FROM predictions WHERE feature_date = %s",
        (DAYS[row + 1],),
    ).fetchall()
    assert dict(logged) == first
