"""The command ``python -m src.data.corporate_actions``: list, import, add, accept or reject.

What is changed here takes effect when the ticker is cleaned next: the next run of the pipeline.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import polars as pl

from src.core.errors import UsageError
from src.core.tables import CORPORATE_ACTIONS
from src.data.corporate_actions.action import Kind
from src.data.corporate_actions.history import record_rows
from src.data.corporate_actions.intake.manual import decided_rows, entered_row
from src.data.corporate_actions.intake.statements import read_actions
from src.data.corporate_actions.ledger import likely_splits
from src.db.store import Store
from src.stages.arguments import (
    Parser,
    add_config,
    add_ticker,
    command_parser,
    date,
    moment,
    ticker_of,
)
from src.stages.cli import run_command, set_up

MODULE = "src.data.corporate_actions"
NEXT_STEP = "run the pipeline to rebuild the prices"
SUMMARIES = {
    "list": "show the ledger",
    "import": "take the splits and dividends of a file",
    "add": "enter an action",
    "accept": "apply a pending action",
    "reject": "never apply an action: the move of the price was real",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Change or show the ledger of one ticker."""
    args = _parser().parse_args(argv)
    settings, now = set_up(args)
    ticker = ticker_of(args, settings)
    from src.db.database import open_database
    from src.db.tables.runs import ticker_locks

    is_reading = args.action == "list"
    with (
        open_database(settings.server, settings.home) as database,
        ticker_locks(database.control, [] if is_reading else [ticker]),
        database.store.transaction(read_only=is_reading),
    ):
        text = _run(args, database.store, ticker, now)
    sys.stdout.write(f"{text}\n")
    return 0


def _run(args: argparse.Namespace, store: Store, ticker: str, now: dt.datetime) -> str:
    """Run the subcommand, and return the text to print."""
    ledger = store.load(CORPORATE_ACTIONS, [ticker])
    if args.action == "list":
        return _table(ticker, ledger)
    changed_at = now
    if args.action == "import":
        changed_at = _fetched_at(args, now)
        rows = read_actions(args.path, ticker, args.source, changed_at, ledger)
        # What is in the ledger may have been decided on: a file read again changes nothing.
        recorded = ledger.select(CORPORATE_ACTIONS.key)
        rows = rows.join(recorded, on=CORPORATE_ACTIONS.key, how="anti")
    elif args.action == "add":
        rows = entered_row(ticker, args.date, args.kind, _value(args), now)
    else:
        status = "applied" if args.action == "accept" else "rejected"
        rows = decided_rows(ledger, args.date, args.kind, status)
    record_rows(store, rows, changed_at)
    actions = f"{rows.height} action{'' if rows.height == 1 else 's'} {args.action}ed"
    pending = rows.filter(status="pending").height
    return f"{ticker}: {actions}, {pending} pending; {NEXT_STEP}."


def _fetched_at(args: argparse.Namespace, now: dt.datetime) -> dt.datetime:
    at: dt.datetime = args.fetched_at or now
    if at > now:
        raise UsageError(f"--fetched-at {at:%Y-%m-%d %H:%M} UTC is in the future.")
    return at


def _value(args: argparse.Namespace) -> float:
    option, value = ("ratio", args.ratio)
    if args.kind == "dividend":
        option, value = ("amount", args.amount)
    if value is None:
        raise UsageError(f"A {args.kind} needs --{option}.")
    return float(value)


def _table(ticker: str, ledger: pl.DataFrame) -> str:
    if ledger.is_empty():
        return f"{ticker}: no corporate actions."
    lines = [
        f"{row['date']}  {row['kind']:<9} {row['ratio'] or row['amount']:<10.6g} "
        f"{row['status']:<9} {row['origin']}, {row['source']}{_proposal(row)}"
        for row in ledger.sort("date").iter_rows(named=True)
    ]
    return "\n".join([f"{ticker}: {ledger.height} corporate actions", *lines])


def _proposal(row: dict[str, Any]) -> str:
    is_proposal = row["origin"] == "inferred" and row["status"] == "pending"
    return f": if a split, of {likely_splits(row)}" if is_proposal else ""


def _parser() -> Parser:
    parser = command_parser(MODULE, "Show or change the ledger of corporate actions of one ticker.")
    subcommands = parser.add_subparsers(dest="action", required=True, parser_class=Parser)
    for name, summary in SUMMARIES.items():
        subparser = subcommands.add_parser(
            name, help=summary, description=f"{summary.capitalize()}."
        )
        add_ticker(subparser)
        add_config(subparser)
        if name == "import":
            subparser.add_argument("--path", type=Path, required=True, metavar="F")
            subparser.add_argument("--source", default="yahoo", help="who states them")
            subparser.add_argument(
                "--fetched-at", type=moment, metavar="TIME", help="of the file (default: now)"
            )
        elif name != "list":
            subparser.add_argument("--date", type=date, required=True, help="the ex-date")
            subparser.add_argument("--kind", choices=get_args(Kind), required=name == "add")
        if name == "add":
            subparser.add_argument("--ratio", type=float, help="shares after / shares before")
            subparser.add_argument("--amount", type=float, help="dividend per share, as paid")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
