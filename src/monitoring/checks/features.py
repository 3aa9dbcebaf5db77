"""Check that the newest features are there: of each pool, of each of its tickers, and whole."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from src.core.errors import UsageError
from src.monitoring.checks import sessions
from src.monitoring.observation import Observation
from src.monitoring.quality.facts import ONE_PRICE_INPUTS
from src.monitoring.quality.score import DORMANT_AFTER

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar
    from src.db.watched.data_state import IncompleteRow, Member
    from src.monitoring.checks.facts import Facts

RULES = ("features_stale", "ticker_stale", "ticker_dormant", "features_incomplete")
# Names of missing values that a sentence lists.
LISTED = 3


def check(facts: Facts) -> list[Observation]:
    """All observations of these rules."""
    from src.db.watched.data_state import incomplete_rows
    from src.features.catalogue import features

    settings = facts.settings
    names = [feature.name for feature in features(settings.features)]
    return [
        *staleness(facts.members, facts.now, settings.data.stale_after_sessions),
        *incompleteness(facts.members, incomplete_rows(facts.connection, names)),
    ]


def staleness(
    members: Sequence[Member], now: dt.datetime, stale_after: int
) -> Iterator[Observation]:
    """How far each pool is behind its exchange, and each ticker behind its pool, in sessions.

    Args:
        members: Every ticker.
        now: An aware time.
        stale_after: So many sessions behind are too many for a pool.
    """
    if not members:
        yield Observation("features_stale", "", None, "No features are stored yet.")
    for pool, of_pool in sessions.by_pool(members).items():
        try:
            calendar = sessions.calendar_of_tickers([of_pool[0].ticker])
        except UsageError as error:
            yield Observation("features_stale", pool, None, str(error))
            continue
        yield from _pool_staleness(pool, of_pool, calendar, calendar.last_closed(now), stale_after)


def _pool_staleness(
    pool: str,
    members: Sequence[Member],
    calendar: Calendar,
    closed: dt.date,
    stale_after: int,
) -> Iterator[Observation]:
    newest = [member.newest for member in members if member.newest is not None]
    session = sessions.newest_complete(newest, calendar)
    if session is None:
        sentence = f"No features of {pool} are stored: run `python -m mlops.pipeline`."
        yield Observation("features_stale", pool, True, sentence)
        return
    if session > closed:
        sentence = f"The features of {pool} are of {session}, which by the clock has not closed."
        yield Observation("features_stale", pool, None, sentence)
        return
    behind = calendar.count(session, closed)
    lacking = [m.ticker for m in members if m.newest is None or m.newest < closed]
    sentence = (
        f"The newest complete session of {pool} is {session}, {sessions.sessions(behind)} behind "
        f"{closed}: {len(lacking)} of {len(members)} tickers have no features of that session "
        f"({sessions.named(lacking)})."
        if behind
        else f"The features of {pool} are of {session}, the last session that closed."
    )
    yield Observation("features_stale", pool, behind >= stale_after, sentence, behind)
    for member in members:
        yield from _ticker_staleness(member, session, calendar)


def _ticker_staleness(
    member: Member, session: dt.date, calendar: Calendar
) -> Iterator[Observation]:
    ticker, pool = member.ticker, member.pool
    if member.newest is None:
        sentence = f"There are no features of {ticker} any more."
        yield Observation("ticker_stale", ticker, True, sentence, cause=pool)
        return
    behind = calendar.count(member.newest, session)
    sentence = (
        f"The newest features of {ticker} are of {member.newest}, {sessions.sessions(behind)} "
        f"behind {pool}."
    )
    is_dormant = behind > DORMANT_AFTER
    # Of a dormant one nothing is said: an alert of staleness does not end by getting older.
    if not is_dormant:
        yield Observation("ticker_stale", ticker, behind > 0, sentence, behind, pool)
    yield Observation("ticker_dormant", ticker, is_dormant, sentence, behind, pool)


def incompleteness(
    members: Sequence[Member], rows: Sequence[IncompleteRow]
) -> Iterator[Observation]:
    """Whether the newest row of each ticker lacks a feature or a model input.

    What a session with one price leaves unknown is not lacking: nobody can bring it in.
    """
    pools = {member.ticker: member.pool for member in members}
    for row in rows:
        if row.ticker not in pools:
            continue
        missing = [name for name in row.missing if name not in ONE_PRICE_INPUTS]
        listed = ", ".join(missing[:LISTED]) + (", …" if len(missing) > LISTED else "")
        count = len(missing)
        sentence = f"The features of {row.ticker} of {row.date} lack {count} values ({listed})."
        yield Observation(
            "features_incomplete", row.ticker, count > 0, sentence, count, pools[row.ticker]
        )
