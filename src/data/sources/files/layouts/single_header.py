"""Recognise a header of one line: prices of one ticker, or of the one that a column names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from src.core.errors import BadInput
from src.data.sources.files.fields.actions import ACTIONS
from src.data.sources.files.fields.segments import is_instrument_type
from src.data.sources.files.layouts.layout import Layout, missing_columns
from src.data.sources.files.layouts.vendors import vendor_of
from src.data.sources.files.layouts.words import (
    DATES,
    FACTS,
    INDEXES,
    LETTERS,
    SERIES,
    SHARE_NAMES,
    SHARE_NUMBERS,
    SYMBOLS,
    canonical,
    field_of,
    first_of,
)

_TICKER = re.compile(r"\^?[A-Z][A-Z0-9&-]*(\.[A-Z]{1,3})?")
_NUMBERED = re.compile(r".+ [1-9]")
_YEAR = re.compile(r"(19|20)\d\d")


def single_header(header: Sequence[str], below: Sequence[Sequence[str]] = ()) -> Layout | None:
    """The layout of a header line, None where it lacks a column; ``below`` are lines under it.

    Raises:
        BadInput: where two columns may be the same price, or shares are named by codes alone.
    """
    titles = [canonical(name) for name in header]
    while titles and not titles[-1]:  # the header line ends with a comma
        titles.pop()
    titles = _letters_as_words(titles)
    values = _values(header, titles)
    dates = date_columns(titles, below)
    if missing_columns(values, dated=bool(dates)):
        _refuse_codes(titles, values)
        return None
    if set(dates) & set(values.values()):
        return None
    _refuse_tickers_below(values, dates, below)
    return _layout(header, titles, values, dates, below)


def _layout(
    header: Sequence[str],
    titles: list[str],
    values: Mapping[str, int],
    dates: tuple[int, ...],
    below: Sequence[Sequence[str]],
) -> Layout:
    facts = _facts(titles)
    symbol = first_of(titles, SYMBOLS)
    share_name = None if symbol is not None else first_of(titles, SHARE_NAMES)
    if "instrument" in facts and not _is_type(titles, facts["instrument"], below):
        place = facts.pop("instrument")
        if symbol is None and titles[place] == "instrument":
            share_name = place
    if symbol is None and share_name is None:
        share_name = first_of(titles, SHARE_NUMBERS)
    _refuse_codes(titles, values)
    source = vendor_of(titles, values)
    actions = {action: titles.index(action) for action in ACTIONS if action in titles}
    return Layout(
        name=source.name,
        vendor=source.vendor,
        basis=source.basis,
        header_lines=1,
        names=tuple(header[: len(titles)]),
        dates=dates,
        values={None: values},
        symbol=symbol,
        series=first_of(titles, SERIES),
        actions={None: actions} if actions else {},
        facts=facts,
        share_name=share_name,
        suffix=source.suffix,
    )


def _letters_as_words(titles: list[str]) -> list[str]:
    """The titles with ``o``, ``h``, ``l``, ``c`` in words, where all four are there."""
    if not set("ohlc") <= set(titles):
        return titles
    return [LETTERS.get(title, title) for title in titles]


def _values(header: Sequence[str], titles: Sequence[str]) -> dict[str, int]:
    values: dict[str, int] = {}
    for column, title in enumerate(titles):
        value = field_of(title)
        if value in values:
            raise BadInput(_two_columns(value, header[values[value]], header[column]))
        if value:
            values[value] = column
    for column, title in enumerate(titles):  # pandas numbers columns of one name
        value = field_of(title[:-2]) if _NUMBERED.fullmatch(title) else None
        if value in values:
            raise BadInput(_two_columns(value, header[values[value]], header[column]))
    price = titles.index("price") if "price" in titles else 0
    if price and "close" in values:
        raise BadInput(_two_columns("close", header[price], header[values["close"]]))
    if price and {"change", "vol"} & set(titles):  # as Investing.com names the close
        values["close"] = price
    return values


def _two_columns(value: str, first: str, other: str) -> str:
    return f"it has two columns for {value}, {first!r} and {other!r}: keep one of them."


def date_columns(titles: Sequence[str], below: Sequence[Sequence[str]]) -> tuple[int, ...]:
    """The columns that together are a row's date; none where no column is."""
    first = first_of(list(titles), DATES)
    if first is None:
        # yfinance's date lines may have been cut from below its corner, which says Price.
        is_corner = bool(titles) and titles[0] == "price" and _begins_with_date(below)
        return (0,) if is_corner or (titles and titles[0] in INDEXES) else ()
    if "date" in titles and _is_constant(below, first):  # the time of a download, in all rows
        date = titles.index("date")
        first = first if _is_constant(below, date) else date
    if titles[first] not in ("date", "dtyyyymmdd") or "time" not in titles:
        return (first,)
    # The time of a daily bar in a MetaStock file is no time of day.
    period = first_of(list(titles), FACTS["period"])
    is_daily = period is not None and any(
        len(line) > period and line[period].upper() == "D" for line in below[:1]
    )
    return (first,) if is_daily else (first, titles.index("time"))


def _is_constant(below: Sequence[Sequence[str]], column: int) -> bool:
    cells = [line[column] for line in below if len(line) > column]
    return len(cells) > 1 and len(set(cells)) == 1


def _begins_with_date(below: Sequence[Sequence[str]]) -> bool:
    return bool(below) and bool(below[0]) and bool(_YEAR.search(below[0][0]))


def _facts(titles: list[str]) -> dict[str, int]:
    places = {fact: first_of(titles, names) for fact, names in FACTS.items()}
    return {fact: place for fact, place in places.items() if place is not None}


def _is_type(titles: Sequence[str], place: int, below: Sequence[Sequence[str]]) -> bool:
    """Whether a column named instrument, or type, has types of instruments rather than names."""
    if titles[place] not in ("instrument", "type"):
        return True
    return any(len(line) > place and is_instrument_type(line[place]) for line in below[:1])


def _refuse_tickers_below(
    values: Mapping[str, int], dates: tuple[int, ...], below: Sequence[Sequence[str]]
) -> None:
    """Refuse a line of tickers that not all columns have, which is no header of yfinance's."""
    line = below[0] if below else []
    if len(line) <= max((*values.values(), *dates)) or line[dates[0]]:
        return
    ticker = next((line[place] for place in values.values() if _TICKER.fullmatch(line[place])), "")
    if ticker:
        raise BadInput(
            f"the line below its header names {ticker} for some of its columns: write it for each, "
            "or remove that line and add --ticker."
        )


def _refuse_codes(titles: Sequence[str], values: Mapping[str, int]) -> None:
    codes = {"sc code", "scrip code", "security code"} & set(titles)
    if codes and "close" in values and not set(SYMBOLS) & set(titles):
        raise BadInput(
            "it names its shares by BSE's codes, which are not symbols: give BSE's newer file "
            "(BhavCopy_BSE_CM_…), which has symbols."
        )
