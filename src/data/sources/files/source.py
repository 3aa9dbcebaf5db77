"""Read prices from files and folders: one delivery per file, ticker and kind.

Whole-market files of several days are one delivery a ticker together: see ``market.merge``.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from copy import copy
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from src.core.errors import BadInput, UsageError
from src.core.tickers import check_suffix, normalise_ticker
from src.data.sources.delivery import Delivery
from src.data.sources.files.containers.unread import Unread
from src.data.sources.files.identity.naming import known_tickers
from src.data.sources.files.layouts.stated_columns import check_columns
from src.data.sources.files.market.merge import merge
from src.data.sources.files.market.tables import common_rows, is_market, market_table
from src.data.sources.files.parse import ParseOptions, TickerRows, within
from src.data.sources.files.parse_file import ParsedFile, parse_file
from src.data.sources.files.reader import find_files, read_content, read_packed
from src.data.sources.files.stored_files import StoredFiles, StoredPart, file_hash, find_stored

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from src.core.calendars.calendar import Calendar
    from src.data.sources.delivery import Basis, Kind
    from src.data.sources.files.grids.grid import Grid
    from src.data.sources.files.market.merge import Bundle, Dated
    from src.data.sources.files.market.tables import MarketTable
    from src.data.sources.files.reader import PriceFile
    from src.db.store import Store

UNNAMED = "unnamed"
_VENDOR = re.compile(r"[a-z0-9_]{1,32}")


class FileSource:
    """Prices in files and folders, packed or not, read once and kept in memory.

    A file that cannot be read does not keep the others back: see ``take_failures``.

    ``ticker``, ``vendor`` and ``basis`` take precedence over what a file's columns and name show;
    ``suffix`` is for bare symbols, None where none is stated; ``fetched_at`` is None where it is
    not known. ``columns`` says what the columns of files without a header are; ``recursive`` takes
    folders inside folders; ``tickers`` are those to take from files of many, all by default.

    Attributes:
        bundles: The files of the merged deliveries, once the files have been read.

    Raises:
        UsageError: for a vendor, suffix, ticker or columns of the wrong form.
    """

    name = "csv"

    def __init__(  # noqa: PLR0913 - each overrides or completes what a file states
        self,
        paths: Sequence[Path],
        *,
        calendar: Calendar,
        now: dt.datetime,
        ticker: str | None = None,
        vendor: str | None = None,
        basis: Basis | None = None,
        suffix: str | None = None,
        fetched_at: dt.datetime | None = None,
        columns: Sequence[str] = (),
        recursive: bool = False,
        tickers: Collection[str] | None = None,
    ) -> None:
        self._paths = list(paths)
        self._recursive = recursive
        self._suffix = None if suffix is None else check_suffix(suffix)
        self._ticker = None if ticker is None else normalise_ticker(ticker, self._suffix)
        self._options = ParseOptions(
            calendar,
            self._ticker,
            self._suffix,
            now.year + 1,
            check_columns(columns),
            tickers=None if tickers is None else frozenset(tickers),
        )
        self._vendor = _check_vendor(vendor)
        self._basis = basis
        self._fetched_at = fetched_at
        self._now = now
        self._deliveries: dict[tuple[str, Kind], list[Dated]] | None = None
        self._stored = StoredFiles()
        self._hashes: dict[Path, str] = {}
        self.bundles: list[Bundle] = []
        self._failures: list[BadInput] = []
        self._identity_hash: tuple[str, ...] = ()
        self._unread = Unread()
        self._found: list[PriceFile] | None = None
        self._is_part = False

    def identify(self, store: Store) -> None:
        """Learn which tickers are stored or listed, and whose rows under changed symbols are.

        To be called before any other method.
        """
        identities = store.identities()
        known = known_tickers(identities.symbols_of(store.tickers()), store.listed_tickers())
        self._options = replace(self._options, known=known, identities=identities)
        if identities.spans:
            # Once a symbol is known to have changed, a file may have more rows of a ticker.
            self._identity_hash = (hashlib.sha256(repr(identities.spans).encode()).hexdigest(),)

    def recognise(self, store: Store) -> None:
        """Pass over the files that are stored already, unless a time of download is given.

        To be called before any other method but ``identify``.
        """
        if self._fetched_at is None:
            hashes = {self._hash_of(file) for file in self._files_or_none()}
            self._stored = find_stored(store, hashes - {""})

    def files(self) -> list[PriceFile]:
        """The files to read; raises BadInput where there is none."""
        if self._found is None:
            self._found = find_files(self._paths, self._unread, recursive=self._recursive)
        return self._found

    def only(self, file: PriceFile) -> FileSource:
        """A source of one of its files alone, which may have no prices of the ticker."""
        source = copy(self)
        source._is_part = True
        source._found, source._deliveries = [file], None
        source._failures, source._unread = [], Unread()
        return source

    def _files_or_none(self) -> list[PriceFile]:
        """The files; none where they cannot be found: reading them reports that."""
        try:
            return self.files()
        except BadInput:
            return []

    def repeated(self, ticker: str) -> list[StoredPart]:
        """What the files that were passed over delivered of a ticker when they were stored."""
        return self._stored.parts.get(ticker, [])

    def tickers(self) -> list[str]:
        """The tickers in the files, sorted; raises BadInput."""
        return sorted({ticker for ticker, _ in self._read()}.union(self._stored.parts))

    def fetch(
        self, kind: Kind, ticker: str, since: dt.date | None, until: dt.date | None
    ) -> list[Delivery]:
        """Bars of the sessions from ``since`` to ``until``; raises BadInput."""
        return [
            within(delivery, rejected_days, since, until)
            for delivery, rejected_days in self._read().get((ticker, kind), ())
        ]

    def take_failures(self) -> list[BadInput]:
        """Why files could not be read, beside others that could; each is reported once."""
        failures, self._failures = self._failures, []
        return failures

    def take_unread(self) -> list[str]:
        """What was passed over in folders, archives and workbooks; each is told once."""
        return self._unread.take()

    def _read(self) -> dict[tuple[str, Kind], list[Dated]]:
        """Each delivery, with the dates of its rejected rows, by ticker and kind."""
        if self._deliveries is None:
            pieces: list[Dated | MarketTable] = []
            failures: list[BadInput] = []
            for file in self.files():
                if self._hash_of(file) in self._stored.files:
                    continue
                read, refusals = self._read_file(file)
                pieces += read
                failures += refusals
            if not pieces and not self._stored.files and not self._is_part:
                raise _nothing_read(self._ticker, self._paths, failures)
            merged = merge(pieces)
            self._deliveries, self._failures = {}, failures
            self.bundles = merged.bundles
            for dated in merged.deliveries:
                key = (dated[0].ticker, dated[0].kind)
                self._deliveries.setdefault(key, []).append(dated)
        return self._deliveries

    def _hash_of(self, file: PriceFile) -> str:
        """See ``stored_files.file_hash``; empty where the file cannot be read, or need not be."""
        if self._fetched_at is not None:
            return ""
        if file.path not in self._hashes:
            try:
                self._hashes[file.path] = self._hash(read_packed(file.path), file)
            except BadInput:
                self._hashes[file.path] = ""
        return self._hashes[file.path]

    def _hash(self, packed: bytes, file: PriceFile) -> str:
        options = [self._ticker, self._vendor, self._basis, self._suffix, *self._options.columns]
        options += self._identity_hash
        if self._options.tickers is not None:
            options.append(",".join(sorted(self._options.tickers)))
        return file_hash(packed, file, options)

    def _read_file(self, file: PriceFile) -> tuple[list[Dated | MarketTable], list[BadInput]]:
        """The deliveries of a file, or its tables, and why parts of it or all were refused."""
        try:
            content = read_content(file.path)
        except BadInput as error:
            return [], [BadInput(f"{file.path}: {error}")]
        parsed = parse_file(content, file, self._options)
        failures = [BadInput(f"{file.path}: {failure}") for failure in parsed.failures]
        for reason, name in parsed.unread:
            place = file.path if name else file.folder or file.path.parent
            self._unread.add(place, reason, name or file.path.name)
        digest = hashlib.sha256(content.packed)
        # What states actions is merged into the ledger every time that it is given.
        actions = any(table.filtered.actions is not None for _, table in parsed.tables)
        key = "" if failures or actions else self._hash(content.packed, file)
        pieces: list[Dated | MarketTable] = list(self._market_tables(parsed, file, digest, key))
        if not pieces:
            parts = parsed.by_ticker()
            for grid, rows in parts:
                delivery = self._delivery(rows, grid, file.path, digest)
                delivery = replace(delivery, file_hash=key, file_parts=len(parts))
                pieces.append((delivery, rows.rejected_days))
        return pieces, failures

    def _market_tables(
        self, parsed: ParsedFile, file: PriceFile, digest: hashlib._Hash, key: str
    ) -> list[MarketTable]:
        """The tables of a file, of which all are such that they can be merged; else none."""
        tables = []
        for grid, table in parsed.tables:
            if not key or not is_market(table):
                return []
            common = self._delivery(common_rows(table), grid, file.path, digest)
            # Of total-return prices each delivery is on a level of its own.
            if common.price_basis == "total":
                return []
            hash_of = partial(_content_hash, digest, grid.place, common.kind)
            name = grid.place or file.path.name
            tables.append(market_table(table, replace(common, file_hash=key), hash_of, name))
        return tables

    def _delivery(
        self, rows: TickerRows, grid: Grid, path: Path, digest: hashlib._Hash
    ) -> Delivery:
        vendor = self._vendor or rows.vendor or grid.vendor or UNNAMED
        basis = self._basis or rows.basis or "split"
        notes = list(rows.notes)
        if vendor == UNNAMED:
            notes.append(
                "the file does not state its vendor, stored as 'unnamed': give --vendor NAME"
            )
        if not (self._basis or rows.basis):
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
            content_hash=_content_hash(digest, grid.place, rows.kind, rows.ticker, rows.symbols),
            fetched_at=self._fetched_at or self._now,
            origin=f"{path}, {grid.place}" if grid.place else str(path),
            fetched_at_stated=self._fetched_at is not None,
            notes=tuple(notes),
            actions=rows.actions,
        )


def _check_vendor(vendor: str | None) -> str | None:
    if vendor is None:
        return None
    if not _VENDOR.fullmatch(vendor) or vendor == FileSource.name:
        raise UsageError(
            f"--vendor {vendor[:40]!r} is not a vendor's name: use lower-case letters, digits and "
            "_, such as nse, but not csv."
        )
    return vendor


def _nothing_read(ticker: str | None, paths: Sequence[Path], failures: list[BadInput]) -> BadInput:
    if len(failures) == 1:
        return failures[0]
    if failures:
        return BadInput(f"None of {len(failures)} files could be read: the first is {failures[0]}")
    return BadInput(_no_prices(ticker, paths))


def _no_prices(ticker: str | None, paths: Sequence[Path]) -> str:
    if not paths:
        return "No price file was given: give a file or a folder."
    places = ", ".join(str(path) for path in paths[:3])
    return f"{places}: no file there has prices of {ticker}: give its file by its own path."


def _content_hash(
    digest: hashlib._Hash, place: str, kind: Kind, ticker: str, symbols: Sequence[str]
) -> str:
    copied = digest.copy()  # a file of two thousand tickers is hashed once
    where = " ".join([place, *symbols]).strip()
    copied.update("\n".join(["", ticker, kind, *([where] if where else [])]).encode())
    return copied.hexdigest()
