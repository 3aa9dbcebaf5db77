"""Read prices from files and folders: one delivery per file, ticker and kind.

Whole-market files of several days are one delivery a ticker together: see ``market.merge``.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections import deque
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from src.core.errors import BadInput, UsageError
from src.core.tickers import check_suffix, normalise_ticker
from src.data.sources.delivery import Delivery
from src.data.sources.files.containers.unread import Unread
from src.data.sources.files.deliveries import DeliveryFacts
from src.data.sources.files.identity.naming import known_tickers
from src.data.sources.files.layouts.stated_columns import check_columns
from src.data.sources.files.market.merge import merge
from src.data.sources.files.market.tables import MarketTable
from src.data.sources.files.parse import ParseOptions
from src.data.sources.files.read_file import FileRead, ReadingRules, read_file, refused_file
from src.data.sources.files.reader import find_files, read_packed
from src.data.sources.files.rows.by_ticker import within
from src.data.sources.files.stored_files import (
    FileHashes,
    StoredFiles,
    StoredPart,
    find_stored,
)
from src.stages.engine.engine import IN_PROCESS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from src.core.calendars.calendar import Calendar
    from src.data.sources.delivery import Basis, Kind
    from src.data.sources.files.market.merge import Bundle, Dated
    from src.data.sources.files.reader import PriceFile
    from src.db.store import Store
    from src.stages.engine.engine import Engine

_VENDOR = re.compile(r"[a-z0-9_]{1,32}")
# Files whose bytes wait for each worker.
_AHEAD = 4


class FileSource:
    """Prices in files and folders, packed or not, read once and kept in memory.

    A file that cannot be read does not keep the others back: see ``take_failures``.

    ``ticker``, ``vendor`` and ``basis`` take precedence over what a file's columns and name show;
    ``suffix`` is for bare symbols, None where none is stated; ``fetched_at`` is None where it is
    not known. ``columns`` says what the columns of files without a header are; ``recursive`` takes
    folders inside folders; ``tickers`` are those to take from files of many, all by default.

    Attributes:
        bundles: The files of the merged deliveries, once the files have been read.
        engine: What reads them.

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
            fetched_at or now,
            check_columns(columns),
            tickers=None if tickers is None else frozenset(tickers),
        )
        self._facts = DeliveryFacts(_check_vendor(vendor), basis, fetched_at, now)
        self._deliveries: dict[tuple[str, Kind], list[Dated]] | None = None
        self._stored = StoredFiles()
        self._hashes = self._file_hashes()
        self.bundles: list[Bundle] = []
        self.engine: Engine = IN_PROCESS
        self._failures: list[BadInput] = []
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
        self._hashes = self._file_hashes()

    def recognise(self, store: Store) -> None:
        """Pass over the files that are stored already, unless a time of download is given.

        To be called before any other method but ``identify``.
        """
        if self._facts.fetched_at is None:
            hashes = {key for file in self._files_or_none() for key in self._hashes.of(file)}
            self._stored = find_stored(store, hashes, self._options.tickers)

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
            for read in self._read_files():
                pieces += read.pieces
                failures += read.failures
                for place, reason, name in read.unread:
                    self._unread.add(place, reason, name)
            if not pieces and not self._stored.files and not self._is_part:
                raise _nothing_read(self._wanted(), self._paths, failures, len(self.files()))
            merged = merge(pieces)
            self._deliveries, self._failures = {}, failures
            self.bundles = merged.bundles
            for dated in merged.deliveries:
                key = (dated[0].ticker, dated[0].kind)
                self._deliveries.setdefault(key, []).append(dated)
        return self._deliveries

    def _wanted(self) -> str:
        return self._ticker or ("the chosen tickers" if self._options.tickers else "any ticker")

    def _file_hashes(self) -> FileHashes:
        stated = (self._ticker, self._facts.vendor, self._facts.basis, self._suffix)
        options = [*stated, *self._options.columns]
        # Once a symbol is known to have changed, a file may have more rows of a ticker.
        if spans := self._options.identities.spans:
            options.append(hashlib.sha256(repr(spans).encode()).hexdigest())
        return FileHashes(options, self._options.tickers)

    def _read_files(self) -> Iterator[FileRead]:
        """What the files have that are not stored, in their order; a few are read ahead."""
        has = self._stored.has if self._stored.files else lambda _: False
        files = [file for file in self.files() if not has(self._hashes.of(file))]
        engine = self.engine if len(files) > 1 else IN_PROCESS
        rules = engine.share(ReadingRules(self._options, self._facts, self._hashes))
        reading: deque[tuple[bytes, Future[FileRead]]] = deque()
        for file in files:
            reading.append(_begin(engine, rules, file))
            while len(reading) > _AHEAD * (engine.workers - 1):
                yield _end(*reading.popleft())
        while reading:
            yield _end(*reading.popleft())


def _begin(engine: Engine, rules: Any, file: PriceFile) -> tuple[bytes, Future[FileRead]]:
    """Have a file read; with its bytes."""
    try:
        packed = read_packed(file.path)
    except BadInput as error:
        return b"", IN_PROCESS.submit(refused_file, file, error)
    return packed, engine.submit(read_file, rules, file, packed)


def _end(packed: bytes, reading: Future[FileRead]) -> FileRead:
    """What was read of a file with these bytes."""
    read = reading.result()
    digest = hashlib.sha256(packed)
    for piece in read.pieces:
        if isinstance(piece, MarketTable):
            piece.hash_of.digest = digest
    return read


def _check_vendor(vendor: str | None) -> str | None:
    if vendor is None:
        return None
    if not _VENDOR.fullmatch(vendor) or vendor == FileSource.name:
        raise UsageError(
            f"--vendor {vendor[:40]!r} is not a vendor's name: use lower-case letters, digits and "
            "_, such as nse, but not csv."
        )
    return vendor


def _nothing_read(
    wanted: str, paths: Sequence[Path], failures: list[BadInput], files: int
) -> BadInput:
    """Why none of some ``files`` gave a price: they were refused, or are of other tickers."""
    if files == 1 and failures:
        return failures[0]
    if len(failures) >= files:
        return BadInput(f"None of {files} files could be read: the first is {failures[0]}")
    sentence = _no_prices(wanted, paths)
    if not failures:
        return BadInput(sentence)
    return BadInput(
        f"{sentence} {len(failures)} of {files} could not be read: the first is {failures[0]}"
    )


def _no_prices(wanted: str, paths: Sequence[Path]) -> str:
    if not paths:
        return "No price file was given: give a file or a folder."
    places = ", ".join(str(path) for path in paths[:3])
    return f"{places}: no file there has prices of {wanted}: give its file by its own path."
