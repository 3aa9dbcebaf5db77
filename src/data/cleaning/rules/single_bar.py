"""Rules about a bar by itself and the calendar (see ``engine``)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import polars as pl

from src.core.tables import OHLC, OHLCV
from src.data.cleaning.rules.engine import is_untraded, reasons

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar, Hours

# Relative: rounded to single precision a vendor's close may lie just outside its own range.
RANGE_TOLERANCE = 1e-6
# The most expensive share in the world costs less than a tenth of this.
HIGHEST_PRICE = 1e7
HOUR = dt.timedelta(hours=1)


def before_listing(bars: pl.DataFrame, _calendar: Calendar) -> pl.Series:
    """A row from before the instrument was listed: prices of another one under its name."""
    return reasons(
        bars,
        (pl.col("date") < pl.col("listed_on")).fill_null(value=False),
        "before the instrument was listed",
    )


def null_bar(bars: pl.DataFrame, _calendar: Calendar) -> pl.Series:
    """A bar with a price or the volume missing."""
    is_null = pl.any_horizontal(pl.col(name).is_null() for name in OHLCV)
    return reasons(bars, is_null, "null prices")


def partial_bar(bars: pl.DataFrame, calendar: Calendar) -> pl.Series:
    """A bar that was fetched, or is cleaned, before its session closed.

    A file without a stated time was downloaded at the latest when it was ingested, so a session
    that was open then is certainly incomplete in it.
    """
    seen_at = bars.select(pl.min_horizontal("fetched_at", "now"))["fetched_at"]
    last_closed = {at: calendar.last_closed(at) for at in seen_at.unique()}
    through = seen_at.replace_strict(last_closed, return_dtype=pl.Date)
    return reasons(bars, pl.col("date") > through, "its session had not closed when it was fetched")


def non_positive_price(bars: pl.DataFrame, _calendar: Calendar) -> pl.Series:
    """A price of zero or below, or a negative volume."""
    is_bad = pl.any_horizontal(pl.col(name) <= 0 for name in OHLC) | (pl.col("volume") < 0)
    return reasons(bars, is_bad, "a price is not above zero, or the volume is below it")


def absurd_price(bars: pl.DataFrame, _calendar: Calendar) -> pl.Series:
    """A price beyond any share's: a unit error or a broken file."""
    is_absurd = pl.any_horizontal(pl.col(name) > HIGHEST_PRICE for name in OHLC)
    return reasons(bars, is_absurd, f"a price above {HIGHEST_PRICE:,.0f}")


def impossible_bar(bars: pl.DataFrame, _calendar: Calendar) -> pl.Series:
    """A high below the low, or an open or close outside them."""
    tolerance = RANGE_TOLERANCE * pl.col("close").abs()
    top, bottom = pl.max_horizontal(OHLC), pl.min_horizontal(OHLC)
    return reasons(
        bars,
        (top > pl.col("high") + tolerance) | (bottom < pl.col("low") - tolerance),
        "open or close outside the low-high range",
    )


def before_calendar(bars: pl.DataFrame, calendar: Calendar) -> pl.Series:
    """A row from before the calendar begins: whether it was a session is unknown."""
    return reasons(
        bars,
        pl.col("date") < calendar.covered_from,
        f"before {calendar.covered_from}, where the calendar begins",
    )


def non_session(bars: pl.DataFrame, calendar: Calendar) -> pl.Series:
    """A row on a day when the exchange was closed."""
    days = bars["date"].to_numpy()
    is_closed = pl.Series(calendar.session_ids(days) < 0, dtype=pl.Boolean)
    return reasons(bars, pl.lit(is_closed), "the exchange was closed on this day")


def flat_no_trade(bars: pl.DataFrame, _calendar: Calendar) -> pl.Series:
    """Four equal prices and no volume on a session: a missing bar, not a zero return."""
    return reasons(bars, is_untraded(), "flat with zero volume: a missing bar")


def outside_hours(bars: pl.DataFrame, calendar: Calendar) -> pl.Series:
    """An hourly bar that does not start within its session's hours, where these are certain."""
    certain = _certain_hours(bars, calendar)
    is_outside = [
        day in certain and not certain[day].opens <= ts < certain[day].closes
        for day, ts in zip(bars["date"], bars["ts"], strict=True)
    ]
    outside = pl.Series(is_outside, dtype=pl.Boolean)
    return reasons(bars, pl.lit(outside), "outside the session's hours")


def partial_hour(bars: pl.DataFrame, calendar: Calendar) -> pl.Series:
    """An hourly bar that was fetched, or is cleaned, before its hour or its session was over.

    See ``partial_bar`` for files without a stated time.
    """
    closes = {day: hours.closes for day, hours in _certain_hours(bars, calendar).items()}
    session_ends = pl.col("date").replace_strict(
        closes, default=None, return_dtype=pl.Datetime("us", "UTC")
    )
    ends = pl.min_horizontal(pl.col("ts") + HOUR, session_ends)
    seen_at = pl.min_horizontal("fetched_at", "now")
    return reasons(bars, ends > seen_at, "its hour was not over when it was fetched")


def _certain_hours(bars: pl.DataFrame, calendar: Calendar) -> dict[dt.date, Hours]:
    """The hours of the bars' sessions, where they are certain."""
    sessions = filter(calendar.is_session, bars["date"].unique())
    hours_of = {day: calendar.hours(day) for day in sessions}
    return {day: hours for day, hours in hours_of.items() if not hours.estimated}
