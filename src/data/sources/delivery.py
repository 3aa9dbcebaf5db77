"""Define what a price source delivers, and the protocol that every source follows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    import polars as pl

Kind = Literal["daily", "hourly"]
Basis = Literal["unadjusted", "split", "total"]
BASES: tuple[Basis, ...] = ("unadjusted", "split", "total")
# Of the synthetic prices, which no other ticker has.
SAMPLE_TICKER = "DEMO.NS"
# The column that tells one bar of a kind from the next.
KEY_COLUMNS: dict[Kind, str] = {"daily": "date", "hourly": "ts"}
# A relative change below this is only another rounding of the same value.
NOISE = 1e-5


@dataclass(frozen=True)
class Delivery:
    """One ticker's bars of one kind, as one source delivered them in one piece.

    Attributes:
        ticker: As Yahoo writes it.
        kind: ``daily`` or ``hourly``.
        vendor: Whose prices they are; raw rows are stored under this name.
        layout: How the source arranged them.
        price_basis: What the prices are adjusted for.
        frame: ``line`` (int64, 1 = the first data row as delivered), ``date`` (Date; daily) or
            ``ts`` (Datetime[us, UTC]; hourly: start of the bar), ``open, high, low, close,
            volume`` (float64, null where the source has no value) and, for daily bars,
            ``adj_close`` (float64, null throughout where the source has none). In the source's
            order, nothing repaired, unique by key.
        rejected: Rows that cannot be stored under a key: ``line`` (int64), ``at`` (text: the row's
            date as written), ``rule``, ``reason`` and ``row`` (text: the whole row as JSON). Rows
            delivered = rows of ``frame`` + rows of ``rejected``.
        content_hash: Equal for equal content.
        fetched_at: When it was downloaded.
        origin: The file or address.
        fetched_at_stated: Whether ``fetched_at`` is stated, and not just the time it was read.
        notes: What a person should know of it, one sentence each.
        actions: Splits and dividends that came with the bars: ``date`` (Date: the ex-date),
            ``kind`` ("split" or "dividend"), ``ratio`` (float64: shares after / before) and
            ``amount`` (float64: per share, divided by later splits). None where the source does
            not state actions; ``ratio`` or ``amount`` has type Null where it does not state that
            kind.
        listed: Rows of the exchange's list of corporate actions, as it writes them, by the names of
            its columns: of the days of the bars, and of some before.
        file_hash: By which a file, or a bundle of merged ones, is recognised that is given again
            (see ``stored_files``); empty where it has to be parsed again.
        file_parts: How many deliveries the file or bundle gives.
    """

    ticker: str
    kind: Kind
    vendor: str
    layout: str
    price_basis: Basis
    frame: pl.DataFrame
    rejected: pl.DataFrame
    content_hash: str
    fetched_at: dt.datetime
    origin: str
    fetched_at_stated: bool = False
    notes: tuple[str, ...] = ()
    actions: pl.DataFrame | None = None
    listed: tuple[Mapping[str, Any], ...] = ()
    file_hash: str = ""
    file_parts: int = 0

    @property
    def key(self) -> str:
        """The column of ``frame`` that is unique: ``date`` or ``ts``."""
        return KEY_COLUMNS[self.kind]


class Source(Protocol):
    """A place that prices come from."""

    @property
    def name(self) -> str:
        """What ``--source`` calls it."""
        ...

    def fetch(
        self, kind: Kind, ticker: str, since: dt.date | None, until: dt.date | None
    ) -> list[Delivery]:
        """Bars of the sessions from ``since`` to ``until``, oldest delivery first.

        Raises:
            SourceUnavailable: when the source does not answer or has no such bars.
            BadInput: when it does not know the ticker, or its answer or file cannot be used.
        """
        ...
