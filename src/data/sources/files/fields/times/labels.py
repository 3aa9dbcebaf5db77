"""Move the times of hourly bars to when their bars begin.

Bars are labelled by their beginning or by their end, and those of a resample by full hours, so that
the first label lies before the opening. Which it is follows from the labels around the opening and
the close; a file that has neither is refused, as both readings fit it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

import polars as pl

from src.core.errors import BadInput
from src.data.sources.files.fields.times.sessions import FULL_SESSION, with_hours
from src.data.sources.files.fields.times.spacing import HOUR_MINUTES, median_minutes

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar

Convention = Literal["start", "end", "unclear", "none"]

_HOUR = pl.duration(hours=1)
_MANY_TO_ONE = 4
_FEW_BARS = 3
_ONE_PHASE = 0.9


@dataclass(frozen=True)
class LabelCounts:
    """In how many sessions of a file labels lie where only a beginning, or only an end, can be.

    Attributes:
        sessions: Full sessions with a bar.
        bars: Bars in them.
        starts: Sessions with a label at the opening, or in the hour before it.
        ends: Sessions with a label at the close or in the hour after it.
        late: Sessions with a label off the others' minute in the hour before the close.
        outside: Sessions with labels farther outside, as of a market before and after hours.
    """

    sessions: int
    bars: int
    starts: int
    ends: int
    late: int
    outside: int


def move_to_starts(
    utc: pl.Series, tickers: pl.Series, calendar: Calendar, zone: str
) -> tuple[pl.Series, tuple[str, ...]]:
    """The UTC times at which hourly bars begin, from their labels in UTC; and notes.

    Raises:
        BadInput: where the labels can be beginnings and ends.
    """
    bars = pl.DataFrame({"ticker": tickers, "ts": utc})
    if median_minutes(bars.rename({"ts": "key"})) not in (None, HOUR_MINUTES):
        return utc, ()
    bars = with_hours(bars, calendar, zone)
    phase = _phase(bars)
    counts = _count(bars, phase)
    convention = _convention(counts)
    if convention == "unclear":
        raise BadInput(_unclear(bars, zone))
    if convention == "end":
        return _from_ends(bars, phase, zone)
    if convention == "start":
        return _from_beginnings(bars, phase, zone)
    return utc, ("bars taken as labelled by their beginning",) if counts.bars else ()


def _phase(bars: pl.DataFrame) -> int | None:
    """The minute that most labels inside sessions have, in UTC."""
    minutes = bars.filter(_is_inside())["ts"].dt.minute()
    return int(minutes.mode().sort()[0]) if minutes.len() else None


def _is_inside() -> pl.Expr:
    return (pl.col("ts") > pl.col("opens")) & (pl.col("ts") < pl.col("closes"))


def _count(bars: pl.DataFrame, phase: int | None) -> LabelCounts:
    ts, opens, closes = pl.col("ts"), pl.col("opens"), pl.col("closes")
    full = bars.unique(["ticker", "ts"]).filter(closes - opens >= FULL_SESSION)
    is_late = _is_inside() & (ts > closes - _HOUR) & (ts.dt.minute() != (phase or 0))
    sessions = full.group_by("ticker", "day").agg(
        starts=((ts > opens - _HOUR) & (ts <= opens)).any(),
        ends=((ts >= closes) & (ts < closes + _HOUR)).any(),
        late=is_late.any(),
        outside=((ts <= opens - _HOUR) | (ts >= closes + _HOUR)).any(),
    )
    totals = sessions.select(pl.col("starts", "ends", "late", "outside").sum()).row(0, named=True)
    return LabelCounts(sessions.height, full.height, **totals)


def _convention(counts: LabelCounts) -> Convention:
    """What the labels are; none where no full session or only a bar or two can tell."""
    starts, ends = counts.starts, counts.ends
    if not counts.sessions or counts.outside * _MANY_TO_ONE > counts.sessions:
        return "none"
    if starts and ends * _MANY_TO_ONE <= starts:
        return "start"
    if not starts:
        ends = max(ends, counts.late)
    is_enough = counts.bars >= _FEW_BARS
    if is_enough and ends * 2 >= counts.sessions and starts * _MANY_TO_ONE <= ends:
        return "end"
    return "unclear" if ends or starts or is_enough else "none"


def _from_beginnings(
    bars: pl.DataFrame, phase: int | None, zone: str
) -> tuple[pl.Series, tuple[str, ...]]:
    """The opening for the label of a full hour before it, where nothing is labelled with it."""
    ts, opens = pl.col("ts"), pl.col("opens")
    has_opening = (ts == opens).any().over("ticker", "day")
    is_before = (ts > opens - _HOUR) & (ts < opens) & (ts.dt.minute() == (phase or 0))
    moved = bars.with_columns(start=pl.when(is_before & ~has_opening).then(opens).otherwise(ts))
    early = moved.filter(ts != pl.col("start"))
    if early.is_empty():
        return bars["ts"], ()
    first = early.row(0, named=True)
    label, start = _local(first["ts"], zone), _local(first["start"], zone)
    note = (
        f"{early.height} bars labelled before the opening, such as {label:%H:%M} on "
        f"{label:%Y-%m-%d}, begin at {start:%H:%M}"
    )
    outside = moved.filter(ts == pl.col("start"), (ts < opens) | (ts >= pl.col("closes")))
    if outside.height:
        label = _local(outside["ts"][0], zone)
        note += (
            f"; {outside.height} outside the session of their day, such as {label:%H:%M} on "
            f"{label:%Y-%m-%d}, keep their time"
        )
    return moved["start"].alias("ts"), (note,)


def _from_ends(
    bars: pl.DataFrame, phase: int | None, zone: str
) -> tuple[pl.Series, tuple[str, ...]]:
    """The end of the bar before, on the file's minute of the hour, or the opening."""
    ts, opens = pl.col("ts"), pl.col("opens")
    inside = bars.filter(_is_inside() & (ts <= pl.col("closes") - _HOUR))
    on_phase = (inside["ts"].dt.minute() == phase).mean()
    if phase is None or (inside.height and float(on_phase or 0) < _ONE_PHASE):  # type: ignore[arg-type]
        raise BadInput(_unclear(bars, zone))
    length = (ts.dt.minute().cast(pl.Int32) - phase - 1) % 60 + 1
    start = ts - pl.duration(minutes=length)
    is_first = (ts == ts.min().over("ticker", "day")) & (ts > opens) & (ts <= opens + _HOUR)
    is_hour = is_first & (pl.col("closes") - opens < FULL_SESSION)  # begins off the usual minute
    clipped = pl.when(is_hour | ((ts > opens) & (start < opens))).then(opens).otherwise(start)
    moved = bars.with_columns(start=clipped)
    is_exact = (moved["ts"].dt.second() == 0).all() and (moved["ts"].dt.microsecond() == 0).all()
    if not is_exact or moved.n_unique(["ticker", "start"]) < moved.n_unique(["ticker", "ts"]):
        raise BadInput(_unclear(bars, zone))
    first = moved.drop_nulls("start").row(0, named=True)
    label, begins = (f"{_local(first[name], zone):%H:%M}" for name in ("ts", "start"))
    note = f"times read as the ends of the bars: that of {label} begins at {begins}"
    return moved["start"].alias("ts"), (note,)


def _local(ts: dt.datetime, zone: str) -> dt.datetime:
    return ts.astimezone(ZoneInfo(zone))


def _unclear(bars: pl.DataFrame, zone: str) -> str:
    times = bars["ts"].drop_nulls().dt.convert_time_zone(zone).dt.strftime("%H:%M")
    return (
        f"its bars, labelled {times.min()!s} to {times.max()!s}, can be labelled by their "
        "beginning or by their end: label each with the time at which it begins."
    )
