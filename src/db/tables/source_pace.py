"""The pace of each source: its budget and its pause, changed by one process at a time.

Times are the database's own: they mean the same on every machine, whatever FORECAST_NOW says.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from src.core.pace import PaceState

if TYPE_CHECKING:
    import psycopg

_Outcome = TypeVar("_Outcome")
_FIRST = """
INSERT INTO source_pace (source, tokens, counted_at) VALUES (%s, %s, clock_timestamp())
ON CONFLICT DO NOTHING
"""
_READ = """
SELECT tokens, counted_at, failures, refusals, refused_at, resumes_at, trial_until
FROM source_pace WHERE source = %s FOR UPDATE
"""
_WRITE = """
UPDATE source_pace SET tokens = %s, counted_at = %s, failures = %s, refusals = %s,
    refused_at = %s, resumes_at = %s, trial_until = %s, reason = coalesce(%s, reason)
WHERE source = %s
"""
_PAUSES = """
SELECT source, refused_at, resumes_at, coalesce(reason, ''),
    greatest(extract(epoch FROM resumes_at - clock_timestamp()), 0)::float8
FROM source_pace ORDER BY source
"""


@dataclass(frozen=True)
class SourcePause:
    """A source that has refused requests, and has answered none since.

    Attributes:
        resumes_at: When it may be asked again.
        reason: What it answered.
        seconds: Until then; 0 where it may be asked now.
    """

    refused_at: dt.datetime
    resumes_at: dt.datetime
    reason: str
    seconds: float


class SourcePace:
    """The row of one source, over an autocommit connection.

    Args:
        burst: The budget that a source begins with.
    """

    def __init__(self, connection: psycopg.Connection[Any], source: str, burst: int) -> None:
        self._connection, self._source = connection, source
        connection.execute(_FIRST, (source, burst))

    def change(
        self,
        decide: Callable[[PaceState, dt.datetime], tuple[PaceState, _Outcome]],
        reason: str | None = None,
    ) -> tuple[_Outcome, PaceState, dt.datetime]:
        """Replace the state by what ``decide`` makes of it at the database's time.

        ``reason`` is what the source answered, where it refuses.

        Returns:
            What ``decide`` returned with the state, the state as it is now, and that time.
        """
        with self._connection.transaction():
            before = PaceState(*self._one(_READ, self._source))
            # Read with the lock in hand, so that of two changes the later one has the later time.
            at = self._one("SELECT clock_timestamp()")[0]
            state, outcome = decide(before, at)
            if state != before:
                self._connection.execute(_WRITE, (*astuple(state), reason, self._source))
        return outcome, state, at

    def reason(self) -> str:
        """What it answered when it last refused; empty for never."""
        row = self._one("SELECT reason FROM source_pace WHERE source = %s", self._source)
        return str(row[0] or "")

    def _one(self, query: str, *parameters: Any) -> tuple[Any, ...]:
        row: tuple[Any, ...] | None = self._connection.execute(query, parameters).fetchone()
        assert row is not None  # noqa: S101 the row was inserted, and none is ever deleted
        return row


def source_pauses(connection: psycopg.Connection[Any]) -> dict[str, SourcePause | None]:
    """Every source that was ever asked; None where it may be asked, by its last answer."""
    return {
        source: None if resumes_at is None else SourcePause(refused_at, resumes_at, *rest)
        for source, refused_at, resumes_at, *rest in connection.execute(_PAUSES).fetchall()
    }
