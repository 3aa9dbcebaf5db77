"""Recognise the headers that yfinance writes: lines of fields and of tickers, or both in one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from src.core.errors import BadInput
from src.data.sources.files.fields.actions import ACTIONS
from src.data.sources.files.layouts.layout import Layout, missing_columns, missing_message
from src.data.sources.files.layouts.words import DATES, INDEXES, SYMBOLS, canonical, field_of

if TYPE_CHECKING:
    from src.data.sources.delivery import Basis

    # A column's field and ticker.
    Pairs = Sequence[tuple[str, str]]

_CORNERS = (*INDEXES, *DATES, "price", "ticker", "tickers", "attributes", "symbols", "symbol")
_TICKER = r"\^?[A-Z0-9][A-Z0-9&=_-]*(?:\.[A-Z]{1,4})?"
_FLAT = re.compile(rf"\W*(?P<field>[A-Za-z][A-Za-z ]*?)[\W_]+(?P<ticker>{_TICKER})\W*")
_FLAT_TICKER_FIRST = re.compile(
    rf"\W*(?P<ticker>{_TICKER})[\W_]+(?P<field>(?:Adj )?[A-Z][a-z]+|Stock Splits)\W*"
)
_BLANKS = ("", "null", "nan", "na", "n/a", "none", "-")
_UNITS = ("rs", "rs.", "inr", "usd", "nos", "nos.", "shares", "units", "qty")


def several_headers(head: Sequence[Sequence[str]]) -> Layout | None:
    """The header of a line of fields, one of tickers and mostly one for the dates.

    Before them may be a column of row numbers, as in a file that was read and saved again.

    Raises:
        BadInput: for a ticker that lacks a price.
    """
    head = _without_blank_ends(head)
    for first in (0, 1):
        if len(head) > 1 and len(head[0]) == len(head[1]) > first + 1:
            layout = _with_levels(head, first)
            if layout is not None:
                return layout
    return None


def _without_blank_ends(head: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """The two lines of the header without the last columns that are blank in both, as in all."""
    head, width = list(head), 0
    for line in head[:2]:
        width = max(width, *(place for place, cell in enumerate(line, start=1) if cell), 0)
    return [line[:width] for line in head]


def _with_levels(head: Sequence[Sequence[str]], first: int) -> Layout | None:
    upper, lower = head[0], head[1]
    if first and (canonical(upper[0]) not in INDEXES or lower[0] not in ("", "0")):
        return None
    if canonical(upper[first]) not in _CORNERS or canonical(lower[first]) not in _CORNERS:
        return None
    if set(SYMBOLS) & {canonical(cell) for cell in upper[first + 1 :]}:  # with rows of tickers
        return None
    # A workbook's merged cells have their text in the first of them.
    fields = list(accumulate(upper[first:], _or_left))
    tickers = list(lower[first:])
    if not _are_fields(fields):
        fields, tickers = tickers, fields
    columns = [place for place, name in enumerate(fields) if place and field_of(_unmarked(name))]
    if not _are_fields(fields) or not all(_is_ticker(tickers[place]) for place in columns):
        return None
    pairs = [("", "")] * first + [
        (_unmarked(name), ticker) for name, ticker in zip(fields, tickers, strict=True)
    ]
    third = head[2] if len(head) > 2 else []
    has_dates_line = _is_dates_line(third, first, columns)
    date = _date_column(upper, lower, first)
    pairs[: date + 1] = [("", "")] * (date + 1)
    names = [f"{name} {ticker}".strip() for name, ticker in pairs]
    names[date] = (third[first] if has_dates_line else "") or "Date"
    return _layout("yfinance", names, date, pairs, header_lines=3 if has_dates_line else 2)


def _or_left(left: str, cell: str) -> str:
    return cell or left


def _unmarked(name: str) -> str:
    """A field without the number by which pandas tells columns of one name apart."""
    return re.sub(r"\.\d+$", "", name)


def _are_fields(cells: Sequence[str]) -> bool:
    return {"open", "close"} <= {field_of(_unmarked(cell)) for cell in cells}


def _is_ticker(text: str) -> bool:
    has_letter = any(letter.isalpha() for letter in text)
    is_word = text.lower() not in (*_BLANKS, *_UNITS) and field_of(text) is None
    return has_letter and is_word and re.fullmatch(r"\S{1,40}", text) is not None


def _is_dates_line(line: Sequence[str], first: int, columns: Sequence[int]) -> bool:
    """Whether a line names the dates alone; ``columns`` of fields count from ``first``."""
    if len(line) <= first or (first and not line[0].isdigit()):
        return False
    line = line[first:]
    values = [line[place] for place in columns if place < len(line)]
    return canonical(line[0]) in DATES and not any(values)


def _date_column(upper: Sequence[str], lower: Sequence[str], first: int) -> int:
    """The column of dates: the second of a table that was saved with its row numbers too."""
    place = first + 1
    words = {canonical(upper[place]), canonical(lower[place])}
    return place if words & set(DATES) and "" in words else first


def flat_header(header: Sequence[str]) -> Layout | None:
    """The columns of yfinance with both levels in one name: ``Close TCS.NS``.

    Raises:
        BadInput: for a ticker that lacks a price.
    """
    titles = [canonical(name) for name in header]
    date = next((place for place, title in enumerate(titles[:2]) if title in DATES), None)
    if date is None and titles[0] in INDEXES:
        date = 0
    if date is None or any(field_of(name) for name in header):
        return None  # PRICE in CLOSE PRICE is no ticker
    pairs = [("", "")] * (date + 1) + [_flat_pair(name) for name in header[date + 1 :]]
    if not any(field_of(name) == "close" for name, _ in pairs):
        return None
    return _layout("yfinance_flat", list(header), date, pairs, header_lines=1)


def _flat_pair(name: str) -> tuple[str, str]:
    for pattern in (_FLAT, _FLAT_TICKER_FIRST):
        match = pattern.fullmatch(name)
        if match and (field_of(match["field"]) or canonical(match["field"]) in ACTIONS):
            return match["field"], match["ticker"]
    return "", ""


def _layout(
    name: str, names: Sequence[str], date: int, pairs: Pairs, *, header_lines: int
) -> Layout:
    values: dict[str | None, dict[str, int]] = {}
    actions: dict[str | None, dict[str, int]] = {}
    for column, (text, ticker) in enumerate(pairs):
        value = field_of(text)
        if value and value in values.get(ticker, {}):
            raise BadInput(f"it has two columns for {value} of {ticker}: keep one of them.")
        if value:
            values.setdefault(ticker, {})[value] = column
        elif canonical(text) in ACTIONS:
            actions.setdefault(ticker, {})[canonical(text)] = column
    for stated, columns in values.items():
        missing = missing_columns(columns)
        if missing:
            fields = list(dict.fromkeys(text for text, _ in pairs if text))
            raise BadInput(missing_message(missing, fields, f" for {stated}"))
    split = all("adj_close" in columns for columns in values.values())
    basis: Basis = "split" if split else "total"
    return Layout(
        name=name,
        vendor="yahoo",
        basis=basis,
        header_lines=header_lines,
        names=tuple(names),
        dates=(date,),
        values=values,
        actions=actions,
    )
