import datetime as dt
import json
from dataclasses import replace

import numpy as np
import pytest

from src.core.calendars.nse import nse
from src.core.errors import ForecastError
from src.core.model_events import Pin
from src.modeling.serving.predict import forecast
from src.registry.formats.models import LinearModel
from src.registry.storage.artifact import Artifact

SCORES = [
    {"name": "zero", "skill_vs_zero": 0.0, "n": 479, "n_eff": 7.6},
    {"name": "ridge", "skill_vs_zero": -0.08, "n": 479, "n_eff": 7.6},
]
POOLED = {"name": "ridge", "skill_vs_zero": 0.01, "n": 9000, "n_eff": 31.5}


@pytest.fixture
def artifact():
    return Artifact(
        ticker="TCS.NS",
        horizon="long",
        sessions=63,
        candidate="ridge",
        model=LinearModel(("mom_5", "vol_14"), np.array([2.0, -1.0]), 0.005),
        features_version="v1",
        trained_at="2025-11-14T12:00:00+00:00",
        code_version="0.1.0",
        data_hash="d",
        config_hash="c",
        verdict="worse",
        reason="MAE 8 % above zero's",
        metrics=SCORES,
        pool={"tickers": 20, "metrics": [POOLED]},
        environment={},
        digest="abc",
    )


@pytest.fixture
def row():
    return {
        "ticker": "TCS.NS",
        "date": dt.date(2025, 11, 14),
        "close": 3000.0,
        "warm_up": False,
        "features_version": "v1",
        "vol_14": 0.015,
        "mom_5": 0.02,
        "not_used": None,
    }


def test_serves_no_change_and_shows_the_candidate_beside_it(artifact, row):
    answer = forecast(artifact, row, calendar=nse())

    assert (answer["pred_return"], answer["est_future_close"]) == (0.0, 3000.0)
    assert answer["model"]["name"] == "zero"
    # .02 x 2 - .015 + .005
    assert answer["candidate"] == {
        "name": "ridge",
        "pred_return": pytest.approx(0.03),
        "est_future_close": pytest.approx(3090.0),
        "skill_vs_zero": -0.08,
        "n": 479,
        "n_eff": 7.6,
        "pool": {"mae_vs_zero": 0.01, "n": 9000, "n_eff": 31.5},
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


def promoted(artifact):
    return replace(artifact, served="ridge", since="2025-03-03", verdict="better")


def test_serves_the_candidate_once_it_has_won(artifact, row):
    answer = forecast(promoted(artifact), row, calendar=nse())

    assert answer["pred_return"] == pytest.approx(0.03)
    assert answer["est_future_close"] == pytest.approx(3090.0)
    assert (answer["model"]["name"], answer["model"]["served_since"]) == ("ridge", "2025-03-03")
    assert answer["note"] is None
    assert answer["candidate"]["promoted"] is True
    assert answer["skill"]["mae_vs_zero"] == -0.08


def test_the_target_date_is_a_session_of_the_exchange(artifact, row):
    short = forecast(replace(artifact, horizon="short", sessions=1), row, calendar=nse())

    # Friday's next session is Monday.
    assert (short["horizon"], short["feature_date"]) == ("1-day", "2025-11-14")
    assert (short["target_date"], short["target_date_estimated"]) == ("2025-11-17", False)


def test_says_when_the_target_date_is_estimated(artifact, row):
    late = nse().ahead(nse().covered_through, 0)

    answer = forecast(artifact, row | {"date": late}, calendar=nse())

    assert answer["horizon"] == "63-day"
    assert answer["target_date_estimated"] is True


def test_is_json_as_it_stands(artifact, row):
    answer = forecast(artifact, row, calendar=nse())

    assert json.loads(json.dumps(answer, allow_nan=False)) == answer


def test_a_model_without_scores_says_so(artifact, row):
    answer = forecast(replace(artifact, metrics=(), verdict="undecided"), row, calendar=nse())

    assert (answer["skill"]["mae_vs_zero"], answer["skill"]["n"]) == (None, 0)
    assert answer["candidate"]["skill_vs_zero"] is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"close": None}, "'close'"),
        ({"features_version": "v2"}, "version v2"),
        ({"features_version": None}, "version None"),
        ({"ticker": "INFY.NS"}, "INFY.NS"),
    ],
)
def test_refuses_features_that_are_not_the_models(artifact, row, change, message):
    with pytest.raises(ForecastError, match=message) as refused:
        forecast(artifact, row | change, calendar=nse())

    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("lacking", [None, float("nan")])
def test_without_a_feature_zero_is_still_served_and_the_candidate_is_silent(artifact, row, lacking):
    entry = forecast(artifact, row | {"mom_5": lacking}, calendar=nse())

    assert (entry["pred_return"], entry["candidate"]) == (0.0, None)


def test_a_promoted_model_that_lacks_a_value_gives_way_to_zero_and_says_so(artifact, row):
    del row["mom_5"]

    entry = forecast(promoted(artifact), row, calendar=nse())

    assert (entry["pred_return"], entry["model"]["name"], entry["candidate"]) == (0.0, "zero", None)
    assert entry["note"] == "ridge needs mom_5, which is unknown at this bar: zero is served"
    assert entry["skill"]["mae_vs_zero"] == 0.0


PIN = Pin(
    "v1",
    dt.datetime(2025, 11, 15, 0, 30, tzinfo=nse().zone),
    verdict="worse",
    reason="MAE 3 % above zero's since",
    metrics=[{"name": "ridge", "skill_vs_zero": -0.03, "n": 500, "n_eff": 8.0}],
    pool={"tickers": 21, "metrics": [{"name": "ridge", "skill_vs_zero": -0.02, "n": 9100}]},
)
PINNED = (
    "version v1 is pinned since 2025-11-14 and answers until the gate promotes another model or "
    "`unpin` is run"
)


def test_a_pinned_model_says_so_and_answers_with_the_newest_verdict_and_skill(artifact, row):
    entry = forecast(promoted(artifact), row, calendar=nse(), pin=PIN)

    assert (entry["model"]["name"], entry["pred_return"]) == ("ridge", pytest.approx(0.03))
    assert entry["model"]["pinned"] == {"version_tag": "v1", "since": "2025-11-14T19:00:00+00:00"}
    assert entry["note"] == PINNED
    assert (entry["verdict"], entry["model"]["verdict"], entry["reason"]) == (
        "worse",
        "worse",
        "MAE 3 % above zero's since",
    )
    assert (entry["skill"]["mae_vs_zero"], entry["candidate"]["skill_vs_zero"]) == (-0.03, -0.03)
    assert (entry["skill"]["pool"]["tickers"], entry["skill"]["pool"]["mae_vs_zero"]) == (21, -0.02)


def test_a_model_that_is_not_pinned_says_nothing_of_it(artifact, row):
    entry = forecast(promoted(artifact), row, calendar=nse())

    assert (entry["model"]["pinned"], entry["model"]["verdict"]) == (None, "better")


def test_a_pinned_model_that_lacks_a_value_says_both(artifact, row):
    del row["mom_5"]

    note = forecast(promoted(artifact), row, calendar=nse(), pin=PIN)["note"]

    assert note.startswith(f"{PINNED}; ridge needs mom_5")
