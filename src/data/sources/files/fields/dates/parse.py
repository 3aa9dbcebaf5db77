"""Parse a column of written dates, all in one form, into wall times and UTC offsets."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from src.core.errors import BadInput
from src.data.sources.files.fields.dates.forms import OLDEST_YEAR, most_common_form, wall_times
from src.data.sources.files.fields.dates.order import name_parts
from src.data.sources.files.fields.dates.problems import outside_years, unreadable
from src.data.sources.files.fields.dates.swapped import half_swapped, refuse_swapped

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar


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
    of the exchange. Seconds and milliseconds since 1970 are in UTC.

    Raises:
        BadInput: when more rows cannot be read than a total line or two, when the order of day and
            month is ambiguous or was swapped, and for numbers.
    """
    form, times, notes = _iso_days(at) or _parsed_times(at, lines, column, latest_year, calendar)
    dates = _within_years(at, times, lines, column, latest_year)
    if form == "year first":
        refuse_swapped(dates.wall, column, calendar)
    return ParsedDates(dates.wall, dates.offset, dates.outside_years, notes)


def _within_years(
    at: pl.Series, times: pl.DataFrame, lines: pl.Series, column: str, latest_year: int
) -> ParsedDates:
    """The dates of the allowed years; raises BadInput where too many are outside or unreadable."""
    if _all_within(times["wall"], latest_year):
        none = pl.Series("outside_years", [False]).new_from_index(0, at.len())
        return ParsedDates(times["wall"], times["offset"], none)
    year = times["wall"].dt.year()
    outside = ((year < OLDEST_YEAR) | (year > latest_year)).fill_null(value=False)
    is_unreadable = times["wall"].is_null()
    bad = int((outside | is_unreadable).sum())
    if _are_many(bad, at.len()) or half_swapped(at):
        if int(outside.sum()) * 2 >= bad:
            raise BadInput(outside_years(at, outside, lines, column, latest_year))
        raise BadInput(unreadable(at, is_unreadable, lines, column))
    wall = times.select(pl.when(~outside).then("wall"))["wall"]
    return ParsedDates(wall, times["offset"], outside.alias("outside_years"))


def _iso_days(at: pl.Series) -> tuple[str, pl.DataFrame, tuple[str, ...]] | None:
    """As ``_parsed_times`` where each row is a day such as 2026-04-13, as in most files."""
    if at.null_count() or not at.str.contains(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$").all():
        return None
    day = pl.col(at.name).str.to_date("%Y-%m-%d", strict=False)
    wall = day.cast(pl.Datetime("us"))
    return "year first", at.to_frame().select(wall=wall, offset=pl.lit(None, dtype=pl.Int32)), ()


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
    at: pl.Series, lines: pl.Series, column: str, latest_year: int, calendar: Calendar
) -> tuple[str, pl.DataFrame, tuple[str, ...]]:
    """The form of most rows, ``wall`` and ``offset`` of each by it, and what was assumed."""
    form, parts = most_common_form(at.str.replace_all(r"[\u00a0\u2009\u202f]", " "))
    notes: tuple[str, ...] = ()
    if not form:
        raise BadInput(unreadable(at, at.is_not_null(), lines, column))
    if form == "numbers":
        parts, notes = name_parts(parts, at, (lines, column), latest_year, calendar)
    return form, _with_offsets_or_without(wall_times(parts, latest_year)), notes


def too_many(bad: int, rows: int, tolerated: int) -> bool:
    """Whether so many bad rows mean that the file, not a stray line, is wrong."""
    return bad > max(tolerated, rows // 100) or bad == rows


def _with_offsets_or_without(times: pl.DataFrame) -> pl.DataFrame:
    """The times of rows with an offset, or of those without one, whichever are more; null else."""
    has_offset = pl.col("offset").is_not_null()
    is_with = has_offset.sum() * 2 > pl.col("wall").is_not_null().sum()
    return times.select(
        wall=pl.when(has_offset == is_with).then("wall"), offset=pl.when(is_with).then("offset")
    )


def _are_many(bad: int, rows: int) -> bool:
    return bool(bad) and (too_many(bad, rows, tolerated=1) or bad * 2 >= rows)
