"""Read lists of instruments: NSE's of shares, BSE's of scrips and NSE's changes of symbols."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from src.core.errors import BadInput, UsageError
from src.core.tickers import normalise_ticker, quoted
from src.data.instruments.lists.columns import (
    Refusal,
    RefusedRow,
    Row,
    check_isin,
    header_names,
    places,
    read_dates,
    read_number,
    read_rows,
)
from src.data.sources.files.layouts.other_lists import other_list

if TYPE_CHECKING:
    from pathlib import Path

_LISTINGS = {
    "symbol": ("symbol",),
    "name": ("name of company", "company name", "name"),
    "series": ("series",),
    "listed_on": ("date of listing", "listing date"),
    "isin": ("isin number", "isin", "isin no"),
    "face_value": ("face value",),
}
_SCRIPS = {
    "symbol": ("security id",),
    "name": ("issuer name", "security name"),
    "status": ("status",),
    "isin": ("isin no", "isin number", "isin"),
    "face_value": ("face value",),
    "series": ("group",),
    "instrument": ("instrument",),
}
_CHANGES = {
    "old": ("old symbol", "sm key symbol", "symbol old", "previous symbol"),
    "new": ("new symbol", "sm new symbol", "symbol new", "changed symbol"),
    "date": ("date of change", "effective date", "sm applicable from", "date", "applicable from"),
}
_HEADERLESS = 4  # company, old symbol, new symbol, date
# A share that is listed next month may stand in the list.
AHEAD = dt.timedelta(days=62)
# Of shares that BSE delisted long ago.
_NO_ISIN = ("", "-", "NA", "N.A.")
_STATES = {"active": "active", "suspended": "suspended", "delisted": "delisted"}


@dataclass(frozen=True)
class Facts:
    """What a list states of an instrument; None where it says nothing.

    Attributes:
        face_value: In the currency of the instrument.
    """

    ticker: str
    name: str | None
    listed_on: dt.date | None
    isin: str | None
    face_value: float | None
    series: str | None


@dataclass(frozen=True)
class SymbolChange:
    """A company's symbol ``old`` became ``new``; ``date`` is the first day of that."""

    old: str
    new: str
    date: dt.date


@dataclass
class StatedList:
    """What a file states, and the rows that were not taken."""

    facts: list[Facts] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)
    changes: list[tuple[int, SymbolChange]] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


def read_list(path: Path, today: dt.date) -> StatedList:
    """Read a list; ``today`` is the date by the exchange's clock.

    Raises:
        BadInput: It cannot be read, is none of the known lists, or no row of it can be taken.
    """
    rows = read_rows(path)
    names = header_names(rows[0])
    try:
        stated = _read(rows, names, today)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error
    if not (stated.facts or stated.changes):
        first = stated.refused[0] if stated.refused else Refusal(1, "there is none")
        raise BadInput(
            f"{path}: no row of it can be taken (first, in line {first.line}: {first.reason}): "
            "download it again."
        )
    return stated


def _read(rows: Sequence[Row], names: Sequence[str], today: dt.date) -> StatedList:
    changes = places(names, _CHANGES)
    if len(changes) == len(_CHANGES):
        return _read_changes(rows[1:], changes, today)
    scrips = places(names, _SCRIPS)
    if {"symbol", "status", "isin"} <= set(scrips):
        return _read_facts(rows[1:], scrips, ".BO", today)
    listings = places(names, _LISTINGS)
    if {"symbol", "listed_on", "isin"} <= set(listings):
        return _read_facts(rows[1:], listings, ".NS", today)
    if other := other_list([rows[0].cells], "of shares", "instruments"):
        raise BadInput(other)
    last = [row.cells[-1] for row in rows]
    dated = read_dates(last, "date")
    is_dated = sum(cell in dated for cell in last) > len(last) / 2
    if is_dated and all(len(row.cells) >= _HEADERLESS for row in rows):
        # From the end: the name of a company may have commas in it.
        return _read_changes(rows, {"old": -3, "new": -2, "date": -1}, today)
    raise BadInput(
        "it is none of the known lists: give NSE's EQUITY_L.csv or list of SME shares (SYMBOL, "
        "NAME OF COMPANY, DATE OF LISTING, ISIN NUMBER), BSE's list of scrips (Security Id, "
        "Status, ISIN No) or NSE's symbolchange.csv."
    )


def _read_facts(
    rows: Sequence[Row], place: dict[str, int], suffix: str, today: dt.date
) -> StatedList:
    stated = StatedList()
    cells = [_cell(row, place["listed_on"]) for row in rows] if "listed_on" in place else []
    dates = read_dates(cells, "date of listing")
    by_ticker: dict[str, Facts] = {}
    contradicted: set[str] = set()

    def take(row: Row) -> None:
        if _cell(row, place.get("instrument")).lower() not in ("", "equity"):
            return
        facts = _facts(row, place, suffix, dates, today)
        if by_ticker.setdefault(facts.ticker, facts) != facts:
            contradicted.add(facts.ticker)
            raise RefusedRow(f"{facts.ticker} stands in it twice, with different facts")
        if "status" in place:
            stated.states[facts.ticker] = _state(_cell(row, place["status"]))

    _each(rows, take, stated)
    stated.facts.extend(facts for t, facts in by_ticker.items() if t not in contradicted)
    return stated


def _facts(
    row: Row, place: dict[str, int], suffix: str, dates: dict[str, dt.date], today: dt.date
) -> Facts:
    def text(name: str) -> str:
        return _cell(row, place.get(name))

    lacks_isin = "status" in place and text("isin") in _NO_ISIN
    return Facts(
        ticker=_ticker(text("symbol"), suffix),
        name=text("name") or None,
        listed_on=_listing(text("listed_on"), dates, today) if "listed_on" in place else None,
        isin=None if lacks_isin else check_isin(text("isin")),
        face_value=read_number(text("face_value"), "face value"),
        series=text("series").upper() or None,
    )


def _read_changes(rows: Sequence[Row], place: dict[str, int], today: dt.date) -> StatedList:
    stated = StatedList()
    dates = read_dates([_cell(row, place["date"]) for row in rows], "date")
    seen: set[SymbolChange] = set()

    def take(row: Row) -> None:
        old, new = (_ticker(_cell(row, place[name]), ".NS") for name in ("old", "new"))
        text = _cell(row, place["date"])
        if text not in dates:
            raise RefusedRow(f"the date {text[:20]!r} cannot be read")
        if dates[text] > today:
            raise RefusedRow(f"{dates[text]} lies in the future: import the file again then")
        change = SymbolChange(old, new, dates[text])
        if change not in seen:
            seen.add(change)
            stated.changes.append((row.line, change))

    _each(rows, take, stated)
    return stated


def _each(rows: Sequence[Row], take: Callable[[Row], None], stated: StatedList) -> None:
    """Take every row; what is refused is kept with its line and reason."""
    for row in rows:
        try:
            take(row)
        except RefusedRow as error:
            stated.refused.append(Refusal(row.line, str(error)))


def _cell(row: Row, place: int | None) -> str:
    return row.cells[place] if place is not None and place < len(row.cells) else ""


def _ticker(symbol: str, suffix: str) -> str:
    try:
        return normalise_ticker(symbol, suffix)
    except UsageError:
        raise RefusedRow(f"{quoted(symbol)} is not a symbol") from None


def _listing(text: str, dates: dict[str, dt.date], today: dt.date) -> dt.date:
    if text not in dates:
        raise RefusedRow(f"the date of listing {text[:20]!r} cannot be read")
    if dates[text] > today + AHEAD:
        raise RefusedRow(f"the date of listing {dates[text]} lies far in the future")
    return dates[text]


def _state(text: str) -> str:
    state = _STATES.get(text.lower())
    if state is None:
        raise RefusedRow(f"the status {text[:20]!r} is none of Active, Suspended and Delisted")
    return state
