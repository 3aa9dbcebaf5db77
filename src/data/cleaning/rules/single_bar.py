"""Rules that judge a bar by itself and by the calendar; see ``rule``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from src.data.cleaning.rules.engine import OHLC, reasons

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar

# Vendors' single-precision prices put a close a hair outside its own range.
RANGE_TOLERANCE = 1e-6
# The dearest share of the world stands below a tenth of this.
HIGHEST_PRICE = 1e7


def before_listing(bars: pl.DataFrame, _calendar: Calendar) -> pl.Series:
    """A row from before the instrument was listed: somebody else's prices under its name."""
    return reasons(
        bars,
        (pl.col("date") < pl.col("listed_on")).fill_null(value=False),
        "before the instrument was listed",
    )


def null_bar(bars: pl.DataFrame, _calendar: Calendar) -> pl.Series:
    """A bar with a price or the volume missing."""
    fields = (*OHLC, "volume")
    return reasons(bars, pl.any_horizontal(pl.col(f).is_null() for f in fields), "null prices")


def partial_bar(bars: pl.DataFrame, calendar: Calendar) -> pl.Series:
    """A bar that was fetched, or is looked at, before its session closed.

    A file without a stated time was downloaded at the latest when it was ingested, so a session
    that was open then is certainly not whole in it.
    """
    known = bars.select(pl.min_horizontal("fetched_at", "now"))["fetched_at"]
    closed = {at: calendar.last_closed(at) for at in known.unique()}
    through = known.replace_strict(closed, return_dtype=pl.Date)
    return reasons(bars, pl.col("date") > through, "its session had not closed when it was fetched")


def non_positive_price(bars: pl.DataFrame, _calendar: Calendar) -> pl.Series:
    """A price of zero or below, or a negative volume."""
    bad = pl.any_horizontal(pl.col(f) <= 0 for f in OHLC) | (pl.col("volume") < 0)
    return reasons(bars, bad, "a price is not above zero, or the volume is below it")


def absurd_price(bars: pl.DataFrame, _calendar: Calendar) -> pl.Series:
    """A price beyond any share's: a unit error or a broken file."""
    bad = pl.any_horizontal(pl.col(f) > HIGHEST_PRICE for f in OHLC)
    return reasons(bars, bad, f"a price above {HIGHEST_PRICE:,.0f}")


def impossible_bar(bars: pl.DataFrame, _calendar: Calendar) -> pl.Series:
    """A high below the low, or an open or close outside them."""
    room = RANGE_TOLERANCE * pl.col("close").abs()
    top, bottom = pl.max_horizontal(OHLC), pl.min_horizontal(OHLC)
    return reasons(
        bars,
        (top > pl.col("high") + room) | (bottom < pl.col("low") - room),
        "open or close outside the low-high range",
    )


def before_calendar(bars: pl.DataFrame, calendar: Calendar) -> pl.Series:
    """A row from before the calendar begins: whether it was a session is not known."""
    return reasons(
        bars,
        pl.col("date") < calendar.covered_from,
        f"before {calendar.covered_from}, where the calendar begins",
    )


def non_session(bars: pl.DataFrame, calendar: Calendar) -> pl.Series:
    """A row on a day when the exchange was closed."""
    days = bars["date"].to_numpy().astype("datetime64[D]")
    closed = pl.Series(calendar.session_ids(days) < 0, dtype=pl.Boolean)
    return reasons(bars, pl.lit(closed), "the exchange was closed on this day")


def flat_no_trade(bars: pl.DataFrame, _calendar: Calendar) -> pl.Series:
    """Four equal prices and no volume on a session: a missing bar, not a zero return."""
    flat = (pl.col("high") == pl.col("low")) & (pl.col("volume") == 0)
    return reasons(bars, flat, "flat with zero volume: a missing bar")


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
    return reasons(
        bars, pl.lit(pl.Series(outside, dtype=pl.Boolean)), "outside the session's hours"
    )
