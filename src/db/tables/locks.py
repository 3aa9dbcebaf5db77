"""Advisory locks: one run works on a ticker at a time, and one trains a pool.

They belong to their connection: when its process dies, PostgreSQL releases them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from src.config import logs
from src.core.errors import RunLocked

if TYPE_CHECKING:
    import psycopg

log = logs.get(__name__)

# The first key of a two-part advisory lock; the second is a hash of the name that is locked.
TICKER_LOCKS, POOL_LOCKS, RUN_LOCKS = 7203002, 7203003, 7203004
# Of one key: held while states of alerts are changed.
ALERT_LOCK = 7203005
# The second key is the number of a request; of one key: held while a request is made.
REQUEST_LOCKS, NEW_REQUEST_LOCK = 7203006, 7203007
# Of a ticker, for the length of a worker's transaction.
WRITER_LOCKS = 7203008
# How long a run waits for another one to train its pool, in seconds.
POOL_WAIT = 600

_TRY = "SELECT name FROM unnest(%s::text[]) name WHERE pg_try_advisory_lock(%s, hashtext(name))"
# Locked and released at once: until then a worker of a run that was killed may be writing. In the
# order of that worker, or each could wait for what the other has.
_WAIT_FOR_WRITERS = """
SELECT pg_advisory_xact_lock(%s, key) FROM (
    SELECT hashtext(name) AS key FROM unnest(%s::text[]) name ORDER BY 1) keys
"""
# The server has room for so many locks in any case.
_LOCKS_AT_A_TIME = 250
_UNLOCK = "SELECT pg_advisory_unlock(%s, hashtext(name)) FROM unnest(%s::text[]) name"
_HOLDERS = """
SELECT name, a.application_name, a.backend_start
FROM unnest(%s::text[]) name
JOIN pg_locks l ON l.objid = (hashtext(name)::bigint & 4294967295)::oid
JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.classid = %s
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class TickerLocks:
    """The locks of tickers that one connection holds."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._locked: set[str] = set()

    def take(self, tickers: Sequence[str]) -> dict[str, str]:
        """Lock the tickers that are free; of the others a sentence that names the holder."""
        rows = self._connection.execute(_TRY, (sorted(tickers), TICKER_LOCKS)).fetchall()
        locked = {name for (name,) in rows}
        self._locked |= locked
        _wait_for_writers(self._connection, sorted(locked))
        refused = [ticker for ticker in tickers if ticker not in locked]
        return _taken_sentences(self._connection, refused) if refused else {}

    def release(self, tickers: Sequence[str] | None = None) -> None:
        """Give back the locks of these tickers, or all."""
        released = self._locked.intersection(self._locked if tickers is None else tickers)
        self._locked -= released
        _unlock(self._connection, sorted(released), TICKER_LOCKS)


@contextmanager
def ticker_locks(connection: psycopg.Connection[Any], tickers: Sequence[str]) -> Iterator[None]:
    """Hold the lock of every ticker.

    Raises:
        RunLocked: Another run, named in the message, has one of them; none is taken then.
    """
    locks = TickerLocks(connection)
    try:
        for sentence in locks.take(tickers).values():
            raise RunLocked(sentence)
        yield
    finally:
        locks.release()


@contextmanager
def pool_lock(
    connection: psycopg.Connection[Any], pool: str, wait: float = POOL_WAIT
) -> Iterator[None]:
    """Hold the lock of a pool, which one run trains at a time; waits up to ``wait`` seconds.

    Raises:
        RunLocked: Another run, named in the message, kept it all that time.
    """
    if not connection.execute(_TRY, ([pool], POOL_LOCKS)).fetchone():
        holder = _holders(connection, [pool], POOL_LOCKS).get(pool, "another run")
        log.info(f"Waiting for the training of pool {pool} by {holder}.")
        _wait(connection, pool, wait, holder)
    try:
        yield
    finally:
        _unlock(connection, [pool], POOL_LOCKS)


def _wait(connection: psycopg.Connection[Any], pool: str, wait: float, holder: str) -> None:
    from psycopg.errors import LockNotAvailable

    try:
        with connection.transaction():
            connection.execute(f"SET LOCAL lock_timeout = {int(1000 * wait)}")
            connection.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", (POOL_LOCKS, pool))
    except LockNotAvailable as error:
        raise RunLocked(
            f"The pool {pool} has been trained by {holder} for more than {wait:g} seconds: wait "
            "for it to end, then try again."
        ) from error


def _wait_for_writers(connection: psycopg.Connection[Any], tickers: Sequence[str]) -> None:
    """Wait until no worker of an earlier run writes rows of these tickers any more."""
    for start in range(0, len(tickers), _LOCKS_AT_A_TIME):
        names = tickers[start : start + _LOCKS_AT_A_TIME]
        connection.execute(_WAIT_FOR_WRITERS, (WRITER_LOCKS, names))


def _unlock(connection: psycopg.Connection[Any], names: Sequence[str], kind: int) -> None:
    """Give locks back; those of a connection that a signal interrupted end with it."""
    from psycopg.pq import TransactionStatus

    if connection.info.transaction_status == TransactionStatus.IDLE and names:
        connection.execute(_UNLOCK, (kind, names))


def _taken_sentences(connection: psycopg.Connection[Any], tickers: Sequence[str]) -> dict[str, str]:
    holders = _holders(connection, tickers, TICKER_LOCKS)
    return {
        ticker: (
            f"A run for {ticker} is already in progress ({holders[ticker]}): wait for it to end, "
            "then try again."
            if ticker in holders
            else f"A run for {ticker} held the lock and has just ended: try again."
        )
        for ticker in tickers
    }


def _holders(
    connection: psycopg.Connection[Any], names: Sequence[str], kind: int
) -> Mapping[str, str]:
    """Who holds the locks of these names: ``run ID pid N, since TIME UTC``."""
    rows = connection.execute(_HOLDERS, (list(names), kind)).fetchall()
    return {name: f"{holder}, since {at:%Y-%m-%d %H:%M:%S} UTC" for name, holder, at in rows}
