"""List the parts of the page, in the order in which they run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """A module of ``benchmarks.parts``.

    Attributes:
        most: Seconds after which it is ended.
        is_large: Measured by ``make bench-large``, and not by ``make bench``.
    """

    name: str
    title: str
    most: float
    is_large: bool = False


PARTS = (
    Part("start_up", "Start-up", 180),
    Part("one_ticker", "One ticker", 240),
    Part("features", "Features in memory", 240),
    Part("serving", "Serving", 420),
    Part("training", "Training", 420),
    Part("intervals", "Intervals", 420),
    Part("workers", "Workers", 2400, is_large=True),
    Part("trials", "Trials", 900),
    Part("market", "Many tickers through the database", 1200),
)
LARGE = Part("large", "2,000 tickers of 5,000 sessions", 3 * 3600, is_large=True)
