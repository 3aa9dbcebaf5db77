"""Rows that forecasts are made from, and the log's rows of the forecasts."""

import datetime as dt

import numpy as np
import pytest

from src.core.calendars.nse import nse
from src.core.tables import PREDICTIONS, SERVING_INPUTS
from src.modeling.intervals.distribution import UNKNOWN_DISTRIBUTION, ReturnDistribution
from src.modeling.intervals.quantiles import LEVELS
from src.modeling.serving.inputs import ModelInputs
from src.modeling.serving.predict import FeatureMismatch, forecast
from src.modeling.serving.records import forecast_from_row, prediction_row, serving_row
from tests.support.models import make_artifact, winner

NOW = dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)
# Quantiles at 2.5, 5, 10, …, 97.5 %: each a tenth of its level less .04.
KNOWN = ReturnDistribution(LEVELS / 10 - 0.04)


@pytest.fixture
def newest():
    return {
        "ticker": "TCS.NS",
        "date": dt.date(2026, 4, 13),
        "close": 3500.0,
        "features_version": "v1",
        "source": "yahoo",
        "return_basis": "total",
        "vol_14": 0.25,
        "not_used": 7.0,
    }


def row_of(artifact, newest, values=None, distribution=KNOWN, sigma=0.012):
    inputs = ModelInputs(
        artifact, {"mom_5": 0.5} if values is None else values, distribution, sigma
    )
    return serving_row(inputs, newest, data_hash="d" * 64, written_at=NOW)


def logged(artifact, newest, **bent):
    row = row_of(artifact, newest, **bent)
    return prediction_row(forecast_from_row(artifact, row, nse()), row, NOW)


def test_a_row_has_the_columns_of_its_table(newest):
    row = row_of(make_artifact(digest="a" * 64), newest)

    assert list(row) == list(SERVING_INPUTS.columns)
    assert row["inputs"] == {"mom_5": 0.5, "vol_14": 0.25}
    assert (row["digest"], row["horizon"]) == ("a" * 64, "short")
    assert (row["feature_date"], row["last_close"]) == (dt.date(2026, 4, 13), 3500.0)
    assert (row["data_source"], row["return_basis"]) == ("yahoo", "total")
    assert (row["quantiles"][0], row["sigma"]) == (pytest.approx(-0.0375), 0.012)


def test_what_is_not_known_is_left_out(newest):
    newest["vol_14"] = None

    row = row_of(
        make_artifact(), newest, {"mom_5": float("nan")}, UNKNOWN_DISTRIBUTION, float("nan")
    )

    assert (row["inputs"], row["levels"], row["quantiles"], row["sigma"]) == ({}, [], [], None)


@pytest.mark.parametrize("artifact", [make_artifact(), winner()], ids=["zero", "ridge"])
@pytest.mark.parametrize("distribution", [KNOWN, UNKNOWN_DISTRIBUTION], ids=["known", "nothing"])
def test_a_row_gives_the_runs_own_forecast_again(newest, artifact, distribution):
    values = {"mom_5": 0.1 + 0.2}

    row = row_of(artifact, newest, values, distribution)

    given = {**newest, **values}
    assert forecast_from_row(artifact, row, nse()) == forecast(
        artifact, given, calendar=nse(), distribution=distribution
    )


def test_a_row_of_other_features_is_refused(newest):
    row = row_of(make_artifact(), newest)

    with pytest.raises(FeatureMismatch, match=r"v1, the short model of TCS\.NS was trained on v2"):
        forecast_from_row(make_artifact(features_version="v2"), row, nse())


def test_a_distribution_at_other_levels_says_nothing(newest):
    row = row_of(make_artifact(), newest) | {"levels": [0.1, 0.9], "quantiles": [-0.01, 0.01]}

    assert forecast_from_row(make_artifact(), row, nse())["intervals"] == []


def test_the_log_has_the_served_forecast_and_the_candidates(newest):
    one = logged(make_artifact(digest="a" * 64), newest)

    assert list(one) == list(PREDICTIONS.columns)
    assert (one["kind"], one["model"], one["point"]) == ("served", "zero", 0.0)
    # .1 x .5 - 1/3 x .25 + .0007
    assert one["candidate"] == "ridge"
    assert one["candidate_point"] == pytest.approx(0.05 - 1 / 12 + 0.0007)
    assert (one["baseline"], one["baseline_point"]) == ("zero", 0.0)
    assert (one["version"], one["data_hash"], one["made_at"]) == ("a" * 64, "d" * 64, NOW)
    # The 14th is Ambedkar Jayanti.
    assert (one["sessions"], one["target_date"]) == (1, dt.date(2026, 4, 15))
    assert one["target_date_estimated"] is False
    assert one["prob_up"] == pytest.approx(0.6)


def test_a_promoted_candidate_is_logged_as_served(newest):
    one = logged(winner(), newest)

    assert (one["model"], one["verdict"]) == ("ridge", "better")
    assert one["point"] == one["candidate_point"] != 0


def test_a_forecast_without_a_candidate_has_none_in_the_log(newest):
    newest["vol_14"] = None

    one = logged(make_artifact(), newest, distribution=UNKNOWN_DISTRIBUTION)

    assert (one["candidate"], one["candidate_point"]) == (None, None)
    assert (one["levels"], one["quantiles"], one["prob_up"]) == ([], [], None)


def test_the_log_takes_numbers_as_python_has_them(newest):
    one = logged(winner(), newest, sigma=np.float64(0.012))

    numbers = [one[name] for name in ("point", "candidate_point", "sigma", "prob_up")]
    assert {type(value) for value in numbers} == {float}
