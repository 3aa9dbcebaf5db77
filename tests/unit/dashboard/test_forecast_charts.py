"""Charts of forecasts, by hand-made numbers."""

import datetime as dt
import itertools

import pytest

from src.dashboard import theme, wording
from src.dashboard.charts.forecasts import bands, dots, fan
from src.dashboard.charts.forecasts.bands import Bands, Row
from src.dashboard.charts.forecasts.fan import Prices, Target
from src.db.pages.marks import Mark

SHORT = Bands(101.0, {0.5: (99, 102), 0.8: (97, 104), 0.9: (96, 105), 0.95: (95, 106)})
LONG = Bands(110.0, {0.5: (95, 118), 0.8: (88, 126), 0.9: (84, 131), 0.95: (80, 136)})
DAYS = [dt.date(2026, 1, 5) + dt.timedelta(day) for day in range(5)]


def drawn(targets, marks=()):
    ahead = [DAYS[-1] + dt.timedelta(day) for day in range(1, targets[-1].sessions + 1)]
    prices = Prices(DAYS, [96.0, 97.0, 98.0, 99.0, 100.0], ahead)
    return fan.fan(prices, targets, list(marks), title="close (₹)", theme="dark", indian=False)


def test_a_fan_has_bars_only_at_the_sessions_that_were_forecast():
    figure = drawn([Target(1, SHORT), Target(9, LONG)])
    bars = [trace for trace in figure.data if trace.line.color == theme.MODEL]
    assert [(trace.x[0], tuple(trace.y)) for trace in bars] == [
        (5, (95, 106)),
        (5, (97, 104)),
        (13, (80, 136)),
        (13, (88, 126)),
    ]
    rings = [trace for trace in figure.data if trace.marker.symbol == "circle"]
    assert [(trace.x[0], trace.y[0]) for trace in rings] == [(5, 101), (13, 110)]
    (dashes,) = [trace for trace in figure.data if trace.line.color == theme.BASELINE]
    assert tuple(dashes.x) == (4, 13)
    assert tuple(dashes.y) == (100, 100)


def test_shading_joins_the_last_close_and_the_bars():
    points, low, high = fan.joined(100.0, [Target(1, SHORT), Target(9, LONG)], 0.8)
    at = {round(float(x), 6): (a, b) for x, a, b in zip(points, low, high, strict=True)}
    assert at[0] == (100, 100)
    assert at[1] == pytest.approx((97, 104))
    assert at[9] == pytest.approx((88, 126))


def test_labels_stand_beside_the_furthest_bar_and_never_touch():
    figure = drawn([Target(1, SHORT)])
    labels = [note for note in figure.layout.annotations if note.xref == "paper"]
    assert [note.text.replace(wording.NO_BREAK, " ") for note in labels] == [
        "95.00 · 95 %",
        "97.00 · 80 %",
        "99.00 · 50 %",
        "no change",
        "102.00 · 50 %",
        "104.00 · 80 %",
        "106.00 · 95 %",
    ]
    low, high = figure.layout.yaxis.range
    gap = (high - low) * fan.LABEL / fan.PLOT
    places = [note.y for note in labels]
    assert all(b - a >= gap * 0.999 for a, b in itertools.pairwise(places))
    assert fan.spread([1, 2, 10], 2) == pytest.approx([0.5, 2.5, 10])


def test_what_happened_is_marked_in_the_history_of_prices():
    split = Mark(DAYS[2], "split", "", "2 for 1, applied")
    figure = drawn([Target(1, SHORT)], [split])
    (marked,) = [trace for trace in figure.data if trace.text and "split" in trace.text[0]]
    assert tuple(marked.x) == (2,)


def test_twenty_dots_are_counted_on_both_sides_of_the_last_close():
    returns = dots.equally_likely([0.0, 0.25, 1.0], [-0.1, 0.0, 0.3])
    assert len(returns) == dots.DOTS
    assert sum(each < 0 for each in returns) == 5
    stacked = dots.stack([100 * (1 + each) for each in returns], 100.0)
    assert stacked.below == 5
    assert all((x < 100) == (place < 5) for place, x in enumerate(stacked.at))
    assert len(set(zip(stacked.at, stacked.row, strict=True))) == dots.DOTS
    figure = dots.quantile_dots(stacked, 100.0, "close", "light")
    assert [len(trace.x) for trace in figure.data] == [5, 15]
    assert [trace.marker.symbol for trace in figure.data] == ["circle-open", "circle"]
    assert [note.text for note in figure.layout.annotations] == ["5 of 20 below", "15 of 20 above"]


def test_outcomes_that_are_all_alike_still_make_dots():
    assert dots.stack([100.0] * 20, 100.0).row == list(range(1, 21))


def test_no_change_is_as_widely_spread_as_past_returns():
    returns = [(each - 100) / 1000 for each in range(199)]
    baseline = bands.of_no_change(returns)
    assert baseline.point == 0
    # Of 199 values the 20th from either end: level .1 times 200.
    assert baseline.ends[0.8] == pytest.approx((-0.081, 0.079))
    assert bands.of_no_change(returns[:99]) is None
    assert baseline.times(200.0).ends[0.8] == pytest.approx((183.8, 215.8))


def test_what_two_ranges_have_in_common():
    assert bands.in_common((0, 10), (5, 15)) == pytest.approx(1 / 3)
    assert bands.in_common((0, 10), (0, 10)) == 1
    assert bands.in_common((0, 1), (2, 3)) == 0
    assert bands.in_common((1, 1), (1, 1)) == 1


def test_nested_bars_have_the_first_row_on_top_and_show_the_other_point():
    rows = [
        Row("Forecast", SHORT, theme.MODEL, ("drift", 103.0)),
        Row("Baseline\nno change", LONG, theme.BASELINE),
    ]
    figure = bands.nested(rows, wording.price, "close", "light")
    assert list(figure.layout.yaxis.ticktext) == ["Baseline<br>no change", "Forecast"]
    bars = [trace for trace in figure.data if trace.type == "bar"]
    widest = [(bar.y[0], bar.base[0], bar.base[0] + bar.x[0]) for bar in bars]
    assert (1, 95, 106) in widest
    assert (0, 80, 136) in widest
    points = [trace for trace in figure.data if trace.type == "scatter"]
    (diamond,) = [trace for trace in points if trace.marker.symbol == "diamond-open"]
    assert tuple(diamond.x) == (103,)
    assert [note.text for note in figure.layout.annotations] == ["110.00", "101.00"]
