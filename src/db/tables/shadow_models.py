"""Name the model sets that the challengers of trials were fitted as; nothing is ever changed."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

_ADD = "INSERT INTO shadow_models (hash, digest, session, at) VALUES (%s, %s, %s, %s)"
_DIGESTS = (
    "SELECT hash, digest FROM trial_challengers "
    "WHERE pool = %s AND running AND digest IS NOT NULL ORDER BY hash"
)


class ShadowModels:
    """The table ``shadow_models`` and the view of it, over an open autocommit connection."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def add(self, trial_hash: str, digest: str, session: dt.date, at: dt.datetime) -> None:
        """From now on a trial forecasts with a set that was fitted at a session."""
        self._connection.execute(_ADD, (trial_hash, digest, session, at))

    def digests(self, pool: str) -> dict[str, str]:
        """The set that each running trial of a pool forecasts with, by the trial's hash.

        A challenger that has not been fitted yet has none.
        """
        return dict(self._connection.execute(_DIGESTS, (pool,)).fetchall())
