"""Training over the real store: datasets by hand, artifacts that load, series that are too short.

The prices wander by 1.5 % a day over 700 sessions; the series ends on 13 April 2026.
"""

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from src.core.calendars.nse import nse
from src.core.errors import ForecastError
from src.core.hashing import frame_hash
from src.core.tables import CLEAN_DAILY, DATASET_LONG, DATASET_SHORT, FEATURES_DAILY
from src.features.catalogue import features
from src.modeling.experiment.promotion import Champion
from src.modeling.intervals import distribution
from src.modeling.panel import panel
from src.modeling.panel.pools import load_pools
from src.modeling.serving.stored_models import stored_forecasts
from src.modeling.training import stage as train
from src.modeling.training.publish import current_champion
from src.registry.formats.models import canonical_hash
from src.registry.lifecycle.events import Author
from src.registry.storage.artifact import SignatureRefused
from src.registry.versions.archive import VersionArchive
from src.registry.versions.rollback import Registry
from tests.support.prices import (
    TCS,
    checksums,
    clean_walk,
    context,
    features_of,
    rows,
    run,
    with_features,
)

DAYS = nse().sessions(dt.date(2023, 1, 1), dt.date(2026, 4, 13))[-700:]
WARM_UP = 20
HORIZONS = [("short", DATASET_SHORT, 1), ("long", DATASET_LONG, 63)]
each_horizon = pytest.mark.parametrize(("horizon", "table", "ahead"), HORIZONS)


@pytest.fixture
def given(store, home, models):
    return context(store, home, models=models)


@pytest.fixture
def clean():
    return clean_walk(TCS, DAYS)


@pytest.fixture
def trained(store, given, clean):
    with_features(store, given, clean)
    return run(train.STAGE, given)


def model_entry(report, horizon):
    return next(one for one in report.details["models"] if one["horizon"] == horizon)


# --- datasets


@each_horizon
@pytest.mark.parametrize("position", [WARM_UP, 21, 300, 500, 636])
def test_a_row_holds_the_return_to_the_session_its_label_ends_on(
    store, clean, trained, horizon, table, ahead, position
):
    row = rows(store, table).filter(date=DAYS[position]).row(0, named=True)

    now, later = (clean["adj_close"][k] for k in (position, position + ahead))
    assert row["label_end"] == DAYS[position + ahead]
    assert row["target"] == pytest.approx(later / now - 1, rel=1e-12)
    assert row["return_lag1"] == pytest.approx(
        clean["close"][position] / clean["close"][position - 1] - 1, rel=1e-12
    )
    assert (row["source"], row["ticker"]) == ("yahoo", TCS)


@each_horizon
def test_rows_without_full_windows_or_a_realised_label_are_left_out(
    store, trained, horizon, table, ahead
):
    dates = rows(store, table)["date"].to_list()

    assert dates == DAYS[WARM_UP : 700 - ahead]
    counts = model_entry(trained, horizon)["rows"]
    assert (counts["rows_in"], counts["rows"]) == (700, 680 - ahead)
    assert (counts["warm_up"], counts["label_open"]) == (WARM_UP, ahead)


@each_horizon
def test_the_dataset_has_the_features_as_they_are_stored(
    store, given, trained, horizon, table, ahead
):
    names = [feature.name for feature in features(given.settings.features)]
    dataset = rows(store, table)

    stored = features_of(store).filter(pl.col("date").is_in(dataset["date"].implode()))
    assert dataset.select("date", *names).equals(stored.select("date", *names))


@each_horizon
def test_labels_across_a_pending_jump_are_left_out(store, given, clean, horizon, table, ahead):
    jumped = pl.int_range(pl.len()) == 400
    with_features(store, given, clean.with_columns(action_pending=jumped))

    report = run(train.STAGE, given)

    dates = set(rows(store, table)["date"])
    # Labels that end on the jump or later, and windows of 21 bars that hold it.
    assert not dates & set(DAYS[400 - ahead : 421])
    assert {DAYS[399 - ahead], DAYS[421]} <= dates
    assert model_entry(report, horizon)["rows"]["pending_jump"] == 21 + ahead


@each_horizon
def test_no_label_rests_on_an_adjusted_close_that_left_the_close_unmarked(
    store, given, clean, horizon, table, ahead
):
    # As an earlier version cleaned it: twice the level before row 400, and not pending.
    early = pl.int_range(pl.len()) < 400
    leap = pl.col("close") * pl.when(early).then(0.5).otherwise(1.0)
    with_features(store, given, clean.with_columns(adj_close=leap))

    run(train.STAGE, given)

    assert not set(rows(store, table)["date"]) & set(DAYS[400 - ahead : 400])
    assert rows(store, table)["target"].max() < 0.9
    (pool,) = load_pools(given)
    assert np.nanmax(panel.build(pool, nse()).targets(ahead)) < 0.9


def test_labels_follow_the_adjusted_close_and_features_the_close(store, given, clean):
    with_features(store, given, clean.with_columns(adj_close=pl.col("close") * 2 + 50))
    run(train.STAGE, given)

    row = rows(store, DATASET_SHORT).filter(date=DAYS[100]).row(0, named=True)
    now, later = (clean["close"][k] for k in (100, 101))
    assert row["target"] == pytest.approx((2 * later + 50) / (2 * now + 50) - 1, rel=1e-12)


# --- models


@each_horizon
def test_the_artifact_loads_and_says_what_it_was_made_from(
    store, given, clean, trained, horizon, table, ahead
):
    artifact = given.models.load(TCS, horizon)

    assert (artifact.ticker, artifact.sessions) == (TCS, ahead)
    candidate = {"short": "ridge", "long": "drift"}[horizon]
    assert (artifact.candidate, artifact.served) == (candidate, "zero")
    assert artifact.verdict == "undecided"
    assert artifact.data_hash == frame_hash(rows(store, CLEAN_DAILY))
    compared = ["zero", "mean", "drift", *(["ridge"] if horizon == "short" else [])]
    assert [row["name"] for row in artifact.metrics] == compared
    assert [row["name"] for row in artifact.pool["metrics"]] == [*compared, "served"]
    assert artifact.trials > 50
    assert artifact.trained_at == "2026-04-13T12:30:00+00:00"


def test_models_are_asked_with_nothing_that_depends_on_the_price_level(given, trained):
    short, long = (given.models.load(TCS, horizon).model.features for horizon, *_ in HORIZONS)

    assert {"ret_lag1_s", "mom_252_s", "log_var_21"} <= set(short)
    assert not {"sma_7", "volume", "close"} & set(short)
    assert long == ("volatility_63",)


@each_horizon
def test_the_score_of_zero_is_the_mean_size_of_the_returns_it_is_tested_on(
    store, given, trained, horizon, table, ahead
):
    dataset = rows(store, table)
    zero = model_entry(trained, horizon)["metrics"][0]

    # A year of features, and then so many sessions that 252 labels are known at the first refit;
    # the drift needs 20 returns for its volatility, and 250 realised labels.
    assert zero["n"] == {"short": 700 - 1 - 252 - 259, "long": 700 - 63 - 20 - 249 - 63}[horizon]
    tested = dataset.tail(zero["n"])
    assert zero["mae"] == pytest.approx(tested["target"].abs().mean(), rel=1e-12)
    assert zero["n_eff"] == pytest.approx(max(1, zero["n"] / ahead))


def test_zero_is_served_and_the_candidate_stands_beside_it(clean, trained):
    short, long = trained.details["forecasts"]

    assert (short["horizon"], long["horizon"]) == ("1-day", "63-day")
    for one in (short, long):
        assert (one["pred_return"], one["model"]["name"]) == (0.0, "zero")
        assert one["est_future_close"] == one["last_close"] == clean["close"][-1]
        assert one["candidate"]["promoted"] is False
    assert (short["candidate"]["name"], long["candidate"]["name"]) == ("ridge", "drift")
    assert short["feature_date"] == "2026-04-13"
    # The 14th is Ambedkar Jayanti.
    assert (short["target_date"], short["target_date_estimated"]) == ("2026-04-15", False)


def test_the_drifts_forecast_is_a_fifth_of_the_mean_reward_times_todays_volatility(clean, trained):
    whole = panel.build(clean, nse())
    volatility = distribution.walk_forward(whole, 63).sigma[:, 0]
    realised = (whole.close[63:, 0] / whole.close[:-63, 0] - 1) / volatility[:-63]

    forecast = trained.details["forecasts"][1]["candidate"]["pred_return"]

    expected = 0.2 * np.nanmean(realised) * volatility[-1]
    assert forecast == pytest.approx(expected, rel=1e-9)


# --- again


def without_version(report):
    """The forecasts; a version is a digest of files, which hold random names."""
    return [
        one | {"model": {k: v for k, v in one["model"].items() if k != "version"}}
        for one in report.details["forecasts"]
    ]


def test_the_same_input_gives_the_same_models_and_writes_nothing(
    store, given, trained, database_url
):
    hashes = [canonical_hash(given.models.load(TCS, h).model) for h, *_ in HORIZONS]
    before = checksums(database_url)

    again = run(train.STAGE, given)

    assert checksums(database_url) == before
    assert without_version(again) == without_version(trained)
    assert hashes == [canonical_hash(given.models.load(TCS, h).model) for h, *_ in HORIZONS]


def test_stored_models_forecast_what_training_said(given, trained):
    forecasts, problems = stored_forecasts(given, TCS, load_pools(given))

    assert problems == []
    assert forecasts == trained.details["forecasts"]


def test_without_a_model_it_says_what_to_run(store, given, clean):
    with_features(store, given, clean)

    forecasts, problems = stored_forecasts(given, TCS, load_pools(given))

    assert forecasts == []
    assert len(problems) == 2
    assert all("python -m mlops.pipeline" in problem for problem in problems)


# --- what may not be written


@pytest.mark.parametrize(
    "looking_back", [{"as_of": DAYS[600]}, {"write": False}], ids=["past session", "no write"]
)
def test_a_run_that_is_not_live_stores_no_dataset_and_no_model(
    store, home, given, clean, database_url, looking_back
):
    with_features(store, given, clean)
    before = checksums(database_url)
    aside = context(store, home, **looking_back)

    report = run(train.STAGE, aside)

    assert checksums(database_url) == before
    assert not (home / "models").exists()
    assert len(report.details["forecasts"]) == 2
    assert rows(aside.store, DATASET_SHORT).height > 500


def test_a_run_up_to_a_past_session_knows_nothing_later(store, home, given, clean):
    with_features(store, given, clean)
    past = run(train.STAGE, context(store, home, as_of=DAYS[600]))
    with_features(store, given, clean.head(601))
    then = run(train.STAGE, context(store, home, write=False))

    def numbers(report):
        kept = [
            {k: v for k, v in one.items() if k != "model"} for one in report.details["forecasts"]
        ]
        return json.dumps([kept, report.details["models"]], sort_keys=True)

    assert numbers(past) == numbers(then)
    assert past.details["forecasts"][0]["feature_date"] == str(DAYS[600])


# --- too short


@pytest.mark.parametrize("sessions", [30, 84])
def test_a_series_too_short_for_a_horizon_serves_zero_undecided(store, given, clean, sessions):
    with_features(store, given, clean.tail(sessions))

    report = run(train.STAGE, given)

    for horizon, *_ in HORIZONS:
        one = model_entry(report, horizon)
        assert (one["served"], one["verdict"]) == ("zero", "undecided")
        assert "independent periods) are too few; a verdict needs 25" in one["reason"]
    assert [one["pred_return"] for one in report.details["forecasts"]] == [0.0, 0.0]
    assert [one["candidate"] for one in report.details["forecasts"]] == [None, None]
    assert len(report.warnings) == 2
    assert given.models.load(TCS, "long").verdict == "undecided"


def test_a_series_may_be_long_enough_for_one_horizon_alone(store, given, clean):
    # A ridge needs two years of labels, the drift one.
    with_features(store, given, clean.tail(400))

    report = run(train.STAGE, given)

    assert model_entry(report, "short")["candidate"] == "zero"
    assert model_entry(report, "long")["candidate"] == "drift"
    assert [warning.split(":")[0] for warning in report.warnings] == ["TCS.NS, short"]


def test_two_tickers_lend_each_other_their_past(store, home, given, clean, trained):
    both = context(store, home, tickers=(TCS, "INFY.NS"), write=False)
    other = clean_walk("INFY.NS", DAYS, seed=5)
    with_features(both.store, both, pl.concat([clean, other]))

    report = run(train.STAGE, both)

    assert report.rows == 2 * trained.rows
    assert [one["ticker"] for one in report.details["models"]] == [TCS, TCS, "INFY.NS", "INFY.NS"]
    for alone, pooled in zip(trained.details["models"], report.details["models"][:2], strict=True):
        assert (alone["pool"]["tickers"], pooled["pool"]["tickers"]) == (1, 2)
        assert pooled["pool"]["metrics"][0]["n"] == 2 * alone["pool"]["metrics"][0]["n"]


def test_a_ticker_too_short_for_any_feature_does_not_stop_the_others(store, home, given, clean):
    both = context(store, home, tickers=(TCS, "INFY.NS"))
    with_features(both.store, both, pl.concat([clean, clean_walk("INFY.NS", DAYS[:10], seed=5)]))

    report = run(train.STAGE, both)

    # What is learnt from the others forecasts for it as well, as soon as it has the inputs.
    assert [one["candidate"] for one in report.details["models"]] == ["ridge", "drift"] * 2
    forecast = report.details["forecasts"]
    assert [one["candidate"] is None for one in forecast] == [False, False, True, True]
    assert [one["pred_return"] for one in forecast] == [0.0] * 4


def test_a_model_without_features_says_what_to_run(store, home, given, trained):
    store.replace(FEATURES_DAILY, [TCS], rows(store, FEATURES_DAILY).clear())

    forecasts, problems = stored_forecasts(given, TCS, load_pools(given))

    assert forecasts == []
    assert problems == ["TCS.NS has no features yet: run `python -m mlops.pipeline` first."]


def test_a_forecast_has_its_distribution_around_the_close(trained):
    for forecast in trained.details["forecasts"]:
        levels = [one["level"] for one in forecast["intervals"]]
        assert levels == [0.5, 0.8, 0.9, 0.95]
        lows = [one["low_return"] for one in forecast["intervals"]]
        highs = [one["high_return"] for one in forecast["intervals"]]
        assert lows == sorted(lows, reverse=True)
        assert highs == sorted(highs)
        assert lows[0] < 0 < highs[0]
        assert 0.025 <= forecast["prob_up"] <= 0.975
        for one in forecast["intervals"]:
            assert one["high_close"] == pytest.approx(
                forecast["last_close"] * (1 + one["high_return"])
            )


def test_a_quarter_is_less_certain_than_a_day(trained):
    day, quarter = (forecast["intervals"][2] for forecast in trained.details["forecasts"])

    # The walk moves 1.5 % a session: 63 of them make some eight times that.
    width, wider = (one["high_return"] - one["low_return"] for one in (day, quarter))
    assert pytest.approx(width, rel=0.25) == 2 * 1.645 * 0.015
    assert 5 < wider / width < 12


def test_a_feature_that_has_seen_the_next_return_stops_training(store, given, clean):
    with_features(store, given, clean)
    features = rows(store, FEATURES_DAILY)
    tomorrow = pl.col("close").shift(-1) / pl.col("close") - 1
    leaking = features.with_columns(return_lag1_scaled=tomorrow.fill_null(0.0))
    with store.transaction():
        store.replace(FEATURES_DAILY, [TCS], leaking)

    report = run(train.STAGE, given)

    for horizon in ("short", "long"):
        forecast = model_entry(report, horizon)
        assert (forecast["candidate"], forecast["served"], forecast["verdict"]) == (
            "zero",
            "zero",
            "undecided",
        )
        assert "return_lag1_scaled: correlation +1.00" in forecast["reason"]
    assert len(report.warnings) == 2


# --- other horizons, and what a person has pinned


def pin(given, tag="v1"):
    """Version what is live, and go back to it."""
    registry = Registry(given.models, VersionArchive.of(given.settings))
    author = Author("a person", given.now)
    registry.make_version(tag, author)
    registry.roll_back(tag, author)


def test_another_horizon_begins_without_a_champion(store, home, given, models, trained):
    other = {"training": {"horizons": {"short": 5, "long": 20}}}

    report = run(train.STAGE, context(store, home, models=models, **other))

    assert [one["horizon"] for one in report.details["forecasts"]] == ["5-day", "20-day"]
    assert "had horizon 1 so far: none has been promoted at 5" in report.warnings[0]


def test_what_is_pinned_is_not_asked_for_another_horizon(store, home, given, models, trained):
    pin(given)
    other = {"training": {"horizons": {"short": 5, "long": 20}}}

    with pytest.raises(ForecastError, match="is pinned and has horizon 1") as refused:
        run(train.STAGE, context(store, home, models=models, **other))

    assert "unpin --ticker TCS.NS" in str(refused.value)


def test_stored_models_of_another_horizon_do_not_answer(store, home, given, models, trained):
    other = {"training": {"horizons": {"short": 5, "long": 63}}}
    run_context = context(store, home, models=models, **other)

    forecasts, problems = stored_forecasts(run_context, TCS, load_pools(run_context))

    assert [one["horizon"] for one in forecasts] == ["63-day"]
    assert problems == [
        "The short model of TCS.NS has horizon 1, the configuration says 5: train again."
    ]


def test_training_says_what_is_pinned_and_the_pinned_model_answers(store, given, clean, trained):
    pin(given)
    pinned = trained.details["forecasts"][0]["model"]["version"]
    later = clean.with_columns(pl.col("volume") + 1)
    with_features(store, given, later)

    report = run(train.STAGE, given)

    assert report.details["forecasts"][0]["model"]["version"] == pinned
    assert any("version v1 is pinned since 2026-04-13" in one for one in report.warnings)


def test_a_pinned_model_that_is_damaged_says_how_to_go_on(store, given, trained):
    pin(given)
    (manifest,) = (given.models.store.root / TCS / "short").glob("*/manifest.json")
    manifest.write_text(manifest.read_text() + " ")

    with pytest.raises(ForecastError, match=r"rollback --version-tag v1.*unpin --ticker TCS.NS"):
        run(train.STAGE, given)


def test_a_key_that_does_not_fit_stops_training_so_that_no_promotion_is_lost(given, trained):
    store = replace(given.models.store, keys=(b"sixteen letters!",))
    keyed = replace(given, models=replace(given.models, store=store))
    before = given.models.log.events()

    with pytest.raises(SignatureRefused, match=r"is not signed.*monitoring sign --unsigned"):
        run(train.STAGE, keyed)

    assert given.models.log.events() == before


def test_going_back_to_what_was_live_forgets_no_evidence(given, trained):
    # Zero was served before and after: nothing was left for it.
    pin(given)

    champion, _ = current_champion(given.models, TCS, "long", 63)

    assert champion == Champion("zero", None)
