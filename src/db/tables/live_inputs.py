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
    """The newest event of a pool and horizon that fulfils a condition."""
    return (
        f"LEFT JOIN LATERAL (SELECT * FROM model_events WHERE pool = o.of_pool "  # noqa: S608
        f"AND horizon = o.of_horizon AND {condition} ORDER BY event_id DESC LIMIT 1)"
    )


_NEWEST_TRAINING = _event("kind = 'trained' AND p.kind IS NOT NULL")
_WANTED = (
    "SELECT w.ticker, w.horizon, m.pool "
    "FROM unnest(%s::text[], %s::text[]) AS w(ticker, horizon) "
    "LEFT JOIN pool_members m ON m.ticker = w.ticker"
)
# Looked up once for each pool and horizon, however many of its tickers are wanted.
_OF_POOLS = (
    f"SELECT o.*, e.digest AS live, {sql.names(_POOL_ROW, 'i')}, p.at, p.version_tag, "  # noqa: S608
    "coalesce(t.verdict, p.verdict) AS verdict, coalesce(t.reason, p.reason) AS reason, "
    "t.evidence -> 'metrics' AS metrics, t.evidence -> 'tickers' AS tickers "
    "FROM (SELECT DISTINCT pool AS of_pool, horizon AS of_horizon FROM wanted) o "
    f"{_event('made_live')} e ON true "
    "LEFT JOIN pool_inputs i ON i.pool = o.of_pool AND i.horizon = o.of_horizon "
    "AND i.digest = e.digest "
    f"{_event(PINNING)} p ON p.kind = 'pinned' AND p.digest = e.digest "
    f"{_NEWEST_TRAINING} t ON true"
)
# One statement has one snapshot: a model is never combined with the inputs of another one. Pools
# are compared so that no index serves: before the table has been analysed the index of pools would
# look as good as the key, and every ticker would walk through all rows of its pool.
_LIVE = (
    f"WITH wanted AS MATERIALIZED ({_WANTED}), of_pools AS MATERIALIZED ({_OF_POOLS}) "  # noqa: S608
    f"SELECT w.ticker, w.horizon, w.pool, l.live, {sql.names(_ROW, 's')}, "
    f"{sql.names(_POOL_ROW, 'l')}, CASE WHEN l.live IS NULL THEN "
    "EXISTS (SELECT FROM raw_daily_prices r WHERE r.ticker = w.ticker) "
    "OR EXISTS (SELECT FROM raw_daily_prices_clean c WHERE c.ticker = w.ticker) END, "
    "l.at, l.version_tag, l.verdict, l.reason, l.metrics, l.tickers "
    "FROM wanted w LEFT JOIN of_pools l ON l.of_pool = w.pool AND l.of_horizon = w.horizon "
    "LEFT JOIN serving_inputs s ON s.ticker = w.ticker AND s.horizon = w.horizon "
    "AND s.pool IS NOT DISTINCT FROM w.pool AND l.live IS NOT NULL"
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
    row, pool_values = stored_row(_ROW, rest)
    pool_row, (priced, *pin) = stored_row(_POOL_ROW, pool_values)
    return LiveInputs(pool, digest, row, pool_row, bool(priced), _pin(*pin))


def stored_row(
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
