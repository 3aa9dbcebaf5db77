"""How trials end that are looked at after every session, in simulated histories, seeded.

Run: python -m benchmarks.studies.trials [--histories N] [--only WORD]. A line a kind of challenger;
shares in percent of the histories, with their 95 % binomial range; nothing is asserted here.

Histories are of five years: returns as in ``benchmarks.studies.gate``, labels of horizon h the
real overlapping sums of the h returns that follow. Kinds of challenger:
persistent, slow, white   AR(1) with .98, .998 and 0 a session, unrelated to the returns
faint, slow faint         the same, a hundredth of that variance: so small that it costs nothing
constant                  one tiny number for all tickers and sessions
break-even                twice a true signal: what it knows is just lost by overstating it
rivals                    persistent, and so is the live model that it is compared with
skill                     a true signal of that R2
Columns: how trials end with the smallest effect that is registered; better when no effect is too
small and nothing else ends a trial; histories in which the mean loss difference is outside the
confidence sequence at any session, by loss: first the mean so far of what was to be expected when
each forecast was made (``expected_losses``), which is what the sequence bounds, then the mean of
all histories, which a forecast that hardly moves does not show in five years; median sessions to
"better" of those that reach it.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

from benchmarks.studies.expected_losses import Rest, expected_differences, rest_of
from benchmarks.studies.gate import Pair, World, pairs_of
from src.core.arrays import Bools, Floats, Ints
from src.modeling.evaluation import hac
from src.modeling.gate import losses as gate_losses
from src.modeling.gate import panel_tests, verdict
from src.modeling.gate.losses import CumulativeLosses
from src.modeling.gate.rules import GateRules
from src.modeling.trials.judging import judge
from src.modeling.trials.judging.confidence_sequence import bounds_at
from src.modeling.trials.judging.judge import TrialRules, trial_rules

YEARS, YEAR = 5, 252
SESSIONS = YEARS * YEAR
# Share of the outcomes' variance, and the smallest effect that is registered, by horizon.
SIZES = {1: 0.005, 63: 0.05}
EFFECTS = {1: 0.0005, 63: 0.005}
# Histories that are looked at together.
BLOCK = 20
ENDINGS = ("better", "equivalent", "worse", "ran_out")


@dataclass(frozen=True)
class Challenger:
    """A kind of challenger: of ``World.kind``, with a variance ``size`` times the usual one."""

    name: str
    kind: str = "noise"
    persistence: float = 0.98
    size: float = 1.0
    configurations: int = 1


USELESS = (
    Challenger("persistent"),
    Challenger("slow", persistence=0.998),
    Challenger("white", persistence=0.0),
    Challenger("faint", size=0.01),
    Challenger("slow faint", persistence=0.998, size=0.01),
    Challenger("constant", size=0.01),
    Challenger("break-even", "break-even"),
    Challenger("rivals", "rivals"),
)
SKILLED = (
    Challenger("skill", "skill"),
    Challenger("skill, 11 tried", "skill", configurations=11),
    Challenger("skill, 51 tried", "skill", configurations=51),
    Challenger("a fifth of it", "skill", size=0.2),
)


class History(NamedTuple):
    """What is looked at of one history.

    Attributes:
        losses: What the gate looks at.
        bounded: Absolute and squared loss differences by session, and the absolute ones plus and
            less the smallest effect; (T, 4).
        expected: What the absolute and squared ones had to be when forecasts were made; (T, 2).
    """

    losses: CumulativeLosses
    bounded: Floats
    expected: Floats


class Course(NamedTuple):
    """How trials went, each field by history.

    Attributes:
        ending: One of ``ENDINGS``.
        sessions: Sessions with outcomes at the ending.
        any_effect: Whether it was ever better with no effect too small.
        lowest: Largest lower bound of the absolute and squared loss difference; (histories, 2).
        highest: Smallest upper bound of them.
        means: Their means over the history.
        missed: Whether the mean so far of those that were to be expected was ever outside;
            (histories, 2).
    """

    ending: npt.NDArray[np.str_]
    sessions: Ints
    any_effect: Bools
    lowest: Floats
    highest: Floats
    means: Floats
    missed: Bools


def world_of(challenger: Challenger, horizon: int, tickers: int) -> World:
    size = SIZES[horizon] * challenger.size
    return World(challenger.kind, horizon, tickers, SESSIONS, size, challenger.persistence)


def histories(
    challenger: Challenger, horizon: int, tickers: int, count: int, seed: int = 17
) -> Iterator[Pair]:
    """Outcomes, challenger, live model or None for zero, and volatility."""
    world = world_of(challenger, horizon, tickers)
    for actual, forecast, live, sigma in pairs_of(world, count, seed):
        constant = np.full_like(forecast, np.sqrt(world.size * (actual**2).mean()))
        yield actual, constant if challenger.name == "constant" else forecast, live, sigma


def rules_of(challenger: Challenger, horizon: int, tickers: int) -> TrialRules:
    return trial_rules(
        horizon,
        smallest_effect=EFFECTS[horizon],
        max_sessions=SESSIONS,
        configurations=challenger.configurations,
        tickers=tickers,
    )


def course(pairs: Iterator[Pair], world: World, rules: TrialRules) -> Course:
    """Looks at every history after every session; see ``judge.judge_trial``."""
    rest = rest_of(world)
    read = (_history(pair, world, rest, rules) for pair in pairs)
    parts = [_course(block, rules) for block in iter(lambda: [*itertools.islice(read, BLOCK)], [])]
    return Course(*(np.concatenate(fields) for fields in zip(*parts, strict=True)))


def _history(pair: Pair, world: World, rest: Rest, rules: TrialRules) -> History:
    actual, challenger, live, sigma = pair
    reference = np.zeros_like(actual) if live is None else live
    absolute, errors = judge.session_losses(actual, challenger, reference, "absolute")
    squared, _ = judge.session_losses(actual, challenger, reference, "squared")
    margin = rules.smallest_effect * errors
    scale = sigma if rules.gate.standardised else None
    return History(
        gate_losses.cumulate_losses(actual, challenger, live, sigma=scale),
        np.stack([absolute, squared, absolute + margin, absolute - margin], axis=1),
        expected_differences(pair, world, rest),
    )


def _course(block: list[History], rules: TrialRules) -> Course:
    panel = hac.Sums(
        np.stack([each.losses.panel.values for each in block], axis=1),
        np.stack([each.losses.panel.counts for each in block], axis=1),
    )
    bounded = hac.cumulate(np.stack([each.bounded for each in block], axis=1))
    expected = hac.cumulated(np.stack([each.expected for each in block], axis=1))
    ends = np.arange(rules.gate.dates_needed, SESSIONS + 1)
    bounds = bounds_at(bounded, ends, rules.gate.horizon, rules.max_sessions)
    low, high = bounds.low[..., :2], bounds.high[..., :2]
    inside = (bounds.low[..., 2] > 0) & (bounds.high[..., 3] < 0)
    better, worse = _panel_verdicts(panel, ends, rules.gate)
    worse &= high[..., 0] < 0
    endings = [
        _ending(each, ends, better[:, i], inside[:, i], worse[:, i], rules.gate)
        for i, each in enumerate(block)
    ]
    free = replace(rules.gate, min_mae_improvement=-1.0)
    any_effect = [
        any(_is_better(each, end, free) for end in ends[better[:, i]].tolist())
        for i, each in enumerate(block)
    ]
    so_far = expected[ends] / ends[:, None, None]
    outside = (low > so_far) | (high < so_far)
    return Course(
        np.array([ending for ending, _ in endings]),
        np.array([end for _, end in endings]),
        np.array(any_effect),
        np.fmax.reduce(low),
        np.fmin.reduce(high),
        bounds.mean[-1, :, :2],
        outside.any(axis=0),
    )


def _panel_verdicts(panel: hac.Sums, ends: Ints, rules: GateRules) -> tuple[Bools, Bools]:
    """Whether the panel's tests say better, and worse, by end and history.

    Every session has its pairs. The gate's other criteria can only take ``better`` away.
    """
    windows = np.array([hac.bandwidth(end, rules.horizon) + 1 for end in ends.tolist()])
    tests = hac.mean_tests_at(panel, ends, windows)
    b = windows / ends
    limits = panel_tests.limits_for_better(ends, b, rules)[:, None, None]
    better = (tests.t > limits).all(axis=(2, 3))
    both = tests.t[..., : len(gate_losses.LOSSES)]
    limits = hac.critical(b, rules.level_of_worse)[:, None, None, None]
    return np.asarray(better), np.asarray((both < -limits).all(axis=3).any(axis=2))


def _ending(
    history: History, ends: Ints, better: Bools, inside: Bools, worse: Bools, rules: GateRules
) -> tuple[str, int]:
    """The first ending, and at how many sessions."""
    for at in np.flatnonzero(better | inside | worse).tolist():
        end = int(ends[at])
        if better[at] and _is_better(history, end, rules):
            return "better", end
        if inside[at]:
            return "equivalent", end
        if worse[at]:
            return "worse", end
    return "ran_out", int(ends[-1])


def _is_better(history: History, end: int, rules: GateRules) -> bool:
    return verdict.verdict_of(history.losses, 0, end, rules) == verdict.BETTER


def share(hits: int, of: int) -> str:
    """Percent with its 95 % range (Clopper and Pearson)."""
    low, high = binomtest(hits, of).proportion_ci()
    return f"{100 * hits / of:5.1f} ({100 * low:.1f}-{100 * high:.1f})"


def line(name: str, part: Course) -> str:
    count = len(part.ending)
    truth = part.means.mean(axis=0)
    missed = ((part.lowest > truth) | (part.highest < truth)).sum(axis=0).tolist()
    better = part.sessions[part.ending == "better"]
    cells = [
        share(better.size, count),
        *(f"{100 * np.mean(part.ending == how):5.1f}" for how in ENDINGS[1:]),
        share(int(part.any_effect.sum()), count),
        *(share(each, count) for each in part.missed.sum(axis=0).tolist()),
        *(share(each, count) for each in missed),
        f"{np.median(better):.0f}" if better.size else "-",
    ]
    return f"{name:<28}" + " | ".join(cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--histories", type=int, default=400)
    parser.add_argument("--only", default="", help="part of a line's name, such as '63 50 faint'")
    arguments = parser.parse_args()
    print(f"{arguments.histories} histories of {SESSIONS} sessions, a look after every session")
    print("better | equivalent | worse | ran out | better, any effect |", end=" ")
    print(
        "expected so far missed, absolute | squared | mean of all missed, absolute | squared",
        end=" ",
    )
    print("| sessions to better")
    for horizon, tickers in itertools.product((1, 63), (1, 50)):
        for challenger in (*USELESS, *SKILLED):
            name = f"{horizon} {tickers} {challenger.name}"
            if arguments.only not in name:
                continue
            pairs = histories(challenger, horizon, tickers, arguments.histories)
            world = world_of(challenger, horizon, tickers)
            part = course(pairs, world, rules_of(challenger, horizon, tickers))
            print(line(name, part), flush=True)


if __name__ == "__main__":
    main()
