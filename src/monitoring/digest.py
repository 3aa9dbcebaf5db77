"""Tell once a session what it brought: moves, verdicts, misses, and what waits for a person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from src.core.alerts import fingerprint_of
from src.core.errors import UsageError
from src.core.messages import Message
from src.core.tables import HORIZONS
from src.monitoring.checks import sessions
from src.monitoring.quality.score import DORMANT_AFTER

if TYPE_CHECKING:
    from src.db.reconnect import Connection
    from src.db.watched.data_state import Member, PendingAction
    from src.db.watched.session_summary import Decision, SessionSummary, SettledForecast

NAME = "session_digest"
# A digest of an older session is no news.
NEWS = dt.timedelta(days=3)
SHARE = 0.95
MOVERS = 3
_NAMES = {"short": "Next session", "long": "Next quarter"}


@dataclass(frozen=True)
class Digest:
    """What a digest is made of; ``open_alerts`` are those of the whole installation."""

    pool: str
    session: dt.date
    members: Sequence[Member]
    summary: SessionSummary
    pending: Sequence[PendingAction]
    open_alerts: Sequence[str]


def digest_message(digest: Digest, now: dt.datetime) -> Message:
    """At most 25 lines, however many tickers there are."""
    fingerprint = fingerprint_of(NAME, f"{digest.pool} {digest.session}")
    title = f"INFO: {digest.session} on {digest.pool} [{fingerprint}]"
    body = "\n".join(digest_lines(digest))
    return Message(fingerprint, NAME, "digest", "INFO", now, title, body)


def digest_lines(digest: Digest) -> Iterator[str]:
    """The lines of the body."""
    yield from _tickers(digest)
    yield from _moves(digest.summary.moves)
    for horizon in HORIZONS:
        yield from _verdict(horizon, digest.summary.decisions)
        of_horizon = [row for row in digest.summary.settled if row.horizon == horizon]
        yield from _misses(horizon, of_horizon)
    if digest.summary.held_back:
        held = digest.summary.held_back
        yield f"Held back, zero is forecast: {len(held)} ({sessions.named(held)})."
    if digest.pending:
        jumps = [f"{action.ticker} {action.date}" for action in digest.pending]
        yield f"Jumps that wait for a decision: {len(jumps)} ({sessions.named(jumps)})."
    if digest.open_alerts:
        yield f"Open alerts: {sessions.named(digest.open_alerts)}."


def due(members: Sequence[Member], now: dt.datetime) -> Iterator[tuple[str, dt.date]]:
    """Each pool whose newest complete session is the last that closed, and lately, with it."""
    for pool, of_pool in sessions.by_pool(members).items():
        try:
            calendar = sessions.calendar_of_tickers([of_pool[0].ticker])
        except UsageError:
            continue  # its exchange has no calendar here
        newest = [member.newest for member in of_pool if member.newest is not None]
        session, closed = sessions.newest_complete(newest, calendar), calendar.last_closed(now)
        if session == closed and now - calendar.hours(closed).closes < NEWS:
            yield pool, closed


def read_digests(
    connection: Connection,
    now: dt.datetime,
    told: Sequence[str],
    open_alerts: Callable[[], Sequence[str]],
) -> Iterator[Message]:
    """The digests that are due and whose fingerprint is not among those told.

    A session is over for a pool once it has been trained or forecast at it.

    Args:
        connection: An open autocommit connection.
        now: An aware time.
        told: Fingerprints of digests.
        open_alerts: Reads what is open, by name.
    """
    from src.db.watched import data_state
    from src.db.watched.session_summary import session_summary

    members = data_state.members(connection)
    answered = data_state.answered_sessions(connection)
    for pool, session in due(members, now):
        of_pool = [member for member in members if member.pool == pool]
        names = {member.ticker for member in of_pool}
        if fingerprint_of(NAME, f"{pool} {session}") in told or answered.get(pool) != session:
            continue
        summary = session_summary(connection, pool, session)
        pending = data_state.pending_actions(connection)
        waiting = [action for action in pending if action.ticker in names]
        digest = Digest(pool, session, of_pool, summary, waiting, open_alerts())
        yield digest_message(digest, now)


def _tickers(digest: Digest) -> Iterator[str]:
    calendar = sessions.calendar_of_tickers([member.ticker for member in digest.members])
    lags = {
        member.ticker: calendar.count(member.newest, digest.session) if member.newest else None
        for member in digest.members
    }
    there = [ticker for ticker, lag in lags.items() if lag == 0]
    behind = [t for t, lag in lags.items() if lag is not None and 0 < lag <= DORMANT_AFTER]
    line = f"{len(there)} of {len(lags)} tickers have the session"
    if behind:
        verb = "is" if len(behind) == 1 else "are"
        line += f", {len(behind)} {verb} behind ({sessions.named(behind)})"
    dormant = len(lags) - len(there) - len(behind)
    yield f"{line}; dormant: {dormant}." if dormant else f"{line}."


def _moves(moves: dict[str, float]) -> Iterator[str]:
    if not moves:
        return
    ranked = sorted(moves, key=lambda ticker: moves[ticker])
    rose = sum(move > 0 for move in moves.values())
    yield f"Median move {median(moves.values()):+.2%}; {rose} of {len(moves)} rose."
    if len(ranked) > 2 * MOVERS:
        for word, tickers in (("rises", ranked[: -MOVERS - 1 : -1]), ("falls", ranked[:MOVERS])):
            listed = ", ".join(f"{ticker} {moves[ticker]:+.1%}" for ticker in tickers)
            yield f"Largest {word}: {listed}."


def _verdict(horizon: str, decisions: Sequence[Decision]) -> Iterator[str]:
    for decision in decisions:
        if decision.horizon == horizon:
            reason = decision.reason.rstrip(".")
            yield f"{_NAMES[horizon]}: {decision.served} is in use. {reason}."


def _misses(horizon: str, settled: Sequence[SettledForecast]) -> Iterator[str]:
    """Outcomes outside the 95 % range, beside how many are to be expected."""
    ranges = [(row, *bounds) for row in settled if (bounds := _range(row)) is not None]
    if not ranges:
        return
    missed = [row for row, low, high in ranges if not low <= row.realised <= high]
    missed.sort(key=lambda row: -abs(row.realised))
    names = sessions.named([f"{row.ticker} {row.realised:+.1%}" for row in missed])
    expected = (1 - SHARE) * len(ranges)
    yield (
        f"{_NAMES[horizon]}: {len(missed)} of {len(ranges)} outcomes lay outside their "
        f"{SHARE:.0%} range, {expected:.0f} are to be expected" + (f": {names}." if missed else ".")
    )


def _range(row: SettledForecast) -> tuple[float, float] | None:
    """The ends of the 95 % range; None for a forecast without them."""
    ends = []
    for level in ((1 - SHARE) / 2, (1 + SHARE) / 2):
        near = [
            q for at, q in zip(row.levels, row.quantiles, strict=True) if abs(at - level) < 1e-9
        ]
        ends += near[:1]
    return (ends[0], ends[1]) if len(ends) == 2 else None
