import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from src.api.forecasts.response import DataAge, data_age, full_answer, prepare_forecast
from src.api.schemas.errors import ImpossibleForecast
from src.core.calendars.nse import nse
from src.modeling.serving.predict import FeatureMismatch, UnusableInputs
from src.registry.formats.models import LinearModel
from tests.support.answers import LEVELS, SERVING_ROW, quantile_at
from tests.support.models import make_artifact, winner

EVENING = dt.datetime(2026, 4, 13, 12, 0, tzinfo=dt.UTC)


def row(**changes):
    return {**SERVING_ROW, "ticker": "TCS.NS", "horizon": "short", **changes}


def prepared(artifact=None, **changes):
    chosen = artifact or make_artifact()
    return prepare_forecast(chosen, row(horizon=chosen.horizon, **changes), None, nse())


def long():
    return make_artifact(horizon="long", sessions=63)


def test_answers_with_the_winner_s_forecast_as_return_percent_and_price():
    answer = prepared(winner()).answer

    # .1 x .02 - .015 / 3 + .0007
    assert answer["pred_return"] == pytest.approx(-0.0023, rel=1e-12)
    assert answer["pct_return"] == pytest.approx(-0.23, rel=1e-12)
    assert answer["est_future_close"] == pytest.approx(3000 * 0.9977, rel=1e-12)
    assert answer["model"]["name"] == "ridge"


def test_answers_with_no_change_where_the_candidate_has_not_won_and_shows_it_beside():
    answer = prepared().answer

    assert (answer["pred_return"], answer["est_future_close"]) == (0.0, 3000.0)
    assert answer["candidate"]["pred_return"] == pytest.approx(-0.0023, rel=1e-12)


@pytest.mark.parametrize(("place", "level"), list(enumerate([0.5, 0.8, 0.9, 0.95])))
def test_answers_with_central_intervals_of_the_stored_quantiles(place, level):
    result = prepared().answer["intervals"][place]

    low, high = quantile_at((1 - level) / 2), quantile_at((1 + level) / 2)
    assert result["level"] == level
    assert result["low_return"] == pytest.approx(low, rel=1e-12)
    assert result["high_close"] == pytest.approx(3000 * (1 + high), rel=1e-12)


@pytest.mark.parametrize("levels", [LEVELS[:-1], [*LEVELS[:-1], 0.99]])
def test_says_nothing_of_a_distribution_on_levels_it_does_not_know(levels):
    answer = prepared(levels=levels).answer

    assert (answer["prob_up"], answer["intervals"]) == (None, [])


@pytest.mark.parametrize(
    ("day", "target"),
    [
        # The 14th is Ambedkar Jayanti.
        (dt.date(2026, 4, 13), "2026-04-15"),
        # Sunday, 8 November 2026: Muhurat trading.
        (dt.date(2026, 11, 6), "2026-11-08"),
        # Saturday, 18 May 2024: a drill of the disaster site.
        (dt.date(2024, 5, 17), "2024-05-18"),
    ],
)
def test_forecasts_the_next_session_across_holidays_and_special_sessions(day, target):
    assert prepared(feature_date=day).answer["predict_date"] == target


def test_marks_a_target_beyond_the_announced_calendar_as_estimated():
    end = nse().covered_through
    answer = prepared(long(), feature_date=end - dt.timedelta(days=30)).answer

    assert answer["predict_date"] > end.isoformat()
    assert answer["predict_date_estimated"] is True


def test_refuses_inputs_of_another_features_version():
    with pytest.raises(FeatureMismatch, match="version v2"):
        prepared(features_version="v2")


@pytest.mark.parametrize("inputs", [{"mom_5": "much"}, {"mom_5": [0.1]}, [0.1], None])
def test_refuses_inputs_that_are_no_numbers(inputs):
    with pytest.raises(UnusableInputs, match="not a number: run"):
        prepared(inputs=inputs)


@pytest.mark.parametrize("intercept", [-1.5, 1e308])
def test_refuses_a_forecast_that_no_price_can_be(intercept):
    model = LinearModel(("mom_5",), np.array([1e308]), intercept)

    with pytest.raises(ImpossibleForecast, match="cannot be a price"):
        prepared(winner(model=model), inputs={"mom_5": 10.0 if intercept > 0 else 0.0})


def test_counts_the_sessions_that_have_closed_since():
    # Wednesday 15 and Thursday 16 April; the 14th was a holiday.
    result = data_age(prepared(), dt.datetime(2026, 4, 16, 12, 0, tzinfo=dt.UTC))

    assert (result.sessions, result.last_closed) == (2, dt.date(2026, 4, 16))


def test_knows_when_the_age_will_change():
    result = data_age(prepared(), EVENING)

    assert result.sessions == 0
    at_close = data_age(prepared(), result.until)
    just_before = data_age(prepared(), result.until - dt.timedelta(microseconds=1))
    assert (just_before.sessions, at_close.sessions) == (0, 1)


def test_warns_of_prices_older_than_allowed_and_says_what_to_run():
    forecast = prepared()
    old = DataAge(2, dt.date(2026, 4, 16), EVENING)

    *_, warning = full_answer(forecast, old, stale_after=2)["warnings"]

    assert "2026-04-13, 2 sessions behind 2026-04-16" in warning
    assert "python -m mlops.pipeline --ticker TCS.NS" in warning
    assert len(full_answer(forecast, old, stale_after=3)["warnings"]) == 1


def test_warns_of_a_target_that_has_closed_but_not_of_one_to_come():
    quarter = prepared(long())
    closed = DataAge(1, dt.date(2026, 4, 15), EVENING)

    (warning,) = full_answer(prepared(), closed, stale_after=9)["warnings"]

    assert warning == (
        "This forecast is about 2026-04-15, a session that has closed already: "
        "run `python -m mlops.pipeline --ticker TCS.NS` for a newer one."
    )
    assert full_answer(quarter, closed, stale_after=9)["warnings"] == []
    assert full_answer(prepared(), DataAge(0, dt.date(2026, 4, 13), EVENING), 9)["warnings"] == []


def test_warns_of_a_clock_that_is_behind_the_newest_price():
    forecast = prepared()
    friday = dt.datetime(2026, 4, 10, 12, 0, tzinfo=dt.UTC)

    (warning,) = full_answer(forecast, data_age(forecast, friday), stale_after=1)["warnings"]

    assert warning == (
        "The newest price of TCS.NS is the close of 2026-04-13, but by the clock the last session "
        "that closed is 2026-04-10: correct the clock, or unset FORECAST_NOW."
    )
    monday = dt.datetime(2026, 4, 13, 10, 0, tzinfo=dt.UTC)
    assert full_answer(forecast, data_age(forecast, monday), stale_after=1)["warnings"] == []


def test_says_that_sample_prices_are_synthetic():
    fresh = DataAge(0, dt.date(2026, 4, 13), EVENING)

    (warning,) = full_answer(prepared(data_source="sample"), fresh, 1)["warnings"]

    assert "synthetic" in warning


def test_says_when_a_run_computed_what_it_is_made_from():
    in_india = SERVING_ROW["written_at"].astimezone(nse().zone)

    assert prepared(written_at=in_india).answer["computed_at"] == "2026-04-13T12:00:00+00:00"


def test_logs_what_was_answered_and_what_the_candidate_said():
    logged = prepared(winner()).log_row

    assert logged["point"] == pytest.approx(-0.0023, rel=1e-12)
    assert (logged["model"], logged["baseline"], logged["candidate"]) == ("ridge", "zero", "ridge")
    assert (logged["sessions"], logged["target_date"]) == (1, dt.date(2026, 4, 15))
    assert (logged["kind"], logged["sigma"]) == ("served", 0.0125)


def test_logs_no_candidate_where_there_is_none():
    none = replace(make_artifact(), candidate="zero", model=LinearModel((), np.zeros(0), 0.0))

    logged = prepared(none).log_row

    assert (logged["candidate"], logged["candidate_point"]) == (None, None)
