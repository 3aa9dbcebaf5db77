"""The command ``python -m src.data.report``: what is stored of a ticker, and what was changed.

It writes nothing to the database; ``--html`` writes one file.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from src.core.errors import BadInput
from src.data.report.formatting import as_text
from src.data.report.row_counts import ROWS_LOST, count_rows
from src.data.report.sections import report_sections
from src.data.report.session import session_sections
from src.data.report.ticker_data import TickerData, load_ticker_data
from src.stages.arguments import Parser, add_config, add_ticker, command_parser, date, ticker_of
from src.stages.cli import run_command, set_up
from src.stages.context import make_context

# What a page of paper or a mail holds, where there is no terminal.
PIPED_WIDTH = 110
# On a narrower terminal the lines run over, so that no digit of a price is cut off.
NARROWEST = 100


def main(argv: Sequence[str] | None = None) -> int:
    """Print the report on one ticker, or on one session of it; 1 where rows are lost."""
    args = _parser().parse_args(argv)
    settings, now = set_up(args)
    ticker = ticker_of(args, settings)
    from src.db.database import open_database

    with open_database(settings.server, settings.home) as database:
        if ticker not in database.store.tickers():
            raise BadInput(
                database.store.identities().moved_sentence(ticker)
                or f"No prices of {ticker} are stored: run `python -m src.data.ingest write` first."
            )
        context = make_context(
            settings, database.store, (ticker,), run_id="report", now=now, write=False
        )
        # One snapshot: a run may write meanwhile.
        with context.store.transaction(read_only=True):
            data = load_ticker_data(context)
    return _print(args, data)


def _print(args: argparse.Namespace, data: TickerData) -> int:
    width = max(shutil.get_terminal_size((PIPED_WIDTH, 0)).columns, NARROWEST)
    if args.date is not None:
        sys.stdout.write(as_text(session_sections(data, args.date), width))
        return 0
    sections = report_sections(data)
    if args.html is not None:
        from src.data.report.html import render_page, save_page

        save_page(args.html, render_page(data, sections))
    sys.stdout.write(as_text(sections, width))
    if args.html is not None:
        sys.stdout.write(f"The page is {args.html}\n")
    if count_rows(data)["holds"].all():
        return 0
    sys.stderr.write(f"{data.ticker}: {ROWS_LOST}.\n")
    return 1


def _parser() -> Parser:
    parser = command_parser(
        "src.data.report",
        "Show a ticker's stored prices: which source they are from, since when, and what was "
        "changed.",
    )
    add_ticker(parser)
    add_config(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--date", type=date, metavar="DATE", help="all of one session")
    which.add_argument("--html", type=Path, metavar="F", help="also write a page with charts")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
