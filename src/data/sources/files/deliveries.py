"""Make deliveries of what was parsed of a file, or tables that can be merged with other files'."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from src.data.sources.delivery import Delivery
from src.data.sources.files.content_hash import ContentHash, content_hash
from src.data.sources.files.market.tables import common_rows, is_market, market_table

if TYPE_CHECKING:
    from pathlib import Path

    from src.data.sources.delivery import Basis
    from src.data.sources.files.grids.grid import Grid
    from src.data.sources.files.market.merge import Dated
    from src.data.sources.files.market.tables import MarketTable
    from src.data.sources.files.parse_file import ParsedFile
    from src.data.sources.files.rows.by_ticker import TickerRows

UNNAMED = "unnamed"


@dataclass(frozen=True)
class DeliveryFacts:
    """What a person states of all files: ``vendor`` and ``basis`` go before what these show.

    ``fetched_at`` is None where it is not known; they are read at ``now``.
    """

    vendor: str | None
    basis: Basis | None
    fetched_at: dt.datetime | None
    now: dt.datetime


def deliveries(
    parsed: ParsedFile, path: Path, digest: hashlib._Hash, key: str, facts: DeliveryFacts
) -> list[Dated]:
    """A delivery for each table and ticker of a file, with the dates of its rejected rows.

    ``digest`` is of the file's bytes, ``key`` its hash by which it is recognised, or empty.
    """
    parts = parsed.by_ticker()
    made = ((_delivery(rows, grid, path, digest, facts), rows) for grid, rows in parts)
    return [
        (replace(delivery, file_hash=key, file_parts=len(parts)), rows.rejected_days)
        for delivery, rows in made
    ]


def market_tables(
    parsed: ParsedFile, path: Path, key: str, facts: DeliveryFacts
) -> list[MarketTable]:
    """The tables of a file where all can be merged with those of other files; else none.

    Their ``hash_of`` lacks the digest of the file.
    """
    tables, unused = [], hashlib.sha256()
    for grid, table in parsed.tables:
        if not key or not is_market(table):
            return []
        common = _delivery(common_rows(table), grid, path, unused, facts)
        # Of total-return prices each delivery is on a level of its own.
        if common.price_basis == "total":
            return []
        hash_of = ContentHash(grid.place, common.kind)
        name = grid.place or path.name
        tables.append(market_table(table, replace(common, file_hash=key), hash_of, name))
    return tables


def _delivery(
    rows: TickerRows, grid: Grid, path: Path, digest: hashlib._Hash, facts: DeliveryFacts
) -> Delivery:
    vendor = facts.vendor or rows.vendor or grid.vendor or UNNAMED
    basis = facts.basis or rows.basis or "split"
    notes = list(rows.notes)
    if vendor == UNNAMED:
        notes.append("the file does not state its vendor, stored as 'unnamed': give --vendor NAME")
    if not (facts.basis or rows.basis):
        notes.append(
            "the file does not state its price basis, taken as split-adjusted: give --basis"
        )
    return Delivery(
        ticker=rows.ticker,
        kind=rows.kind,
        vendor=vendor,
        layout=rows.layout,
        price_basis=basis,
        frame=rows.frame,
        rejected=rows.rejected,
        content_hash=content_hash(digest, grid.place, rows.kind, rows.ticker, rows.symbols),
        fetched_at=facts.fetched_at or facts.now,
        origin=f"{path}, {grid.place}" if grid.place else str(path),
        fetched_at_stated=facts.fetched_at is not None,
        notes=tuple(notes),
        actions=rows.actions,
    )
