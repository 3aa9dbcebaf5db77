"""Forecasts from stored rows, by parameters whose products can be checked in the head."""

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import pytest

from src.core.calendars.nse import nse
from src.core.errors import ForecastError
from src.core.model_events import Pin
from src.modeling.serving.predict import MissingInputs, forecast_from_row
from src.registry.formats.models import LinearModel, RankTilt
from tests.support.answers import LEVELS, QUANTILES
from tests.support.models import make_artifact
from tests.support.trees import stump

DAY = dt.date(2025, 11, 14)  # a Friday
SCORES = [
    {"name": "zero", "skill_vs_zero": 0.0, "n": 479, "n_eff": 7.6},
    {"name": "ridge", "skill_vs_zero": -0.08, "n": 479, "n_eff": 7.6},
]
POOLED = {"name": "ridge", "skill_vs_zero": 0.01, "n": 9000, "n_eff": 31.5}


@pytest.fixture
def artifact():
    return make_artifact(
        horizon="long",
        sessions=63,
        model=LinearModel(("mom_5", "vol_14"), np.array([2.0, -1.0]), 0.005),
        verdict="worse",
        reason="MAE 8 % above zero's",
        metrics=[POOLED],
        tickers=20,
        digest="abc",
    )


@pytest.fixture
def row():
    return {
        "ticker": "TCS.NS",
        "horizon": "long",
        "pool": "NSE",
        "feature_date": DAY,
        "features_version": "v1",
        "last_close": 3000.0,
        "inputs": {"vol_14": 0.015, "mom_5": 0.02, "not_used": 7.0},
        "levels": [],
        "quantiles": [],
        "metrics": SCORES,
        "note": None,
    }


def forecast(artifact, row, pool_row=None, pin=None):
    return forecast_from_row(artifact, row, pool_row, nse(), pin)


def without(row, name):
    return row | {"inputs": {n: value for n, value in row["inputs"].items() if n != name}}


def test_serves_no_change_and_shows_the_candidate_beside_it(artifact, row):
    answer = forecast(artifact, row)

    assert (answer["ticker"], answer["pred_return"]) == ("TCS.NS", 0.0)
    assert (answer["est_future_close"], answer["model"]["name"]) == (3000.0, "zero")
    # .02 x 2 - .015 + .005
    assert answer["candidate"] == {
        "name": "ridge",
        "pred_return": pytest.approx(0.03),
        "est_future_close": pytest.approx(3090.0),
        "skill_vs_zero": -0.08,
        "n": 479,
        "n_eff": 7.6,
        "pool": {"tickers": 20, "mae_vs_zero": 0.01, "n": 9000, "n_eff": 31.5},
        "promoted": False,
    }
    assert answer["skill"] == {
        "mae_vs_zero": 0.0,
        "n": 479,
        "n_eff": 7.6,
        "pool": {"tickers": 20, "mae_vs_zero": None, "n": 0, "n_eff": 0.0},
    }
    assert answer["baseline"] == {"name": "zero", "pred_return": 0.0}
    assert (answer["verdict"], answer["reason"]) == ("worse", "MAE 8 % above zero's")
    assert answer["intervals"] == []


def test_says_whose_model_it_is_when_it_was_fitted_and_what_that_fit_knew(artifact, row):
    model = forecast(artifact, row)["model"]

    assert (model["pool"], model["version"], model["features_version"]) == ("NSE", "abc", "v1")
    assert model["trained_at"] == "2025-11-14T12:00:00+00:00"
    assert (model["fitted_through"], model["judged_through"]) == ("2025-11-06", "2025-11-14")
    bare = forecast(replace(artifact, fitted_through="", session=""), row)["model"]
    assert (bare["fitted_through"], bare["judged_through"]) == (None, None)


def promoted(artifact):
    return replace(artifact, served="ridge", since="2025-03-03", verdict="better")


def test_serves_the_candidate_once_it_has_won(artifact, row):
    answer = forecast(promoted(artifact), row)

    assert answer["pred_return"] == pytest.approx(0.03)
    assert answer["est_future_close"] == pytest.approx(3090.0)
    assert (answer["model"]["name"], answer["model"]["served_since"]) == ("ridge", "2025-03-03")
    assert answer["note"] is None
    assert answer["candidate"]["promoted"] is True
    assert answer["skill"]["mae_vs_zero"] == -0.08
    assert answer["skill"]["pool"]["mae_vs_zero"] == 0.01


def test_the_target_date_is_a_session_of_the_exchange(artifact, row):
    short = forecast(replace(artifact, horizon="short", sessions=1), row | {"horizon": "short"})

    # Friday's next session is Monday.
    assert (short["horizon"], short["feature_date"]) == ("1-day", "2025-11-14")
    assert (short["target_date"], short["target_date_estimated"]) == ("2025-11-17", False)


def test_says_when_the_target_date_is_estimated(artifact, row):
    late = nse().ahead(nse().covered_through, 0)

    answer = forecast(artifact, row | {"feature_date": late})

    assert answer["horizon"] == "63-day"
    assert answer["target_date_estimated"] is True


def test_is_json_as_it_stands(artifact, row):
    answer = forecast(artifact, row)

    assert json.loads(json.dumps(answer, allow_nan=False)) == answer


def test_a_ticker_without_scores_says_so(artifact, row):
    answer = forecast(artifact, row | {"metrics": []})

    assert (answer["skill"]["mae_vs_zero"], answer["skill"]["n"]) == (None, 0)
    assert answer["candidate"]["skill_vs_zero"] is None


def test_a_distribution_at_other_levels_says_nothing(artifact, row):
    other = forecast(artifact, row | {"levels": [0.1, 0.9], "quantiles": [-0.01, 0.01]})

    assert (other["intervals"], other["prob_up"]) == ([], None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"last_close": None}, "no usable close"),
        ({"features_version": "v2"}, r"of TCS\.NS are version v2, the long model of NSE was"),
        ({"pool": "BSE"}, r"inputs of TCS\.NS in BSE cannot be used with the long model of NSE"),
        ({"horizon": "short"}, "The short inputs"),
    ],
)
def test_refuses_inputs_that_are_not_the_models(artifact, row, change, message):
    with pytest.raises(ForecastError, match=message) as refused:
        forecast(artifact, row | change)

    assert "\n" not in str(refused.value)


def test_refuses_a_distribution_that_lacks_quantiles(artifact, row):
    short = row | {"levels": LEVELS, "quantiles": QUANTILES[:5]}

    with pytest.raises(ForecastError, match="hold 5 quantiles for 21 levels: run `python -m"):
        forecast(artifact, short)


def test_without_an_input_zero_is_still_served_and_the_candidate_is_silent(artifact, row):
    entry = forecast(artifact, without(row, "mom_5"))

    assert (entry["pred_return"], entry["candidate"], entry["note"]) == (0.0, None, None)


def test_a_promoted_model_that_lacks_an_input_gives_way_to_zero_and_says_so(artifact, row):
    entry = forecast(promoted(artifact), without(row, "mom_5"))

    assert (entry["pred_return"], entry["model"]["name"], entry["candidate"]) == (0.0, "zero", None)
    assert entry["note"] == "ridge needs mom_5, which is unknown at this bar: zero is served"
    assert entry["skill"]["mae_vs_zero"] == 0.0


@pytest.mark.parametrize("served", [False, True])
def test_the_note_of_a_ticker_that_is_ahead_of_its_pool_makes_zero_answer(artifact, row, served):
    note = "1 of 30 tickers have prices of 2025-11-14: run --all"
    if served:
        artifact = promoted(artifact)

    entry = forecast(artifact, row | {"note": note})

    assert (entry["pred_return"], entry["model"]["name"], entry["candidate"]) == (0.0, "zero", None)
    assert entry["note"] == note


PIN = Pin(
    "v1",
    dt.datetime(2025, 11, 15, 0, 30, tzinfo=nse().zone),
    verdict="worse",
    reason="MAE 3 % above zero's since",
    metrics=[{"name": "ridge", "skill_vs_zero": -0.02, "n": 9100}],
    tickers=21,
)
PINNED = (
    "version v1 is pinned since 2025-11-14 and answers until the gate promotes another model or "
    "`unpin` is run"
)


def test_a_pinned_model_says_so_and_answers_with_the_newest_verdict_and_skill(artifact, row):
    entry = forecast(promoted(artifact), row, pin=PIN)

    assert (entry["model"]["name"], entry["pred_return"]) == ("ridge", pytest.approx(0.03))
    assert entry["model"]["pinned"] == {"version_tag": "v1", "since": "2025-11-14T19:00:00+00:00"}
    assert entry["note"] == PINNED
    assert (entry["verdict"], entry["model"]["verdict"], entry["reason"]) == (
        "worse",
        "worse",
        "MAE 3 % above zero's since",
    )
    # The ticker's own scores are stored with its inputs, by the newest training as well.
    assert (entry["skill"]["mae_vs_zero"], entry["candidate"]["skill_vs_zero"]) == (-0.08, -0.08)
    assert (entry["skill"]["pool"]["tickers"], entry["skill"]["pool"]["mae_vs_zero"]) == (21, -0.02)


def test_the_candidates_scores_are_of_the_tickers_that_have_forecasts(artifact, row):
    metrics = [{"name": "ridge", "skill_vs_zero": 0.01, "n": 9, "n_eff": 3.0, "tickers": 5}]

    entry = forecast(replace(artifact, metrics=metrics, tickers=2640), row)

    assert entry["candidate"]["pool"]["tickers"] == 5
    assert entry["skill"]["pool"]["tickers"] == 2640


def test_the_challenger_of_a_trial_says_of_which(artifact, row):
    entry = forecast(promoted(artifact), row, pin=replace(PIN, version_tag="trial:0123456789ab"))

    assert entry["note"] == (
        "the challenger of trial 0123456789ab is pinned since 2025-11-14 and answers until "
        "another trial is promoted, a rollback or `unpin`"
    )


def test_a_model_that_is_not_pinned_says_nothing_of_it(artifact, row):
    entry = forecast(promoted(artifact), row)

    assert (entry["model"]["pinned"], entry["model"]["verdict"]) == (None, "better")


def test_a_pinned_model_that_lacks_a_value_says_both(artifact, row):
    note = forecast(promoted(artifact), without(row, "mom_5"), pin=PIN)["note"]

    assert note.startswith(f"{PINNED}; ridge needs mom_5")


@pytest.fixture
def tilt():
    """A rank is -.25, or .125 where the momentum is above 0; tilts are half a rank."""
    return make_artifact(
        candidate="rank_tilt",
        served="rank_tilt",
        since="2025-03-03",
        verdict="better",
        model=RankTilt(("mom_5", "volatility_1", "rank_mean"), stump(0, -0.25, 0.125), 0.5),
    )


@pytest.fixture
def asked(row):
    return row | {"horizon": "short", "inputs": {"mom_5": 0.02, "volatility_1": 0.01}}


def pool_row(**changes):
    return {"session": DAY, "inputs": {"rank_mean": -0.05}} | changes


def test_a_rank_tilt_is_measured_from_the_mean_of_its_pool(tilt, asked):
    # .5 x (.125 + .05) x .01
    assert forecast(tilt, asked, pool_row())["pred_return"] == pytest.approx(0.000875)


def test_a_ticker_whose_prices_ended_at_another_session_than_the_pools_gets_zero(tilt, asked):
    entry = forecast(tilt, asked, pool_row(session=dt.date(2025, 11, 17)))

    assert (entry["pred_return"], entry["model"]["name"]) == (0.0, "zero")
    assert entry["note"] == (
        "rank_tilt compares the tickers of 2025-11-17, and the newest price of TCS.NS is of "
        "2025-11-14: zero is served"
    )


def test_a_served_model_that_needs_its_pool_says_what_to_run_where_nothing_is_stored(tilt, asked):
    with pytest.raises(MissingInputs, match=r"model of NSE have not been computed for TCS\.NS yet"):
        forecast(tilt, asked)

    nothing_known = forecast(tilt, asked, pool_row(inputs={}))
    assert nothing_known["note"].startswith("rank_tilt needs rank_mean")
    not_served = forecast(replace(tilt, served="zero"), asked)
    assert (not_served["pred_return"], not_served["candidate"]) == (0.0, None)


def test_the_inputs_of_the_pool_do_not_matter_to_a_model_that_needs_none(artifact, row):
    other = pool_row(session=dt.date(2025, 11, 17), inputs={})

    assert forecast(artifact, row, other) == forecast(artifact, row)
