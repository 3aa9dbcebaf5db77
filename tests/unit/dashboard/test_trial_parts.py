"""What the tab Trials draws of looks, and when it says that the next one comes."""

import dataclasses
import datetime as dt

import numpy as np
import pytest

from src.core.calendars.nse import nse
from src.dashboard.charts.analytics.trial import Differences, difference_by_session
from src.dashboard.parts.analytics.trials.looks import differences, in_words
from src.dashboard.parts.analytics.trials.words import challenger, progress
from src.dashboard.wording import MINUS, NO_BREAK
from src.db.pages.trials import Look, NewestEvent, TrialState
from tests.support.trials import AT, registered_trial

DAYS = [dt.date(2026, 4, 15), dt.date(2026, 4, 16), dt.date(2026, 4, 17), dt.date(2026, 4, 20)]
RUNNING = TrialState(registered_trial(), None, None, 4)
ENDED = NewestEvent(9, "f" * 64, "ran_out", AT, "a run", "So it is.", DAYS[-1])


def look(session, sessions, **changes):
    values = Look(1, AT, "looked", session, sessions, 0.01, 0.0002, -0.0002, 0.0006, 0.02)
    return dataclasses.replace(values, **changes)


def shown(**changes):
    values = Differences(
        days=DAYS,
        mean=np.array([0.5, 0.02, 0.015, 0.01]),
        low=np.array([np.nan, -0.9, -0.03, -0.02]),
        high=np.array([np.nan, 0.9, 0.05, 0.04]),
        looks=[DAYS[1], DAYS[3]],
        effect=0.005,
        loss="error",
        ending="",
    )
    return dataclasses.replace(values, **changes)


def test_the_difference_is_drawn_as_shares_of_the_reference_at_each_look():
    looks = [look(DAYS[1], 2, low=None, high=None), look(DAYS[3], 4)]
    found = differences(RUNNING, looks, {})
    assert found.days == [DAYS[1], DAYS[3]]
    assert found.mean == pytest.approx([0.01, 0.01])
    assert np.isnan(found.low[0])
    assert found.low[1] == pytest.approx(-0.01)
    assert found.high[1] == pytest.approx(0.03)
    said = in_words(found, 4).replace(NO_BREAK, " ").replace(MINUS, "-")
    assert said == "Difference of mean losses over 4 sessions: +1.000 %, range -1.000 to +3.000 %"


def test_what_lies_between_looks_is_drawn_where_the_newest_look_kept_it():
    sequence = {
        "session": [day.isoformat() for day in DAYS],
        "mean": [None, 0.0002, 0.0001, 0.0002],
        "low": [None, None, -0.0003, -0.0002],
        "high": [None, None, 0.0007, 0.0006],
    }
    found = differences(RUNNING, [look(DAYS[3], 4)], {"sequence": sequence})
    assert found.days == DAYS
    assert found.mean[1:] == pytest.approx([0.01, 0.005, 0.01])
    assert found.looks == [DAYS[3]]


@pytest.mark.parametrize("looks", [[], [look(DAYS[0], 1, scale=None)]])
def test_nothing_is_drawn_before_there_is_something_to_compare_with(looks):
    assert differences(RUNNING, looks, {}) is None


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_chart_has_zero_the_smallest_effect_the_looks_and_the_ending(theme):
    figure = difference_by_session(shown(ending="– ended: ran out"), theme)
    lines = {shape.y0: shape.line.dash for shape in figure.layout.shapes if shape.y0 == shape.y1}
    assert lines == {0: "dash", -0.5: "dot", 0.5: "dot"}
    texts = [each.text for each in figure.layout.annotations]
    assert texts == ["▲ better", "▼ worse", "– ended: ran out"]
    rings = figure.data[-1]
    assert rings.marker.symbol == "circle-open"
    assert np.isfinite(rings.y).tolist() == [False, True, False, True]


def test_a_band_as_wide_as_the_sky_is_cut_off_and_that_is_known():
    # Half of the ends are wider than .045, and 1.6 times that are drawn.
    assert shown().limit == pytest.approx(1.6 * 0.045)
    assert shown().is_clipped
    narrow = shown(mean=np.full(4, 0.01), low=np.full(4, -0.02), high=np.full(4, 0.04))
    assert not narrow.is_clipped
    axis = difference_by_session(shown(), "light").layout.yaxis
    assert axis.range == pytest.approx((-7.2, 7.2))


@pytest.mark.parametrize(
    ("state", "looks", "now", "words"),
    [
        # 20 April is session 4 with an outcome; 21 later is 20 May (1 May is a holiday).
        (RUNNING, [look(DAYS[3], 4)], AT, "next look comes about Thu 21 May 2026"),
        # Two of at most 6 are left.
        (
            TrialState(registered_trial(max_sessions=6, look_every=4), None, None, 4),
            [look(DAYS[3], 4)],
            AT,
            "next look comes about Thu 23 Apr 2026, with the outcomes of 2 more sessions",
        ),
        (RUNNING, [], AT + dt.timedelta(days=90), "first look was to come about Fri 15 May 2026"),
    ],
)
def test_the_next_look_is_after_so_many_more_outcomes(state, looks, now, words):
    assert words in progress(state, looks, nse(), now).replace(NO_BREAK, " ")


def test_no_look_is_announced_of_a_trial_that_has_ended_or_whose_exchange_is_not_known():
    ended = dataclasses.replace(RUNNING, decided=ENDED)
    for state, calendar in ((ended, nse()), (RUNNING, None)):
        said = progress(state, [look(DAYS[3], 4)], calendar, AT).replace(NO_BREAK, " ")
        assert said == (
            "**4 of at most 504 sessions** had outcomes when it was looked at last, "
            "Mon 13 Apr 2026, 18:00 IST."
        )


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"challenger": "rank_tilt"}, "rank tilt"),
        ({"challenger": "ab" * 32}, "model abababababab"),
        ({"settings": {"refit_every": 21, "embargo": 5}}, "ridge with embargo 5, refit_every 21"),
    ],
)
def test_a_challenger_is_called_by_what_was_registered(changes, name):
    assert challenger(registered_trial(**changes)) == name
