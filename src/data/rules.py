"""The cleaning rules: each names the rows it refuses and says why; pure, in a declared order.

A rule takes the bars of one ticker that earlier rules left, in key order, and gives one value a
row: the reason for refusing it, or null. Bars have ``date`` (and ``ts`` when hourly), the price
fields, ``price_basis``, ``batch_id``, ``fetched_at``, ``now`` (when the rules are applied) and
``listed_on`` (null where it is not known).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from src.core.sessions import Calendar

# Vendors' single-precision prices put a close a hair outside its own range.
RANGE_TOLERANCE = 1e-6
# The dearest share of the world stands below a tenth of this.
HIGHEST_PRICE = 1e7
# No dividend is a third of the price and paid back the day after.
ADJ_CLOSE_ROOM = 1.5
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
    """Apply the rules one after the other; the first that objects to a row names its reason."""
    refused = []
    for rule in rules:
        reasons = rule.refuse(bars, calendar)
        objection = reasons.is_not_null()
        refused.append(bars.with_columns(rule=pl.lit(rule.name), reason=reasons).filter(objection))
        bars = bars.filter(~objection)
    return Sifted(bars, pl.concat(refused))


def superseded_vintage(bars: pl.DataFrame, _calendar: Calendar) -> pl.Series:
    """Rows on another price basis than the newest delivery, or of an older ``total`` vintage.

    A ``total`` series is restated whole at every dividend: two vintages have two price levels.
    """
    if bars.is_empty():
        return _reasons(bars, pl.lit(value=False), "")
    newest = bars.sort("fetched_at", "batch_id").row(-1, named=True)
    older = pl.col("price_basis") != newest["price_basis"]
    if newest["price_basis"] == "total":
        older = older | (pl.col("batch_id") != newest["batch_id"])
    return _reasons(bars, older, "not in the newest delivery, whose prices stand on another level")


def before_listing(bars: pl.DataFrame, _calendar: Calendar) -> pl.Series:
    """A row from before the instrument was listed: somebody else's prices under its name."""
    return _reasons(
        bars,
        (pl.col("date") < pl.col("listed_on")).fill_null(value=False),
        "before the instrument was listed",
    )


def null_bar(bars: pl.DataFrame, _calendar: Calendar) -> pl.Series:
    """A bar with a price or the volume missing."""
    fields = (*OHLC, "volume")
    return _reasons(bars, pl.any_horizontal(pl.col(f).is_null() for f in fields), "null prices")


def partial_bar(bars: pl.DataFrame, calendar: Calendar) -> pl.Series:
    """A bar that was fetched, or is looked at, before its session closed.

    A file without a stated time was downloaded at the latest when it was ingested, so a session
    that was open then is certainly not whole in it.
    """
    known = bars.select(pl.min_horizontal("fetched_at", "now"))["fetched_at"]
    closed = {at: calendar.last_closed(at) for at in known.unique()}
    through = known.replace_strict(closed, return_dtype=pl.Date)
    return _reasons(
        bars, pl.col("date") > through, "its session had not closed when it was fetched"
    )


def non_positive_price(bars: pl.DataFrame, _calendar: Calendar) -> pl.Series:
    """A price of zero or below, or a negative volume."""
    bad = pl.any_horizontal(pl.col(f) <= 0 for f in OHLC) | (pl.col("volume") < 0)
    return _reasons(bars, bad, "a price is not above zero, or the volume is below it")


def absurd_price(bars: pl.DataFrame, _calendar: Calendar) -> pl.Series:
    """A price beyond any share's: a unit error or a broken file."""
    bad = pl.any_horizontal(pl.col(f) > HIGHEST_PRICE for f in OHLC)
    return _reasons(bars, bad, f"a price above {HIGHEST_PRICE:,.0f}")


def bad_adjusted_close(bars: pl.DataFrame, _calendar: Calendar) -> pl.Series:
    """An adjusted close that is missing among others, or jumps away from the close and back.

    adj_close / close moves at a dividend and stays there: a ratio far from that of the bar before
    and of the bar after, on the same side, is an error of that one row.
    """
    if bars.is_empty() or bars["adj_close"].null_count() * 2 > bars.height:
        return _reasons(bars, pl.lit(value=False), "")
    ratio = pl.col("adj_close") / pl.col("close")
    before = ratio.shift(1).fill_null(ratio.shift(-1))
    after = ratio.shift(-1).fill_null(ratio.shift(1))
    above = ratio > ADJ_CLOSE_ROOM * pl.max_horizontal(before, after)
    below = ratio * ADJ_CLOSE_ROOM < pl.min_horizontal(before, after)
    missing = pl.col("adj_close").is_null() | (pl.col("adj_close") <= 0)
    return _reasons(
        bars,
        missing | (above | below).fill_null(value=False),
        "the adjusted close is missing or does not belong to the close",
    )


def impossible_bar(bars: pl.DataFrame, _calendar: Calendar) -> pl.Series:
    """A high below the low, or an open or close outside them."""
    room = RANGE_TOLERANCE * pl.col("close").abs()
    top, bottom = pl.max_horizontal(OHLC), pl.min_horizontal(OHLC)
    return _reasons(
        bars,
        (top > pl.col("high") + room) | (bottom < pl.col("low") - room),
        "open or close outside the low-high range",
    )


def before_calendar(bars: pl.DataFrame, calendar: Calendar) -> pl.Series:
    """A row from before the calendar begins: whether it was a session is not known."""
    return _reasons(
        bars,
        pl.col("date") < calendar.covered_from,
        f"before {calendar.covered_from}, where the calendar begins",
    )


def non_session(bars: pl.DataFrame, calendar: Calendar) -> pl.Series:
    """A row on a day when the exchange was closed."""
    days = bars["date"].to_numpy().astype("datetime64[D]")
    closed = pl.Series(calendar.session_ids(days) < 0, dtype=pl.Boolean)
    return _reasons(bars, pl.lit(closed), "the exchange was closed on this day")


def flat_no_trade(bars: pl.DataFrame, _calendar: Calendar) -> pl.Series:
    """Four equal prices and no volume on a session: a missing bar, not a zero return."""
    flat = (pl.col("high") == pl.col("low")) & (pl.col("volume") == 0)
    return _reasons(bars, flat, "flat with zero volume: a missing bar")


def outside_hours(bars: pl.DataFrame, calendar: Calendar) -> pl.Series:
    """An hourly bar that does not start within its session's hours, where these are known."""
    days = bars["date"].unique().sort().to_list()
    spans = [calendar.hours(day) if calendar.is_session(day) else None for day in days]
    known = {
        day: (span.opens, span.closes)
        for day, span in zip(days, spans, strict=True)
        if span is not None and not span.estimated
    }
    outside = [
        day in known and not known[day][0] <= ts < known[day][1]
        for day, ts in zip(bars["date"], bars["ts"], strict=True)
    ]
    return _reasons(
        bars, pl.lit(pl.Series(outside, dtype=pl.Boolean)), "outside the session's hours"
    )


DAILY_RULES = (
    Rule("superseded_vintage", superseded_vintage),
    Rule("before_calendar", before_calendar),
    Rule("before_listing", before_listing),
    Rule("null_bar", null_bar),
    Rule("non_positive_price", non_positive_price),
    Rule("absurd_price", absurd_price),
    Rule("impossible_bar", impossible_bar),
    Rule("non_session", non_session),
    Rule("partial_bar", partial_bar),
    Rule("flat_no_trade", flat_no_trade),
    Rule("bad_adjusted_close", bad_adjusted_close),
)
HOURLY_RULES = (
    Rule("superseded_vintage", superseded_vintage),
    Rule("before_calendar", before_calendar),
    Rule("null_bar", null_bar),
    Rule("non_positive_price", non_positive_price),
    Rule("impossible_bar", impossible_bar),
    Rule("non_session", non_session),
    Rule("outside_hours", outside_hours),
)

# Beyond a move of this size in one session stands a corporate action or a rare event: a person
# decides which, and until then labels across it neither train nor score.
JUMP_DOWN, JUMP_UP = 0.6, 1 / 0.6


def pending_jumps(close: np.ndarray) -> np.ndarray:
    """Sessions whose close is beyond ``JUMP_DOWN .. JUMP_UP`` times the one before; bool (n,)."""
    jumped = np.zeros(close.size, dtype=bool)
    ratio = close[1:] / close[:-1]
    jumped[1:] = (ratio < JUMP_DOWN) | (ratio > JUMP_UP)
    return jumped


def _reasons(bars: pl.DataFrame, objection: pl.Expr, reason: str) -> pl.Series:
    text = pl.when(objection).then(pl.lit(reason)).otherwise(pl.lit(None, dtype=pl.String))
    return bars.with_columns(text.alias("reason"))["reason"]
