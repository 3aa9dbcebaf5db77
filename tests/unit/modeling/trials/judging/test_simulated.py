"""How trials end in simulated histories; benchmarks.studies.trials counts over hundreds."""

import numpy as np
import pytest

from benchmarks.studies.expected_losses import expected_differences, rest_of
from benchmarks.studies.gate import pairs_of
from benchmarks.studies.trials import (
    SESSIONS,
    SKILLED,
    USELESS,
    Challenger,
    course,
    histories,
    rules_of,
    world_of,
)
from src.modeling.trials.judging.judge import judge_trial, session_losses

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

    part = course(iter(pairs), world_of(challenger, horizon, tickers), rules)

    for i, pair in enumerate(pairs):
        end = int(part.sessions[i])
        at, before = (
            judge_trial(*(None if each is None else each[:rows] for each in pair), rules)
            for rows in (end, end - 1)
        )
        assert (at.verdict, before.verdict) == (part.ending[i], "undecided")
        assert np.nanmax(at.sequence.low) <= part.lowest[i, 0]


def test_a_far_forecast_is_expected_to_lose_what_it_overshoots():
    world = world_of(Challenger("persistent"), 1, 1)
    # Calm, usual and stormy days; forecasts ten times as large as any outcome there.
    level, size = np.array([-0.6, 0.0, 0.6]), 3.0
    sigma = 0.015 * np.exp(0.97 * level)[:, None]

    expected = expected_differences(
        (np.zeros((3, 1)), np.full((3, 1), size), None, sigma), world, rest_of(world)
    )

    # Of one session's return: .015 times e^level, e^noise of deviation .6 sqrt(1 - .97^2), and the
    # mean size of the root of .3 and of .7 times Student's t(5) with unit variance.
    random = np.random.default_rng(1)
    t = random.standard_t(5, (2, 400_000)) * np.sqrt(0.6)
    mean = np.abs(np.sqrt(0.3) * t[0] + np.sqrt(0.7) * t[1]).mean()
    sizes = sigma[:, 0] * np.exp(0.36 * (1 - 0.97**2) / 2) * mean
    assert expected[:, 0] == pytest.approx(sizes - size, abs=2e-4)
    assert expected[:, 1] == pytest.approx(-(size**2))


@pytest.mark.parametrize("horizon", [1, 63])
@pytest.mark.parametrize(
    "challenger",
    [Challenger("persistent"), Challenger("skill", "skill"), Challenger("twice", "break-even")],
    ids=lambda each: each.name,
)
def test_loss_differences_are_what_was_to_be_expected_of_them(challenger, horizon):
    world = world_of(challenger, horizon, 20)
    rest, found = rest_of(world), []
    for pair in pairs_of(world, 30, seed=9):
        actual, forecast, _, _ = pair
        came = [
            session_losses(actual, forecast, np.zeros_like(actual), loss)[0].mean()
            for loss in ("absolute", "squared")
        ]
        found.append(came - expected_differences(pair, world, rest).mean(axis=0))

    surprise = np.array(found)
    error = surprise.std(axis=0) / np.sqrt(len(found))
    assert (np.abs(surprise.mean(axis=0)) < 3.5 * error).all()


@pytest.mark.slow
@pytest.mark.parametrize("horizon", [1, 63])
@pytest.mark.parametrize("challenger", USELESS, ids=lambda each: each.name)
def test_useless_challengers_are_hardly_ever_better_and_the_sequence_holds(challenger, horizon):
    pairs, world = histories(challenger, horizon, 1, HISTORIES), world_of(challenger, horizon, 1)
    part = course(pairs, world, rules_of(challenger, horizon, 1))

    # Of 100 histories whose true share is 5 % more than 11 are one in two hundred.
    assert (part.ending == "better").sum() <= 11
    assert (part.missed.sum(axis=0) <= 11).all()


@pytest.mark.slow
@pytest.mark.parametrize("horizon", [1, 63])
def test_a_true_skill_of_fifty_tickers_is_found(horizon):
    skill = SKILLED[0]

    pairs, world = histories(skill, horizon, 50, 40), world_of(skill, horizon, 50)
    part = course(pairs, world, rules_of(skill, horizon, 50))

    assert (part.ending == "better").mean() >= 0.8
    assert np.median(part.sessions) < SESSIONS / 2
