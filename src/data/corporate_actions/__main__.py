"""The command ``python -m src.data.corporate_actions``: list, import, add, accept or reject.

What is changed here takes effect when the ticker is cleaned next: the next run of the pipeline.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import polars as pl

from src.core.calendars.calendar import Calendar
from src.core.calendars.exchanges import calendar_of, exchange_of
from src.core.errors import BadInput
from src.core.tables import CORPORATE_ACTIONS
from src.data.corporate_actions.action import Kind
from src.data.corporate_actions.decisions.decide import (
    DECIDED,
    added,
    check_amounts,
    decided,
    move_left,
)
from src.data.corporate_actions.decisions.listing import ledger_text, ledgers_text
from src.data.corporate_actions.decisions.outcome import outcome_text
from src.data.corporate_actions.decisions.ratios import ratio_of, ratio_text
from src.data.corporate_actions.intake.action_file import ActionFile
from src.data.corporate_actions.intake.yahoo_file import yahoo_rows
from src.data.corporate_actions.recording.exchange_list import LATEST_AHEAD
from src.data.corporate_actions.recording.file_import import file_of, import_list, read_list
from src.data.corporate_actions.recording.history import record_rows
from src.data.corporate_actions.recording.joined import joined_actions
from src.data.next_step import rebuild_step
from src.data.sources.select import check_fetched_at
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

if TYPE_CHECKING:
    from src.db.database import Database

MODULE = "src.data.corporate_actions"
RATIO_HELP = (
    "what earlier prices are divided by: of a split or bonus, shares after / before; a bonus may "
    "also be written as 1:2, new shares : shares held"
)
SUMMARIES = {
    "list": "show the ledger",
    "import": "take the actions that a file states",
    "add": "enter an action",
    "accept": "apply a pending action",
    "reject": "never apply an action: the move of the price was real",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Change or show the ledger of one ticker."""
    args = _parser().parse_args(argv)
    settings, now = set_up(args)
    ticker = ticker_of(args, settings)
    if getattr(args, "ratio", None) is not None:
        args.ratio = ratio_of(args.ratio, args.kind)
    changed_at = getattr(args, "fetched_at", None) or now
    check_fetched_at(changed_at, calendar_of(exchange_of(ticker)), now)
    file = file_of(args) if args.action == "import" else None
    from src.db.database import open_database
    from src.db.tables.locks import ticker_locks

    if file is not None and file.source != "yahoo":
        listed = read_list(args, file, now)
        with open_database(settings.server, settings.home) as database:
            text = import_list(args, listed, None if args.all else ticker, database, now)
        sys.stdout.write(f"{text}\n")
        return 0
    if args.action == "list":
        with open_database(settings.server, settings.home) as database:
            text = _listed(args, database, ticker)
        sys.stdout.write(f"{text}\n")
        return 0
    with (
        open_database(settings.server, settings.home) as database,
        ticker_locks(database.control, [ticker]),
        database.store.transaction(),
    ):
        text = _run(args, database.store, ticker, now, file)
    sys.stdout.write(f"{text}\n")
    return 0


def _listed(args: argparse.Namespace, database: Database, ticker: str) -> str:
    """The ledger of one ticker, or of all: also with ``--pending`` where none is named."""
    from src.db.tables.actions import symbols_with_actions

    is_whole = args.all or (args.pending and args.ticker is None)
    symbols = symbols_with_actions(database.control) if is_whole else [ticker]
    with database.store.transaction(read_only=True):
        identities = database.store.identities()
        owners = {span.ticker for symbol in symbols for span in identities.successors(symbol)}
        tickers = sorted({*symbols, *owners}) if is_whole else symbols
        whole = joined_actions(database.store, CORPORATE_ACTIONS, tickers, identities)
    ledger = whole.filter(status="pending") if args.pending else whole
    if args.pending and ledger.is_empty():
        return f"{'' if is_whole else f'{ticker}: '}no corporate action is pending."
    if is_whole:
        return ledgers_text(ledger)
    if ledger.is_empty():
        return f"{ledger_text(ticker, ledger)} {identities.moved_sentence(ticker)}".rstrip()
    hint = "" if args.ticker else "\n`list --all` shows all tickers, `list --pending` what waits."
    return f"{ledger_text(ticker, ledger)}{hint}"


def _run(
    args: argparse.Namespace, store: Store, ticker: str, now: dt.datetime, file: ActionFile | None
) -> str:
    """Run the subcommand, and return the text to print."""
    ledger = joined_actions(store, CORPORATE_ACTIONS, [ticker], store.identities())
    calendar = calendar_of(exchange_of(ticker))
    changed_at = getattr(args, "fetched_at", None) or now
    rows = _changed_rows(args, store, ledger, ticker, changed_at, file)
    if args.action in ("add", "import"):
        where = f"{args.path}: " if args.action == "import" else ""
        _check_dates(rows, calendar, now, where=where)
        check_amounts(store, ledger, rows, where)
    elif rows.is_empty():
        status = DECIDED[args.action]
        return f"{ticker}: nothing to {args.action} on {args.date}: it is {status} already."
    record_rows(store, rows, changed_at)
    outcome = outcome_text(f"{args.action}ed", ledger, rows, calendar.last_closed(now))
    has_prices = ticker in store.tickers()
    next_step = rebuild_step(ticker) if has_prices else f"no prices of {ticker} are stored yet"
    move = move_left(store, ledger, rows) if args.action == "add" else None
    left = f" With it the price still {move} on {args.date} from the close before." if move else ""
    return f"{ticker}: {outcome}; {next_step}.{left}"


def _changed_rows(
    args: argparse.Namespace,
    store: Store,
    ledger: pl.DataFrame,
    ticker: str,
    changed_at: dt.datetime,
    file: ActionFile | None,
) -> pl.DataFrame:
    """The ledger's new or changed rows."""
    if file is not None:
        rows = yahoo_rows(args.path, file, ticker, args.source or file.source, changed_at, ledger)
        # What is in the ledger may have been decided on: a file read again changes nothing.
        return rows.join(ledger, on=CORPORATE_ACTIONS.key, how="anti")
    if args.action == "add":
        return added(args, ticker, changed_at)
    return decided(args, store, ledger)


def _check_dates(
    rows: pl.DataFrame, calendar: Calendar, now: dt.datetime, *, where: str = ""
) -> None:
    """Refuse ex-dates that cannot be; those from before the calendar cannot be judged."""
    latest = now.date() + LATEST_AHEAD
    for day in rows["date"].unique().sort():
        if day > latest:
            raise BadInput(
                f"{where}{day} is more than a year ahead, which no ex-date is: correct the date."
            )
        if day >= calendar.covered_from and not calendar.is_session(day):
            raise BadInput(
                f"{where}{day} is no session of {calendar.exchange.name}: an ex-date is the first "
                f"session without the action, here perhaps {calendar.next_session(day)}."
            )


def _parser() -> Parser:
    parser = command_parser(MODULE, "Show or change the ledger of corporate actions of one ticker.")
    subcommands = parser.add_subparsers(dest="action", required=True, parser_class=Parser)
    for name, summary in SUMMARIES.items():
        subparser = subcommands.add_parser(
            name, help=summary, description=f"{summary.capitalize()}."
        )
        has_all = name in ("list", "import")
        choice = subparser.add_mutually_exclusive_group() if has_all else None
        add_ticker(subparser, group=choice)
        add_config(subparser)
        if choice is not None:
            of = " of the file" if name == "import" else ""
            choice.add_argument("--all", action="store_true", help=f"all tickers{of}")
        if name == "list":
            subparser.add_argument(
                "--pending",
                action="store_true",
                help="what waits for a person: of all tickers, or of --ticker",
            )
        elif name == "import":
            subparser.add_argument("--path", type=Path, required=True, metavar="F")
            subparser.add_argument(
                "--source", help="who states them (default: nse, bse or yahoo by its columns)"
            )
            subparser.add_argument(
                "--fetched-at", type=moment, metavar="TIME", help="of the file (default: now)"
            )
        else:
            subparser.add_argument("--date", type=date, required=True, help="the ex-date")
            kinds = [kind for kind in get_args(Kind) if name != "add" or kind != "unclear"]
            subparser.add_argument("--kind", choices=kinds, required=name == "add")
        if name in ("add", "accept"):
            subparser.add_argument("--ratio", type=ratio_text, metavar="R", help=RATIO_HELP)
        if name == "add":
            subparser.add_argument("--amount", type=float, help="dividend per share, as paid")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
