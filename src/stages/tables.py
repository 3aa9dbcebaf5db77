"""Lay out counts and stored rows as tables of plain text."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from src.stages.stage import NAMED

if TYPE_CHECKING:
    import polars as pl

# More tickers than a reader goes through: of these the table has those that need a look.
MANY = 50
_LOOK_AT = ("restated", "rejected", "quarantined", "repaired")
# Of prices these columns are shown; of other tables as many as a line takes.
_PRICES = ("date", "ts", "source", "open", "high", "low", "close", "volume")
_LAST, _WIDTH, _CELL = 5, 110, 40
_GAP = "  "


def counts_table(counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Lines of a table with a row a ticker, and one of totals below several tickers.

    Of very many tickers those without anything refused, repaired or restated are only counted.
    """
    if not counts:
        return []
    names = list(next(iter(counts.values())))
    rows = dict(counts)
    left_out = 0
    if len(rows) > MANY:
        rows = dict(_worst(counts))
        left_out = len(counts) - len(rows)
    cells = [[ticker, *(f"{row[name]:,}" for name in names)] for ticker, row in rows.items()]
    if len(counts) > 1:
        totals = (sum(row[name] for row in counts.values()) for name in names)
        cells.append(["total", *(f"{total:,}" for total in totals)])
    lines = aligned([["ticker", *names], *cells], str.rjust)
    if left_out:
        lines.append(f"{left_out:,} more tickers are in the total alone.")
    return lines


def _worst(counts: Mapping[str, Mapping[str, int]]) -> Iterator[tuple[str, Mapping[str, int]]]:
    """The tickers with most rows to look at, in the order of all."""

    def weight(ticker: str) -> int:
        return sum(counts[ticker].get(name, 0) for name in _LOOK_AT)

    noted = sorted((ticker for ticker in counts if weight(ticker)), key=weight, reverse=True)
    chosen = set(noted[:MANY])
    return ((ticker, row) for ticker, row in counts.items() if ticker in chosen)


def stored_rows(name: str, frame: pl.DataFrame, tickers: Sequence[str]) -> list[str]:
    """Lines about a table: how many rows of which tickers it has, and the last of them."""
    more = f" and {len(tickers) - NAMED:,} more" if len(tickers) > NAMED else ""
    few = ", ".join(tickers[:NAMED])
    plural = "" if frame.height == 1 else "s"
    lines = [f"{name}: {frame.height:,} row{plural} of {few}{more}"]
    if frame.height > _LAST:
        lines[0] += f", the last {_LAST}:"
    columns, left_out = _columns(frame, several=len(tickers) > 1)
    if frame.height and columns:
        lines += [f"{_GAP}{line}" for line in aligned(columns, str.rjust)]
    if left_out:
        lines.append(f"{_GAP}and {left_out} more columns")
    return lines


def _columns(frame: pl.DataFrame, *, several: bool) -> tuple[list[tuple[str, ...]], int]:
    """The header and rows of the columns that are shown, and how many others there are."""
    import polars as pl

    names = [
        name
        for name, kind in frame.schema.items()
        if not (kind.is_nested() or kind == pl.Binary) and (several or name != "ticker")
    ]
    if {"close", "source"} <= set(names):
        names = [name for name in names if name in _PRICES or name == "ticker"]
    columns: list[list[str]] = []
    for name in names:
        column = [_title(name), *map(_cell, frame[name].tail(_LAST))]
        width = sum(len(_GAP) + max(map(len, shown)) for shown in (*columns, column))
        if columns and width > _WIDTH:
            break
        columns.append(column)
    return list(zip(*columns, strict=True)), len(names) - len(columns)


def _title(name: str) -> str:
    return "time (UTC)" if name == "ts" else name


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, float):
        text = f"{value:,.4f}".rstrip("0") if abs(value) >= 1 or not value else f"{value:.6g}"
        whole, _, decimals = text.partition(".")
        return whole if not decimals else text
    text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return text if len(text) <= _CELL else f"{text[: _CELL - 1]}…"


def aligned(
    rows: Sequence[Sequence[str]], justify: Callable[[str, int], str], gap: str = _GAP
) -> list[str]:
    """Lines of a table: the first column to the left, the others as ``justify`` puts them."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        gap.join([row[0].ljust(widths[0]), *map(justify, row[1:], widths[1:])]).rstrip()
        for row in rows
    ]
