"""Read prices from files and folders: one delivery per file, ticker and kind."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING

from src.core.errors import BadInput, UsageError
from src.core.tickers import check_suffix, normalise_ticker
from src.data.sources.delivery import Delivery
from src.data.sources.files.containers.unread import Unread
from src.data.sources.files.identity.naming import known_tickers
from src.data.sources.files.layouts.stated_columns import check_columns
from src.data.sources.files.parse import ParseOptions, TickerRows, within
from src.data.sources.files.parse_file import parse_file
from src.data.sources.files.reader import find_files, read_content, read_packed
from src.data.sources.files.stored_files import StoredPart, file_hash, find_stored

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import polars as pl

    from src.core.calendars.calendar import Calendar
    from src.data.sources.delivery import Basis, Kind
    from src.data.sources.files.grids.grid import Grid
    from src.data.sources.files.reader import PriceFile
    from src.db.store import Store

    _Dated = tuple[Delivery, pl.Series]

UNNAMED = "unnamed"
_VENDOR = re.compile(r"[a-z0-9_]{1,32}")


class FileSource:
    """Prices in files and folders, packed or not, read once and kept in memory.

    A file that cannot be read does not keep the others back: see ``take_failures``.

    ``ticker``, ``vendor`` and ``basis`` take precedence over what a file's columns and name show;
    ``suffix`` is for bare symbols, None where none is stated; ``fetched_at`` is None where it is
    not known. ``columns`` says what the columns of files without a header are; ``recursive`` takes
    folders inside folders.

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
    ) -> None:
        self._paths = list(paths)
        self._recursive = recursive
        self._suffix = None if suffix is None else check_suffix(suffix)
        self._ticker = None if ticker is None else normalise_ticker(ticker, self._suffix)
        self._options = ParseOptions(
            calendar, self._ticker, self._suffix, now.year + 1, check_columns(columns)
        )
        self._vendor = _check_vendor(vendor)
        self._basis = basis
        self._fetched_at = fetched_at
        self._now = now
        self._deliveries: dict[tuple[str, Kind], list[_Dated]] | None = None
        self._stored: dict[str, list[StoredPart]] = {}
        self._failures: list[BadInput] = []
        self._unread = Unread()
        self._found: list[PriceFile] | None = None

    def identify(self, store: Store) -> None:
        """Learn whose rows under changed symbols are; to be called before any other method."""
        self._options = replace(self._options, identities=store.identities())

    def recognise(self, store: Store) -> None:
        """Pass over the files that are stored already, unless a time of download is given.

        And know the stored and listed tickers, which names of files may mean. To be called before
        any other method but ``identify``.
        """
        known = known_tickers(store.tickers(), store.listed_tickers())
        self._options = replace(self._options, known=known)
        if self._fetched_at is None:
            hashes = {self._hash_of(file) for file in self._files_or_none()}
            self._stored = find_stored(store, hashes - {""})

    def files(self) -> list[PriceFile]:
        """The files to read; raises BadInput where there is none."""
        if self._found is None:
            self._found = find_files(self._paths, self._unread, recursive=self._recursive)
        return self._found

    def only(self, file: PriceFile) -> FileSource:
        """A source of one of its files alone."""
        source = copy(self)
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
        parts = (part for parts in self._stored.values() for part in parts)
        return [part for part in parts if part.ticker == ticker]

    def tickers(self) -> list[str]:
        """The tickers in the files, sorted; raises BadInput."""
        stored = {part.ticker for parts in self._stored.values() for part in parts}
        return sorted({ticker for ticker, _ in self._read()} | stored)

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

    def _read(self) -> dict[tuple[str, Kind], list[_Dated]]:
        """Each delivery, with the dates of its rejected rows, by ticker and kind."""
        if self._deliveries is None:
            deliveries: dict[tuple[str, Kind], list[_Dated]] = {}
            failures: list[BadInput] = []
            for file in self.files():
                if self._stored and self._hash_of(file) in self._stored:
                    continue
                dated_deliveries, refusals = self._read_file(file)
                failures += refusals
                for dated in dated_deliveries:
                    key = (dated[0].ticker, dated[0].kind)
                    deliveries.setdefault(key, []).append(dated)
            if not deliveries and not self._stored:
                raise _nothing_read(self._ticker, self._paths, failures)
            self._deliveries, self._failures = deliveries, failures
        return self._deliveries

    def _hash_of(self, file: PriceFile) -> str:
        """See ``stored_files.file_hash``; empty where the file cannot be read."""
        try:
            return self._hash(read_packed(file.path), file)
        except BadInput:
            return ""

    def _hash(self, packed: bytes, file: PriceFile) -> str:
        options = (self._ticker, self._vendor, self._basis, self._suffix, *self._options.columns)
        # Once a symbol is known to have changed, a file may have more rows of a ticker.
        spans = self._options.identities.spans
        return file_hash(packed, file, (*options, repr(spans)) if spans else options)

    def _read_file(self, file: PriceFile) -> tuple[list[_Dated], list[BadInput]]:
        """The deliveries of a file, and why parts of it or all were refused."""
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
        is_recognisable = not failures and all(part.actions is None for _, part in parsed.parts)
        key = self._hash(content.packed, file) if is_recognisable else ""
        count = len(parsed.parts)
        deliveries = (
            (self._delivery(rows, grid, file.path, digest), rows.rejected_days)
            for grid, rows in parsed.parts
        )
        return [
            (replace(delivery, file_hash=key, file_parts=count), days)
            for delivery, days in deliveries
        ], failures

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
            content_hash=_content_hash(
                digest, rows.ticker, rows.kind, " ".join([grid.place, *rows.symbols]).strip()
            ),
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


def _content_hash(digest: hashlib._Hash, ticker: str, kind: Kind, place: str) -> str:
    copy = digest.copy()  # a file of two thousand tickers is hashed once
    copy.update("\n".join(["", ticker, kind, *([place] if place else [])]).encode())
    return copy.hexdigest()
