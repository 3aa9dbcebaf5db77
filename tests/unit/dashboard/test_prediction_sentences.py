"""The sentences of the page of forecasts, by hand-made answers."""

import datetime as dt

import pytest

from src.core.calendars.nse import nse
from src.dashboard import wording
from src.dashboard.charts.forecasts.bands import Bands
from src.dashboard.parts.predictions import outcomes, sentences, tiles
from src.dashboard.parts.predictions.stock_forecasts import StockForecast
from src.db.pages.predictions import EarlierForecast

ANSWER = {
    "ticker": "TCS.NS",
    "feature_date": "2026-04-13",
    "predict_date": "2026-04-15",
    "predict_date_estimated": False,
    "last_close": 2472.6,
    "pred_return": 0.0,
    "est_future_close": 2472.6,
    "data_age_sessions": 0,
    "intervals": [{"level": 0.8, "low_close": 2411.447, "high_close": 2529.621}],
    "candidate": {"name": "drift", "pred_return": 0.00765, "est_future_close": 2491.52},
    "model": {"name": "zero"},
}


def plain(text):
    return text.replace(wording.NO_BREAK, " ")


@pytest.mark.parametrize(
    ("changes", "sessions", "said"),
    [
        (
            {},
            1,
            "TCS.NS: 8 in 10 outcomes between 2,411.4 and 2,529.6 by the next session "
            "(Wed 15 Apr 2026)",
        ),
        (
            {"predict_date": "2027-02-17", "predict_date_estimated": True},
            63,
            "TCS.NS: 8 in 10 outcomes between 2,411.4 and 2,529.6 in 63 sessions "
            "(about Wed 17 Feb 2027)",
        ),
        (
            {"data_age_sessions": 1},
            1,
            "TCS.NS: 8 in 10 outcomes were expected between 2,411.4 and 2,529.6 by "
            "Wed 15 Apr 2026, now past",
        ),
        (
            {"intervals": []},
            1,
            "TCS.NS: no range is known yet by the next session (Wed 15 Apr 2026)",
        ),
    ],
)
def test_the_headline_is_the_range_and_when(changes, sessions, said):
    headline = sentences.headline(ANSWER | changes, sessions, indian=False)
    assert plain(headline) == said


def test_prices_may_be_in_rupees_and_lakh():
    interval = {"level": 0.8, "low_close": 123456.0, "high_close": 125000.0}
    headline = sentences.headline(ANSWER | {"intervals": [interval]}, 1, indian=True)
    assert "between ₹1,23,456 and ₹1,25,000 by" in headline


def test_what_is_in_use_and_what_the_tried_model_says():
    assert plain(sentences.in_use(ANSWER, indian=False)) == (
        "No model is in use: the answer is “no change” itself. The model that was tried, drift, "
        "says 2,491.52 (+0.77 %; ◇ below)."
    )
    assert "says" not in sentences.in_use(ANSWER | {"candidate": None}, indian=False)
    used = ANSWER | {"model": {"name": "drift"}}
    assert sentences.in_use(used, indian=False) == "The model in use is drift."
    used["model"] = {"name": "rank_tilt"}
    assert sentences.in_use(used, indian=False) == "The model in use is rank tilt."


def test_overlap_and_width_are_computed():
    forecast, baseline = Bands(0.0, {0.8: (-0.02, 0.03)}), Bands(0.0, {0.8: (-0.04, 0.01)})
    said = plain(sentences.compared(ANSWER, forecast, baseline, 500, indian=False))
    assert "with the spread of the last 500 outcomes" in said
    assert "have **43 %** in common; the forecast's is as wide as the baseline's" in said
    wide = Bands(0.0, {0.8: (-0.03, 0.03)})
    assert "20 % wider than" in plain(sentences.compared(ANSWER, wide, baseline, 9, indian=False))


def test_where_the_numbers_come_from_and_how_old_they_are():
    assert sentences.source("", ANSWER) == (
        "Answered by the prediction API. Made from the close of Mon 13 Apr 2026: up to date."
    )
    old = plain(sentences.source("the API does not answer", ANSWER | {"data_age_sessions": 3}))
    assert old.startswith("Computed here, as the API does not answer.")
    assert old.endswith("Mon 13 Apr 2026: 3 sessions old.")


def test_outcomes_are_counted_against_the_aim():
    assert plain(sentences.came_true([True] * 15 + [False] * 5, 1, 20.0)) == (
        "Last 20 known outcomes, 1 session ahead: **15** inside the 80 % range, 5 outside (aim 16)."
    )
    assert plain(sentences.came_true([True], 63, 1.0)).endswith(
        "They overlap: together they say as much as 1.0 independent ones."
    )


def earlier(day, realised, **changes):
    calendar = nse()
    values = {
        "feature_date": day,
        "label_end": calendar.next_session(day),
        "made_at": calendar.hours(day).closes + dt.timedelta(hours=1),
        "last_close": 100.0,
        "model": "zero",
        "point": 0.0,
        "realised_return": realised,
        "levels": [0.1, 0.5, 0.9],
        "quantiles": [-0.02, 0.0, 0.02],
    }
    return EarlierForecast(**values | changes)


def test_an_outcome_counts_only_if_it_was_forecast_before_it_was_known():
    calendar, day = nse(), dt.date(2026, 4, 8)
    target = calendar.next_session(day)
    late = earlier(day, 0.0, made_at=calendar.hours(target).closes)
    without = earlier(day, 0.0, levels=[0.5], quantiles=[0.0])
    rows = [earlier(day, 0.02), earlier(day, -0.021), late, without]
    made = list(outcomes.outcomes_of(rows, calendar))
    assert [each.inside for each in made] == [True, False]
    assert (made[0].low, made[0].price) == (98.0, 102.0)


def test_overlapping_outcomes_are_worth_their_span():
    calendar, day = nse(), dt.date(2026, 1, 5)
    days = [calendar.ahead(day, place) for place in range(20)]
    rows = [earlier(each, 0.0, label_end=calendar.ahead(each, 63)) for each in days]
    made = list(outcomes.outcomes_of(rows, calendar))
    assert outcomes.independent(calendar, made, 63) == pytest.approx((19 + 63) / 63)
    assert outcomes.independent(calendar, made[:1], 63) == 1


def test_tiles_hold_the_single_numbers_and_none_that_is_not_known():
    rows = [earlier(dt.date(2026, 4, 8), 0.02), earlier(dt.date(2026, 4, 9), -0.021)]
    made = list(outcomes.outcomes_of(rows, nse()))
    answer = ANSWER | {"prob_up": 0.476, "pred_return": -0.0012}
    returns = Bands(0.0, {0.8: (-0.0247, 0.0231)})
    forecast = StockForecast("short", 1, answer, returns, None, 0, None)
    assert [
        (plain(value), plain(beside))
        for value, beside in tiles.tiles(forecast, made, indian=True).values()
    ] == [
        ("−0.12 %", "close ₹2,472.60"),
        ("48 %", "in 1 session"),
        ("4.8 %", "of the close"),
        ("1 of 2", "inside, aim 2"),
    ]
    unknown = StockForecast("short", 1, ANSWER | {"prob_up": None}, None, None, 0, None)
    shown = [value for value, _ in tiles.tiles(unknown, [], indian=False).values()]
    assert shown[1:] == ["–", "–", "–"]
