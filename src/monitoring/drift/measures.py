"""Measure whether forecasts still keep what they promise: their skill and their coverage.

All tests average over the tickers of a day first, so that a pool counts as one series whatever
its size, and a warning is of the installation rather than of one of hundreds of tickers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from src.modeling.evaluation import hac
from src.monitoring.drift.daily import DailyOutcomes

# The interval that is watched.
SHARE = 0.9


@dataclass(frozen=True)
class Measure:
    """One number of a pool's forecasts, beside what it should be.

    Attributes:
        measure: Its name.
        value: None where there is too little to measure.
        expected: What it should be.
        n: Days that it is measured over.
        t: Its distance from ``expected`` in standard errors; None where unknown.
        limit_t: The distance at which it is bad; None where unknown.
        bad: None where there is too little to measure.
        sentence: For a person.
    """

    measure: str
    value: float | None
    expected: float
    n: int
    t: float | None
    limit_t: float | None
    bad: bool | None
    sentence: str


@dataclass(frozen=True)
class Window:
    """How much of the past is tested, and how sure a finding must be.

    Attributes:
        name: Of the measure.
        days: The latest so many days with outcomes.
        level: Of the one-sided test, .05, .01 or .001.
        floor: Smaller distances from what was promised are never bad.
    """

    name: str
    days: int
    level: float
    floor: float


def coverage(outcomes: DailyOutcomes, window: Window, overlap: int, what: str) -> Measure:
    """Whether the 90 % interval contains 90 % of outcomes, by a test with a HAC error.

    Args:
        outcomes: Of a pool and horizon.
        window: What is tested.
        overlap: Sessions from a forecast to its outcome.
        what: The forecasts, for the sentence.
    """
    inside = outcomes.inside[-window.days :]
    if len(inside) < window.days:
        return _too_few(window.name, SHARE, len(inside), window.days, what)
    test = hac.mean_test(inside - SHARE, overlap)
    off, limit = float(test.mean), float(hac.critical(test.b, window.level))
    # Without variation, such as when every day all lie inside, only the distance speaks.
    t = float(test.t) if np.isfinite(test.t) else math.copysign(math.inf, off)
    bad = abs(t) > limit and abs(off) > window.floor
    sure = "more than chance explains" if bad else "within the limits of chance"
    sentence = (
        f"The {SHARE:.0%} intervals of {what} contained {SHARE + off:.1%} of outcomes over "
        f"{window.days} sessions, {sure}."
    )
    known = t if math.isfinite(t) else None
    return Measure(window.name, SHARE + off, SHARE, len(inside), known, limit, bad, sentence)


def skill(outcomes: DailyOutcomes, window: Window, overlap: int, what: str) -> Measure:
    """Whether served forecasts are worse than zero, by the test with which the gate demotes.

    Bad when both losses are larger than zero's at the window's level. The t is that of the loss
    that speaks less against the forecasts.
    """
    gains = outcomes.gains[-window.days :]
    if len(gains) < window.days:
        return _too_few(window.name, 0.0, len(gains), window.days, what)
    if not np.any(gains):
        sentence = f"{what}: no change is forecast, which is never worse than no change."
        return Measure(window.name, 0.0, 0.0, len(gains), None, None, False, sentence)
    test = hac.mean_test(gains, overlap)
    limits = hac.critical(test.b, window.level)
    bad = bool((test.t < -limits).all())
    gentlest, value = int(np.argmax(test.t)), float(test.mean[0])
    direction = "larger" if value < 0 else "smaller"
    sure = "more than chance explains" if bad else "which may be chance"
    sentence = (
        f"Absolute errors of {what} were {abs(value):.4%} of the price {direction} than those of "
        f"no change over {window.days} sessions, {sure}."
    )
    t, limit = float(test.t[gentlest]), -float(limits[gentlest])
    return Measure(window.name, value, 0.0, len(gains), t, limit, bad, sentence)


def _too_few(name: str, expected: float, n: int, needed: int, what: str) -> Measure:
    sentence = f"{what}: {n} sessions with outcomes, {needed} are needed for a test."
    return Measure(name, None, expected, n, None, None, None, sentence)
