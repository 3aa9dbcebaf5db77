"""The command ``python -m src.data.report``: what is stored of a ticker, and what was done to it.

It writes nothing to the database; ``--html`` writes one file.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from src.core.calendars.exchanges import shared_exchange
from src.core.errors import BadInput
from src.core.tables import (
    BATCH_CONTENTS,
    CLEAN_DAILY,
    CLEAN_HOURLY,
    CORPORATE_ACTIONS,
    INGEST_BATCHES,
    PRICE_REVISIONS,
    QUARANTINE,
    RAW_DAILY,
    RAW_HOURLY,
)
from src.core.tickers import normalise_ticker
from src.data.cleaning import stage as cleaning
from src.data.cleaning.clean import in_precedence
from src.data.report import metrics
from src.data.report.formatting import Section
from src.data.report.sections import sections
from src.data.report.session import one_session
from src.data.report.ticker_data import BROKEN, Stored, sums
from src.stages.arguments import EPILOG, Parser, date
from src.stages.cli import run_command, set_up
from src.stages.context import make_context

if TYPE_CHECKING:
    from rich.table import Table

    from src.stages.stage import RunContext

# What a page of paper or a mail holds, where there is no terminal.
PIPED_WIDTH = 110
# On a narrower terminal the lines run over, so that no digit of a price is cut off.
NARROWEST = 100


def stored_of(context: RunContext) -> Stored:
    """All that is stored of the context's one ticker, and what cleaning would make of it now."""
    daily, hourly = cleaning.clean(context)
    load, own = context.store.load, context.tickers
    raw, raw_hourly = load(RAW_DAILY, own), load(RAW_HOURLY, own)
    clean, clean_hourly = load(CLEAN_DAILY, own), load(CLEAN_HOURLY, own)
    precedence = context.settings.data.source_precedence
    stale = metrics.differing_rows(clean, daily.bars, "date")
    stale += metrics.differing_rows(clean_hourly, hourly.bars.filter("chosen"), "ts")
    return Stored(
        ticker=own[0],
        chosen=next(iter(in_precedence(raw, precedence)), ""),
        chosen_hourly=next(iter(in_precedence(raw_hourly, precedence)), ""),
        raw=raw,
        hourly=raw_hourly,
        batches=load(INGEST_BATCHES, own),
        delivered=metrics.delivered(load(BATCH_CONTENTS, own)),
        revisions=load(PRICE_REVISIONS, own),
        quarantine=load(QUARANTINE, own),
        ledger=load(CORPORATE_ACTIONS, own),
        clean=clean,
        clean_hourly=clean_hourly,
        differences=daily.differences,
        stale=stale,
        calendar=context.calendar,
        zone=shared_exchange(own).zone,
        now=context.now,
    )


def as_text(found: Sequence[Section], width: int, more: str) -> str:
    """Sections as tables of that width; ``more`` says where the rows are that do not fit."""
    from io import StringIO

    from rich.console import Console
    from rich.text import Text

    out = StringIO()
    console = Console(file=out, width=width, color_system=None, highlight=False, emoji=False)
    for one in found:
        console.print(Text(_plain(one.title)))
        for remark in one.remarks:
            console.print(Text(f"  {_plain(remark)}"))
        if one.rows:
            console.print(_table(one))
        elif one.headers:
            console.print(Text("  none"))
        left = len(one.rows) - one.shown
        if left > 0:
            console.print(Text(f"  and {left:,} more: {more}"))
        console.print()
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Print the report on one ticker, or on one session of it."""
    args = _parser().parse_args(argv)
    settings, now = set_up(args)
    ticker = normalise_ticker(args.ticker or settings.data.ticker, args.suffix)
    from src.db.database import open_database

    with open_database(settings.server, settings.home) as database:
        if ticker not in database.store.tickers():
            raise BadInput(
                f"No prices of {ticker} are stored: run `python -m src.data.ingest write` first."
            )
        context = make_context(
            settings, database.store, (ticker,), run_id="report", now=now, write=False
        )
        one = stored_of(context)
        if one.stale or not sums(one)["holds"].all():
            # A run may have written between two of the reads above: what is told twice is so.
            one = stored_of(context)
    return _say(args, one)


def _say(args: argparse.Namespace, one: Stored) -> int:
    width = max(shutil.get_terminal_size((PIPED_WIDTH, 0)).columns, NARROWEST)
    if args.date is not None:
        sys.stdout.write(as_text(one_session(one, args.date), width, "--html F lists them"))
        return 0
    found = sections(one)
    if args.html is not None:
        from src.data.report.html import page, save

        save(args.html, page(one, found))
    sys.stdout.write(as_text(found, width, "--html F lists them"))
    if args.html is not None:
        sys.stdout.write(f"The page is {args.html}\n")
    if sums(one)["holds"].all():
        return 0
    sys.stderr.write(f"{one.ticker}: {BROKEN}.\n")
    return 1


def _table(one: Section) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, show_header=bool(one.headers), pad_edge=False, padding=(0, 1))
    for i in range(len(one.rows[0])):
        name = one.headers[i] if one.headers else ""
        right = bool(one.headers) and one.is_numeric(i)
        whole = right or one.is_dated(i)
        side: Literal["right", "left"] = "right" if right else "left"
        table.add_column(name, justify=side, overflow="fold", no_wrap=whole)
    for row in one.rows[: one.shown]:
        table.add_row(*(Text(_plain(cell)) for cell in row))
    return table


def _plain(text: str) -> str:
    """Text that moves no cursor: names of files may hold anything."""
    return "".join(sign if sign.isprintable() else "�" for sign in text)


def _parser() -> Parser:
    parser = Parser(
        prog="python -m src.data.report",
        description="What is stored of a ticker's prices: from where, since when, changed by what.",
        epilog=EPILOG,
    )
    parser.add_argument("--ticker", help="such as TCS.NS (default: the configuration's)")
    parser.add_argument("--suffix", default=".NS", help="for bare symbols (default: .NS)")
    parser.add_argument("--config", type=Path, metavar="F", help="a JSON file with settings")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--date", type=date, metavar="DATE", help="all of one session")
    which.add_argument("--html", type=Path, metavar="F", help="also write a page with a picture")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
