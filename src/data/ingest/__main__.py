"""The command ``python -m src.data.ingest``: fetch prices and store them."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from src.core.calendars.exchanges import calendar_of, exchange_of
from src.core.tickers import normalise_ticker
from src.data.ingest import withdraw
from src.data.ingest.stage import stage
from src.data.sources.files.source import FileSource
from src.data.sources.pace import keep_pace
from src.data.sources.select import add_source_arguments, open_source, source_request
from src.stages.arguments import ticker_of
from src.stages.cli import run_command, stage_main, stage_parser

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.db.database import Database
    from src.stages.stage import Stage


def main(argv: Sequence[str] | None = None) -> int:
    """Show what is stored, fetch prices with or without storing them, or take a batch out."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    if arguments[:1] == [withdraw.COMMAND]:
        return withdraw.main(arguments[1:])
    parser = stage_parser("src.data.ingest", stage(None).summary)
    parser.epilog = f"To take a batch out: {withdraw.USAGE}. {parser.epilog}"
    add_source_arguments(parser)
    return stage_main(stage(None), arguments, parser=parser, prepare=_prepare)


def _prepare(
    args: argparse.Namespace, settings: Settings, now: dt.datetime
) -> tuple[Stage, Callable[[Database], list[str]]]:
    """The stage bound to the source that the arguments name, and what finds its files' tickers."""
    request = source_request(args)
    many = args.ticker is None and bool(request.paths or args.all)
    ticker = None if many else ticker_of(args, settings)
    # Without a ticker the suffix says which exchange a folder's files are of.
    exchange = exchange_of(ticker or normalise_ticker("ANY", args.suffix))
    source = open_source(
        request,
        ticker=ticker,
        settings=settings,
        calendar=calendar_of(exchange),
        now=now,
        as_of=args.as_of,
        known_at=args.known_at,
    )

    def tickers(database: Database) -> list[str]:
        keep_pace(source, database, settings)
        if not isinstance(source, FileSource):
            return []
        if args.as_of is None:
            source.recognise(database.store)
        return source.tickers()

    return stage(source), tickers


if __name__ == "__main__":
    sys.exit(run_command(main))
