"""How often the gate errs, in simulated histories."""

import numpy as np
import pytest

from benchmarks.studies.gate import (
    MANY,
    SETTINGS,
    SIZES,
    USELESS,
    RankWorld,
    World,
    ever_promoted,
    first_win,
    pairs_of,
    promoted,
    rank_pair,
)
from src.modeling.evaluation import hac
from src.modeling.gate import losses
from src.modeling.gate.rules import rules_for

PAIRS = 500
# How often it errs is a property of its rules: where they change, the long tests count it anew.
# Here as many of the cases as take seconds.
QUICK = SETTINGS[:1]


def useless(kind, horizon, tickers, dates, shared):
    size = SIZES[horizon] / (100 if kind == "faint" else 1)
    return World(kind, horizon, tickers, dates, size, shared=shared)


@pytest.mark.parametrize("horizon", [1, 63])
def test_a_truly_better_challenger_is_told_from_a_useless_one(horizon):
    skill = promoted(World("skill", horizon, 50, 252, SIZES[horizon]), 100)
    without = promoted(useless("break-even", horizon, 50, 252, 0.0), 100)

    assert without <= 0.08
    assert skill >= 0.40


@pytest.mark.parametrize("horizon", [1, 63])
@pytest.mark.parametrize(
    ("tickers", "dates"),
    [pytest.param(*each, marks=() if each in QUICK else pytest.mark.long) for each in SETTINGS],
)
@pytest.mark.parametrize(("kind", "shared"), USELESS)
def test_a_challenger_without_skill_is_rarely_promoted(kind, shared, horizon, tickers, dates):
    assert promoted(useless(kind, horizon, tickers, dates, shared), PAIRS) <= 0.08


@pytest.mark.slow
@pytest.mark.parametrize("horizon", [1, 63])
@pytest.mark.parametrize("kind", ["faint", "break-even"])
def test_asking_every_month_for_five_years_seldom_promotes_one_without_skill(kind, horizon):
    world = useless(kind, horizon, 1, 1260, 0.0)

    assert ever_promoted(world, PAIRS, configurations=MANY) <= 0.15


@pytest.mark.slow
def test_its_test_alone_errs_little_more_often_than_it_says():
    t, b = [], 0.0
    for actual, challenger, _, _ in pairs_of(
        World("break-even", 63, 50, 252, 0.05), PAIRS, seed=11
    ):
        sums = losses.cumulate_losses(actual, challenger).panel
        test = hac.mean_test_at(sums, 0, len(actual), 63)
        t.append(test.t[0, 0])
        b = test.b[0, 0]

    assert 0.03 <= np.mean(t > hac.critical(b, 0.05)) <= 0.12
    assert np.mean(t > hac.critical(b, 0.01)) <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize(
    ("horizon", "dates", "least"),
    [(1, 252, 0.60), (63, 252, 0.60), (1, 1260, 0.90), (63, 1260, 0.80)],
)
def test_a_truly_better_challenger_is_promoted_from_a_panel(horizon, dates, least):
    world = World("skill", horizon, 50, dates, SIZES[horizon])

    assert promoted(world, PAIRS if dates == 252 else 100) >= least


@pytest.mark.slow
@pytest.mark.parametrize(("horizon", "dates"), [(1, 1260), (63, 2520)])
def test_harm_to_a_tenth_of_the_tickers_is_refused_after_years(horizon, dates):
    assert promoted(World("harm", horizon, 50, dates, SIZES[horizon]), 100) <= 0.08


def ranks_promoted(kind, ic, panels, configurations):
    """Share promoted within five years of weekly looks; forty tickers."""
    world, random = RankWorld(kind, ic, 40, 1260), np.random.default_rng(5)
    rules = rules_for(1, 0.0, configurations, tickers=40, repeated=True)
    pairs = (rank_pair(world, random) for _ in range(panels))
    return np.mean([first_win(pair, rules, range(252, 1261, 5)) is not None for pair in pairs])


@pytest.mark.slow
@pytest.mark.parametrize(("configurations", "most"), [(54, 0.005), (1, 0.04)])
def test_ranks_that_do_not_matter_are_hardly_ever_promoted(configurations, most):
    assert ranks_promoted("faint", 0.0, 500, configurations) <= most


@pytest.mark.slow
def test_ranks_that_matter_are_promoted_within_five_years():
    assert ranks_promoted("planted", 0.06, 60, 54) >= 0.85
