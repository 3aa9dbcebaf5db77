"""Tell in plain text how a price file is read, before anything of it is stored."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

import polars as pl

from src.core.calendars.exchanges import exchange_of

if TYPE_CHECKING:
    from src.data.sources.delivery import Delivery

Outcome = Literal["read", "refused", "passed by"]
_TICKERS_SHOWN = 5
_WIDTH = 10
_NO_DAYS = "no rows"


@dataclass(frozen=True)
class FileReading:
    """What came of one file: its deliveries, why parts were refused, and what was passed over.

    The sentences of ``failures`` and ``unread`` may begin with the path.
    """

    path: str
    deliveries: Sequence[Delivery]
    failures: Sequence[str] = ()
    unread: Sequence[str] = ()

    @property
    def outcome(self) -> Outcome:
        """What ``write`` would make of the file; one refused in parts is refused."""
        if self.failures:
            return "refused"
        return "read" if self.deliveries else "passed by"


def describe(reading: FileReading) -> list[str]:
    """Lines about how a file is read, its path above them."""
    lines = [reading.path]
    for group in _alike(reading.deliveries):
        lines += _describe_group(group, reading.path)
    prefix = f"{reading.path}: "
    lines += [_line("refused", text.removeprefix(prefix)) for text in reading.failures]
    lines += [
        _line("passed by", text.removeprefix(prefix).removeprefix("not read: "))
        for text in reading.unread
    ]
    if not reading.deliveries and not reading.failures:
        lines.append(_line("read", "nothing"))
    return lines


def summary(outcomes: Sequence[Outcome]) -> str:
    """How many files can be read, are refused as a whole or in parts, or have nothing to take."""
    counted = f"{len(outcomes):,} file{'' if len(outcomes) == 1 else 's'}"
    counts = Counter(outcomes)
    passed = f", {counts['passed by']:,} passed by" if counts["passed by"] else ""
    return (
        f"{counted}: {counts['read']:,} can be read, {counts['refused']:,} refused{passed}. "
        "Nothing was stored."
    )


def _alike(deliveries: Sequence[Delivery]) -> list[list[Delivery]]:
    """The deliveries of one table that differ in nothing but the ticker, together."""
    groups: dict[tuple[str, ...], list[Delivery]] = {}
    for delivery in deliveries:
        facts = (delivery.layout, delivery.vendor, delivery.kind, delivery.price_basis)
        groups.setdefault((delivery.origin, *facts), []).append(delivery)
    return list(groups.values())


def _describe_group(group: Sequence[Delivery], path: str) -> Iterator[str]:
    first = group[0]
    place = first.origin.removeprefix(path).removeprefix(", ")
    if place:
        yield _line("table", place)
    yield _line("layout", first.layout)
    yield _line("vendor", first.vendor)
    yield _line("tickers", _tickers([delivery.ticker for delivery in group]))
    yield _line("kind", first.kind)
    if first.kind == "hourly":
        yield _line("zone", f"{exchange_of(first.ticker).zone} (stored in UTC)")
    yield _line("basis", first.price_basis)
    yield _line("dates", _dates(group))
    rows = sum(delivery.frame.height for delivery in group)
    rejected = sum(delivery.rejected.height for delivery in group)
    yield _line("rows", f"{rows:,}" + (f", and {rejected:,} rejected" if rejected else ""))
    yield from _rejections(group)
    yield from (_line("note", note) for note in dict.fromkeys(_notes(group)))
    yield from _ends(group)


def _tickers(tickers: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(tickers))
    shown = ", ".join(distinct[:_TICKERS_SHOWN])
    more = len(distinct) - _TICKERS_SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown


def _notes(group: Sequence[Delivery]) -> Iterator[str]:
    return (note for delivery in group for note in delivery.notes)


def _dates(group: Sequence[Delivery]) -> str:
    days = [_day(delivery, time) for delivery in group for time in _extremes(delivery)]
    return f"{min(days)} to {max(days)}" if days else _NO_DAYS


def _extremes(delivery: Delivery) -> list[dt.datetime | dt.date]:
    keys = delivery.frame[delivery.key]
    first, last = keys.min(), keys.max()
    return [key for key in (first, last) if isinstance(key, dt.date)]


def _day(delivery: Delivery, time: dt.datetime | dt.date) -> dt.date:
    """The session of a bar."""
    if isinstance(time, dt.datetime):
        return time.astimezone(ZoneInfo(exchange_of(delivery.ticker).zone)).date()
    return time


def _rejections(group: Sequence[Delivery]) -> Iterator[str]:
    """How many rows each rule rejected, with the first of them."""
    rejected = pl.concat([delivery.rejected for delivery in group])
    for rule, rows in rejected.group_by("rule", maintain_order=True):
        first = rows.row(0, named=True)
        yield _line(
            "rejected",
            f"{rows.height:,} {rule[0]}, such as data row {first['line']}: {first['reason']}",
        )


def _ends(group: Sequence[Delivery]) -> Iterator[str]:
    """The first and the last row, as they would be stored."""
    filled = [delivery for delivery in group if delivery.frame.height]
    if filled:
        first, last = filled[0], filled[-1]
        yield _line("first row", _row(first, first.frame.sort(first.key).row(0, named=True)))
        yield _line("last row", _row(last, last.frame.sort(last.key).row(-1, named=True)))


def _row(delivery: Delivery, row: dict[str, object]) -> str:
    time = row[delivery.key]
    at = f"{time:%Y-%m-%d %H:%M} UTC" if isinstance(time, dt.datetime) else str(time)
    values = (
        f"{name} {value:.15g}"
        for name, value in row.items()
        if name not in ("line", delivery.key) and isinstance(value, float)
    )
    return "  ".join([delivery.ticker, at, *values])


def _line(name: str, text: str) -> str:
    return f"  {name:<{_WIDTH}} {text}"
