"""Read the rows of an exchange's list of corporate actions, whatever its columns are called."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from src.core.errors import BadInput, UsageError
from src.core.tickers import normalise_ticker
from src.data.sources.files.fields.dates.parse import parse_dates

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar

# Names of columns without blanks and signs: NSE's download, its list of a day and its JSON; BSE's.
_COLUMNS = {
    "symbol": ("symbol", "securityname", "shortname"),
    "series": ("series",),
    "subject": ("purpose", "subject"),
    "face_value": ("facevalue", "faceval", "facevaluers"),
    "ex_date": ("exdate", "exdt"),
}
_CODES = ("securitycode", "scripcode")
_NEEDED = ("symbol", "subject", "ex_date")
_BLANK = ("", "-", "--", "null", "None", "nan")
# Series of NSE's shares, and of the units of trusts (InvITs and REITs), which have no face value.
SHARE_SERIES = frozenset({"", "EQ", "BE", "BZ", "SM", "ST", "SZ"})
UNIT_SERIES = frozenset({"IV", "RR"})
SUFFIXES = {"nse": ".NS", "bse": ".BO"}


@dataclass(frozen=True)
class ActionRow:
    """One row of the list.

    Attributes:
        line: Of the file, or the number of the row.
        series: NSE's code of the kind of security; empty where the list has none.
        subject: As written.
        face_value: In rupees, of the day of the list, not of the ex-date; None without.
        ex_date: None where the row names none.
    """

    line: int
    ticker: str
    series: str
    subject: str
    face_value: float | None
    ex_date: dt.date | None


def source_of(columns: Sequence[str]) -> str | None:
    """``nse`` or ``bse`` by the names of the columns; None for another table."""
    names = {_plain(column) for column in columns}
    if not all(names.intersection(_COLUMNS[column]) for column in _NEEDED):
        return None
    return "bse" if names.intersection(_CODES) else "nse"


def action_rows(
    records: Sequence[Mapping[str, Any]],
    calendar: Calendar,
    latest: dt.date,
    suffix: str,
    lines: Sequence[int] | None = None,
) -> tuple[list[ActionRow], list[str]]:
    """The rows of a list of NSE or BSE, and a sentence for each that cannot be used.

    Args:
        records: The cells of each row by the name of its column, in any order.
        calendar: Of the exchange.
        latest: No ex-date is later.
        suffix: Of the exchange's tickers.
        lines: Where each row stands in its file, by default 1, 2, ...

    Raises:
        BadInput: The dates cannot be read, or a column is missing.
    """
    columns = _columns_of(records)
    numbers = list(lines) if lines is not None else list(range(1, len(records) + 1))
    cells = [
        {name: _cell(record.get(column)) for name, column in columns.items()} for record in records
    ]
    dates = _dates([each["ex_date"] for each in cells], numbers, calendar, latest)
    tickers: dict[str, str | None] = {}
    rows, errors = [], []
    for line, each, date in zip(numbers, cells, dates, strict=True):
        symbol = each["symbol"]
        if symbol not in tickers:
            tickers[symbol] = _ticker(symbol, suffix)
        ticker = tickers[symbol]
        if ticker is None:
            errors.append(f"line {line}: {symbol!r} is not a symbol")
        elif date is None and each["ex_date"]:
            errors.append(f"line {line}: {each['ex_date']!r} of {symbol} is no possible ex-date")
        else:
            rows.append(_row(line, ticker, each, date))
    return rows, errors


def _row(line: int, ticker: str, cells: dict[str, str], date: dt.date | None) -> ActionRow:
    series = cells.get("series", "").upper()
    face_value = None if series in UNIT_SERIES else _number(cells.get("face_value", ""))
    return ActionRow(line, ticker, series, cells["subject"], face_value, date)


def _columns_of(records: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The name of each column as the first row has it."""
    names = {_plain(name): name for name in (records[0] if records else ())}
    columns = {
        column: names[alias]
        for column, aliases in _COLUMNS.items()
        for alias in aliases
        if alias in names
    }
    if lacking := [column for column in _NEEDED if column not in columns]:
        raise BadInput(f"it has no column for the {lacking[0].replace('_', '-')}.")
    return columns


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


def _cell(value: object) -> str:
    text = " ".join(str(value).split()) if value is not None else ""
    return "" if text in _BLANK else text


def _ticker(symbol: str, suffix: str) -> str | None:
    try:
        return normalise_ticker(symbol, suffix)
    except UsageError:
        return None


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        return None
    return value if 0 < value < 1e6 else None


def _dates(
    texts: list[str], lines: list[int], calendar: Calendar, latest: dt.date
) -> list[dt.date | None]:
    """The ex-dates; None where there is none, and for one that cannot be."""
    written = [i for i, text in enumerate(texts) if text]
    dates: list[dt.date | None] = [None] * len(texts)
    if not written:
        return dates
    column = pl.Series("ex_date", [texts[i] for i in written])
    numbers = pl.Series([lines[i] for i in written])
    parsed = parse_dates(
        column, numbers, column="ex-date", latest_year=latest.year, calendar=calendar
    )
    for i, time in zip(written, parsed.wall, strict=True):
        dates[i] = time.date() if time is not None and time.date() <= latest else None
    return dates
