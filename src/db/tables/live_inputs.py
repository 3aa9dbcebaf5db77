"""Read the live models and their inputs for answers, and whether anything of them has changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from src.core.model_events import Pair, Pin
from src.core.tables import POOL_INPUTS, SERVING_INPUTS
from src.db import sql
from src.db.tables.model_events import PINNING

if TYPE_CHECKING:
    import psycopg


_ROW, _POOL_ROW = tuple(SERVING_INPUTS.columns), tuple(POOL_INPUTS.columns)


def _event(condition: str) -> str:
    """The newest event of the ticker's pool and the horizon that fulfils a condition."""
    return (
        f"LEFT JOIN LATERAL (SELECT * FROM model_events WHERE pool = m.pool "  # noqa: S608
        f"AND horizon = w.horizon AND {condition} ORDER BY event_id DESC LIMIT 1)"
    )


_NEWEST_TRAINING = _event("kind = 'trained' AND p.kind IS NOT NULL")
# One statement has one snapshot: a model is never combined with the inputs of another one.
_LIVE = (
    f"SELECT w.ticker, w.horizon, m.pool, e.digest, {sql.names(_ROW, 's')}, "  # noqa: S608
    f"{sql.names(_POOL_ROW, 'i')}, CASE WHEN e.digest IS NULL THEN "
    "EXISTS (SELECT FROM raw_daily_prices r WHERE r.ticker = w.ticker) "
    "OR EXISTS (SELECT FROM raw_daily_prices_clean c WHERE c.ticker = w.ticker) END, "
    "p.at, p.version_tag, coalesce(t.verdict, p.verdict), coalesce(t.reason, p.reason), "
    "t.evidence -> 'metrics', t.evidence -> 'tickers' "
    "FROM unnest(%s::text[], %s::text[]) AS w(ticker, horizon) "
    "LEFT JOIN pool_members m ON m.ticker = w.ticker "
    f"{_event('made_live')} e ON true "
    "LEFT JOIN serving_inputs s ON s.ticker = w.ticker AND s.horizon = w.horizon "
    "AND s.pool = m.pool AND e.digest IS NOT NULL "
    "LEFT JOIN pool_inputs i ON i.pool = m.pool AND i.horizon = w.horizon AND i.digest = e.digest "
    f"{_event(PINNING)} p ON p.kind = 'pinned' AND p.digest = e.digest "
    f"{_NEWEST_TRAINING} t ON true"
)


class LiveInputs(NamedTuple):
    """The live model of a ticker's pool at a horizon, and its inputs.

    Attributes:
        pool: Of the ticker; None before it has features.
        digest: Of the model; None before there is a first one.
        row: Of ``serving_inputs``; None where the ticker's inputs have not been computed yet.
        pool_row: Of ``pool_inputs``; None where those of the pool have not.
        priced: Without a model, whether the ticker has a price row, raw or clean.
        pin: Where a rollback pinned the model.
    """

    pool: str | None
    digest: str | None
    row: dict[str, Any] | None
    pool_row: dict[str, Any] | None
    priced: bool
    pin: Pin | None = None


def read(connection: psycopg.Connection[Any], pairs: Sequence[Pair]) -> dict[Pair, LiveInputs]:
    """The live models and inputs of tickers and horizons, all in one snapshot."""
    from psycopg.types.json import set_json_loads

    columns = [list(part) for part in zip(*pairs, strict=True)] or [[], []]
    with connection.cursor(binary=True) as cursor:
        set_json_loads(orjson.loads, cursor)
        rows = cursor.execute(_LIVE, columns).fetchall()
    return {(ticker, horizon): _live_inputs(*rest) for ticker, horizon, *rest in rows}


def _live_inputs(pool: str | None, digest: str | None, *rest: Any) -> LiveInputs:
    row, pool_values = _stored(_ROW, rest)
    pool_row, (priced, *pin) = _stored(_POOL_ROW, pool_values)
    return LiveInputs(pool, digest, row, pool_row, bool(priced), _pin(*pin))


def _stored(
    names: Sequence[str], values: Sequence[Any]
) -> tuple[dict[str, Any] | None, Sequence[Any]]:
    """The row that the first values are, None where it is not stored; and the other values."""
    row = dict(zip(names, values, strict=False))
    return (row if row["horizon"] is not None else None), values[len(names) :]


def _pin(since: Any, tag: str | None, *newest: Any) -> Pin | None:
    if since is None:
        return None
    verdict, reason, metrics, tickers = newest
    return Pin(tag, since, verdict, reason, metrics or (), tickers or 1)


def data_version(connection: psycopg.Connection[Any]) -> int:
    """A number that rises whenever models, members or inputs have changed."""
    row = connection.execute("SELECT n FROM data_version").fetchone()
    assert row is not None  # noqa: S101 the table has one row
    return int(row[0])
