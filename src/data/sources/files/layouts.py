"""Recognise from a file's first lines what each of its columns is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from src.core.errors import BadInput
from src.core.tables import OHLC
from src.data.sources.files.fields.actions import ACTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from src.data.sources.delivery import Basis

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
    """What a file's columns are, by their numbers from 0.

    Attributes:
        name: As stored with a batch.
        vendor: Whose prices they are, None where the layout does not show it.
        basis: The price basis, None where the layout does not show it.
        header_lines: How many lines are above the rows.
        names: The columns as the file names them.
        dates: The columns that together are a row's date.
        values: The columns of prices and volume by name, for each ticker that has columns of its
            own, as the file writes it; under None in a file with the tickers in ``symbol`` or in
            no column.
        symbol: The column of the ticker.
        series: The column of NSE's series.
        actions: The columns of ``ACTIONS``, by ticker and name as ``values``.
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
    actions: Mapping[str | None, Mapping[str, int]] = field(default_factory=dict)

    @property
    def date_name(self) -> str:
        """The date column as the file names it."""
        return self.names[self.dates[0]] or "first"

    @property
    def action_names(self) -> tuple[str, ...]:
        """Those of ``ACTIONS`` that the file has for any ticker."""
        present = {name for columns in self.actions.values() for name in columns}
        return tuple(name for name in ACTIONS if name in present)


def recognise_layout(head: Sequence[Sequence[str]]) -> Layout:
    """The layout of a file with these first lines.

    Raises:
        BadInput: for an unknown layout, with the columns it has and those it lacks.
    """
    return _multi_header(head) or _flat(head[0]) or _single_header(head[0])


def check_volume(layout: Layout) -> None:
    """Refuse a layout without a volume, which daily bars need and hourly ones do not."""
    for ticker, columns in layout.values.items():
        if "volume" not in columns:
            raise BadInput(
                _missing_message(["volume"], layout.names, f" for {ticker}" if ticker else "")
            )


def canonical(name: str) -> str:
    """A column name in lower case without punctuation: ``PREV. CLOSE`` becomes prev close."""
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
    fields = {_FIELDS.get(canonical(cell)) for cell in cells[1:]}
    return {"open", "close"} <= fields


def _flat(header: Sequence[str]) -> Layout | None:
    """The columns of yfinance with both levels in one name: ``Close TCS.NS``."""
    if canonical(header[0]) not in (*_DATES, ""):
        return None
    matches = [_FLAT.fullmatch(name) for name in header[1:]]
    pairs = [(match[1], match[2]) if match else ("", "") for match in matches]
    tickers = {ticker for column, ticker in pairs if _FIELDS.get(canonical(column)) == "close"}
    if not tickers or "close" in map(canonical, header):
        return None
    if any(canonical(name) in _FIELDS for name in header[1:]):  # PRICE in CLOSE PRICE: not a ticker
        return None
    return _yfinance("yfinance_flat", tuple(header), pairs, header_lines=1)


def _yfinance(
    name: str, names: tuple[str, ...], pairs: Sequence[tuple[str, str]], *, header_lines: int
) -> Layout:
    values: dict[str | None, dict[str, int]] = {}
    actions: dict[str | None, dict[str, int]] = {}
    for column, (text, ticker) in enumerate(pairs, start=1):
        value = _FIELDS.get(canonical(text))
        if value:
            values.setdefault(ticker, {})[value] = column
        elif canonical(text) in ACTIONS:
            actions.setdefault(ticker, {})[canonical(text)] = column
    for stated, columns in values.items():
        _check_complete(columns, [pair[0] for pair in pairs], f" for {stated}")
    split = all("adj_close" in columns for columns in values.values())
    basis: Basis = "split" if split else "total"
    return Layout(name, "yahoo", basis, header_lines, names, (0,), values, actions=actions)


def _single_header(header: Sequence[str]) -> Layout:
    titles = [canonical(name) for name in header]
    while titles and not titles[-1]:  # the header line ends with a comma
        titles.pop()
    values = _values(header, titles)
    dates = _dates(titles)
    _check_complete(values, header, "", dated=bool(dates))
    name, vendor, basis = _vendor_and_basis(titles, values)
    actions = {action: titles.index(action) for action in ACTIONS if action in titles}
    return Layout(
        name=name,
        vendor=vendor,
        basis=basis,
        header_lines=1,
        names=tuple(header[: len(titles)]),
        dates=dates,
        values={None: values},
        symbol=_first(titles, _SYMBOLS),
        series=_first(titles, _SERIES),
        actions={None: actions} if actions else {},
    )


def _values(header: Sequence[str], titles: Sequence[str]) -> dict[str, int]:
    values: dict[str, int] = {}
    for column, name in enumerate(titles):
        value = _FIELDS.get(name)
        if value in values:
            names = f"{header[values[value]]!r} and {header[column]!r}"
            raise BadInput(f"it has two columns for {value}, {names}: keep one of them.")
        if value:
            values[value] = column
    return values


def _dates(titles: Sequence[str]) -> tuple[int, ...]:
    first = _first(titles, _DATES)
    if first is None:
        # pandas writes an unnamed index as a first column without a name.
        return (0,) if titles and titles[0] in ("", "unnamed 0") else ()
    if titles[first] == "date" and "time" in titles:
        return (first, titles.index("time"))
    return (first,)


def _vendor_and_basis(
    titles: Sequence[str], values: Mapping[str, int]
) -> tuple[str, str | None, Basis | None]:
    if _NSE & set(titles):
        return "nse", "nse", "unadjusted"
    if "adj_close" in values:
        return "yahoo", "yahoo", "split"
    if {"dividends", "stock splits"} <= set(titles):
        return "yahoo_adjusted", "yahoo", "total"
    if "oi" in titles and "timestamp" in titles:
        return "upstox", "upstox", "split"
    return "plain", None, None


def _first(titles: Sequence[str], wanted: Sequence[str]) -> int | None:
    return next((titles.index(name) for name in wanted if name in titles), None)


def _check_complete(
    values: Mapping[str, int], present: Sequence[str], of_ticker: str, *, dated: bool = True
) -> None:
    missing = [name for name in OHLC if name not in values]
    if not dated:
        missing.insert(0, "date")
    if missing:
        raise BadInput(_missing_message(missing, present, of_ticker))


def _missing_message(missing: Sequence[str], present: Sequence[str], of_ticker: str) -> str:
    columns = ", ".join(name[:40] for name in present[:12] if name) or "none"
    return (
        f"its layout is unknown: no column for {', '.join(missing)}{of_ticker} among {columns}; "
        "name the columns date, open, high, low, close, volume."
    )
