"""Weigh which split a fall in price may be, against everything else that it may be.

The odds are those of Bayes' rule: how often a ratio occurs, times how well it explains the open,
the close and the change of volume. What else it may be is above all a demerger.
"""

from __future__ import annotations

from fractions import Fraction
from math import exp, log, pi, sqrt

from src.data.corporate_actions.price_checks.jumps import SPLITS, Jump

# How often NSE lists each ratio among 325 splits and bonuses of 1,307 symbols, 2016 to 2025;
# those that it does not list count half.
COUNTS = {"2": 123, "5": 70, "10": 43, "3/2": 31, "3": 15, "4/3": 10, "4": 10, "5/2": 6, "7/5": 5}
COUNTS |= {"6": 5, "8": 1, "9/5": 1, "15": 1, "30": 1, "20": 1}
SELDOM, USUAL = 0.5, 5
# For each split, so many other falls beyond the price bands, above all demergers; what remains of
# the price is then any share of it up to four fifths with equal chance.
OTHERS, MOST_LEFT = 0.08, 0.8
# The open lies near the ratio, a little above it; on one ex-date in five it is far off and the
# close tells more. Logs, measured on the ex-dates of half of the tickers of
# benchmarks/studies/splits.py.
ABOVE, OPEN_SPREAD = 0.0075, 0.0175
BY_CLOSE, CLOSE_SPREAD = 0.2, 0.045
# A split multiplies the shares that are traded and little else changes; in logs, with the spread
# of a month's median volume. Volume alone never counts for more than ten to one.
VOLUME_DRIFT, VOLUME_SPREAD, VOLUME_WEIGHT = -0.15, 0.45, log(10)


def is_usual(ratio: Fraction) -> bool:
    """Whether NSE lists the ratio more than once in two years."""
    return COUNTS.get(str(ratio), SELDOM) >= USUAL


def weigh_splits(jump: Jump) -> list[tuple[Fraction, float]]:
    """Each ratio with its probability, the likeliest first; what is left to 1 is something else."""
    total = sum(COUNTS.get(str(ratio), SELDOM) for ratio in SPLITS)
    weights = {
        ratio: COUNTS.get(str(ratio), SELDOM)
        / total
        * _price_density(jump, ratio)
        * exp(_volume_evidence(jump, ratio))
        for ratio in SPLITS
    }
    left = jump.open / jump.prev_close
    whole = sum(weights.values()) + OTHERS * left / MOST_LEFT
    ordered = sorted(weights.items(), key=lambda item: -item[1])
    return [(ratio, weight / whole) for ratio, weight in ordered]


def _price_density(jump: Jump, ratio: Fraction) -> float:
    by_open, by_close = (
        log(price / jump.prev_close * ratio) - ABOVE for price in (jump.open, jump.close)
    )
    near_open = (1 - BY_CLOSE) * _normal(by_open, OPEN_SPREAD)
    return near_open + BY_CLOSE * _normal(by_close, CLOSE_SPREAD)


def _normal(distance: float, spread: float) -> float:
    return exp(-0.5 * (distance / spread) ** 2) / (spread * sqrt(2 * pi))


def _volume_evidence(jump: Jump, ratio: Fraction) -> float:
    """Log odds of the change in volume: with that many more shares, against as many as before."""
    if jump.volume_change is None:
        return 0.0
    with_split = jump.volume_change - log(ratio) - VOLUME_DRIFT
    odds = (jump.volume_change**2 - with_split**2) / (2 * VOLUME_SPREAD**2)
    return max(-VOLUME_WEIGHT, min(VOLUME_WEIGHT, odds))
