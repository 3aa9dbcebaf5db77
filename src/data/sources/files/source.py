"""The csv source: files and folders come in, one delivery per file and ticker goes out."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from src.core.calendars.calendar import OutsideCalendar
from src.core.calendars.exchanges import exchange_of
from src.core.errors import BadInput, UsageError
from src.core.tickers import check_suffix, normalise_ticker
from src.data.sources.delivery import BASES, Delivery
from src.data.sources.files.fields.timezones import session_day
from src.data.sources.files.parse import Parsed, parse
from src.data.sources.files.reader import find_files, read_content

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from src.data.sources.delivery import Basis, Kind
    from src.data.sources.files.fields.timezones import Calendar
    from src.data.sources.files.reader import PriceFile

UNNAMED = "unnamed"
_VENDOR = re.compile(r"[a-z0-9_]{1,32}")


class FileSource:
    """Prices in files and folders (plain, gzip or xlsx), read once and kept.

    ``ticker``, ``vendor`` and ``basis`` beat what the files say of themselves, ``fetched_at`` is
    when they were downloaded (``now`` when that is not known), and ``suffix`` is for bare symbols.
    """

    name = "csv"

    def __init__(  # noqa: PLR0913 - each beats or completes what a file says of itself
        self,
        paths: Sequence[Path],
        *,
        calendar: Calendar,
        now: dt.datetime,
        ticker: str | None = None,
        vendor: str | None = None,
        basis: str | None = None,
        suffix: str = ".NS",
        fetched_at: dt.datetime | None = None,
    ) -> None:
        self._paths = list(paths)
        self._calendar = calendar
        self._suffix = check_suffix(suffix)
        self._ticker = None if ticker is None else normalise_ticker(ticker, self._suffix)
        self._vendor = _check_vendor(vendor)
        self._basis = _check_basis(basis)
        self._fetched_at = fetched_at
        self._now = now
        self._kept: list[tuple[Delivery, pl.Series]] | None = None

    def tickers(self) -> list[str]:
        """The tickers that the paths hold, sorted; raises BadInput."""
        return sorted({delivery.ticker for delivery, _ in self._read()})

    def deliveries(self) -> Iterator[Delivery]:
        """All that the paths hold, oldest ``fetched_at`` first, then in the paths' order."""
        yield from (delivery for delivery, _ in self._read())

    def fetch_daily(
        self, ticker: str, since: dt.date | None, until: dt.date | None
    ) -> list[Delivery]:
        """Daily bars with ``since <= date <= until``; raises BadInput."""
        return self._fetch("daily", ticker, since, until)

    def fetch_hourly(
        self, ticker: str, since: dt.date | None, until: dt.date | None
    ) -> list[Delivery]:
        """Hourly bars of the sessions in that range; raises BadInput."""
        return self._fetch("hourly", ticker, since, until)

    def _fetch(
        self, kind: Kind, ticker: str, since: dt.date | None, until: dt.date | None
    ) -> list[Delivery]:
        return [
            _within(delivery, rejected_days, since, until)
            for delivery, rejected_days in self._read()
            if delivery.kind == kind and delivery.ticker == ticker
        ]

    def _read(self) -> list[tuple[Delivery, pl.Series]]:
        if self._kept is None:
            files = find_files(self._paths)
            kept = [entry for file in files for entry in self._read_file(file)]
            if not kept:
                raise BadInput(_nothing(self._ticker, self._paths))
            self._kept = kept
        return self._kept

    def _read_file(self, file: PriceFile) -> list[tuple[Delivery, pl.Series]]:
        try:
            content = read_content(file.path)
            parsed = parse(
                content,
                file,
                calendar=self._calendar,
                asked=self._ticker,
                suffix=self._suffix,
                latest_year=self._now.year + 1,
            )
        except (BadInput, OutsideCalendar) as error:
            raise BadInput(f"{file.path}: {error}") from error
        except pl.exceptions.PolarsError as error:
            raise BadInput(f"{file.path}: it is no table of prices: save it as CSV.") from error
        digest = hashlib.sha256(content.stored)
        return [(self._delivery(p, file.path, digest), p.rejected_days) for p in parsed]

    def _delivery(self, parsed: Parsed, path: Path, digest: hashlib._Hash) -> Delivery:
        vendor = self._vendor or parsed.vendor or UNNAMED
        basis = self._basis or parsed.basis or "split"
        notes = list(parsed.notes)
        if vendor == UNNAMED:
            notes.append("vendor not stated by the file, kept as 'unnamed': say it with --vendor")
        if not (self._basis or parsed.basis):
            notes.append("price basis not stated, taken as split-adjusted: say it with --basis")
        return Delivery(
            ticker=parsed.ticker,
            kind=parsed.kind,
            vendor=vendor,
            layout=parsed.layout,
            price_basis=basis,
            frame=parsed.frame,
            rejected=parsed.rejected,
            content_hash=_content_hash(digest, parsed.ticker, parsed.kind),
            fetched_at=self._fetched_at or self._now,
            origin=str(path),
            fetched_at_stated=self._fetched_at is not None,
            notes=tuple(notes),
            actions=parsed.actions,
        )


def _check_vendor(vendor: str | None) -> str | None:
    if vendor is None:
        return None
    if not _VENDOR.fullmatch(vendor) or vendor == FileSource.name:
        raise UsageError(
            f"--vendor {vendor[:40]!r} names no vendor: give lower-case letters, digits and _, "
            "such as nse, and not csv."
        )
    return vendor


def _check_basis(basis: str | None) -> Basis | None:
    known = next((name for name in BASES if name == basis), None)
    if basis is not None and known is None:
        raise UsageError(f"--basis {basis[:40]!r} is unknown: give one of {', '.join(BASES)}.")
    return known


def _nothing(ticker: str | None, paths: Sequence[Path]) -> str:
    where = ", ".join(str(path) for path in paths[:3]) or "no path"
    if not paths:
        return "No price file was given: name a file or a folder."
    return f"{where}: no file there is of {ticker}: give its file by its own path."


def _content_hash(digest: hashlib._Hash, ticker: str, kind: Kind) -> str:
    own = digest.copy()  # a file of two thousand tickers is hashed once
    own.update(f"\n{ticker}\n{kind}".encode())
    return own.hexdigest()


def _within(
    delivery: Delivery, rejected_days: pl.Series, since: dt.date | None, until: dt.date | None
) -> Delivery:
    """The delivery's rows of these days; a rejected row without a readable day stays.

    All actions stay: dividends are divided by splits of any later day.
    """
    if since is None and until is None:
        return delivery
    zone = exchange_of(delivery.ticker).zone
    day = pl.col("date") if delivery.kind == "daily" else session_day(pl.col("ts"), zone)
    frame = delivery.frame.filter(_in_range(day, since, until))
    days = rejected_days.alias("day").to_frame()
    keep = days.select(_in_range(pl.col("day"), since, until).fill_null(value=True)).to_series()
    rejected = delivery.rejected.filter(keep)
    left_out = delivery.frame.height - frame.height + delivery.rejected.height - rejected.height
    if not left_out:
        return delivery
    said = f"{left_out} rows outside {since or '…'} to {until or '…'} left out"
    return replace(
        delivery,
        frame=frame,
        rejected=rejected,
        notes=(*delivery.notes, said),
        # Part of a file is not the file: the whole of it must still be taken later.
        content_hash=f"{delivery.content_hash}:{since or ''}:{until or ''}",
    )


def _in_range(day: pl.Expr, since: dt.date | None, until: dt.date | None) -> pl.Expr:
    inside = day.is_not_null() | day.is_null() if since is None else day >= since
    return inside if until is None else inside & (day <= until)
