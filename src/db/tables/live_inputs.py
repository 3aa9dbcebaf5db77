"""Tickers in; what their live models are asked with, and word of what changed, out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from src.core.model_events import Pair
from src.core.tables import SERVING_INPUTS

if TYPE_CHECKING:
    import psycopg


_ROW = tuple(SERVING_INPUTS.columns)
# One statement sees one moment: a model and the inputs of another are never put together.
_LIVE = (
    f"SELECT w.ticker, w.horizon, e.digest, {', '.join(f's.{name}' for name in _ROW)}, "  # noqa: S608
    "CASE WHEN e.digest IS NULL THEN "
    "EXISTS (SELECT FROM raw_daily_prices r WHERE r.ticker = w.ticker) "
    "OR EXISTS (SELECT FROM raw_daily_prices_clean c WHERE c.ticker = w.ticker) END "
    "FROM unnest(%s::text[], %s::text[]) AS w(ticker, horizon) "
    "LEFT JOIN LATERAL (SELECT digest FROM model_events m WHERE m.ticker = w.ticker "
    "AND m.horizon = w.horizon AND made_live ORDER BY event_id DESC LIMIT 1) e ON true "
    "LEFT JOIN serving_inputs s ON s.ticker = w.ticker AND s.horizon = w.horizon "
    "AND s.digest = e.digest"
)
# xmin is the transaction that wrote a row: it changes whatever the row's own times say.
_VERSION = (
    "SELECT (SELECT max(event_id) FROM model_events)::text, (SELECT md5(string_agg("
    "concat_ws('/', ticker, horizon, digest, xmin), ' ' ORDER BY ticker, horizon, digest)) "
    "FROM serving_inputs)"
)


class Live(NamedTuple):
    """What is live for a ticker and horizon.

    Attributes:
        digest: Of the set, or None before its first model.
        row: Of ``serving_inputs``: what it is asked with, or None where that is not computed yet.
        priced: Without a set, whether the ticker has a price row, raw or clean.
    """

    digest: str | None
    row: dict[str, Any] | None
    priced: bool


def live(connection: psycopg.Connection[Any], pairs: Sequence[Pair]) -> dict[Pair, Live]:
    """What is live for each ticker and horizon, all at one moment."""
    from psycopg.types.json import set_json_loads

    columns = [list(part) for part in zip(*pairs, strict=True)] or [[], []]
    with connection.cursor(binary=True) as cursor:
        set_json_loads(orjson.loads, cursor)
        found = cursor.execute(_LIVE, columns).fetchall()
    return {(ticker, horizon): _live(digest, *rest) for ticker, horizon, digest, *rest in found}


def _live(digest: str | None, *rest: Any) -> Live:
    *row, priced = rest
    named = dict(zip(_ROW, row, strict=True))
    return Live(digest, named if named["digest"] is not None else None, bool(priced))


def version(connection: psycopg.Connection[Any]) -> str:
    """A text that differs whenever inputs or models have changed."""
    found = connection.execute(_VERSION).fetchone()
    return "/".join(str(part) for part in found or ())
