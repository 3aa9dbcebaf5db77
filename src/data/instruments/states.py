"""State whether a share is traded: active, suspended or delisted, with evidence and who says so."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from src.core.errors import BadInput
from src.core.tables import INSTRUMENT_STATES, RAW_DAILY
from src.data.history.joined import joined_rows

if TYPE_CHECKING:
    from src.db.store import Store

STATES = ("active", "suspended", "delisted")
SCHEMA = pl.Schema(
    {
        "ticker": pl.String(),
        "state": pl.String(),
        "date": pl.Date(),
        "reason": pl.String(),
        "stated_by": pl.String(),
        "stated_at": pl.Datetime("us", "UTC"),
    }
)


@dataclass(frozen=True)
class StateSince:
    """A share's state from a day on, why, and by whom."""

    state: str
    date: dt.date
    reason: str
    stated_by: str


def current_states(store: Store, tickers: list[str]) -> dict[str, StateSince]:
    """The state stated last of each ticker that has one."""
    rows = store.load(INSTRUMENT_STATES, tickers).sort("stated_at")
    newest = rows.unique("ticker", keep="last", maintain_order=True)
    return {
        row["ticker"]: StateSince(row["state"], row["date"], row["reason"], row["stated_by"])
        for row in newest.iter_rows(named=True)
    }


def check_state(since: StateSince, today: dt.date, newest: dt.date | None) -> None:
    """Refuse a state that cannot be; ``newest`` is the day of the newest stored bar.

    Raises:
        BadInput: It has no evidence, is from a day that has not come, or is a delisting before
            that bar.
    """
    if not since.reason.strip():
        raise BadInput('A state needs its evidence: say it with --because "…".')
    if since.date > today:
        raise BadInput(f"{since.date} lies in the future: state it on that day.")
    if since.state == "delisted" and newest is not None and newest > since.date:
        raise BadInput(
            f"It cannot have been delisted on {since.date}: its newest stored bar is of {newest}; "
            "give the first day without trade, or withdraw the prices that are not its own."
        )


def newest_bar(store: Store, ticker: str) -> dt.date | None:
    """The day of a ticker's newest daily bar, also under an earlier symbol; None without one."""
    days = joined_rows(store, RAW_DAILY, [ticker], store.identities())["date"]
    return None if days.is_empty() else days.sort()[-1]


def store_states(store: Store, states: Mapping[str, StateSince], at: dt.datetime) -> None:
    """Append states, stated ``at`` a time in UTC."""
    rows = [
        (ticker, since.state, since.date, since.reason, since.stated_by, at)
        for ticker, since in sorted(states.items())
    ]
    if rows:
        store.insert(INSTRUMENT_STATES, pl.DataFrame(rows, schema=SCHEMA, orient="row"))


def new_states(
    listed: Mapping[str, str], stored: Mapping[str, StateSince], path: str, today: dt.date
) -> dict[str, StateSince]:
    """The states of a list that differ from the stored ones; a share without one is active."""
    return {
        ticker: StateSince(state, today, f"so it stands in {path}", "the list")
        for ticker, state in listed.items()
        if state != (stored[ticker].state if ticker in stored else "active")
    }
