import numpy as np
import pytest

from src.modeling.report import charts
from src.modeling.report.data import PriceFan
from src.modeling.report.statistics.horizon import Skill
from src.modeling.report.statistics.measures import Measure, Measures

DAYS = np.datetime64("2026-03-02", "D") + np.arange(3)
SURE = Measure(0.02, 0.01, 0.05, 100, 50, 50.0)
UNSURE = Measure(0.02, None, None, 100, 50, 3.0)


def skill(name, measure=SURE):
    return Skill(name, "zero", Measures(measure, {}))


def test_a_gain_is_drawn_with_the_ends_of_its_interval():
    figure = charts.forest([skill("ridge")])

    (point,) = [trace for trace in figure.data if trace["x"]]
    assert point["x"] == pytest.approx([2.0])
    assert point["error_x"]["array"] == pytest.approx([3.0])
    assert point["error_x"]["arrayminus"] == pytest.approx([1.0])


def test_a_gain_without_an_interval_is_left_to_the_table():
    found = [skill("ridge"), skill("drift", UNSURE)]

    assert charts.forest(found).layout["yaxis"]["ticktext"] == ["ridge"]


def test_plotly_reads_no_tag_in_a_name():
    line = charts.cumulative(DAYS, {"<b>a&b</b>": np.zeros(3)})
    bars = charts.contributions(charts.contribution_bars([("<b>a</b>", 0.01)]))
    forest = charts.forest([skill("<b>a</b>")])

    assert line.data[0]["name"] == "&lt;b&gt;a&amp;b&lt;/b&gt;"
    assert bars.data[0]["y"] == ["&lt;b&gt;a&lt;/b&gt;"]
    assert forest.layout["yaxis"]["ticktext"] == ["&lt;b&gt;a&lt;/b&gt;"]


def test_small_parts_are_summed_up_and_nothing_is_lost():
    found = [(f"f{n}", 0.001 * n * (-1) ** n) for n in range(1, 21)]

    bars = charts.contributions(charts.contribution_bars(found)).data[0]

    assert bars["y"][0] == "f20"
    assert bars["y"][-1] == "5 others together"
    # -1 + 2 - 3 + 4 - 5 = -3 thousandths, and ten pairs that differ by one.
    assert bars["x"][-1] == pytest.approx(-0.3)
    assert sum(bars["x"]) == pytest.approx(1.0)


def test_every_candidate_has_a_line_that_differs_from_the_others():
    names = [*charts.LINES, "one", "two", "three"]

    lines = charts.cumulative(DAYS, {name: np.zeros(3) for name in names}).data

    looks = {(trace["line"]["color"], trace["line"]["dash"]) for trace in lines}
    assert len(lines) == len(looks) == len(names)


def test_the_bands_of_the_fan_end_at_their_bounds():
    bands = {
        share: (100 - width * np.arange(3.0), 100 + width * np.arange(3.0))
        for share, width in ((0.5, 1), (0.8, 2), (0.9, 3), (0.95, 4))
    }

    fan = charts.fan(PriceFan(DAYS, np.ones(3), DAYS, bands, np.ones(3)))

    drawn = {trace["name"]: trace["y"] for trace in fan.data if "fill" in trace}
    assert list(drawn) == ["95%", "90%", "80%", "50%"]
    # Up along the lower end, back along the upper one.
    assert drawn["95%"] == pytest.approx((100, 96, 92, 108, 104, 100))
    assert drawn["50%"] == pytest.approx((100, 99, 98, 102, 101, 100))


def test_the_bars_of_the_places_are_shares_of_all():
    bars = charts.pit(np.array([1, 3]), (0.2, 0.8)).data[0]

    assert bars["y"] == [25.0, 75.0]
