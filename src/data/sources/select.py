"""The source that a command asked for, built from its arguments."""

from __future__ import annotations

import argparse
import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from src.core.errors import UsageError
from src.data.sources.delivery import BASES
from src.stages.arguments import moment

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.core.calendars.calendar import Calendar
    from src.data.sources.delivery import Source

SAMPLE_TICKER = "DEMO.NS"
NAMES = ("yahoo", "csv", "sample", "stored")


@dataclass(frozen=True)
class SourceRequest:
    """Which source, and what only a person can know about its files.

    ``name`` None means the default: ``sample`` for DEMO.NS, else ``yahoo``.
    """

    name: str | None = None
    paths: tuple[Path, ...] = ()
    vendor: str | None = None
    basis: str | None = None
    suffix: str = ".NS"
    fetched_at: dt.datetime | None = None


def open_source(
    request: SourceRequest,
    *,
    ticker: str | None,
    settings: Settings,
    calendar: Calendar,
    now: dt.datetime,
    as_of: dt.date | None = None,
    known_at: dt.datetime | None = None,
) -> Source | None:
    """The source, or None for what is stored; raises UsageError for arguments that do not fit."""
    if known_at is not None:
        _refuse_source(request)
        return None
    name = request.name or ("sample" if ticker == SAMPLE_TICKER else "yahoo")
    if (name == "csv") != bool(request.paths):
        raise UsageError(
            "--source csv needs --path FILE (or a folder)."
            if name == "csv"
            else "--path is for files: add --source csv."
        )
    if request.fetched_at is not None and request.fetched_at > now:
        raise UsageError(f"--fetched-at {request.fetched_at:%Y-%m-%d %H:%M} UTC is in the future.")
    if name == "csv":
        return _files(request, ticker, calendar, now)
    if name == "sample":
        from src.data.sources.sample.source import SampleSource

        return SampleSource(calendar=calendar, until=_last(calendar, now, as_of), now=now)
    if name == "yahoo":
        from src.data.sources.yahoo.source import YahooSource

        cache = settings.home / "var" / "yahoo"
        return YahooSource(now=now, base_url=settings.yahoo_url, cache_dir=cache)
    return None


def _refuse_source(request: SourceRequest) -> None:
    of_files = {
        "--source": request.name not in (None, "stored"),
        "--path": request.paths,
        "--vendor": request.vendor,
        "--basis": request.basis,
        "--fetched-at": request.fetched_at,
    }
    given = [option for option, value in of_files.items() if value]
    if given:
        raise UsageError(f"--known-at uses what is stored: leave {' and '.join(given)} out.")


def _path(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("an empty path is none")
    return Path(text)


def add_source_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say where prices come from."""
    parser.add_argument("--source", choices=NAMES, help="default: yahoo; sample for DEMO.NS")
    parser.add_argument(
        "--path", type=_path, action="append", metavar="P", help="a file or folder; repeatable"
    )
    parser.add_argument("--vendor", metavar="NAME", help="who the file's prices are from")
    parser.add_argument("--basis", choices=BASES, help="of the file")
    parser.add_argument(
        "--fetched-at",
        type=moment,
        metavar="TIME",
        help="when the file was downloaded, with zone",
    )


def source_request(args: argparse.Namespace) -> SourceRequest:
    """The request that the arguments make."""
    return SourceRequest(
        name=args.source,
        paths=tuple(args.path or ()),
        vendor=args.vendor,
        basis=args.basis,
        suffix=args.suffix,
        fetched_at=args.fetched_at,
    )


def _files(
    request: SourceRequest, ticker: str | None, calendar: Calendar, now: dt.datetime
) -> Source:
    from src.data.sources.files.source import FileSource

    return FileSource(
        request.paths,
        calendar=calendar,
        ticker=ticker,
        vendor=request.vendor,
        basis=request.basis,
        suffix=request.suffix,
        fetched_at=request.fetched_at,
        now=now,
    )


def _last(calendar: Calendar, now: dt.datetime, as_of: dt.date | None) -> dt.date:
    closed = calendar.last_closed(now)
    return closed if as_of is None else min(closed, as_of)
