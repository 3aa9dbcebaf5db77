"""Decide whether a file's rows are days or bars within a day.

One bar a date is a day whatever its clock time; a live row below or beside the last day's does not
change that. A few rows are days only where their times are stamps of whole days: midnight, the
session's opening, or its close.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from src.core.errors import BadInput
from src.data.sources.files.fields.times.sessions import local_times, with_hours

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar
    from src.data.sources.files.fields.dates.parse import ParsedDates

NEARLY_ALL = 0.95
# Fewer dates may be the last ones of an hourly file.
_ENOUGH_DATES = 5
_QUARTER = 15 * 60 * 1_000_000  # microseconds: hours begin at a quarter of an hour
_MIXED_DAYS = 5
_HOUR = pl.duration(hours=1)
_SHORT_SESSION = pl.duration(minutes=75)


def is_intraday(
    dates: ParsedDates, tickers: pl.Series, calendar: Calendar, zone: str, stated: str | None
) -> bool:
    """Whether the times of day are those of bars within a day, not just stamps of whole days.

    ``stated`` is daily or hourly where the file says it: it decides where either can be.

    Raises:
        BadInput: where a few rows can be either, and where days and hours are mixed.
    """
    if _are_midnights([dates.wall]) or _are_midnights(local_times(dates, zone)):
        return False
    if stated == "hourly":
        return True
    bars = (
        pl.DataFrame({"ticker": tickers, "at": local_times(dates, zone)[0]}).drop_nulls().unique()
    )
    bars = bars.with_columns(date=pl.col("at").dt.date())
    days = bars.group_by("ticker", "date").agg(pl.len(), pl.col("at").min().alias("first"))
    if stated == "daily" and not (days["len"] > 1).any():
        return False
    if days["date"].n_unique() < _ENOUGH_DATES:
        return not _are_few_days(dates, tickers, calendar, zone)
    return _has_several_a_day(bars, days)


def _are_midnights(readings: list[pl.Series]) -> bool:
    return any(share_of_midnights(times) >= NEARLY_ALL for times in readings)


def _has_several_a_day(bars: pl.DataFrame, days: pl.DataFrame) -> bool:
    """Whether days have several bars, but for a live row of the last date or stray ones."""
    several = days.filter(pl.col("len") > 1)
    if several.is_empty():
        _refuse_scattered_hours(bars)
        return False
    is_live = (several["date"] == days["date"].max()) & (several["len"] == 2)
    if is_live.all() or several.height <= (1 - NEARLY_ALL) * days.height:
        return False
    _refuse_mixture(days)
    return True


def share_of_midnights(at: pl.Series) -> float:
    """The share of the naive times that can be read which are midnights."""
    times = at.to_numpy()
    times = times[~np.isnat(times)]
    return float((times == times.astype("datetime64[D]")).mean()) if times.size else 0.0


def is_midnight(name: str) -> pl.Expr:
    """Whether the time in a column is midnight."""
    return pl.col(name) == pl.col(name).dt.truncate("1d")


def _is_on_quarter(name: str) -> pl.Expr:
    return (pl.col(name).cast(pl.Int64) % _QUARTER) == 0


def _are_few_days(dates: ParsedDates, tickers: pl.Series, calendar: Calendar, zone: str) -> bool:
    """Whether bars of a few dates are days, by the reading whose times are stamps of days."""
    for reading in local_times(dates, zone):
        bars = pl.DataFrame({"ticker": tickers, "at": reading}).drop_nulls().unique()
        stamped = _with_stamps(bars, calendar, zone)
        is_last = pl.col("date") == pl.col("date").max()
        latest, earlier = stamped.filter(is_last), stamped.filter(~is_last)
        are_days = (
            _are_one_day(latest, stated=dates.has_offset)
            if earlier.is_empty()
            else _are_days(earlier, latest)
        )
        if are_days is not None:
            return are_days
    return False


def _with_stamps(bars: pl.DataFrame, calendar: Calendar, zone: str) -> pl.DataFrame:
    """The bars with ``date``, ``stamp`` and ``is_short``.

    The stamp is which time of a whole day the bar has: midnight, opening or close; inside for any
    other time of the session, else null. A short session may have one hour only.
    """
    utc = pl.col("at").dt.replace_time_zone(zone, ambiguous="null", non_existent="null")
    hours = with_hours(bars.with_columns(ts=utc.dt.convert_time_zone("UTC")), calendar, zone)
    after_close = pl.col("ts") - pl.col("closes")
    stamp = (
        pl.when(is_midnight("at"))
        .then(pl.lit("midnight"))
        .when(pl.col("ts") == pl.col("opens"))
        .then(pl.lit("opening"))
        .when(after_close.is_between(pl.duration(), _HOUR, closed="left"))
        .then(pl.lit("close"))
        .when(pl.col("ts").is_between("opens", "closes"))
        .then(pl.lit("inside"))
    )
    is_short = (pl.col("closes") - pl.col("opens") <= _SHORT_SESSION).fill_null(value=False)
    return hours.with_columns(stamp=stamp, is_short=is_short, date=pl.col("at").dt.date())


def _are_one_day(bars: pl.DataFrame, *, stated: bool) -> bool | None:
    """Whether the bars of one date are its day, None where another reading may show it.

    An opening alone can be the first hour, and a close the last one's end.
    """
    first = bars.group_by("ticker").agg(pl.col("stamp").sort_by("at").first(), pl.len())
    stamps = first["stamp"].unique()
    if stamps.to_list() == ["midnight"] and (first["len"] <= 2).all():
        return True
    is_stamp = stamps[0] == "opening" or (stamps[0] == "close" and stated)
    if is_stamp and stamps.len() == 1 and (first["len"] == 1).all():
        raise BadInput(_undecided(bars))
    return False if "inside" in stamps else None


def _are_days(earlier: pl.DataFrame, latest: pl.DataFrame) -> bool | None:
    """Whether the bars of two to four dates are days, by those before the last date.

    A festival's day has its own hours or the usual stamp, so it shows nothing beside others.
    """
    usual = earlier.filter(~pl.col("is_short"))
    stamps = (earlier if usual.is_empty() else usual)["stamp"].unique().to_list()
    if "inside" in stamps:
        return False
    if len(stamps) > 1 or stamps[0] is None or not _has_one_bar_a_day(earlier):
        return None
    is_day = _is_live_or_stamped(latest, stamps[0])
    if usual.is_empty() and not is_day:
        return False
    if usual.is_empty() or not is_day:
        raise BadInput(_undecided(latest))
    return True


def _has_one_bar_a_day(bars: pl.DataFrame) -> bool:
    return bars.select("ticker", "date").n_unique() == bars.height


def _is_live_or_stamped(latest: pl.DataFrame, stamp: str) -> bool:
    """Whether the last date has the day's row, a live one off the hours, or both."""
    by_ticker = latest.group_by("ticker").agg(
        pl.len(),
        stamped=_is_stamped(stamp).sum(),
        live=(~_is_stamped(stamp) & ~_is_on_quarter("at")).sum(),
    )
    is_day = (pl.col("stamped") + pl.col("live") == pl.col("len")) & (pl.col("len") <= 2)
    return bool(by_ticker.select(is_day.all()).item())


def _is_stamped(stamp: str) -> pl.Expr:
    return (pl.col("stamp") == stamp).fill_null(value=False) | pl.col("is_short")


def _refuse_scattered_hours(bars: pl.DataFrame) -> None:
    """Refuse one bar a date at changing full quarters: a thin share's hours look like that, too."""
    is_on_quarter = bars.select(_is_on_quarter("at").all()).item()
    if is_on_quarter and _commonest_time(bars["at"]) * 2 < bars.height:
        raise BadInput(_undecided(bars))


def _commonest_time(at: pl.Series) -> int:
    """How many times have the time of day that most have."""
    return int(at.dt.time().value_counts(sort=True)["count"][0])


def _refuse_mixture(days: pl.DataFrame) -> None:
    """Refuse days at one time of day beside bars within days: which are which is not certain."""
    single = days.filter(pl.col("len") == 1)
    if single.height < _MIXED_DAYS or single.height <= (1 - NEARLY_ALL) * days.height:
        return
    if _commonest_time(single["first"]) >= NEARLY_ALL * single.height:
        raise BadInput(
            f"{single.height} of its {days.height} days have one bar and the others several: give "
            "daily and hourly bars in files of their own."
        )


def _undecided(bars: pl.DataFrame) -> str:
    at = str(bars["at"].max())[:16]
    return (
        f"its rows, such as that of {at}, can be days or single hours: write a "
        "day's date without a time, or give all hours of a session."
    )
