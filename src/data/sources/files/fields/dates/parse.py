"""Parse a column of written dates, all in one form, into wall times and UTC offsets."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from src.core.errors import BadInput

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar

OLDEST_YEAR = 1980
_TIME = (
    r"(?:[T ]+(?<hour>\d{1,2}):(?<minute>\d{2})(?::(?<second>\d{2})(?:[.](?<fraction>\d{1,9}))?)?"
    r" ?(?<offset>Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?$"
)
_FORMS: dict[str, str] = {
    "year first": r"^(?<year>\d{4})[-/.](?<month>\d{1,2})[-/.](?<day>\d{1,2})" + _TIME,
    "numbers": r"^(?<first>\d{1,2})[-/.](?<other>\d{1,2})[-/.](?<year>\d{4})" + _TIME,
    "month name": r"^(?<day>\d{1,2})[-/ ](?<name>[A-Za-z]{3,9})[-/ ,]+(?<year>\d{4})" + _TIME,
    "month name first": r"^(?<name>[A-Za-z]{3,9})[-/ ](?<day>\d{1,2})[, ]+(?<year>\d{4})" + _TIME,
    "eight digits": r"^(?<year>(?:19|20)\d{2})(?<month>[01]\d)(?<day>[0-3]\d)" + _TIME,
}
_MONTHS = {
    **{"jan": "1", "feb": "2", "mar": "3", "apr": "4", "may": "5", "jun": "6"},
    **{"jul": "7", "aug": "8", "sep": "9", "oct": "10", "nov": "11", "dec": "12"},
}
_TIME_PARTS = ("hour", "minute", "second", "fraction")


@dataclass(frozen=True)
class ParsedDates:
    """The dates of a file's rows.

    Attributes:
        wall: The time as written (naive, null where it cannot be read).
        offset: Its offset from UTC in minutes, null without one.
        outside_years: Whether it was readable but outside the allowed years, and so made null.
        notes: What was assumed.
    """

    wall: pl.Series
    offset: pl.Series
    outside_years: pl.Series
    notes: tuple[str, ...] = ()

    @property
    def has_offset(self) -> bool:
        """Whether the file states offsets; then every readable row has one."""
        return self.offset.null_count() < self.offset.len()


def parse_dates(
    at: pl.Series, lines: pl.Series, *, column: str, latest_year: int, calendar: Calendar
) -> ParsedDates:
    """The column's dates, all parsed by the form that most rows have.

    The rows' line numbers in the file and the column's name are for messages; ``calendar`` is that
    of the exchange.

    Raises:
        BadInput: when more rows cannot be read than a total line or two, when the order of day and
            month is ambiguous, and for numbers.
    """
    times, notes = _iso_days(at) or _parsed_times(at, lines, column)
    if _all_within(times["wall"], latest_year):
        none = pl.Series("outside_years", [False]).new_from_index(0, at.len())
        return ParsedDates(times["wall"], times["offset"], none, notes)
    year = times["wall"].dt.year()
    outside = ((year < OLDEST_YEAR) | (year > latest_year)).fill_null(value=False)
    unreadable = times["wall"].is_null()
    bad = int((outside | unreadable).sum())
    if _are_many(bad, at.len()):
        if int(outside.sum()) * 2 >= bad:
            raise BadInput(_outside(at, outside, lines, column, latest_year))
        raise BadInput(_unreadable(at, unreadable, lines, column))
    wall = times.select(pl.when(~outside).then("wall"))["wall"]
    return ParsedDates(wall, times["offset"], outside.alias("outside_years"), notes)


def _iso_days(at: pl.Series) -> tuple[pl.DataFrame, tuple[str, ...]] | None:
    """As ``_parsed_times`` where each row is a day such as 2026-04-13, as in most files."""
    if at.null_count() or not at.str.contains(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$").all():
        return None
    day = pl.col(at.name).str.to_date("%Y-%m-%d", strict=False)
    wall = day.cast(pl.Datetime("us"))
    return at.to_frame().select(wall=wall, offset=pl.lit(None, dtype=pl.Int32)), ()


def _all_within(wall: pl.Series, latest_year: int) -> bool:
    """Whether all times can be read and are of the allowed years, as in most files."""
    first, last = wall.min(), wall.max()
    return (
        isinstance(first, dt.datetime)
        and isinstance(last, dt.datetime)
        and not wall.null_count()
        and first.year >= OLDEST_YEAR
        and last.year <= latest_year
    )


def _parsed_times(
    at: pl.Series, lines: pl.Series, column: str
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """``wall`` and ``offset`` of each row by the form of most rows, and what was assumed."""
    form, parts = _most_common_form(at)
    if not form:
        raise BadInput(_unreadable(at, at.is_not_null(), lines, column))
    parts, notes = _day_and_month(parts, at, lines, column) if form == "numbers" else (parts, ())
    return _with_offsets_or_without(parts.select(_offset(), _wall(parts))), notes


def too_many(bad: int, rows: int, tolerated: int) -> bool:
    """Whether so many bad rows mean that the file, not a stray line, is wrong."""
    return bad > max(tolerated, rows // 100) or bad == rows


def _most_common_form(at: pl.Series) -> tuple[str, pl.DataFrame]:
    """The form of most rows and the parts it finds in each; empty when no row has any."""
    best, best_parts, most = "", pl.DataFrame(), 0
    for form, pattern in _FORMS.items():
        parts = at.str.extract_groups(pattern).struct.unnest()
        matched = int(parts["year"].is_not_null().sum())
        if matched > most:
            best, best_parts, most = form, parts, matched
        if matched * 2 > at.len():
            break
    return best, best_parts


def _day_and_month(
    parts: pl.DataFrame, at: pl.Series, lines: pl.Series, column: str
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    first, other = (parts[name].cast(pl.Int32) for name in ("first", "other"))
    day_first, month_first = first.max() > 12, other.max() > 12  # type: ignore[operator]
    sample = at.filter(first.is_not_null())[0]
    line = lines.filter(first.is_not_null())[0]
    if day_first and month_first:
        raise BadInput(
            f"its {column} column mixes day/month and month/day order (first {sample!r}, line "
            f"{line}): write the dates as YYYY-MM-DD."
        )
    if not day_first and not month_first:
        raise BadInput(
            f"its {column} column is ambiguous, as {sample!r} (line {line}) can be day/month or "
            "month/day: write the dates as YYYY-MM-DD."
        )
    if day_first:
        return parts.rename({"first": "day", "other": "month"}), ()
    note = f"dates read in month/day/year order, as in {at.filter(other > 12)[0]!r}"
    return parts.rename({"first": "month", "other": "day"}), (note,)


def _wall(parts: pl.DataFrame) -> pl.Series:
    if "name" in parts.columns:
        short = pl.col("name").str.slice(0, 3).str.to_lowercase()
        months = short.replace_strict(_MONTHS, default=None, return_dtype=pl.String)
        parts = parts.with_columns(month=months)
    filled = parts.with_columns(pl.col(_TIME_PARTS).fill_null("0"))
    text = pl.format("{}-{}-{} {}:{}:{}.{}", "year", "month", "day", *_TIME_PARTS)
    form = "%Y-%m-%d %H:%M:%S%.f"
    return filled.select(wall=text.str.to_datetime(form, time_unit="us", strict=False)).to_series()


def _with_offsets_or_without(times: pl.DataFrame) -> pl.DataFrame:
    """The times of rows with an offset, or of those without one, whichever are more; null else."""
    has_offset = pl.col("offset").is_not_null()
    is_with = has_offset.sum() * 2 > pl.col("wall").is_not_null().sum()
    return times.select(
        wall=pl.when(has_offset == is_with).then("wall"), offset=pl.when(is_with).then("offset")
    )


def _offset() -> pl.Expr:
    text = pl.col("offset")
    signed = pl.when(text.str.starts_with("-")).then(-1).otherwise(1)
    hours = text.str.slice(1, 2).cast(pl.Int32, strict=False)
    minutes = text.str.slice(-2).cast(pl.Int32, strict=False)
    is_utc = text.str.contains("^(Z|UTC|GMT)$")
    total = pl.when(is_utc).then(0).otherwise(signed * (hours * 60 + minutes))
    return total.cast(pl.Int32).alias("offset")


def _are_many(bad: int, rows: int) -> bool:
    return bool(bad) and (too_many(bad, rows, tolerated=1) or bad * 2 >= rows)


def _outside(
    at: pl.Series, outside: pl.Series, lines: pl.Series, column: str, latest_year: int
) -> str:
    return (
        f"its {column} column has {at.filter(outside)[0]!r} (line {lines.filter(outside)[0]}), "
        f"outside the years {OLDEST_YEAR} to {latest_year}: correct the date."
    )


def _unreadable(at: pl.Series, bad: pl.Series, lines: pl.Series, column: str) -> str:
    bad = bad if bad.any() else pl.repeat(value=True, n=at.len(), eager=True)
    value, line = at.filter(bad)[0], lines.filter(bad)[0]
    kind = _number_kind(value or "")
    if kind:
        return (
            f"its {column} column has {kind} such as {value} (line {line}), not dates: "
            "write them as YYYY-MM-DD."
        )
    return (
        f"its {column} column has {value or ''!r} (line {line}), which is not a date "
        f"({int(bad.sum())} of {at.len()} rows): write the dates as YYYY-MM-DD."
    )


def _number_kind(value: str) -> str | None:
    if not re.fullmatch(r"\d+(\.\d+)?", value):
        return None
    digits = len(value.split(".", maxsplit=1)[0])
    if digits <= 7:
        return "day numbers (a spreadsheet's serial dates)"
    return "numbers" if digits == 8 else "epoch seconds or milliseconds"
