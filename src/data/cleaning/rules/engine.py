"""Apply cleaning rules to the bars of any number of series, a series being a ticker of a source.

A rule takes the bars that earlier rules left, series after series and each in key order, and gives
one value a row: the reason for refusing it, or null. It looks at no other series: ``series`` is a
number for each. Bars have besides ``date`` (and ``ts`` when hourly), the price fields,
``price_basis``, ``batch_id``, ``fetched_at``, ``now`` (when the rules are applied), ``listed_on``
(null where it is unknown) and, when daily, ``level``: the close divided by the splits that are
stated after it, so that sessions far apart can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from src.core.calendars.calendar import Calendar

    Rule = Callable[[pl.DataFrame, Calendar], pl.Series]

NULL_TEXT = pl.lit(None, dtype=pl.String)


@dataclass(frozen=True)
class RuleResult:
    """Bars kept, and bars refused with ``rule`` and ``reason``: together all that came in."""

    kept: pl.DataFrame
    refused: pl.DataFrame


def apply_rules(
    bars: pl.DataFrame,
    rules: tuple[Rule, ...],
    calendar: Calendar,
    by: Sequence[str] = ("ticker",),
) -> RuleResult:
    """Apply the rules one after the other; the first that refuses a row gives its reason.

    Without a refused row its neighbours may break a rule in their turn: the rules are applied to a
    series until none refuses any more, so that clean bars stay as they are when they are cleaned
    again.

    ``by`` are the columns that tell the series apart; the bars are sorted by them and then in time,
    and those that are kept stay in this order.
    """
    todo = bars.with_columns(series=pl.struct(by).rle_id()).with_row_index("row")
    kept, refused = [todo.clear()], [bars.clear().with_columns(rule=NULL_TEXT, reason=NULL_TEXT)]
    while todo.height:
        left, removed = _apply_once(todo, rules, calendar)
        is_changed = pl.col("series").is_in(removed["series"].unique().implode())
        kept.append(left.filter(~is_changed))
        todo = left.filter(is_changed)
        refused.append(removed.drop("row", "series"))
    return RuleResult(pl.concat(kept).sort("row").drop("row", "series"), pl.concat(refused))


def _apply_once(
    bars: pl.DataFrame, rules: tuple[Rule, ...], calendar: Calendar
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The bars that no rule refuses, and those that one does with ``rule`` and ``reason``."""
    refused = [bars.clear().with_columns(rule=NULL_TEXT, reason=NULL_TEXT)]
    for rule in rules:
        reason = rule(bars, calendar)
        if reason.null_count() < bars.height:
            marked = bars.with_columns(rule=pl.lit(rule.__name__), reason=reason)
            refused.append(marked.filter(reason.is_not_null()))
            bars = bars.filter(reason.is_null())
    return bars, pl.concat(refused)


def reasons(bars: pl.DataFrame, is_refused: pl.Expr, reason: str) -> pl.Series:
    """``reason`` where a row is refused, else null; String (n,)."""
    text = pl.when(is_refused).then(pl.lit(reason)).otherwise(NULL_TEXT)
    return bars.with_columns(text.alias("reason"))["reason"]


def is_untraded() -> pl.Expr:
    """Bars without any trade: four equal prices and no volume."""
    return (pl.col("high") == pl.col("low")) & (pl.col("volume") == 0)
