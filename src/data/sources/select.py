"""Build the source that a command's arguments name."""

from __future__ import annotations

import argparse
import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from src.core.errors import UsageError
from src.data.sources.delivery import BASES, SAMPLE_TICKER
from src.stages.arguments import moment

if TYPE_CHECKING:
    from collections.abc import Collection

    from src.config.settings import Settings
    from src.core.calendars.calendar import Calendar
    from src.data.sources.delivery import Basis, Source

SOURCE_NAMES = ("yahoo", "nse", "csv", "sample", "stored")


@dataclass(frozen=True)
class SourceRequest:
    """Which source, and facts that its files may not state (see ``FileSource``).

    ``name`` is one of ``SOURCE_NAMES``, or None for the default: ``sample`` for DEMO.NS, else
    ``yahoo``; ``paths`` are for ``csv`` alone.
    """

    name: str | None = None
    paths: tuple[Path, ...] = ()
    vendor: str | None = None
    basis: Basis | None = None
    suffix: str | None = None
    fetched_at: dt.datetime | None = None
    columns: tuple[str, ...] = ()
    recursive: bool = False


def open_source(  # noqa: PLR0913 - all of these describe what is to be fetched
    request: SourceRequest,
    *,
    ticker: str | None,
    settings: Settings,
    calendar: Calendar,
    now: dt.datetime,
    as_of: dt.date | None = None,
    known_at: dt.datetime | None = None,
    tickers: Collection[str] | None = None,
) -> Source | None:
    """The source, or None to use only what is stored; ``tickers`` are those of a run of many.

    Raises:
        UsageError: for arguments that exclude each other or lack another.
    """
    if known_at is not None:
        _refuse_options(request)
        return None
    name = request.name or ("sample" if ticker == SAMPLE_TICKER else "yahoo")
    _check(request, name, calendar, now)
    if name == "csv":
        from src.data.sources.files.source import FileSource

        return FileSource(
            request.paths,
            calendar=calendar,
            now=now,
            ticker=ticker,
            vendor=request.vendor,
            basis=request.basis,
            suffix=request.suffix,
            fetched_at=request.fetched_at,
            columns=request.columns,
            recursive=request.recursive,
            tickers=tickers if ticker is None else None,
        )
    if name == "sample":
        from src.data.sources.sample.source import SampleSource

        closed = calendar.last_closed(now)
        until = closed if as_of is None else min(closed, as_of)
        return SampleSource(calendar=calendar, until=until, now=now)
    if name == "yahoo":
        from src.data.sources.yahoo.source import YahooSource

        cache = settings.home / "var" / "yahoo"
        return YahooSource(now=now, base_url=settings.yahoo_url, cache_dir=cache)
    if name == "nse":
        from src.data.sources.nse.source import open_nse

        return open_nse(settings, calendar=calendar, now=now, tickers=tickers)
    return None


def _check(request: SourceRequest, name: str, calendar: Calendar, now: dt.datetime) -> None:
    if name == "csv" and not request.paths:
        raise UsageError("--source csv needs --path with a file or folder.")
    if name != "csv" and request.paths:
        raise UsageError("--path is for files: add --source csv.")
    for option, value in (("--columns", request.columns), ("--recursive", request.recursive)):
        if value and not request.paths:
            raise UsageError(f"{option} is for files: add --source csv and --path.")
    if request.fetched_at is not None:
        check_fetched_at(request.fetched_at, calendar, now)


def check_fetched_at(at: dt.datetime, calendar: Calendar, now: dt.datetime) -> None:
    """Refuse a time of download that cannot be: in the future, or before the calendar begins.

    Raises:
        UsageError: for such a time.
    """
    if at > now:
        raise UsageError(f"--fetched-at {at:%Y-%m-%d %H:%M} UTC is in the future.")
    # On the calendar's first day no session before it is known.
    first = calendar.next_session(calendar.covered_from)
    if at.astimezone(calendar.zone).date() <= first:
        raise UsageError(
            f"--fetched-at {at:%Y-%m-%d %H:%M} UTC is before the calendar of "
            f"{calendar.exchange.name}, which begins on {calendar.covered_from}: give the time at "
            "which the file was downloaded."
        )


def _refuse_options(request: SourceRequest) -> None:
    """Refuse the options of a source in a run that uses only what is stored."""
    options = {
        "--source": request.name not in (None, "stored"),
        "--path": request.paths,
        "--vendor": request.vendor,
        "--basis": request.basis,
        "--fetched-at": request.fetched_at,
        "--columns": request.columns,
        "--recursive": request.recursive,
    }
    present = [option for option, value in options.items() if value]
    if present:
        raise UsageError(f"--known-at uses only stored prices: remove {' and '.join(present)}.")


def _path(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("the path is empty")
    return Path(text)


def add_source_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say where prices come from."""
    parser.add_argument(
        "--source",
        choices=SOURCE_NAMES,
        help="default: yahoo; sample for DEMO.NS, and for several tickers what is stored",
    )
    parser.add_argument(
        "--path", type=_path, action="append", metavar="P", help="a file or folder; repeatable"
    )
    parser.add_argument(
        "--recursive", action="store_true", help="take the files of folders inside a folder, too"
    )
    parser.add_argument(
        "--columns",
        type=lambda text: tuple(text.split(",")),
        default=(),
        metavar="NAMES",
        help="columns of files without a header, such as date,open,high,low,close,volume",
    )
    parser.add_argument("--vendor", metavar="NAME", help="whose prices the files have")
    parser.add_argument("--basis", choices=BASES, help="price basis of the files")
    parser.add_argument(
        "--fetched-at",
        type=moment,
        metavar="TIME",
        help="when the files were downloaded, with zone",
    )


def source_request(args: argparse.Namespace) -> SourceRequest:
    """The request in the arguments of ``add_source_arguments`` and ``--suffix``."""
    return SourceRequest(
        name=args.source,
        paths=tuple(args.path or ()),
        vendor=args.vendor,
        basis=args.basis,
        suffix=args.suffix,
        fetched_at=args.fetched_at,
        columns=args.columns,
        recursive=args.recursive,
    )
