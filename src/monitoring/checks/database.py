"""Check how the database does: its speed, its clock, whether it can be written, who holds it up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from src.core.errors import UsageError
from src.monitoring.checks import sessions
from src.monitoring.observation import Observation

if TYPE_CHECKING:
    from src.db.watched.data_state import Member
    from src.db.watched.server_state import OpenTransaction, ServerState
    from src.monitoring.checks.facts import Facts

RULES = ("database_read_only", "database_slow", "transaction_open_long", "clock_wrong")
# Seconds: for a connection and a query, of a transaction, and between two clocks.
SLOW, LONG, APART = 1.0, 3600.0, 120.0


def check(facts: Facts) -> list[Observation]:
    """All observations of these rules."""
    server = facts.server
    # With FORECAST_NOW the time is not the machine's.
    clock = None if facts.settings.now else server.clock
    return [
        *_speed_and_rights(server),
        _transactions(server.oldest),
        clock_check(facts.now, clock, sessions_to_come(facts.members, facts.now)),
    ]


def _speed_and_rights(server: ServerState) -> Iterator[Observation]:
    refusal = server.refuses_writes
    sentence = f"The database accepts no changes: {refusal}." if refusal else ""
    yield Observation("database_read_only", "", bool(refusal), sentence)
    seconds = server.seconds
    sentence = f"A connection and a short query took {seconds:.2f} s."
    yield Observation("database_slow", "", seconds > SLOW, sentence, seconds)


def _transactions(oldest: OpenTransaction | None) -> Observation:
    rule = "transaction_open_long"
    if oldest is None:
        return Observation(rule, "", False, "No transaction is open.", 0.0)
    sentence = (
        f"A transaction of {oldest.application} (user {oldest.user}, backend {oldest.pid}) has "
        f"been open for {oldest.seconds / 60:.0f} minutes."
    )
    return Observation(rule, "", oldest.seconds >= LONG, sentence, oldest.seconds)


def sessions_to_come(members: Sequence[Member], now: dt.datetime) -> list[tuple[str, dt.date]]:
    """Pools with features of a session that by the clock has not closed yet, each with it."""
    found = []
    for pool, of_pool in sessions.by_pool(members).items():
        newest = max((member.newest for member in of_pool if member.newest), default=None)
        try:
            closed = sessions.calendar_of_tickers([of_pool[0].ticker]).last_closed(now)
        except UsageError:
            continue  # its exchange has no calendar here
        if newest is not None and newest > closed:
            found.append((pool, newest))
    return found


def clock_check(
    now: dt.datetime, database: dt.datetime | None, to_come: Sequence[tuple[str, dt.date]]
) -> Observation:
    """Whether the clock can be right.

    Args:
        now: By this machine's clock.
        database: By the database's; None where it is no evidence.
        to_come: As ``sessions_to_come`` finds them.
    """
    for pool, newest in to_come:
        sentence = (
            f"There are prices of the close of {newest} on {pool}, but by the clock "
            f"({now:%Y-%m-%d %H:%M} UTC) that session has not closed yet."
        )
        return Observation("clock_wrong", "", True, sentence)
    if database is None:
        return Observation("clock_wrong", "", False, "The clock agrees with the newest prices.")
    apart = abs((now - database).total_seconds())
    sentence = f"The clock differs from the database's by {apart:.0f} seconds."
    return Observation("clock_wrong", "", apart >= APART, sentence, apart)
