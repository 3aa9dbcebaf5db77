"""Count in sessions of the exchange, never in days, how far behind tickers and pools are."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from src.core.calendars.exchanges import calendar_of, exchange_of
from src.core.calendars.nse import nse

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar
    from src.db.watched.data_state import Member

# A session is complete when so large a share of the tickers with a bar in its last five have one.
COMPLETE, RECENT = 0.8, 5
# Tickers that a sentence names.
NAMED = 5


def by_pool(members: Iterable[Member]) -> dict[str, list[Member]]:
    """The tickers of each pool."""
    pools: dict[str, list[Member]] = defaultdict(list)
    for member in members:
        pools[member.pool].append(member)
    return dict(pools)


def calendar_of_tickers(tickers: Sequence[str]) -> Calendar:
    """The calendar of the first of them, which is that of their pool; NSE's for none.

    Raises:
        UsageError: Its exchange has no calendar here.
    """
    return calendar_of(exchange_of(tickers[0])) if tickers else nse()


def newest_complete(newest: Sequence[dt.date], calendar: Calendar) -> dt.date | None:
    """The newest complete session of a pool, from the newest session of each of its tickers.

    A ticker is taken to have a bar at every session up to its newest.
    """
    for session in sorted(set(newest), reverse=True):
        first = session
        for _ in range(RECENT - 1):
            first = calendar.previous_session(first)
        recent = sum(day >= first for day in newest)
        if sum(day >= session for day in newest) >= COMPLETE * recent:
            return session
    return None


def named(tickers: Sequence[str]) -> str:
    """The first five of them, and how many more there are."""
    listed = ", ".join(tickers[:NAMED])
    more = len(tickers) - NAMED
    return f"{listed} and {more} more" if more > 0 else listed


def sessions(count: int) -> str:
    """``1 session``, ``2 sessions``."""
    return f"{count} session{'' if count == 1 else 's'}"


def of_each(tickers: Iterable[str], found: Mapping[str, str]) -> Iterable[tuple[str, bool, str]]:
    """Of every ticker its name, whether something was found, and the sentence of it."""
    for ticker in sorted({*tickers, *found}):
        yield ticker, ticker in found, found.get(ticker, "")
