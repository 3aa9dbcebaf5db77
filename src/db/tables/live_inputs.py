"""Read the live models and their inputs for answers, and whether either has changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from src.core.model_events import Pair, Pin
from src.core.tables import SERVING_INPUTS
from src.db import sql
from src.db.tables.model_events import PINNING

if TYPE_CHECKING:
    import psycopg


_COLUMNS = tuple(SERVING_INPUTS.columns)
# One statement has one snapshot: a model is never combined with the inputs of another one.
_LIVE = (
    f"SELECT w.ticker, w.horizon, e.digest, {sql.names(_COLUMNS, 's')}, "  # noqa: S608
    "CASE WHEN e.digest IS NULL THEN "
    "EXISTS (SELECT FROM raw_daily_prices r WHERE r.ticker = w.ticker) "
    "OR EXISTS (SELECT FROM raw_daily_prices_clean c WHERE c.ticker = w.ticker) END, "
    "p.at, p.version_tag, coalesce(t.verdict, p.verdict), coalesce(t.reason, p.reason), "
    "t.evidence -> 'metrics', t.evidence -> 'pool' "
    "FROM unnest(%s::text[], %s::text[]) AS w(ticker, horizon) "
    "LEFT JOIN LATERAL (SELECT digest FROM model_events m WHERE m.ticker = w.ticker "
    "AND m.horizon = w.horizon AND made_live ORDER BY event_id DESC LIMIT 1) e ON true "
    "LEFT JOIN serving_inputs s ON s.ticker = w.ticker AND s.horizon = w.horizon "
    "AND s.digest = e.digest "
    "LEFT JOIN LATERAL (SELECT * FROM model_events m WHERE m.ticker = w.ticker "
    f"AND m.horizon = w.horizon AND {PINNING} ORDER BY event_id DESC LIMIT 1) p "
    "ON p.kind = 'pinned' AND p.digest = e.digest "
    "LEFT JOIN LATERAL (SELECT * FROM model_events m WHERE m.ticker = w.ticker "
    "AND m.horizon = w.horizon AND kind = 'trained' AND p.kind IS NOT NULL "
    "ORDER BY event_id DESC LIMIT 1) t ON true"
)
# xmin, the transaction that wrote a row, differs after every write, unlike the row's own times.
_FINGERPRINT = (
    "SELECT (SELECT max(event_id) FROM model_events)::text, (SELECT md5(string_agg("
    "concat_ws('/', ticker, horizon, digest, xmin), ' ' ORDER BY ticker, horizon, digest)) "
    "FROM serving_inputs)"
)


class LiveInputs(NamedTuple):
    """The live model of a ticker and horizon, and its inputs.

    Attributes:
        digest: Of the model; None before there is a first one.
        row: Of ``serving_inputs``; None where the inputs have not been computed yet.
        priced: Without a model, whether the ticker has a price row, raw or clean.
        pin: Where a rollback pinned the model.
    """

    digest: str | None
    row: dict[str, Any] | None
    priced: bool
    pin: Pin | None = None


def read(connection: psycopg.Connection[Any], pairs: Sequence[Pair]) -> dict[Pair, LiveInputs]:
    """The live models and inputs of tickers and horizons, all in one snapshot."""
    from psycopg.types.json import set_json_loads

    columns = [list(part) for part in zip(*pairs, strict=True)] or [[], []]
    with connection.cursor(binary=True) as cursor:
        set_json_loads(orjson.loads, cursor)
        rows = cursor.execute(_LIVE, columns).fetchall()
    return {(ticker, horizon): _of_row(digest, *rest) for ticker, horizon, digest, *rest in rows}


def _of_row(digest: str | None, *rest: Any) -> LiveInputs:
    values, (priced, *pin) = rest[: len(_COLUMNS)], rest[len(_COLUMNS) :]
    row = dict(zip(_COLUMNS, values, strict=True))
    stored = row if row["digest"] is not None else None
    return LiveInputs(digest, stored, bool(priced), _pin(*pin))


def _pin(since: Any, tag: str | None, *newest: Any) -> Pin | None:
    if since is None:
        return None
    verdict, reason, metrics, pool = newest
    return Pin(tag, since, verdict, reason, metrics or (), pool or {})


def fingerprint(connection: psycopg.Connection[Any]) -> str:
    """A text that differs whenever inputs or models have changed."""
    row = connection.execute(_FINGERPRINT).fetchone()
    return "/".join(str(part) for part in row or ())
