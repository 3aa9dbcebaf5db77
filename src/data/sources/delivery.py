"""What every price source delivers, and the protocol it follows."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import polars as pl

Kind = Literal["daily", "hourly"]
Basis = Literal["unadjusted", "split", "total"]
BASES: tuple[Basis, ...] = ("unadjusted", "split", "total")
# The column that tells one bar of a kind from the next.
KEY_COLUMNS: dict[Kind, str] = {"daily": "date", "hourly": "ts"}


@dataclass(frozen=True)
class Delivery:
    """One ticker's bars of one kind, as one source delivered them in one piece.

    ``frame`` has the columns ``line`` (int64, 1 = the first data row as delivered), ``date``
    (Date; daily) or ``ts`` (Datetime[us, UTC]; hourly: start of the bar), ``open, high, low,
    close, volume`` (float64, null where the source gave nothing) and, for daily bars,
    ``adj_close`` (float64, null throughout where the source has none). The rows stand as
    delivered: in the source's order, nothing repaired. ``frame`` is unique by key; repeats are in
    ``rejected``.

    ``rejected`` holds the rows that cannot be stored under a key, with the columns ``line``
    (int64), ``at`` (text: the row's date as written), ``rule``, ``reason`` and ``row`` (text: the
    whole row as JSON). Rows delivered = rows of ``frame`` + rows of ``rejected``.

    ``actions`` holds the splits and dividends that came with the bars, as the source states them:
    ``date`` (Date: the ex-date), ``kind`` ("split" or "dividend"), ``ratio`` (float64: shares
    after / before) and ``amount`` (float64: per share, divided by later splits); None where the
    delivery says nothing of actions. A column of type Null stands for a kind that it is silent on.
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
    notes: tuple[str, ...] = field(default=())
    actions: pl.DataFrame | None = None

    @property
    def key(self) -> str:
        """The column of ``frame`` that is unique: ``date`` or ``ts``."""
        return KEY_COLUMNS[self.kind]


class Source(Protocol):
    """A place that prices come from. Each method gives one delivery per piece, oldest first."""

    name: str

    def fetch_daily(
        self, ticker: str, since: dt.date | None, until: dt.date | None
    ) -> list[Delivery]:
        """Daily bars with ``since <= date <= until``; raises SourceUnavailable or BadInput."""
        ...

    def fetch_hourly(
        self, ticker: str, since: dt.date | None, until: dt.date | None
    ) -> list[Delivery]:
        """Hourly bars of the sessions in that range; raises SourceUnavailable or BadInput."""
        ...
