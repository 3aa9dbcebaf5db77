"""How trials end in simulated histories; benchmarks.studies.trials counts over hundreds."""

import numpy as np
import pytest

from benchmarks.studies.trials import (
    SESSIONS,
    SKILLED,
    USELESS,
    Challenger,
    course,
    expected_differences,
    histories,
    rules_of,
)
from src.modeling.trials.judging.judge import judge_trial

HISTORIES = 100


@pytest.mark.parametrize(
    ("challenger", "horizon", "tickers"),
    [
        (Challenger("white", persistence=0.0), 63, 1),
        (Challenger("skill", "skill"), 63, 5),
        (Challenger("skill", "skill"), 1, 20),
        (Challenger("rivals", "rivals"), 1, 5),
        (Challenger("faint", size=0.0001), 1, 1),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_the_study_ends_trials_where_the_judge_does(challenger, horizon, tickers):
    rules = rules_of(challenger, horizon, tickers)
    pairs = list(histories(challenger, horizon, tickers, 2, seed=3))

    part = course(iter(pairs), rules)

    for i, pair in enumerate(pairs):
        end = int(part.sessions[i])
        at, before = (
            judge_trial(*(None if each is None else each[:rows] for each in pair), rules)
            for rows in (end, end - 1)
        )
        assert (at.verdict, before.verdict) == (part.ending[i], "undecided")
        assert np.nanmax(at.sequence.low) <= part.lowest[i, 0]


def test_a_useless_forecast_loses_what_it_overshoots():
    # Outcomes of size 1 and 3: a forecast of 2 is 1 too far in half of them, one of 4 by 3 and 1.
    forecasts = np.array([[0.5, 0.5], [2.0, 2.0], [-4.0, 4.0]])

    expected = expected_differences(forecasts, np.array([1.0, -3.0]))

    assert expected == pytest.approx([0.0, -0.5, -2.0])


@pytest.mark.slow
@pytest.mark.parametrize("horizon", [1, 63])
@pytest.mark.parametrize("challenger", USELESS, ids=lambda each: each.name)
def test_useless_challengers_are_hardly_ever_better_and_the_sequence_holds(challenger, horizon):
    part = course(histories(challenger, horizon, 1, HISTORIES), rules_of(challenger, horizon, 1))

    # Of 100 histories whose true share is 5 % more than 11 are one in two hundred.
    assert (part.ending == "better").sum() <= 11
    if challenger.kind == "noise":
        assert part.missed.sum() <= 11


@pytest.mark.slow
@pytest.mark.parametrize("horizon", [1, 63])
def test_a_true_skill_of_fifty_tickers_is_found(horizon):
    skill = SKILLED[0]

    part = course(histories(skill, horizon, 50, 40), rules_of(skill, horizon, 50))

    assert (part.ending == "better").mean() >= 0.8
    assert np.median(part.sessions) < SESSIONS / 2
