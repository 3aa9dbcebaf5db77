"""Days on an axis of sessions, and marks on it."""

import datetime as dt

import plotly.graph_objects as go
import pytest

from src.dashboard.charts import marks, sessions
from src.dashboard.charts.price_axis import price_axis
from src.db.pages.marks import Mark

WEEK = [dt.date(2026, 1, day) for day in (12, 13, 14, 16, 19)]
HELD_BACK = Mark(dt.date(2026, 1, 15), "rejected", "", "the exchange was closed on this day")
SPLIT = Mark(dt.date(2026, 1, 13), "split", "", "3 for 1, pending")


def test_a_session_stands_at_its_number_and_another_day_between_two():
    assert sessions.place(WEEK, dt.date(2026, 1, 14)) == 2
    assert sessions.place(WEEK, dt.date(2026, 1, 15)) == 2.5


def test_few_days_are_labelled_by_date_and_many_by_month_with_each_new_year():
    assert sessions.ticks(WEEK, most=3) == ([0, 2, 4], ["12 Jan<br>2026", "14 Jan", "19 Jan"])
    days = [dt.date(2025, 9, 1) + dt.timedelta(7 * week) for week in range(30)]
    at, labels = sessions.ticks(days)
    assert labels == ["Oct<br>2025", "Nov", "Dec", "Jan<br>2026", "Feb", "Mar"]
    assert all(days[each].month != days[each - 1].month for each in at)
    assert sessions.ticks([]) == ([], [])


def test_marks_stand_where_they_happened_each_with_its_own_symbol_and_words():
    outside = Mark(dt.date(2026, 3, 1), "promoted", "short", "rank_tilt")
    figure = marks.add_marks(go.Figure(), [SPLIT, HELD_BACK, outside], WEEK)
    (trace,) = figure.data
    assert list(trace.x) == [1, 2.5]
    assert list(trace.marker.symbol) == ["diamond", "x-thin"]
    assert trace.text[1] == (
        "Thu 15 Jan 2026: prices held back (the exchange was closed on this day)"
    )
    assert marks.add_marks(go.Figure(), [outside], WEEK).data == ()


def test_few_marks_are_listed_and_many_counted():
    assert marks.legend([SPLIT]) == "◆ Tue 13 Jan 2026: split (3 for 1, pending)"
    assert marks.legend([SPLIT, *[HELD_BACK] * 5]) == "◆ split · ✕ prices held back, 5 times"
    assert marks.legend([]) == ""


@pytest.mark.parametrize(
    ("low", "high", "indian", "texts"),
    [
        (54, 68, False, ["55.0", "57.5", "60.0", "62.5", "65.0", "67.5"]),
        (1950, 3250, False, ["2,000", "2,250", "2,500", "2,750", "3,000", "3,250"]),
        (120_100, 141_000, True, ["₹1,25,000", "₹1,30,000", "₹1,35,000", "₹1,40,000"]),
        (5, 5, False, ["5.00"]),
    ],
)
def test_round_prices_are_written_as_on_the_rest_of_the_page(low, high, indian, texts):
    assert price_axis(low, high, indian=indian)["ticktext"] == texts
