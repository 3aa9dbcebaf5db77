"""Take the corporate actions that an exchange lists beside its prices into the ledger."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from src.core.errors import BadInput
from src.data.corporate_actions.intake.exchange_lists.rows import SUFFIXES, action_rows
from src.data.corporate_actions.recording.exchange_list import (
    LATEST_AHEAD,
    record_list,
    under_tickers_of_today,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from src.core.calendars.calendar import Calendar
    from src.db.store import Store

SOURCE = "nse"


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
    rows = under_tickers_of_today(rows, store.identities())
    changes = record_list(store, rows, tickers, SOURCE, calendar, known_at).changes
    return (*(f"NSE's corporate actions: {error}." for error in errors), *changes.warnings)
