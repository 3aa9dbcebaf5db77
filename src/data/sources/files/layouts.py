"""Layouts: the head lines of a file come in, what each of its columns is goes out; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from src.core.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from src.data.sources.delivery import Basis

PRICES = ("open", "high", "low", "close")
VALUES = (*PRICES, "volume", "adj_close")
# As Yahoo names them; what is paid out as a capital gain is no action that the ledger knows.
ACTIONS = ("dividends", "stock splits", "capital gains")

_NAMES: dict[str, tuple[str, ...]] = {
    "open": ("open", "open price", "opnpric", "opening price"),
    "high": ("high", "high price", "hghpric"),
    "low": ("low", "low price", "lwpric"),
    "close": ("close", "close price", "clspric", "closing price"),
    "adj_close": ("adj close", "adjclose", "adjusted close", "adj close price"),
    "volume": (
        "volume",
        "vol",
        "ttl trd qnty",
        "ttltradgvol",
        "tottrdqty",
        "total traded quantity",
        "traded quantity",
        "no of shares",
        "shares traded",
    ),
}
_FIELDS = {name: value for value, names in _NAMES.items() for name in names}
_DATES = ("datetime", "timestamp", "date", "date1", "traddt", "trade date", "trading date", "time")
_SYMBOLS = ("symbol", "ticker", "tckrsymb", "tradingsymbol", "trading symbol")
_SERIES = ("series", "sctysrs")
_NSE = frozenset({*_SERIES, "prev close", "prevclose", "prvsclsgpric"})
_FLAT = re.compile(r"\W*([A-Za-z][A-Za-z ]*?)[\W_]+(\^?[A-Z0-9][A-Z0-9&=_-]*(?:\.[A-Z]{1,4})?)\W*")


@dataclass(frozen=True)
class Layout:
    """What a file's columns are. ``values`` gives column numbers by name, per ticker it states.

    The key None of ``values`` stands for a file whose tickers are in the ``symbol`` column or in no
    column; ``actions`` gives the columns of ``ACTIONS`` likewise. ``vendor`` and ``basis`` are None
    where the layout does not tell them.
    """

    name: str
    vendor: str | None
    basis: Basis | None
    header_lines: int
    names: tuple[str, ...]
    dates: tuple[int, ...]
    values: Mapping[str | None, Mapping[str, int]]
    symbol: int | None = None
    series: int | None = None
    notes: tuple[str, ...] = field(default=())
    actions: Mapping[str | None, Mapping[str, int]] = field(default_factory=dict)

    @property
    def date_name(self) -> str:
        """The date column as the file names it."""
        return self.names[self.dates[0]] or "first"

    @property
    def action_names(self) -> tuple[str, ...]:
        """Those of ``ACTIONS`` that the file has for any ticker."""
        return tuple(name for name in ACTIONS if any(name in own for own in self.actions.values()))


def recognise(head: Sequence[Sequence[str]]) -> Layout:
    """The layout that the head lines show; raises BadInput naming what was seen and is missing."""
    return _multi_header(head) or _flat(head[0]) or _single_header(head[0])


def check_volume(layout: Layout) -> None:
    """Refuses a layout without a volume, which daily bars need and hourly ones do not."""
    for whose, columns in layout.values.items():
        if "volume" not in columns:
            raise BadInput(_no_column(["volume"], layout.names, f" for {whose}" if whose else ""))


def canonical(name: str) -> str:
    """A column name without case, marks and blanks at its ends: ``PREV. CLOSE`` is prev close."""
    return re.sub(r"[^a-z0-9]+", " ", name.lower()).strip()


def _multi_header(head: Sequence[Sequence[str]]) -> Layout | None:
    """The header that yfinance writes: a line of fields, one of tickers, one for the index."""
    if len(head) < 2 or len(head[1]) != len(head[0]):
        return None
    fields, tickers = head[0], head[1]
    if not _are_fields(fields):
        fields, tickers = tickers, fields
    if not _are_fields(fields) or not all(tickers[1:]) or _are_fields(tickers):
        return None
    has_index_line = len(head) > 2 and canonical(head[2][0]) in _DATES and not any(head[2][1:])
    if not has_index_line and "ticker" not in (canonical(head[0][0]), canonical(head[1][0])):
        return None
    pairs = list(zip(fields[1:], tickers[1:], strict=True))
    names = ("Date", *(f"{column} {ticker}" for column, ticker in pairs))
    return _yfinance("yfinance", names, pairs, header_lines=3 if has_index_line else 2)


def _are_fields(cells: Sequence[str]) -> bool:
    known = {_FIELDS.get(canonical(cell)) for cell in cells[1:]}
    return {"open", "close"} <= known


def _flat(header: Sequence[str]) -> Layout | None:
    """The columns of yfinance with both levels in one name: ``Close TCS.NS``."""
    if canonical(header[0]) not in (*_DATES, ""):
        return None
    matches = [_FLAT.fullmatch(name) for name in header[1:]]
    pairs = [(match[1], match[2]) if match else ("", "") for match in matches]
    tickers = {ticker for column, ticker in pairs if _FIELDS.get(canonical(column)) == "close"}
    if not tickers or canonical("close") in map(canonical, header):
        return None
    if any(canonical(name) in _FIELDS for name in header[1:]):  # NSE's "CLOSE PRICE" is no ticker
        return None
    return _yfinance("yfinance_flat", tuple(header), pairs, header_lines=1)


def _yfinance(
    name: str, names: tuple[str, ...], pairs: Sequence[tuple[str, str]], *, header_lines: int
) -> Layout:
    values: dict[str | None, dict[str, int]] = {}
    actions: dict[str | None, dict[str, int]] = {}
    for column, (text, ticker) in enumerate(pairs, start=1):
        known = _FIELDS.get(canonical(text))
        if known:
            values.setdefault(ticker, {})[known] = column
        elif canonical(text) in ACTIONS:
            actions.setdefault(ticker, {})[canonical(text)] = column
    for whose, columns in values.items():
        _check_complete(columns, [pair[0] for pair in pairs], f" for {whose}")
    split = all("adj_close" in columns for columns in values.values())
    basis: Basis = "split" if split else "total"
    return Layout(name, "yahoo", basis, header_lines, names, (0,), values, actions=actions)


def _single_header(header: Sequence[str]) -> Layout:
    known = [canonical(name) for name in header]
    while known and not known[-1]:  # a comma at the end of the header line
        known.pop()
    values = _values(header, known)
    dates = _dates(known)
    _check_complete(values if dates else {**values, "date": -1}, header, "", dated=bool(dates))
    name, vendor, basis = _origin(known, values)
    actions = {action: known.index(action) for action in ACTIONS if action in known}
    return Layout(
        name=name,
        vendor=vendor,
        basis=basis,
        header_lines=1,
        names=tuple(header[: len(known)]),
        dates=dates,
        values={None: values},
        symbol=_first(known, _SYMBOLS),
        series=_first(known, _SERIES),
        actions={None: actions} if actions else {},
    )


def _values(header: Sequence[str], known: Sequence[str]) -> dict[str, int]:
    values: dict[str, int] = {}
    for column, name in enumerate(known):
        value = _FIELDS.get(name)
        if value in values:
            both = f"{header[values[value]]!r} and {header[column]!r}"
            raise BadInput(f"it has two columns for {value}, {both}: keep one of them.")
        if value:
            values[value] = column
    return values


def _dates(known: Sequence[str]) -> tuple[int, ...]:
    first = _first(known, _DATES)
    if first is None:
        # pandas writes an index without a name as a first column without one.
        return (0,) if known and known[0] in ("", "unnamed 0") else ()
    if known[first] == "date" and "time" in known:
        return (first, known.index("time"))
    return (first,)


def _origin(
    known: Sequence[str], values: Mapping[str, int]
) -> tuple[str, str | None, Basis | None]:
    if _NSE & set(known):
        return "nse", "nse", "unadjusted"
    if "adj_close" in values:
        return "yahoo", "yahoo", "split"
    if {"dividends", "stock splits"} <= set(known):
        return "yahoo_adjusted", "yahoo", "total"
    if "oi" in known and "timestamp" in known:
        return "upstox", "upstox", "split"
    return "plain", None, None


def _first(known: Sequence[str], wanted: Sequence[str]) -> int | None:
    return next((known.index(name) for name in wanted if name in known), None)


def _check_complete(
    values: Mapping[str, int], seen: Sequence[str], whose: str, *, dated: bool = True
) -> None:
    missing = [name for name in PRICES if name not in values]
    if not dated:
        missing.insert(0, "date")
    if missing:
        raise BadInput(_no_column(missing, seen, whose))


def _no_column(missing: Sequence[str], seen: Sequence[str], whose: str) -> str:
    columns = ", ".join(name[:40] for name in seen[:12] if name) or "none"
    return (
        f"its layout is unknown: no column for {', '.join(missing)}{whose} among {columns}; "
        "name the columns date, open, high, low, close, volume."
    )
