"""Put tables of many tickers together: one delivery a ticker for a folder of daily files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import polars as pl

from src.core.tables import DAILY_VALUES
from src.data.sources.files.earlier_symbols import moved_notes
from src.data.sources.files.market.tables import MarketTable
from src.data.sources.files.rows.by_ticker import order_note

if TYPE_CHECKING:
    from src.data.sources.delivery import Delivery

    Dated = tuple[Delivery, pl.Series]

# Notes of a merged delivery that are shown.
_NOTES = 3


@dataclass(frozen=True)
class Bundle:
    """The files that merged deliveries consist of.

    Attributes:
        bundle_hash: The ``file_hash`` of these deliveries.
        files: Of each table the hash of its file, the file's name, and the ``line`` of the merged
            deliveries after which its own begin.
    """

    bundle_hash: str
    files: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True)
class Merged:
    """Deliveries with the dates of their rejected rows, and the files of those that were merged."""

    deliveries: list[Dated]
    bundles: list[Bundle]


def merge(pieces: list[Dated | MarketTable]) -> Merged:
    """The deliveries of files in their order; tables beside each other are put together.

    The list is empty afterwards: tables take much memory.

    Tables of one layout, vendor and basis with tickers in common are one delivery a ticker, unless
    something else of that vendor comes between them. A day that an earlier table has, such as a
    corrected one, is in another delivery, after it.
    """
    merged = Merged([], [])
    runs: dict[str, list[MarketTable]] = {}
    pieces.reverse()
    while pieces:
        piece = pieces.pop()
        if isinstance(piece, MarketTable):
            run = runs.setdefault(piece.common.vendor, [])
            if run and not _belong_together(run[-1], piece):
                _close(run, merged)
            run.append(piece)
        else:
            _close(runs.pop(piece[0].vendor, []), merged)
            merged.deliveries.append(piece)
    for run in runs.values():
        _close(run, merged)
    return merged


def _belong_together(table: MarketTable, other: MarketTable) -> bool:
    """Whether two tables of one vendor are alike, and have a ticker in common."""
    facts, others = ((each.common.layout, each.common.price_basis) for each in (table, other))
    return facts == others and bool(
        table.rows["ticker"].is_in(other.rows["ticker"].implode()).any()
    )


def _close(run: list[MarketTable], merged: Merged) -> None:
    """Merge the tables of a run, which is empty afterwards."""
    layers = _layers(run)
    run.clear()
    while layers:
        tables = sorted(layers.pop(0), key=lambda table: table.first)
        offsets = list(accumulate((table.lines for table in tables[:-1]), initial=0))
        common = tables[0].common
        if len(tables) > 1:
            merged.bundles.append(_bundle(tables, offsets))
            common = _joint(tables, merged.bundles[-1])
        dated = list(_by_ticker(tables, offsets, common))
        merged.deliveries.extend((replace(d, file_parts=len(dated)), days) for d, days in dated)


def _layers(run: Sequence[MarketTable]) -> list[list[MarketTable]]:
    """The tables in groups without common days; what has a day of another comes after it."""
    layers: list[list[MarketTable]] = []
    for table in run:
        number = len(layers)
        while number and not _has_day_of(layers[number - 1], table):
            number -= 1
        if number == len(layers):
            layers.append([])
        layers[number].append(table)
    return layers


def _has_day_of(layer: Sequence[MarketTable], table: MarketTable) -> bool:
    return any(other.first <= table.last and table.first <= other.last for other in layer)


def _joint(tables: Sequence[MarketTable], bundle: Bundle) -> Delivery:
    """What the deliveries of several tables have in common."""
    first, last = tables[0], tables[-1]
    notes = _summed(note for table in tables for note in table.common.notes)
    more = [f"{len(notes) - _NOTES} more notes on single files"] if len(notes) > _NOTES else []
    return replace(
        first.common,
        file_hash=bundle.bundle_hash,
        origin=f"{first.common.origin} to {last.name} ({len(tables)} files)",
        notes=(*notes[:_NOTES], *more),
    )


def _summed(notes: Iterable[str]) -> list[str]:
    """Each note once; of those that count the same in each file, the sum."""
    counts: dict[str, int] = {}
    for note in notes:
        number, _, counted = note.partition(" ")
        is_count = number.isdecimal() and counted.startswith("rows ")
        text = counted if is_count else note
        counts[text] = counts.get(text, 0) + (int(number) if is_count else 0)
    return [f"{count} {text}" if count else text for text, count in counts.items()]


def _bundle(tables: Sequence[MarketTable], offsets: Sequence[int]) -> Bundle:
    files = tuple(
        (table.common.file_hash, table.name, offset)
        for table, offset in zip(tables, offsets, strict=True)
    )
    contents = [table.hash_of("", ()) for table in tables]
    text = json.dumps([files, contents])
    return Bundle(hashlib.sha256(text.encode()).hexdigest(), files)


def _by_ticker(
    tables: Sequence[MarketTable], offsets: Sequence[int], common: Delivery
) -> Iterator[Dated]:
    """One delivery a ticker; the rows of several tables are in the order of their days."""
    rows, rejected = _all_rows(tables, offsets), _all_rejected(tables, offsets)
    runs = rows.select(pl.col("ticker").rle()).to_series().struct.unnest()
    lengths, tickers = runs["len"].to_list(), runs["value"].cast(pl.String).to_list()
    starts = accumulate(lengths[:-1], initial=0)
    frame = rows.drop("ticker")
    places = dict(zip(tickers, zip(starts, lengths, strict=True), strict=True))
    nothing = tables[0].rejected.clear()
    moved = moved_notes([table.moved for table in tables])
    joint_hash = _joint_hash(tables)
    for ticker in dict.fromkeys([*places, *(key[0] for key in rejected)]):
        bars = frame.slice(*places[ticker]) if ticker in places else frame.clear()
        refused = rejected.get((ticker,), nothing)
        order = () if len(tables) > 1 else order_note(bars["date"])
        delivery = replace(
            common,
            ticker=ticker,
            frame=bars,
            rejected=refused.select("line", "at", "rule", "reason", "row"),
            content_hash=joint_hash(ticker),
            notes=(*common.notes, *moved.get(ticker, ()), *order),
        )
        yield delivery, refused["key"]


def _all_rows(tables: Sequence[MarketTable], offsets: Sequence[int]) -> pl.DataFrame:
    line = pl.col("line").cast(pl.Int64)
    parts = [
        table.rows.with_columns(line + offset)
        for table, offset in zip(tables, offsets, strict=True)
    ]
    whole = pl.concat(parts, how="diagonal")
    prices = [pl.col(n) if n in whole.columns else _no_values(n) for n in DAILY_VALUES]
    by_ticker = whole.sort(pl.col("ticker").to_physical(), maintain_order=True)
    return by_ticker.select("ticker", "line", "date", *prices)


def _no_values(name: str) -> pl.Expr:
    return pl.lit(None, dtype=pl.Float64).alias(name)


def _all_rejected(
    tables: Sequence[MarketTable], offsets: Sequence[int]
) -> dict[tuple[Any, ...], pl.DataFrame]:
    """The rejected rows by ticker; of several tables each says of which file it is, and where."""
    parts = []
    for table, offset in zip(tables, offsets, strict=True):
        reason = pl.col("reason")
        if len(tables) > 1:
            reason = pl.format("{} (row {} of {})", "reason", "line", pl.lit(table.name))
        parts.append(table.rejected.with_columns(reason=reason, line=pl.col("line") + offset))
    return pl.concat(parts).partition_by("ticker", as_dict=True)


def _joint_hash(tables: Sequence[MarketTable]) -> Callable[[str], str]:
    """The content hash by ticker; that of several tables is of all of them."""
    if len(tables) == 1:
        (table,) = tables
        return lambda ticker: table.hash_of(ticker, table.symbols.get(ticker, ()))
    digest = hashlib.sha256("\n".join(table.hash_of("", ()) for table in tables).encode())
    moved = [table.symbols for table in tables if table.symbols]

    def hash_of(ticker: str) -> str:
        copied = digest.copy()
        symbols = sorted({symbol for each in moved for symbol in each.get(ticker, ())})
        copied.update("\n".join(["", ticker, *symbols]).encode())
        return copied.hexdigest()

    return hash_of
