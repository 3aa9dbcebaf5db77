"""A rollback on real tables: the restored model is pinned, has inputs, and outlives training."""

from dataclasses import replace

import numpy as np
import pytest

from src.core.calendars.nse import nse
from src.core.errors import ForecastError
from src.core.tables import FEATURES_DAILY
from src.modeling.experiment.run import feature_rows
from src.modeling.panel import panel
from src.modeling.serving.records import forecast_from_row
from src.registry.formats.models import RankTilt
from src.registry.formats.trees import Trees
from src.registry.lifecycle.events import Author
from tests.support.daily_runs import after_close, clean_rows, daily_runs
from tests.support.models import make_artifact
from tests.support.pools import wandering

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


def stump(feature, low, high):
    """One question: is this feature above 0?"""
    return Trees(
        feature=np.array([feature, 0, 0]),
        threshold=np.array([0.0, 0.0, 0.0]),
        left=np.array([1, 1, 2]),
        right=np.array([2, 1, 2]),
        value=np.array([0.0, low, high]),
        roots=np.array([0]),
        base=0.0,
        depth=1,
    )


def tilts(at, low, high, slope=0.5):
    """A set for every ticker and horizon whose trees ask whether the last session rose."""
    names = feature_rows(panel.build(known_on(len(DAYS) - 1), nse())).names
    version = at.store.load(FEATURES_DAILY, ["TCS.NS"])["features_version"][-1]
    return [
        make_artifact(
            ticker=ticker,
            horizon=horizon,
            sessions=sessions,
            candidate="rank_tilt",
            features_version=version,
            model=RankTilt(
                (*names, f"volatility_{sessions}", "rank_mean"),
                stump(names.index("ret_lag1_s"), low, high),
                slope,
            ),
        )
        for ticker in TICKERS
        for horizon, sessions in (("short", 1), ("long", 63))
    ]


def publish(at, artifacts, day):
    return at.models.publish(artifacts, Author("a test", after_close(day)))


@pytest.fixture
def two_versions(at):
    """Version one with one kind of trees, version two with another; two is live and has inputs."""
    at.store_prices(known_on(len(DAYS) - 1))
    publish(at, tilts(at, LOW, HIGH), YESTERDAY)
    at.manager(YESTERDAY).version_models("v1")
    publish(at, tilts(at, 1.0, 2.0), TODAY)
    at.manager(TODAY).version_models("v2")
    for ticker in TICKERS:
        at.run_after_close(ticker, TODAY)
    return at


def rows(at):
    return {(t, h): at.row(t, h) for t in TICKERS for h in HORIZONS}


def test_each_restored_set_is_asked_with_the_mean_of_its_own_trees(two_versions):
    before = rows(two_versions)

    done = two_versions.manager(TODAY).rollback_to_version("v1")

    assert (done.changed, done.missing_inputs) == (True, "")
    rose = PRICES.close[-1] > PRICES.close[-2]
    assert 0 < rose.sum() < len(TICKERS)
    for (ticker, horizon), row in rows(two_versions).items():
        assert row["inputs"]["rank_mean"] == pytest.approx(np.where(rose, HIGH, LOW).mean())
        assert row["digest"] != before[ticker, horizon]["digest"]
        assert row["feature_date"] == TODAY
        assert row["last_close"] == PRICES.close[-1, TICKERS.index(ticker)]
        # The distribution does not depend on whose point it is.
        assert row["quantiles"] == before[ticker, horizon]["quantiles"]
        rank = HIGH if rose[TICKERS.index(ticker)] else LOW
        tilt = 0.5 * (rank - np.where(rose, HIGH, LOW).mean()) * row["sigma"]
        artifact = two_versions.models.load(ticker, horizon)
        forecast = forecast_from_row(artifact, row, nse())["candidate"]["pred_return"]
        assert forecast == pytest.approx(tilt)


def test_what_a_rollback_writes_is_what_a_run_of_each_ticker_writes(two_versions):
    two_versions.manager(TODAY).rollback_to_version("v1")
    restored = rows(two_versions)

    for ticker in TICKERS:
        forecasts, _ = two_versions.run_after_close(ticker, TODAY)
        models = two_versions.models
        again = [
            forecast_from_row(
                models.load(ticker, h), restored[ticker, h], nse(), models.pin(ticker, h)
            )
            for h in HORIZONS
        ]
        assert repr(again) == repr(forecasts)

    assert rows(two_versions) == restored


def test_tickers_whose_bars_ended_at_different_sessions_are_each_asked_at_their_own(at):
    clean = known_on(len(DAYS) - 1)
    stopped = (clean["ticker"] == "ITC.NS") & (clean["date"] > DAYS[-4])
    at.store_prices(clean.filter(~stopped))
    publish(at, tilts(at, LOW, HIGH), TODAY)
    at.manager(TODAY).version_models("v1")

    at.manager(TODAY).rollback_to_version("v1")

    restored = rows(at)
    assert {row["feature_date"] for (t, _), row in restored.items() if t == "ITC.NS"} == {DAYS[-4]}
    assert {row["feature_date"] for (t, _), row in restored.items() if t != "ITC.NS"} == {TODAY}
    for ticker in TICKERS:
        at.run_after_close(ticker, TODAY)
    assert rows(at) == restored


def test_a_rollback_logs_no_forecast(two_versions):
    def logged():
        return two_versions.connection.execute("SELECT count(*) FROM predictions").fetchone()

    before = logged()

    two_versions.manager(TODAY).rollback_to_version("v1")

    assert logged() == before


def test_a_rollback_stands_where_a_ticker_has_no_features(two_versions):
    at = two_versions
    with at.store.transaction():
        at.store.replace(FEATURES_DAILY, ["ITC.NS"], at.store.load(FEATURES_DAILY, ["ITC.NS"])[:0])

    done = at.manager(TODAY).rollback_to_version("v1")

    assert done.missing_inputs == (
        "The models are live, but the inputs of ITC.NS could not be computed (ITC.NS has no "
        "features yet: run `python -m mlops.pipeline` first): run `python -m mlops.pipeline "
        "--skip-training --ticker` with each."
    )
    assert at.models.state("ITC.NS", "short").live.version_tag == "v1"
    assert at.row("ITC.NS", "short") is None
    assert at.row("TCS.NS", "short")["feature_date"] == TODAY


def test_a_rollback_stands_where_nothing_can_be_written(two_versions):
    at = two_versions
    at.connection.execute("ALTER TABLE serving_inputs RENAME TO away")

    done = at.manager(TODAY).rollback_to_version("v1")

    at.connection.execute("ALTER TABLE away RENAME TO serving_inputs")
    assert "HDFC.NS, INFY.NS" in done.missing_inputs
    assert 'relation "serving_inputs" does not exist' in done.missing_inputs
    assert "\n" not in done.missing_inputs
    assert at.models.state("TCS.NS", "short").live.version_tag == "v1"


REFUSED = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'not now'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON model_events EXECUTE FUNCTION refuse()
"""


def test_what_is_restored_can_be_asked_before_it_is_live(two_versions):
    at = two_versions
    before = rows(at)
    at.connection.execute(REFUSED)

    with pytest.raises(ForecastError, match="not now"):
        at.manager(TODAY).rollback_to_version("v1")

    assert rows(at) == before
    ready = at.connection.execute(
        "SELECT count(*) FROM serving_inputs s JOIN model_events e USING (ticker, horizon, digest) "
        "WHERE e.version_tag = 'v1' AND feature_date = %s",
        (TODAY,),
    ).fetchone()
    assert ready == (len(TICKERS) * len(HORIZONS),)


def test_a_rollback_that_is_repeated_writes_what_was_missing(two_versions):
    at = two_versions
    at.manager(TODAY).rollback_to_version("v1")
    expected = rows(at)
    at.connection.execute("DELETE FROM serving_inputs")

    again = at.manager(TODAY).rollback_to_version("v1")

    assert (again.changed, again.missing_inputs) == (False, "")
    assert rows(at) == expected


def test_training_does_not_undo_a_rollback_and_forecasts_come_from_what_is_pinned(at):
    row = len(DAYS) - 4
    at.store_prices(known_on(row))
    at.run_after_close("TCS.NS", DAYS[row], training=True)
    first = {h: at.models.load("TCS.NS", h).digest for h in HORIZONS}
    at.manager(DAYS[row]).version_models("v1")
    at.store_prices(known_on(row + 1))
    at.run_after_close("TCS.NS", DAYS[row + 1], training=True)
    assert all(at.models.load("TCS.NS", h).digest != first[h] for h in HORIZONS)

    at.manager(DAYS[row + 1]).rollback_to_version("v1")
    at.store_prices(known_on(row + 2))
    forecasts, _ = at.run_after_close("TCS.NS", DAYS[row + 2], training=True)
    assert at.page.count("A rollback pinned version v1") == len(HORIZONS)

    for horizon, one in zip(HORIZONS, forecasts, strict=True):
        assert one["model"]["version"] == first[horizon]
        assert one["model"]["pinned"]["version_tag"] == "v1"
        assert at.models.state("TCS.NS", horizon).pinned is not None
        kept, pin = at.row("TCS.NS", horizon), at.models.pin("TCS.NS", horizon)
        assert (kept["digest"], kept["feature_date"]) == (first[horizon], DAYS[row + 2])
        live = at.models.load("TCS.NS", horizon)
        assert repr(forecast_from_row(live, kept, nse(), pin)) == repr(one)
    logged = at.connection.execute(
        "SELECT version FROM predictions WHERE feature_date = %s ORDER BY horizon DESC",
        (DAYS[row + 2],),
    ).fetchall()
    assert [version for (version,) in logged] == list(first.values())


def test_the_report_shows_the_pinned_models_forecast_and_the_verdict_of_now(at):
    at.store_prices(known_on(len(DAYS) - 1))
    served = {"served": "rank_tilt", "since": str(DAYS[-40]), "verdict": "better"}
    publish(
        at, [replace(one, **served, reason="it was then") for one in tilts(at, LOW, HIGH)], DAYS[-3]
    )
    at.manager(DAYS[-3]).version_models("v1")
    at.manager(DAYS[-3]).rollback_to_version("v1")

    forecasts, _ = at.run_after_close("TCS.NS", TODAY, training=True)

    assert at.page.count("Served is rank_tilt. A rollback pinned version v1") == len(HORIZONS)
    for horizon, one in zip(HORIZONS, forecasts, strict=True):
        assert one["pred_return"] != 0
        shown = f"{100 * one['pred_return']:+.2f} %, {one['est_future_close']:,.2f}"
        assert shown in at.page
        newest = at.models.log.last_trained(("TCS.NS", horizon))
        assert newest.digest != one["model"]["version"]
        assert (one["verdict"], one["reason"]) == (newest.verdict, newest.reason)
        assert one["reason"] != "it was then"
    again, _ = at.run_after_close("TCS.NS", TODAY)
    assert repr(again) == repr(forecasts)
