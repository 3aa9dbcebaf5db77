"""Read which trials split the traffic, and what their challengers forecast from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from src.core.tables import POOL_INPUTS, SERVING_INPUTS
from src.core.traffic_split import TrafficSplit
from src.db import sql
from src.db.tables.live_inputs import stored_row

if TYPE_CHECKING:
    import psycopg

# The newest event of a trial's split counts; one that has ended has none.
_IN_FORCE = """
SELECT t.hash, t.pool, t.horizon, t.challenger, t.tickers, s.share
FROM trial_challengers c JOIN trials t ON t.hash = c.hash
CROSS JOIN LATERAL (
    SELECT (evidence ->> 'share')::double precision AS share FROM trial_events e
    WHERE e.hash = t.hash AND kind = 'split' ORDER BY event_id DESC LIMIT 1
) s
WHERE c.running AND s.share > 0
ORDER BY t.registered_at, t.hash
"""
_ROW, _POOL_ROW = tuple(SERVING_INPUTS.columns), tuple(POOL_INPUTS.columns)
# One statement has one snapshot: a model is never combined with the inputs of another one.
_INPUTS = (
    f"SELECT w.ticker, w.horizon, w.trial, c.pool, c.digest, {sql.names(_ROW, 's')}, "  # noqa: S608
    f"{sql.names(_POOL_ROW, 'i')} "
    "FROM unnest(%s::text[], %s::text[], %s::text[]) AS w(ticker, horizon, trial) "
    "LEFT JOIN trial_challengers c ON c.hash = w.trial AND c.running "
    "LEFT JOIN serving_inputs s ON s.ticker = w.ticker AND s.horizon = w.horizon "
    "AND s.pool IS NOT DISTINCT FROM c.pool "
    "LEFT JOIN pool_inputs i ON i.pool = c.pool AND i.horizon = w.horizon AND i.digest = c.digest"
)

ChallengerKey = tuple[str, str, str]  # ticker, horizon, hash of the trial


class ChallengerInputs(NamedTuple):
    """The newest model of a trial's challenger, and its inputs.

    Attributes:
        pool: Of the trial; None where it is not running.
        digest: Of the model; None before there is a first one.
        row: Of ``serving_inputs``; None where the ticker's inputs have not been computed yet.
        pool_row: Of ``pool_inputs``; None where the model has none.
    """

    pool: str | None
    digest: str | None
    row: dict[str, Any] | None
    pool_row: dict[str, Any] | None


def in_force(connection: psycopg.Connection[Any]) -> list[TrafficSplit]:
    """The splits of running trials whose share is above 0, in the order of registration."""
    return [
        TrafficSplit(trial, pool, horizon, challenger, frozenset(tickers), share)
        for trial, pool, horizon, challenger, tickers, share in connection.execute(_IN_FORCE)
    ]


def read_challengers(
    connection: psycopg.Connection[Any], keys: Sequence[ChallengerKey]
) -> dict[ChallengerKey, ChallengerInputs]:
    """The challengers of trials with the inputs of tickers, all in one snapshot."""
    from psycopg.types.json import set_json_loads

    columns = [list(part) for part in zip(*keys, strict=True)] or [[], [], []]
    with connection.cursor(binary=True) as cursor:
        set_json_loads(orjson.loads, cursor)
        rows = cursor.execute(_INPUTS, columns).fetchall()
    return {(ticker, horizon, trial): _inputs(*rest) for ticker, horizon, trial, *rest in rows}


def _inputs(pool: str | None, digest: str | None, *rest: Any) -> ChallengerInputs:
    row, pool_values = stored_row(_ROW, rest)
    pool_row, _ = stored_row(_POOL_ROW, pool_values)
    return ChallengerInputs(pool, digest, row, pool_row)
