"""What the parts of the page Analytics say, and what its charts draw."""

import datetime as dt

import numpy as np
import pytest

from src.dashboard.charts.analytics import features
from src.dashboard.charts.analytics.calibration import distance_from_aim
from src.dashboard.charts.analytics.history import PastForecasts, actual_and_predicted
from src.dashboard.charts.analytics.skill import clip_limit, is_clipped, skill_over_time
from src.dashboard.judged import Judged
from src.dashboard.parts.analytics.features.rows import place_of
from src.dashboard.parts.analytics.history import misses_sentence
from src.dashboard.parts.analytics.numbers import verdict_of
from src.dashboard.parts.analytics.performance.bands import sentence
from src.dashboard.parts.analytics.performance.errors import of_late
from src.dashboard.wording import NO_BREAK
from src.db.pages.marks import Mark
from src.modeling.report.statistics.measures import Measure
from src.modeling.report.statistics.performance import ModelScores
from src.modeling.report.statistics.rolling import RollingSkill

DAYS = [dt.date(2026, 1, 5) + dt.timedelta(days=n) for n in range(6)]


def measure(value, low=None, high=None, n_eff=21.0):
    return Measure(value, low, high, 500, 500, n_eff)


@pytest.mark.parametrize(
    ("coverage", "start"),
    [
        ({0.8: measure(0.79, 0.7, 0.88)}, "**Yes, as far as can be told.** In all 1 levels"),
        (
            {0.8: measure(0.70, 0.65, 0.75), 0.5: measure(0.5, 0.4, 0.6)},
            "**No: the 80 % band is too narrow.** It held 70.0 % (95 % range 65.0 to 75.0 %)",
        ),
        ({0.8: measure(0.9, 0.85, 0.95)}, "**No: the 80 % band is too wide.**"),
        ({0.8: measure(0.9)}, "**Too early to say.**"),
    ],
)
def test_bands_keep_their_promise_or_the_page_says_which_does_not(coverage, start):
    assert sentence(coverage).replace(NO_BREAK, " ").startswith(start)


@pytest.mark.parametrize(
    ("verdict", "gain", "words"),
    [
        ("undecided", measure(0.0004, 0.0002, 0.0007), "the model looks **better**"),
        ("undecided", measure(-0.001, -0.002, -0.0002), "the model looks **worse**"),
        ("undecided", measure(0.0004, -0.0002, 0.0007), None),
        ("undecided", measure(0.0004), None),
        ("better", measure(0.0004, 0.0002, 0.0007), None),
    ],
)
def test_what_the_newest_sessions_seem_to_say_is_set_beside_the_verdict(verdict, gain, words):
    said = Judged("NSE", "short", 1, 21, "tilt", verdict, "", 0.0, None, None, 9, 9.0, "aa")
    models = [ModelScores(name, 0.01, 0.02, None, gain, gain) for name in ("zero", "tilt")]
    text = of_late(models, said)
    assert words in text if words else text == ""


@pytest.mark.parametrize(
    ("gain", "word", "place"),
    [
        (measure(0.02, 0.01, 0.03), "▲ better", 0),
        (measure(-0.02, -0.03, -0.01), "▼ worse", 0),
        (measure(0.02, -0.01, 0.03), "○ no edge", 1),
        (measure(0.0), "● no change", 2),
        (measure(0.02, n_eff=3.9), "– too early", 3),
    ],
)
def test_what_is_decided_comes_first(gain, word, place):
    assert verdict_of(gain) == (word, place)


def test_misses_are_counted_among_the_forecasts_that_have_a_band_and_drawn_as_crosses():
    nan = np.nan
    past = PastForecasts(
        DAYS,
        actual=np.array([0.0, 0.03, -0.03, 0.01, 0.05, 0.0]),
        point=np.zeros(6),
        low=np.array([-0.02, -0.02, -0.02, -0.02, nan, -0.02]),
        high=np.array([0.02, 0.02, 0.02, 0.02, nan, 0.02]),
    )

    assert misses_sentence(past, 0.8).replace(NO_BREAK, " ") == (
        "2 of 5 outcomes fell outside the 80 % band; about 1 should"
    )
    assert past.latest(2).days == DAYS[-2:]
    figure = actual_and_predicted(past, 0.8, [Mark(DAYS[2], "split", "", "2 for 1")], "light")
    crosses = next(t for t in figure.data if t.name == "actual, outside the band")
    assert (list(crosses.x), list(crosses.y)) == ([1, 2], [3.0, -3.0])


def test_skill_is_dotted_where_there_is_little_evidence_and_its_band_is_cut_off():
    rolled = RollingSkill(
        np.arange(6),
        value=np.array([0.5, 0.01, 0.012, 0.011, 0.01, 0.012]),
        low=np.array([np.nan, -0.9, -0.02, -0.02, -0.02, -0.02]),
        high=np.array([np.nan, 0.9, 0.04, 0.04, 0.04, 0.04]),
        n_eff=np.array([1.0, 4.0, 5.0, 6.0, 7.0, 8.0]),
    )

    figure = skill_over_time(rolled, DAYS, [], "dark")

    assert is_clipped(rolled)
    limit = clip_limit(rolled)
    assert limit == pytest.approx(1.6 * 0.04)
    band = figure.data[1]
    assert max(band.y) == pytest.approx(100 * limit)
    dotted, solid = (t for t in figure.data if t.line.dash in ("dot", "solid"))
    assert np.isfinite(np.array(dotted.y, dtype=float)).tolist() == [True] + [False] * 5
    assert np.isfinite(np.array(solid.y, dtype=float)).tolist() == [False] + [True] * 5
    assert list(figure.data[4].y) == rolled.n_eff.tolist()


def test_a_band_that_misses_its_aim_is_a_red_cross():
    figure = distance_from_aim(
        {0.5: measure(0.5, 0.4, 0.6), 0.8: measure(0.7, 0.65, 0.75)}, "light"
    )

    points = [trace for trace in figure.data if trace.mode == "markers"]
    assert [p.marker.symbol for p in points] == ["circle", "x"]
    assert [p.x[0] for p in points] == pytest.approx([0.0, -10.0])


def test_small_parts_are_summed_up_and_a_place_is_the_share_below():
    parts = {f"f{n}": 0.001 * (n + 1) for n in range(15)}
    bars = features.largest(parts)
    assert len(bars) == features.MOST_PARTS + 1
    assert bars[0] == ("f14", pytest.approx(0.015))
    assert bars[-1] == ("3 others together", pytest.approx(0.006))
    assert sum(value for _, value in bars) == pytest.approx(sum(parts.values()))
    assert place_of(np.array([1, 2, np.nan, 3, 2.5], dtype=np.float32)) == pytest.approx(2 / 3)
    assert place_of(np.array([1, np.nan], dtype=np.float32)) is None
