"""Import an exchange's list of corporate actions into the ledger."""

from __future__ import annotations

import argparse
import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from src.core.calendars.exchanges import calendar_of, exchange_of
from src.core.errors import BadInput, UsageError
from src.data.corporate_actions.intake.action_file import ActionFile, read_action_file
from src.data.corporate_actions.intake.exchange_lists.rows import (
    SUFFIXES,
    ActionRow,
    action_rows,
)
from src.data.corporate_actions.intake.import_summary import ImportedList, summary_of
from src.data.corporate_actions.recording.exchange_list import (
    LATEST_AHEAD,
    record_list,
    under_tickers_of_today,
)

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar
    from src.core.identities import Identities
    from src.db.database import Database


@dataclass(frozen=True)
class ListedActions:
    """An exchange's list: its rows, and sentences for those that cannot be used."""

    source: str
    calendar: Calendar
    rows: list[ActionRow]
    errors: list[str]


def read_list(args: argparse.Namespace, file: ActionFile, now: dt.datetime) -> ListedActions:
    """The rows of an exchange's list.

    Raises:
        BadInput: Its dates cannot be read.
    """
    suffix = SUFFIXES[file.source]
    calendar = calendar_of(exchange_of(f"ANY{suffix}"))
    latest = now.date() + LATEST_AHEAD
    try:
        rows, errors = action_rows(file.records, calendar, latest, suffix, file.lines)
    except BadInput as error:
        raise BadInput(f"{args.path}: {error}") from error
    return ListedActions(args.source or file.source, calendar, rows, errors)


def import_list(
    args: argparse.Namespace,
    listed: ListedActions,
    ticker: str | None,
    database: Database,
    now: dt.datetime,
) -> str:
    """Take the actions of one ticker, or of all, into the ledger, and return what to print.

    Raises:
        BadInput: The list has no row of the ticker.
    """
    from src.db.tables.locks import ticker_locks

    identities = database.store.identities()
    rows = under_tickers_of_today(listed.rows, identities)
    named = len({row.ticker for row in rows})
    if ticker is not None:
        rows = _of_ticker(rows, ticker, args, identities)
    known_at = (args.fetched_at or now).astimezone(dt.UTC)
    tickers = sorted({row.ticker for row in rows})
    store = database.store
    with ticker_locks(database.control, tickers), store.transaction():
        recorded = record_list(store, rows, tickers, listed.source, listed.calendar, known_at)
        stored = set(store.tickers())
    errors = [] if ticker is not None else listed.errors
    imported = ImportedList(
        str(args.path),
        listed.source,
        tickers=len(tickers),
        ticker=ticker,
        others=named - len(tickers),
        with_prices=len(stored & set(tickers)),
        errors=errors,
    )
    return summary_of(imported, rows, recorded.reading, recorded.stated, recorded.changes)


def _of_ticker(
    rows: list[ActionRow], ticker: str, args: argparse.Namespace, identities: Identities
) -> list[ActionRow]:
    of_ticker = [row for row in rows if row.ticker == ticker]
    if not of_ticker:
        first = rows[0].ticker if rows else "none"
        remedy = identities.moved_sentence(ticker) or (
            f"Its tickers are such as {first}: give another --ticker, or --all."
        )
        raise BadInput(f"{args.path}: it has no row of {ticker}. {remedy}")
    return of_ticker


def file_of(args: argparse.Namespace) -> ActionFile:
    """The file of ``--path``.

    Raises:
        BadInput: It is no file of actions.
        UsageError: It is of one ticker, and ``--all`` is given.
    """
    file = read_action_file(args.path)
    if file.source == "yahoo" and args.all:
        raise UsageError(f"{args.path} does not name its tickers: give --ticker instead of --all.")
    return file
