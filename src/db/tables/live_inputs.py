"""Read the live models and their inputs for answers, and whether either has changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from src.core.model_events import Pair
from src.core.tables import SERVING_INPUTS
from src.db import sql

if TYPE_CHECKING:
    import psycopg


_COLUMNS = tuple(SERVING_INPUTS.columns)
# One statement has one snapshot: a model is never combined with the inputs of another one.
_LIVE = (
    f"SELECT w.ticker, w.horizon, e.digest, {sql.names(_COLUMNS, 's')}, "  # noqa: S608
    "CASE WHEN e.digest IS NULL THEN "
    "EXISTS (SELECT FROM raw_daily_prices r WHERE r.ticker = w.ticker) "
    "OR EXISTS (SELECT FROM raw_daily_prices_clean c WHERE c.ticker = w.ticker) END "
    "FROM unnest(%s::text[], %s::text[]) AS w(ticker, horizon) "
    "LEFT JOIN LATERAL (SELECT digest FROM model_events m WHERE m.ticker = w.ticker "
    "AND m.horizon = w.horizon AND made_live ORDER BY event_id DESC LIMIT 1) e ON true "
    "LEFT JOIN serving_inputs s ON s.ticker = w.ticker AND s.horizon = w.horizon "
    "AND s.digest = e.digest"
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
    """

    digest: str | None
    row: dict[str, Any] | None
    priced: bool


def read(connection: psycopg.Connection[Any], pairs: Sequence[Pair]) -> dict[Pair, LiveInputs]:
    """The live models and inputs of tickers and horizons, all in one snapshot."""
    from psycopg.types.json import set_json_loads

    columns = [list(part) for part in zip(*pairs, strict=True)] or [[], []]
    with connection.cursor(binary=True) as cursor:
        set_json_loads(orjson.loads, cursor)
        rows = cursor.execute(_LIVE, columns).fetchall()
    return {(ticker, horizon): _of_row(digest, *rest) for ticker, horizon, digest, *rest in rows}


def _of_row(digest: str | None, *rest: Any) -> LiveInputs:
    *values, priced = rest
    row = dict(zip(_COLUMNS, values, strict=True))
    return LiveInputs(digest, row if row["digest"] is not None else None, bool(priced))


def fingerprint(connection: psycopg.Connection[Any]) -> str:
    """A text that differs whenever inputs or models have changed."""
    row = connection.execute(_FINGERPRINT).fetchone()
    return "/".join(str(part) for part in row or ())
