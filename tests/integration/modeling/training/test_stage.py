"""Training over the real store: artifacts that load, series too short, what is pinned or damaged.

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
from src.core.tables import FEATURES_DAILY, POOL_MEMBERS
from src.modeling.experiment.promotion import Champion
from src.modeling.intervals import distribution
from src.modeling.panel.pools import load_panel
from src.modeling.serving.stored_models import NoModelToForecastWith
from src.modeling.serving.stored_models import run as run_stored
from src.modeling.training import stage as train
from src.modeling.training.publish import current_champion
from src.registry.formats.models import pack
from src.registry.lifecycle.events import Author
from src.registry.storage.artifact import SignatureRefused
from src.registry.versions.archive import VersionArchive
from src.registry.versions.rollback import Registry
from tests.support.prices import TCS, checksums, clean_walk, context, rows, run, with_features

DAYS = nse().sessions(dt.date(2023, 1, 1), dt.date(2026, 4, 13))[-700:]
HORIZONS = [("short", 1), ("long", 63)]
each_horizon = pytest.mark.parametrize(("horizon", "ahead"), HORIZONS)


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
    return next(model for model in report.details["models"] if model["horizon"] == horizon)


# --- models


@each_horizon
def test_the_artifact_loads_and_says_what_it_was_made_from(store, given, trained, horizon, ahead):
    artifact = given.models.load("NSE", horizon)

    assert (artifact.pool, artifact.sessions, artifact.tickers) == ("NSE", ahead, 1)
    candidate = {"short": "ridge", "long": "drift"}[horizon]
    assert (artifact.candidate, artifact.served) == (candidate, "zero")
    assert artifact.verdict == "undecided"
    assert artifact.data_hash == trained.details["pools"]["NSE"]["data_hash"]
    compared = ["zero", "mean", "drift", *(["ridge"] if horizon == "short" else [])]
    assert [row["name"] for row in artifact.metrics] == [*compared, "served"]
    stored = given.records.serving.read([TCS], horizon)[0]
    assert [row["name"] for row in stored["metrics"]] == compared
    assert artifact.trials > 50
    assert artifact.trained_at == "2026-04-13T12:30:00+00:00"
    assert artifact.session == "2026-04-13"
    # A ridge is fitted at the start of its year, the drift at every session.
    assert {"short": artifact.session > artifact.fitted_through > "2024", "long": True}[horizon]


def test_models_see_nothing_that_depends_on_the_price_level(given, trained):
    short, long = (given.models.load("NSE", horizon).model.features for horizon, _ in HORIZONS)

    assert {"ret_lag1_s", "mom_252_s", "log_var_21"} <= set(short)
    assert not {"sma_7", "volume", "close"} & set(short)
    assert long == ("volatility_63",)


@each_horizon
def test_the_score_of_zero_is_the_mean_size_of_the_returns_it_is_tested_on(
    given, clean, trained, horizon, ahead
):
    zero = given.records.serving.read([TCS], horizon)[0]["metrics"][0]

    # A year of features, and then so many sessions that 252 labels are known at the first refit;
    # the drift needs 20 returns for its volatility, and 250 realised labels.
    assert zero["n"] == {"short": 700 - 1 - 252 - 259, "long": 700 - 63 - 20 - 249 - 63}[horizon]
    close = clean["adj_close"].to_numpy()
    returns = (close[ahead:] / close[:-ahead] - 1)[-zero["n"] :]
    assert zero["mae"] == pytest.approx(np.abs(returns).mean(), rel=1e-12)
    assert zero["n_eff"] == pytest.approx(max(1, zero["n"] / ahead))


def test_zero_is_served_and_the_candidate_stands_beside_it(clean, trained):
    short, long = trained.details["forecasts"]

    assert (short["horizon"], long["horizon"]) == ("1-day", "63-day")
    for forecast in (short, long):
        assert (forecast["ticker"], forecast["pred_return"]) == (TCS, 0.0)
        assert forecast["model"]["name"] == "zero"
        assert forecast["est_future_close"] == forecast["last_close"] == clean["close"][-1]
        assert forecast["candidate"]["promoted"] is False
    assert (short["candidate"]["name"], long["candidate"]["name"]) == ("ridge", "drift")
    assert short["feature_date"] == "2026-04-13"
    # The 14th is Ambedkar Jayanti.
    assert (short["target_date"], short["target_date_estimated"]) == ("2026-04-15", False)


def test_the_drifts_forecast_is_a_fifth_of_the_mean_reward_times_todays_volatility(
    store, given, clean, trained
):
    panel = load_panel(store, (TCS,), nse(), {"short": 1, "long": 63})
    volatility = distribution.walk_forward(panel, 63).sigma[:, 0]
    close = clean["adj_close"].to_numpy()
    realised = (close[63:] / close[:-63] - 1) / volatility[:-63]

    forecast = trained.details["forecasts"][1]["candidate"]["pred_return"]

    expected = 0.2 * np.nanmean(realised) * volatility[-1]
    assert forecast == pytest.approx(expected, rel=1e-9)


# --- again


def test_the_same_input_gives_the_same_models_and_writes_nothing(
    store, given, trained, database_url
):
    hashes = [pack(given.models.load("NSE", h).model) for h, _ in HORIZONS]
    before = checksums(database_url)

    again = run(train.STAGE, given)

    assert checksums(database_url) == before
    assert again.details["forecasts"] == trained.details["forecasts"]
    assert hashes == [pack(given.models.load("NSE", h).model) for h, _ in HORIZONS]


def test_stored_models_forecast_what_training_said(given, trained):
    report = run_stored(given)

    assert report.warnings == ()
    assert report.details["forecasts"] == trained.details["forecasts"]


def test_a_damaged_model_leaves_the_forecast_of_the_other_horizon(store, given, clean, trained):
    (manifest,) = (given.models.store.root / "NSE" / "short").glob("*/manifest.json")
    manifest.write_text(manifest.read_text() + " ")
    # Changed prices, so that the stored inputs are computed anew.
    with_features(store, given, clean.with_columns(high=pl.col("high") * 1.001))

    report = run_stored(given)

    assert [forecast["horizon"] for forecast in report.details["forecasts"]] == ["63-day"]
    (warning,) = report.warnings
    assert "cannot be used" in warning


def test_what_was_left_out_while_models_were_away_is_made_up_for(store, given, clean):
    with_features(store, given, clean.head(699))
    run(train.STAGE, given)
    with_features(store, given, clean)
    root = given.models.store.root
    away = root.rename(root.with_name("away"))
    assert run_stored(given).details["forecasts"] == []

    away.rename(root)
    run_stored(given)

    for horizon, _ in HORIZONS:
        digest = given.models.load("NSE", horizon).digest
        row = given.records.serving.read_pool("NSE", horizon, digest)
        assert row["session"] == DAYS[-1]


def test_without_a_model_it_says_what_to_run(store, given, clean):
    with_features(store, given, clean)

    with pytest.raises(NoModelToForecastWith, match=r"--ticker TCS\.NS` without --skip-training"):
        run_stored(given)


# --- what may not be written


@pytest.mark.parametrize(
    "looking_back", [{"as_of": DAYS[600]}, {"write": False}], ids=["past session", "no write"]
)
def test_a_run_that_is_not_live_stores_no_model(
    store, home, given, clean, database_url, looking_back
):
    with_features(store, given, clean)
    before = checksums(database_url)

    report = run(train.STAGE, context(store, home, **looking_back))

    assert checksums(database_url) == before
    assert not (home / "models").exists()
    assert len(report.details["forecasts"]) == 2


def test_a_run_up_to_a_past_session_knows_nothing_later(store, home, given, clean):
    with_features(store, given, clean)
    past_context = context(store, home, as_of=DAYS[600])
    with_features(past_context.store, past_context, clean)
    past = run(train.STAGE, past_context)
    with_features(store, given, clean.head(601))
    then = run(train.STAGE, context(store, home, write=False))

    def numbers(report):
        without_model = [
            {name: value for name, value in forecast.items() if name != "model"}
            for forecast in report.details["forecasts"]
        ]
        return json.dumps([without_model, report.details["models"]], sort_keys=True)

    assert numbers(past) == numbers(then)
    assert past.details["forecasts"][0]["feature_date"] == str(DAYS[600])


# --- too short


@pytest.mark.parametrize("sessions", [30, 84])
def test_a_series_too_short_for_a_horizon_serves_zero_undecided(store, given, clean, sessions):
    with_features(store, given, clean.tail(sessions))

    report = run(train.STAGE, given)

    for horizon, _ in HORIZONS:
        model = model_entry(report, horizon)
        assert (model["served"], model["verdict"]) == ("zero", "undecided")
        assert "independent periods) are too few; a verdict needs 25" in model["reason"]
    assert [forecast["pred_return"] for forecast in report.details["forecasts"]] == [0.0, 0.0]
    assert [forecast["candidate"] for forecast in report.details["forecasts"]] == [None, None]
    assert len(report.warnings) == 2
    assert given.models.load("NSE", "long").verdict == "undecided"


def test_a_series_may_be_long_enough_for_one_horizon_alone(store, given, clean):
    # A ridge needs two years of labels, the drift one.
    with_features(store, given, clean.tail(400))

    report = run(train.STAGE, given)

    assert model_entry(report, "short")["candidate"] == "zero"
    assert model_entry(report, "long")["candidate"] == "drift"
    assert [warning.split(":")[0] for warning in report.warnings] == ["NSE, short"]


def test_a_ticker_too_short_for_any_feature_does_not_stop_the_others(store, home, models, clean):
    both = context(store, home, tickers=(TCS, "INFY.NS"), models=models)
    with_features(store, both, pl.concat([clean, clean_walk("INFY.NS", DAYS[-10:], seed=5)]))

    report = run(train.STAGE, both)

    assert [model["candidate"] for model in report.details["models"]] == ["ridge", "drift"]
    forecasts = report.details["forecasts"]
    assert [forecast["ticker"] for forecast in forecasts] == [TCS, TCS, "INFY.NS", "INFY.NS"]
    # It has not the inputs yet that the pool's models need.
    assert [forecast["candidate"] is None for forecast in forecasts] == [False, False, True, True]
    assert [forecast["pred_return"] for forecast in forecasts] == [0.0] * 4


def test_a_ticker_without_features_has_no_forecast(store, given, trained):
    with store.transaction():
        store.replace(FEATURES_DAILY, [TCS], rows(store, FEATURES_DAILY).clear())
        store.replace(POOL_MEMBERS, [TCS], rows(store, POOL_MEMBERS).clear())

    assert run(train.STAGE, given).details["forecasts"] == []


def test_a_forecast_has_its_distribution_around_the_close(trained):
    for forecast in trained.details["forecasts"]:
        intervals = forecast["intervals"]
        assert [interval["level"] for interval in intervals] == [0.5, 0.8, 0.9, 0.95]
        lows = [interval["low_return"] for interval in intervals]
        highs = [interval["high_return"] for interval in intervals]
        assert lows == sorted(lows, reverse=True)
        assert highs == sorted(highs)
        assert lows[0] < 0 < highs[0]
        assert 0.025 <= forecast["prob_up"] <= 0.975
        for interval in intervals:
            assert interval["high_close"] == pytest.approx(
                forecast["last_close"] * (1 + interval["high_return"])
            )


def test_a_quarter_is_less_certain_than_a_day(trained):
    day, quarter = (forecast["intervals"][2] for forecast in trained.details["forecasts"])

    # The walk moves 1.5 % a session: 63 of them make some eight times that.
    width, wider = (ends["high_return"] - ends["low_return"] for ends in (day, quarter))
    assert pytest.approx(width, rel=0.25) == 2 * 1.645 * 0.015
    assert 5 < wider / width < 12


def test_an_input_that_has_seen_the_next_return_stops_training(store, given, clean):
    with_features(store, given, clean)
    features = rows(store, FEATURES_DAILY)
    ahead = (pl.col("close").shift(-1) / pl.col("close") - 1).fill_null(0.0)
    tomorrow = features.select(ahead).to_series().to_list()
    leaking = [
        [seen, *values[1:]] for seen, values in zip(tomorrow, features["inputs"], strict=True)
    ]
    inputs = pl.Series("inputs", leaking, dtype=pl.List(pl.Float32))
    with store.transaction():
        store.replace(FEATURES_DAILY, [TCS], features.with_columns(inputs))

    report = run(train.STAGE, given)

    for horizon, _ in HORIZONS:
        model = model_entry(report, horizon)
        assert (model["candidate"], model["served"], model["verdict"]) == (
            "zero",
            "zero",
            "undecided",
        )
        assert "ret_lag1_s: correlation +1.00" in model["reason"]
    assert len(report.warnings) == 2


# --- other horizons, and what a person has pinned


def pin(given, tag="v1"):
    """Version what is live, and go back to it."""
    registry = Registry(given.models, VersionArchive.of(given.settings))
    author = Author("a person", given.now)
    registry.make_version(tag, author)
    registry.roll_back(tag, author)


def test_another_horizon_begins_without_a_champion(store, home, models, given, clean, trained):
    other = {"training": {"horizons": {"short": 5, "long": 20}}}
    changed = context(store, home, models=models, **other)
    with_features(store, changed, clean)

    report = run(train.STAGE, changed)

    assert [forecast["horizon"] for forecast in report.details["forecasts"]] == ["5-day", "20-day"]
    assert "had horizon 1 so far: none has been promoted at 5" in report.warnings[0]


def test_a_pinned_model_refuses_another_horizon(store, home, given, clean, models, trained):
    pin(given)
    changed = context(store, home, models=models, training={"horizons": {"short": 5, "long": 20}})
    with_features(store, changed, clean)

    with pytest.raises(ForecastError, match="is pinned and has horizon 63") as refused:
        run(train.STAGE, changed)

    assert "unpin --ticker" in str(refused.value)


def test_stored_models_of_another_horizon_do_not_answer(store, home, models, clean, trained):
    changed = context(store, home, models=models, training={"horizons": {"short": 5, "long": 63}})
    with_features(store, changed, clean)

    report = run_stored(changed)

    assert [forecast["horizon"] for forecast in report.details["forecasts"]] == ["63-day"]
    assert report.warnings == (
        "The short model of pool NSE has horizon 1, the configuration says 5: train again.",
    )


def test_training_says_what_is_pinned_and_the_pinned_model_answers(
    store, home, models, clean, given, trained
):
    pin(given)
    pinned = trained.details["forecasts"][0]["model"]["version"]
    later = context(store, home, models=models, training={"min_train_rows": 200})

    report = run(train.STAGE, later)

    assert report.details["forecasts"][0]["model"]["version"] == pinned
    assert any("version v1 is pinned since 2026-04-13" in warning for warning in report.warnings)


def test_a_pinned_model_that_is_damaged_says_how_to_go_on(given, trained):
    pin(given)
    (manifest,) = (given.models.store.root / "NSE" / "short").glob("*/manifest.json")
    manifest.write_text(manifest.read_text() + " ")

    with pytest.raises(ForecastError, match=r"rollback --version-tag v1.*unpin --ticker"):
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

    champion, _ = current_champion(given.models, "NSE", "long", 63)

    assert champion == Champion("zero", None)
