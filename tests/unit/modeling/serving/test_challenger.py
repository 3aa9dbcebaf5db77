"""The answer of a challenger: its candidate's forecast, promoted or not, or none."""

import datetime as dt

import numpy as np
import pytest

from src.core.calendars.nse import nse
from src.modeling.serving.challenger import NoChallengerForecast, challenger_entry
from src.modeling.serving.predict import FeatureMismatch
from src.registry.formats.models import LinearModel, RankTilt
from tests.support.models import make_artifact, winner
from tests.support.trees import stump

MODEL = LinearModel(("mom_5", "vol_14"), np.array([2.0, -1.0]), 0.005)
ROW = {
    "ticker": "TCS.NS",
    "horizon": "short",
    "pool": "NSE",
    "feature_date": dt.date(2025, 11, 14),
    "features_version": "v1",
    "last_close": 3000.0,
    "inputs": {"vol_14": 0.015, "mom_5": 0.02},
    "levels": [],
    "quantiles": [],
    "metrics": [],
    "note": None,
}


@pytest.mark.parametrize("make", [make_artifact, winner])
def test_it_is_the_candidates_forecast_whether_promoted_or_not(make):
    entry = challenger_entry(make(model=MODEL), ROW, None, nse())

    assert entry["pred_return"] == pytest.approx(0.03)
    assert entry["est_future_close"] == pytest.approx(3090)
    assert entry["model"]["name"] == "ridge"
    assert (entry["candidate"], entry["note"]) == (None, None)


def test_zero_can_be_a_challenger():
    zero = make_artifact(candidate="zero", model=LinearModel((), np.zeros(0), 0.0))

    entry = challenger_entry(zero, ROW, None, nse())

    assert (entry["pred_return"], entry["model"]["name"]) == (0.0, "zero")


@pytest.mark.parametrize("candidate", ["zero", "ridge"])
def test_where_zero_answers_whatever_is_live_no_challenger_does(candidate):
    artifact = make_artifact(candidate=candidate, model=LinearModel((), np.zeros(0), 0.0))

    with pytest.raises(NoChallengerForecast, match=r"of TCS.NS by the challenger: 1 of 30\.$"):
        challenger_entry(artifact, ROW | {"note": "1 of 30"}, None, nse())


def test_zero_does_not_stand_in_for_an_unknown_input():
    with pytest.raises(NoChallengerForecast, match="ridge needs what is unknown at this bar"):
        challenger_entry(make_artifact(model=MODEL), ROW | {"inputs": {}}, None, nse())


def test_a_tilt_needs_the_ranks_of_its_pool():
    tilt = RankTilt(("mom_5", "volatility_1", "rank_mean"), stump(0, -0.1, 0.1), 1.0)

    with pytest.raises(NoChallengerForecast):
        challenger_entry(make_artifact(candidate="rank_tilt", model=tilt), ROW, None, nse())


def test_features_of_another_version_are_refused():
    with pytest.raises(FeatureMismatch, match="are version v2"):
        challenger_entry(make_artifact(), ROW | {"features_version": "v2"}, None, nse())
