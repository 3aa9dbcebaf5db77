"""Read JSON: candles as Indian brokers answer, and tables as pandas writes them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import polars as pl

from src.core.errors import BadInput
from src.core.tables import OHLCV
from src.data.sources.files.grids.cells import CellTable, table_of

if TYPE_CHECKING:
    from collections.abc import Sequence


_WAY = (
    "give candles of Kite, Upstox or Angel One, or what pandas writes by "
    'to_json(orient="records", date_format="iso")'
)
_UNKNOWN = f"its JSON is of an unknown form: {_WAY}."
_CANDLE, _CANDLE_WITH_INTEREST = 1 + len(OHLCV), 2 + len(OHLCV)
# How each broker writes the offset of India.
_KITE, _UPSTOX = re.compile(r".*T.*\+0530"), re.compile(r".*T.*\+05:30")


def read_json(text: bytes) -> tuple[CellTable, str | None]:
    """The table in a JSON text, and whose prices it has where its form shows it.

    Raises:
        BadInput: The text is no JSON, an error that a broker answered, or of another form.
    """
    try:
        data = json.loads(text, parse_float=str, parse_int=str)  # as written
    except (ValueError, RecursionError) as error:
        # JSON may follow JSON, one a line: that is another form.
        is_lines = isinstance(error, json.JSONDecodeError) and error.msg == "Extra data"
        raise BadInput(_UNKNOWN if is_lines else f"its JSON is damaged: {_WAY}.") from error
    if isinstance(data, list):
        return _records(data), None
    if "status" in data:
        return _answer(data)
    return _by_column(data), None


def _answer(data: dict[str, Any]) -> tuple[CellTable, str | None]:
    """A broker's answer: candles of time, open, high, low, close, volume and open interest."""
    if data["status"] not in (True, "success"):
        reason = data.get("message") or data.get("error_type") or data["status"]
        raise BadInput(f"it is an error of a broker ({str(reason)[:80]}): download it again.")
    body = data.get("data")
    is_angel = data["status"] is True
    rows = body if is_angel else body.get("candles") if isinstance(body, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise BadInput(_UNKNOWN)
    if not rows:
        raise BadInput("it has no candle: download it again.")
    widths = {len(row) for row in rows}
    if len(widths) > 1 or not widths <= {_CANDLE, _CANDLE_WITH_INTEREST}:
        raise BadInput(_UNKNOWN)
    vendor = "angelone" if is_angel else _vendor_of(rows)
    names = ["timestamp" if vendor == "upstox" else "date", *OHLCV, "oi"][: widths.pop()]
    return _table(names, rows), vendor


def _vendor_of(rows: Sequence[Sequence[Any]]) -> str | None:
    times = [str(row[0]) for row in rows]
    if all(map(_KITE.fullmatch, times)):
        return "kite"
    has_interest = len(rows[0]) == _CANDLE_WITH_INTEREST
    return "upstox" if has_interest and all(map(_UPSTOX.fullmatch, times)) else None


def _records(data: list[Any]) -> CellTable:
    """A list of rows, each with the names of its cells."""
    if not data or not all(isinstance(row, dict) for row in data):
        raise BadInput(_UNKNOWN)
    names = list(dict.fromkeys(name for row in data for name in row))
    return _table(names, [[row.get(name) for name in names] for row in data])


def _by_column(data: dict[str, Any]) -> CellTable:
    """Columns of cells by index: the index is a column without a name, as in a CSV."""
    columns = list(data.values())
    if not columns or not all(isinstance(column, dict) and column for column in columns):
        raise BadInput(_UNKNOWN)
    index = list(columns[0])
    if any(list(column) != index for column in columns):
        raise BadInput(_UNKNOWN)
    rows = [list(row) for row in zip(*(column.values() for column in columns), strict=True)]
    if index == [str(number) for number in range(len(index))]:
        return _table(list(data), rows)
    return _table(["", *data], [[key, *row] for key, row in zip(index, rows, strict=True)])


def _table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> CellTable:
    if any(isinstance(cell, (dict, list, bool)) for row in rows for cell in row):
        raise BadInput(_UNKNOWN)
    columns = zip(*rows, strict=True)
    return table_of(
        [pl.Series(name, column, pl.String) for name, column in zip(names, columns, strict=True)]
    )
