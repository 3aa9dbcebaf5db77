"""Read prices from files and folders: one delivery per file, ticker and kind."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from src.core.calendars.calendar import OutsideCalendar
from src.core.calendars.exchanges import exchange_of
from src.core.errors import BadInput, UsageError
from src.core.tickers import check_suffix, normalise_ticker
from src.data.sources.delivery import Delivery
from src.data.sources.files.fields.timezones import session_date
from src.data.sources.files.parse import TickerRows, parse_file
from src.data.sources.files.reader import find_files, read_content

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from src.core.calendars.calendar import Calendar
    from src.data.sources.delivery import Basis, Kind
    from src.data.sources.files.reader import PriceFile

UNNAMED = "unnamed"
_VENDOR = re.compile(r"[a-z0-9_]{1,32}")


class FileSource:
    """Prices in files and folders (text, gzip or xlsx), read once and kept in memory.

    A file that cannot be read does not keep the others back: see ``take_failures``.

    ``ticker``, ``vendor`` and ``basis`` take precedence over what a file's columns and name show;
    ``suffix`` is for bare symbols; ``fetched_at`` is None where it is not known.

    Raises:
        UsageError: for a vendor, suffix or ticker of the wrong form.
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
        suffix: str = ".NS",
        fetched_at: dt.datetime | None = None,
    ) -> None:
        self._paths = list(paths)
        self._calendar = calendar
        self._suffix = check_suffix(suffix)
        self._ticker = None if ticker is None else normalise_ticker(ticker, self._suffix)
        self._vendor = _check_vendor(vendor)
        self._basis = basis
        self._fetched_at = fetched_at
        self._now = now
        self._deliveries: list[tuple[Delivery, pl.Series]] | None = None
        self._failures: list[BadInput] = []

    def tickers(self) -> list[str]:
        """The tickers in the files, sorted; raises BadInput."""
        return sorted({delivery.ticker for delivery, _ in self._read()})

    def fetch(
        self, kind: Kind, ticker: str, since: dt.date | None, until: dt.date | None
    ) -> list[Delivery]:
        """Bars of the sessions from ``since`` to ``until``; raises BadInput."""
        return [
            _within(delivery, rejected_days, since, until)
            for delivery, rejected_days in self._read()
            if delivery.kind == kind and delivery.ticker == ticker
        ]

    def take_failures(self) -> list[BadInput]:
        """Why files could not be read, beside others that could; each is reported once."""
        failures, self._failures = self._failures, []
        return failures

    def _read(self) -> list[tuple[Delivery, pl.Series]]:
        """Each delivery, with the dates of its rejected rows."""
        if self._deliveries is None:
            deliveries, failures = [], []
            for file in find_files(self._paths):
                try:
                    deliveries += self._read_file(file)
                except BadInput as error:
                    failures.append(error)
            if not deliveries:
                raise _nothing_read(self._ticker, self._paths, failures)
            self._deliveries, self._failures = deliveries, failures
        return self._deliveries

    def _read_file(self, file: PriceFile) -> list[tuple[Delivery, pl.Series]]:
        try:
            content = read_content(file.path)
            parts = parse_file(
                content,
                file,
                calendar=self._calendar,
                ticker=self._ticker,
                suffix=self._suffix,
                latest_year=self._now.year + 1,
            )
        except (BadInput, OutsideCalendar) as error:
            raise BadInput(f"{file.path}: {error}") from error
        except pl.exceptions.PolarsError as error:
            raise BadInput(f"{file.path}: it is not a table of prices: save it as CSV.") from error
        digest = hashlib.sha256(content.packed)
        return [(self._delivery(part, file.path, digest), part.rejected_days) for part in parts]

    def _delivery(self, rows: TickerRows, path: Path, digest: hashlib._Hash) -> Delivery:
        vendor = self._vendor or rows.vendor or UNNAMED
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
            content_hash=_content_hash(digest, rows.ticker, rows.kind),
            fetched_at=self._fetched_at or self._now,
            origin=str(path),
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


def _content_hash(digest: hashlib._Hash, ticker: str, kind: Kind) -> str:
    copy = digest.copy()  # a file of two thousand tickers is hashed once
    copy.update(f"\n{ticker}\n{kind}".encode())
    return copy.hexdigest()


def _within(
    delivery: Delivery, rejected_days: pl.Series, since: dt.date | None, until: dt.date | None
) -> Delivery:
    """The delivery's rows of these days; rejected rows without a readable date stay.

    All actions stay: dividends are divided by splits of any later day.
    """
    if since is None and until is None:
        return delivery
    zone = exchange_of(delivery.ticker).zone
    day = pl.col("date") if delivery.kind == "daily" else session_date(pl.col("ts"), zone)
    first, last = since or dt.date.min, until or dt.date.max
    frame = delivery.frame.filter(day.is_between(first, last))
    rejected = delivery.rejected.filter(rejected_days.is_between(first, last).fill_null(value=True))
    left_out = delivery.frame.height - frame.height + delivery.rejected.height - rejected.height
    if not left_out:
        return delivery
    note = f"{left_out} rows outside {since or '…'} to {until or '…'} left out"
    return replace(
        delivery,
        frame=frame,
        rejected=rejected,
        notes=(*delivery.notes, note),
        # Part of a file has its own hash, so that the whole file is still stored later.
        content_hash=f"{delivery.content_hash}:{since or ''}:{until or ''}",
    )
