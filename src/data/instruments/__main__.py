"""The command ``python -m src.data.instruments``: what is known of shares, their names and states.

What is changed here takes effect when a ticker is cleaned next: the next run of the pipeline.
"""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from src.core.calendars.exchanges import exchange_of
from src.core.errors import UsageError
from src.core.tickers import normalise_ticker
from src.data.instruments import changes, text
from src.data.instruments.lists.stated import SymbolChange
from src.data.instruments.states import STATES, StateSince
from src.stages.arguments import Parser, add_command, add_suffix, command_parser, date
from src.stages.cli import run_command, set_up

if TYPE_CHECKING:
    import datetime as dt

MODULE = "src.data.instruments"


def main(argv: Sequence[str] | None = None) -> int:
    """Import a list, enter a change of symbol or a state, or show what is stored."""
    args = _parser().parse_args(argv)
    run: int = args.run(args)
    return run


def _import(args: argparse.Namespace) -> int:
    settings, now = set_up(args)
    from src.db.database import open_database

    with open_database(settings.server, settings.home) as database:
        result = changes.import_list(database, args.path, _today(".NS", now), now)
    for refusal in result.refused:
        sys.stderr.write(f"not taken: line {refusal.line}: {refusal.reason}.\n")
    sys.stdout.write("".join(f"{line}\n" for line in result.lines))
    return 0


def _rename(args: argparse.Namespace) -> int:
    settings, now = set_up(args)
    from src.db.database import open_database

    old, new = (normalise_ticker(each, args.suffix) for each in (args.old, args.new))
    change = SymbolChange(old, new, args.date)
    with open_database(settings.server, settings.home) as database:
        enter = changes.undo if args.undo else changes.rename
        lines = enter(database, change, _person(args), _today(old, now), now)
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def _state(args: argparse.Namespace) -> int:
    settings, now = set_up(args)
    from src.db.database import open_database

    ticker = normalise_ticker(args.ticker, args.suffix)
    since = StateSince(args.state, args.date, args.because, _person(args))
    with open_database(settings.server, settings.home) as database:
        line = changes.state(database, ticker, since, _today(ticker, now), now)
    sys.stdout.write(f"{line}\n")
    return 0


def _list(args: argparse.Namespace) -> int:
    settings, _ = set_up(args)
    from src.db.database import open_database

    ticker = None if args.ticker is None else normalise_ticker(args.ticker, args.suffix)
    with (
        open_database(settings.server, settings.home) as database,
        database.store.transaction(read_only=True),
    ):
        lines = (
            text.overview(database.store)
            if ticker is None
            else text.of_ticker(database.store, ticker)
        )
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def _today(ticker: str, now: dt.datetime) -> dt.date:
    """The date by the clock of the ticker's exchange."""
    try:
        zone = exchange_of(ticker).zone
    except UsageError:
        zone = exchange_of("ANY.NS").zone
    return now.astimezone(ZoneInfo(zone)).date()


def _person(args: argparse.Namespace) -> str:
    if args.by:
        return str(args.by)
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "a person"


def _parser() -> Parser:
    parser = command_parser(MODULE, "Show or change what is known of shares: listings and names.")
    commands = parser.add_subparsers(required=True, parser_class=Parser, metavar="COMMAND")
    importing = add_command(commands, "import", _import, "take a list of an exchange")
    importing.add_argument(
        "--path",
        type=Path,
        required=True,
        metavar="F",
        help="EQUITY_L.csv, NSE's list of SME shares, symbolchange.csv or BSE's list of scrips",
    )
    renaming = add_command(commands, "rename", _rename, "enter that a symbol became another")
    renaming.add_argument("--from", dest="old", required=True, metavar="OLD")
    renaming.add_argument("--to", dest="new", required=True, metavar="NEW")
    renaming.add_argument("--date", type=date, required=True, help="the first day under NEW")
    renaming.add_argument("--undo", action="store_true", help="it was entered wrongly")
    stating = add_command(commands, "state", _state, "enter that a share is traded, or is not")
    stating.add_argument("--ticker", required=True, help="such as TCS.NS")
    stating.add_argument("--state", choices=STATES, required=True)
    stating.add_argument("--date", type=date, required=True, help="the first day of it")
    stating.add_argument("--because", required=True, metavar="TEXT", help="how it is known")
    listing = add_command(commands, "list", _list, "show what is stored")
    listing.add_argument("--ticker", help="such as TCS.NS (default: a summary)")
    for command in (renaming, stating, listing):
        add_suffix(command)
    for command in (renaming, stating):
        command.add_argument("--by", metavar="NAME", help="who says so (default: your login)")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
