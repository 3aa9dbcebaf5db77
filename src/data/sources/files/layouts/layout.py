"""Describe what the columns of a file are, and whose prices they have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from src.core.errors import BadInput
from src.core.tables import OHLC
from src.data.sources.files.fields.actions import ACTIONS

if TYPE_CHECKING:
    from src.data.sources.delivery import Basis

_EXCHANGES = {".NS": "nse", ".BO": "bse"}


@dataclass(frozen=True)
class Layout:
    """What a file's columns are, by their numbers from 0.

    Attributes:
        name: As stored with a batch.
        vendor: Whose prices they are, None where the layout does not show it.
        basis: The price basis, None where the layout does not show it.
        header_lines: How many lines that are not blank are above the rows.
        names: The columns as the file names them.
        dates: The columns that together are a row's date.
        values: The columns of prices and volume by name, for each ticker that has columns of its
            own, as the file writes it; under None in a file with the tickers in ``symbol`` or in
            no column.
        symbol: The column of the ticker.
        series: The column of NSE's series, or of BSE's group.
        actions: The columns of ``ACTIONS``, by ticker and name as ``values``.
        facts: The columns that say what a row is of, by the words of ``words.FACTS``.
        share_name: The column of a company's name or number, in a file without a symbol.
        suffix: Of the exchange whose own layout it is, such as ``.BO``.
        titles: The lines above the header.
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
    facts: Mapping[str, int] = field(default_factory=dict)
    share_name: int | None = None
    suffix: str | None = None
    titles: tuple[str, ...] = ()

    @property
    def date_name(self) -> str:
        """The date column as the file names it."""
        return self.names[self.dates[0]] or "first"

    @property
    def action_names(self) -> tuple[str, ...]:
        """Those of ``ACTIONS`` that the file has for any ticker."""
        present = {name for columns in self.actions.values() for name in columns}
        return tuple(name for name in ACTIONS if name in present)

    def vendor_of(self, ticker: str) -> str | None:
        """Whose prices a ticker's are: an exchange's own file may be of either exchange."""
        return self._of_exchange(ticker) or self.vendor

    def name_of(self, ticker: str) -> str:
        """The layout's name, by the exchange of the ticker as ``vendor_of``."""
        return self._of_exchange(ticker) or self.name

    def _of_exchange(self, ticker: str) -> str | None:
        if self.vendor not in _EXCHANGES.values():
            return None
        return _EXCHANGES.get(ticker[ticker.rfind(".") :])


def check_volume(layout: Layout) -> None:
    """Refuse a layout without a volume, which daily bars need and hourly ones do not."""
    for ticker, columns in layout.values.items():
        if "volume" not in columns:
            of_ticker = f" for {ticker}" if ticker else ""
            raise BadInput(
                f"it has no column for volume{of_ticker} among {shown(layout.names)}, and daily "
                "bars need one: download the prices with their volumes, or name their column "
                "volume."
            )


def missing_columns(values: Mapping[str, int], *, dated: bool = True) -> list[str]:
    """The columns that prices cannot do without and that a layout lacks."""
    missing = [name for name in OHLC if name not in values]
    return missing if dated else ["date", *missing]


def missing_message(missing: Sequence[str], present: Sequence[str], of_ticker: str = "") -> str:
    """The sentence about a layout that lacks columns."""
    return (
        f"its layout is unknown: no column for {', '.join(missing)}{of_ticker} among "
        f"{shown(present)}; name the columns date, open, high, low, close, volume."
    )


def shown(cells: Sequence[str]) -> str:
    """The first cells of a line, for a message."""
    return ", ".join(name[:40] for name in cells[:12] if name) or "none"
