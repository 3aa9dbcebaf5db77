"""Take the corporate actions that an exchange lists beside its prices into the ledger."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from src.core.errors import BadInput
from src.core.tables import CORPORATE_ACTIONS
from src.data.corporate_actions.history import record_rows
from src.data.corporate_actions.intake.exchange_lists.rows import SUFFIXES, action_rows
from src.data.corporate_actions.intake.exchange_lists.statements import state_actions
from src.data.corporate_actions.intake.listed_actions import list_changes, listed_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from src.core.calendars.calendar import Calendar
    from src.db.store import Store

SOURCE = "nse"
# What is further ahead is a slip of the pen.
LATEST_AHEAD = dt.timedelta(days=366)


def record_listed(
    store: Store,
    tickers: Collection[str],
    listed: Sequence[Mapping[str, Any]],
    calendar: Calendar,
    now: dt.datetime,
) -> tuple[str, ...]:
    """Take rows of NSE's list into the ledger of these tickers; ``now`` is aware.

    Returns:
        Sentences for a person: what was restated or moved, and which rows cannot be used.
    """
    if not listed:
        return ()
    known_at = now.astimezone(dt.UTC)
    try:
        rows, errors = action_rows(listed, calendar, now.date() + LATEST_AHEAD, SUFFIXES[SOURCE])
    except BadInput as error:
        return (f"NSE's corporate actions were left out: {error}",)
    identities = store.identities()
    rows = [
        replace(row, ticker=identities.resolve(row.ticker, row.ex_date)) if row.ex_date else row
        for row in rows
    ]
    reading = state_actions(rows, known_at.date())
    stated = listed_rows(reading.statements, SOURCE, known_at, calendar)
    stated = stated.filter(pl.col("ticker").is_in(list(tickers)))
    stating = stated["ticker"].unique().sort().to_list()
    if not stating:
        return ()
    recorded = store.load(CORPORATE_ACTIONS, stating).filter(source=SOURCE, origin="stated")
    changes = list_changes(stated, recorded)
    record_rows(store, changes.rows, known_at)
    return (*(f"NSE's corporate actions: {error}." for error in errors), *changes.warnings)
