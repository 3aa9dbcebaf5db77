"""Take what an exchange's list of corporate actions states into the ledger."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from src.core.tables import CORPORATE_ACTIONS
from src.data.corporate_actions.intake.exchange_lists.rows import ActionRow
from src.data.corporate_actions.intake.exchange_lists.statements import Reading, state_actions
from src.data.corporate_actions.intake.listed_actions import (
    ListChanges,
    list_changes,
    listed_rows,
)
from src.data.corporate_actions.recording.history import record_rows
from src.data.corporate_actions.recording.joined import joined_actions

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar
    from src.core.identities import Identities
    from src.db.store import Store

# Ex-dates are announced weeks ahead; what is further ahead is a slip of the pen.
LATEST_AHEAD = dt.timedelta(days=366)


@dataclass(frozen=True)
class RecordedList:
    """What a list says.

    Attributes:
        reading: What became of its rows.
        stated: The ledger rows that follow.
        changes: Those of them that are new to the ledger, or change it.
    """

    reading: Reading
    stated: pl.DataFrame
    changes: ListChanges


def under_tickers_of_today(rows: Sequence[ActionRow], identities: Identities) -> list[ActionRow]:
    """The rows under the tickers of today, where a symbol was changed."""
    changed = {row.ticker for row in rows if identities.was_changed(row.ticker)}
    return [
        dataclasses.replace(row, ticker=identities.resolve(row.ticker, row.ex_date))
        if row.ticker in changed and row.ex_date is not None
        else row
        for row in rows
    ]


def record_list(
    store: Store,
    rows: Sequence[ActionRow],
    tickers: Collection[str],
    source: str,
    calendar: Calendar,
    known_at: dt.datetime,
) -> RecordedList:
    """Take a list into the ledger of some tickers.

    Args:
        store: In a transaction.
        rows: Of the list, under the tickers of today; also others' than the tickers'.
        tickers: Whose ledger is changed.
        source: Who states the list: ``nse`` or ``bse``.
        calendar: Of the exchange.
        known_at: When the list was fetched, in UTC.
    """
    reading = state_actions(rows, known_at.date())
    stated = listed_rows(reading.statements, source, known_at, calendar)
    stated = stated.filter(pl.col("ticker").is_in(list(tickers)))
    stating = stated["ticker"].unique().sort().to_list()
    # What was decided under an earlier symbol stands.
    ledger = joined_actions(store, CORPORATE_ACTIONS, stating, store.identities())
    changes = list_changes(stated, ledger.filter(source=source, origin="stated"))
    record_rows(store, changes.rows, known_at)
    return RecordedList(reading, stated, changes)
