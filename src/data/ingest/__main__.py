"""The command ``python -m src.data.ingest``: fetch prices and store them."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from src.core.calendars.exchanges import calendar_of, exchange_of
from src.core.errors import DatabaseUnavailable, UsageError
from src.core.tickers import normalise_ticker
from src.data.ingest import withdraw
from src.data.ingest.stage import stage
from src.data.sources.delivery import KEY_COLUMNS
from src.data.sources.files.source import FileSource
from src.data.sources.pace import keep_pace
from src.data.sources.preview import FileReading, describe, summary
from src.data.sources.select import add_source_arguments, open_source, source_request
from src.db.database import DATA_DIR, open_database
from src.stages.arguments import listed_tickers, ticker_of
from src.stages.cli import run_command, set_up, stage_main, stage_parser

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.data.sources.delivery import Source
    from src.data.sources.select import SourceRequest
    from src.db.database import Database
    from src.stages.stage import Stage


def main(argv: Sequence[str] | None = None) -> int:
    """Show what is stored, fetch prices with or without storing them, or take a batch out."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    if arguments[:1] == [withdraw.COMMAND]:
        return withdraw.main(arguments[1:])
    parser = stage_parser("src.data.ingest", stage(None).summary, several=True)
    parser.epilog = (
        "With --path, show tells how files would be read, and stores nothing. To take a batch out: "
        f"{withdraw.USAGE}. {parser.epilog}"
    )
    add_source_arguments(parser)
    args = parser.parse_args(arguments)
    if args.action == "show" and args.path:
        return _show_files(args)
    return stage_main(stage(None), arguments, parser=parser, prepare=_prepare)


def _show_files(args: argparse.Namespace) -> int:
    """Tell how files would be read, without storing anything.

    Returns:
        1 where ``write`` would end with it: a file is refused, or none has anything to take.
    """
    settings, now = set_up(args)
    source = _open(args, settings, now, replace(source_request(args), name="csv"))
    if not isinstance(source, FileSource):
        raise UsageError("--known-at is for stored prices: leave out --path.")
    known = _know_symbols(source, settings)
    outcomes = []
    for file in source.files():
        reading = _read(source.only(file), str(file.path))
        sys.stdout.write("\n".join(describe(reading)) + "\n\n")
        outcomes.append(reading.outcome)
    for sentence in source.take_unread():
        sys.stdout.write(f"{sentence}\n")
    sys.stdout.write(f"{known}\n{summary(outcomes)}\n")
    return 0 if "read" in outcomes and "refused" not in outcomes else 1


def _read(source: FileSource, path: str) -> FileReading:
    deliveries = [
        delivery
        for ticker in source.tickers()
        for kind in KEY_COLUMNS
        for delivery in source.fetch(kind, ticker, None, None)
    ]
    return FileReading(
        path, deliveries, [str(error) for error in source.take_failures()], source.take_unread()
    )


def _know_symbols(source: FileSource, settings: Settings) -> str:
    """Let the source know the stored symbols; a database is not made for that alone.

    Returns:
        A sentence about what names of files were held against.
    """
    if settings.server is None and not (settings.home / DATA_DIR).exists():
        return "Nothing is stored yet, so names of files were held against no stored symbols."
    try:
        with open_database(settings.server, settings.home) as database:
            source.identify(database.store)
    except DatabaseUnavailable as error:
        return f"Names of files were held against no stored symbols: {error}"
    return "Names of files were held against the stored and listed symbols."


def _prepare(
    args: argparse.Namespace, settings: Settings, now: dt.datetime
) -> tuple[Stage, Callable[[Database], list[str]]]:
    """The stage bound to the source that the arguments name, and what finds its files' tickers."""
    source = _open(args, settings, now, source_request(args))

    def tickers(database: Database) -> list[str]:
        keep_pace(source, database, settings)
        if not isinstance(source, FileSource):
            return []
        source.identify(database.store)
        if args.as_of is None:
            source.recognise(database.store)
        return source.tickers()

    return stage(source), tickers


def _open(
    args: argparse.Namespace, settings: Settings, now: dt.datetime, request: SourceRequest
) -> Source | None:
    tickers = listed_tickers(args.tickers, args.suffix) if args.tickers else None
    many = args.ticker is None and bool(request.paths or args.all or tickers)
    ticker = None if many else ticker_of(args, settings)
    # Without a ticker the suffix says which exchange a folder's files are of.
    first = tickers[0] if tickers else normalise_ticker("ANY", args.suffix)
    exchange = exchange_of(ticker or first)
    return open_source(
        request,
        ticker=ticker,
        settings=settings,
        calendar=calendar_of(exchange),
        now=now,
        as_of=args.as_of,
        known_at=args.known_at,
        tickers=tickers,
    )


if __name__ == "__main__":
    sys.exit(run_command(main))
