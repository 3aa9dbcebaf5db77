"""Rows that forecasts are made from, and the log's rows of the forecasts."""

import datetime as dt

import numpy as np
import pytest

from src.core.calendars.nse import nse
from src.core.tables import PREDICTIONS, SERVING_INPUTS
from src.modeling.intervals.distribution import UNKNOWN_DISTRIBUTION, ReturnDistribution
from src.modeling.intervals.quantiles import LEVELS
from src.modeling.serving.predict import forecast_from_row
from src.modeling.serving.records import prediction_row, serving_row
from tests.support.models import make_artifact, winner

NOW = dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)
# Quantiles at 2.5, 5, 10, …, 97.5 %: each a tenth of its level less .04.
KNOWN = ReturnDistribution((LEVELS / 10 - 0.04).tolist())
MEMBER = {
    "ticker": "TCS.NS",
    "pool": "NSE",
    "newest_session": dt.date(2026, 4, 13),
    "last_close": 3500.0,
    "source": "yahoo",
    "return_basis": "total",
    "features_version": "v1",
    "data_hash": "e" * 64,
}


def row_of(**changes):
    usual = {
        "member": MEMBER,
        "horizon": "short",
        "inputs": {"mom_5": 0.5, "vol_14": 0.25},
        "distribution": KNOWN,
        "sigma": 0.012,
        "metrics": [{"name": "zero", "n": 479}],
        "note": None,
        "data_hash": "d" * 64,
        "written_at": NOW,
    }
    return serving_row(**usual | changes)


def logged(artifact, **changes):
    row = row_of(**changes)
    return prediction_row(forecast_from_row(artifact, row, None, nse()), row, "a" * 64, NOW)


def test_a_row_has_the_columns_of_its_table():
    row = row_of(note="why")

    assert list(row) == list(SERVING_INPUTS.columns)
    assert row["inputs"] == {"mom_5": 0.5, "vol_14": 0.25}
    assert (row["ticker"], row["pool"], row["horizon"]) == ("TCS.NS", "NSE", "short")
    assert (row["feature_date"], row["last_close"]) == (dt.date(2026, 4, 13), 3500.0)
    assert (row["data_source"], row["return_basis"]) == ("yahoo", "total")
    assert (row["quantiles"][0], row["sigma"]) == (pytest.approx(-0.0375), 0.012)
    assert (row["metrics"], row["note"]) == ([{"name": "zero", "n": 479}], "why")


def test_what_is_not_known_is_left_out():
    bare = {"inputs": {"mom_5": float("nan"), "vol_14": None}, "sigma": float("nan")}

    row = row_of(distribution=UNKNOWN_DISTRIBUTION, **bare)

    assert (row["inputs"], row["levels"], row["quantiles"], row["sigma"]) == ({}, [], [], None)


def test_numbers_are_as_python_and_the_table_have_them():
    row = row_of(inputs={"mom_5": np.float32(0.5), "vol_14": -0.0}, sigma=np.float64(0.012))

    assert {type(value) for value in row["inputs"].values()} == {float}
    assert row["inputs"]["vol_14"].hex() == (0.0).hex()
    one = logged(winner(), sigma=np.float64(0.012))
    numbers = [one[name] for name in ("point", "candidate_point", "sigma", "prob_up")]
    assert {type(value) for value in numbers} == {float}


def test_the_log_has_the_served_forecast_and_the_candidates():
    one = logged(make_artifact())

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


def test_a_promoted_candidate_is_logged_as_served():
    one = logged(winner())

    assert (one["model"], one["verdict"]) == ("ridge", "better")
    assert one["point"] == one["candidate_point"] != 0


def test_a_forecast_without_a_candidate_has_none_in_the_log():
    one = logged(make_artifact(), inputs={"mom_5": 0.5}, distribution=UNKNOWN_DISTRIBUTION)

    assert (one["candidate"], one["candidate_point"]) == (None, None)
    assert (one["levels"], one["quantiles"], one["prob_up"]) == ([], [], None)
