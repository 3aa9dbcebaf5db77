"""What a cleaning rule is: bars in, a reason for each bar it refuses out; pure.

A rule takes the bars of one ticker that earlier rules left, in key order, and gives one value a
row: the reason for refusing it, or null. Bars have ``date`` (and ``ts`` when hourly), the price
fields, ``price_basis``, ``batch_id``, ``fetched_at``, ``now`` (when the rules are applied),
``listed_on`` (null where it is not known) and, when daily, ``level``: the close divided by the
splits that are stated after it, so that sessions far apart can be compared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar

NOTHING = pl.lit(None, dtype=pl.String)
OHLC = ("open", "high", "low", "close")


@dataclass(frozen=True)
class Rule:
    """A named reason to keep a row out of the clean table."""

    name: str
    refuse: Callable[[pl.DataFrame, Calendar], pl.Series]


@dataclass(frozen=True)
class Sifted:
    """Bars kept, and bars refused with ``rule`` and ``reason``: together all that came in."""

    kept: pl.DataFrame
    refused: pl.DataFrame


def sift(bars: pl.DataFrame, rules: tuple[Rule, ...], calendar: Calendar) -> Sifted:
    """Apply the rules one after the other; the first that objects to a row names its reason.

    A row that goes may leave its neighbours standing out: the rules are applied until none
    objects any more, so that clean bars stay as they are when they are sifted again.
    """
    refused = [bars.clear().with_columns(rule=NOTHING, reason=NOTHING)]
    while True:
        before = bars.height
        for rule in rules:
            why = rule.refuse(bars, calendar)
            if why.null_count() < bars.height:
                marked = bars.with_columns(rule=pl.lit(rule.name), reason=why)
                refused.append(marked.filter(why.is_not_null()))
                bars = bars.filter(why.is_null())
        if bars.height == before:
            return Sifted(bars, pl.concat(refused))


def reasons(bars: pl.DataFrame, objection: pl.Expr, reason: str) -> pl.Series:
    """``reason`` where there is an objection, else null; String (n,)."""
    text = pl.when(objection).then(pl.lit(reason)).otherwise(pl.lit(None, dtype=pl.String))
    return bars.with_columns(text.alias("reason"))["reason"]
