"""The command ``python -m src.data.corporate_actions``: list, import, add, accept or reject.

What is changed here takes effect when the ticker is cleaned next: the next run of the pipeline.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import polars as pl

from src.core.errors import BadInput, UsageError
from src.core.tables import CORPORATE_ACTIONS
from src.core.tickers import normalise_ticker
from src.data.corporate_actions.adjust import SHARE_KINDS, Action, Kind
from src.data.corporate_actions.apply import LEDGER_SCHEMA
from src.data.corporate_actions.history import record
from src.data.corporate_actions.intake.statements import read_actions
from src.db.store import Store
from src.stages.arguments import EPILOG, Parser, date, moment
from src.stages.cli import run_command, set_up

NEXT = "run the pipeline to rebuild"


def decide(ledger: pl.DataFrame, day: dt.date, kind: str | None, status: str) -> pl.DataFrame:
    """The rows of that date (and kind) with a person's decision in them; raises BadInput."""
    chosen = ledger.filter(date=day) if kind is None else ledger.filter(date=day, kind=kind)
    if chosen.is_empty():
        near = ledger.sort((pl.col("date") - day).abs())["date"].unique(maintain_order=True)[:3]
        listed = ", ".join(map(str, near)) or "none at all"
        raise BadInput(f"The ledger has no {kind or 'action'} on {day}; the nearest: {listed}.")
    return chosen.with_columns(status=pl.lit(status), decided_by=pl.lit("person"))


def entered(ticker: str, day: dt.date, kind: Kind, value: float, at: dt.datetime) -> pl.DataFrame:
    """A ledger row for an action that a person states; raises BadAction for an impossible one."""
    ratio, amount = (None, value) if kind == "dividend" else (value, None)
    Action(day, kind, ratio=ratio, amount=amount)
    return pl.DataFrame(
        [
            {
                "ticker": ticker,
                "date": day,
                "kind": kind,
                "source": "person",
                "origin": "entered",
                "ratio": ratio,
                "amount": amount,
                "status": "applied" if kind in (*SHARE_KINDS, "dividend") else "pending",
                "decided_by": "person",
                "evidence": "{}",
                "known_at": at,
            }
        ],
        schema=LEDGER_SCHEMA,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Change or show the ledger of one ticker."""
    args = _parser().parse_args(argv)
    settings, now = set_up(args)
    ticker = normalise_ticker(args.ticker or settings.data.ticker, args.suffix)
    from src.db.database import open_database
    from src.db.tables.runs import ticker_locks

    with (
        open_database(settings.server, settings.home) as database,
        ticker_locks(database.control, [ticker]),
        database.store.transaction(),
    ):
        said = _act(args, database.store, ticker, now)
    sys.stdout.write(f"{said}\n")
    return 0


def _act(args: argparse.Namespace, store: Store, ticker: str, now: dt.datetime) -> str:
    ledger = store.load(CORPORATE_ACTIONS, [ticker])
    if args.action == "list":
        return _table(ticker, ledger)
    changed_at = now
    if args.action == "import":
        changed_at = _fetched_at(args, now)
        rows = read_actions(args.path, ticker, args.source, changed_at, ledger)
        known = ledger.select(CORPORATE_ACTIONS.key)
        # What is in the ledger may have been decided on: a file read again changes nothing.
        rows = rows.join(known, on=CORPORATE_ACTIONS.key, how="anti")
    elif args.action == "add":
        rows = entered(ticker, args.date, args.kind, _value(args), now)
    else:
        status = "applied" if args.action == "accept" else "rejected"
        rows = decide(ledger, args.date, args.kind, status)
    record(store, rows, changed_at)
    waiting = rows.filter(status="pending").height
    return f"{ticker}: {rows.height} actions {args.action}ed, {waiting} of them pending; {NEXT}."


def _fetched_at(args: argparse.Namespace, now: dt.datetime) -> dt.datetime:
    at: dt.datetime = args.fetched_at or now
    if at > now:
        raise UsageError(f"--fetched-at {at:%Y-%m-%d %H:%M} UTC is in the future.")
    return at


def _value(args: argparse.Namespace) -> float:
    value = args.amount if args.kind == "dividend" else args.ratio
    if value is None:
        needed = "--amount" if args.kind == "dividend" else "--ratio"
        raise UsageError(f"A {args.kind} needs {needed}.")
    return float(value)


def _table(ticker: str, ledger: pl.DataFrame) -> str:
    if ledger.is_empty():
        return f"{ticker}: no corporate actions."
    lines = [
        f"{row['date']}  {row['kind']:<9} {row['ratio'] or row['amount']:<10.6g} "
        f"{row['status']:<9} {row['origin']} by {row['source']}"
        for row in ledger.sort("date").iter_rows(named=True)
    ]
    return "\n".join([f"{ticker}: {ledger.height} corporate actions", *lines])


def _parser() -> Parser:
    parser = Parser(
        prog="python -m src.data.corporate_actions",
        description="Show or change the ledger of corporate actions of one ticker.",
        epilog=EPILOG,
    )
    actions = parser.add_subparsers(dest="action", required=True, parser_class=Parser)
    for name, told in (
        ("list", "show the ledger"),
        ("import", "take the splits and dividends of a file"),
        ("add", "enter an action"),
        ("accept", "apply a pending action"),
        ("reject", "never apply an action: the move of the price was real"),
    ):
        one = actions.add_parser(name, help=told, description=told.capitalize() + ".")
        one.add_argument("--ticker", help="such as TCS.NS (default: the configuration's)")
        one.add_argument("--suffix", default=".NS", help="for bare symbols (default: .NS)")
        one.add_argument("--config", type=Path, metavar="F", help="a JSON file with settings")
        if name == "import":
            one.add_argument("--path", type=Path, required=True, metavar="F")
            one.add_argument("--source", default="yahoo", help="who states them")
            one.add_argument(
                "--fetched-at", type=moment, metavar="TIME", help="of the file (default: now)"
            )
        elif name != "list":
            one.add_argument("--date", type=date, required=True, help="the ex-date")
            one.add_argument("--kind", choices=get_args(Kind), required=name == "add")
        if name == "add":
            one.add_argument("--ratio", type=float, help="shares after / shares before")
            one.add_argument("--amount", type=float, help="dividend a share, as paid")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
