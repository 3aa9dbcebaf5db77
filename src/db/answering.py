"""Tickers in; what their live models are asked with, and word of what changed, out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from src.core.tables import SERVING_INPUTS

if TYPE_CHECKING:
    import psycopg

CHANNEL = "serving"
Asked = tuple[str, str, str]

_INPUTS = (
    f"SELECT {', '.join(f's.{name}' for name in SERVING_INPUTS.columns)} "  # noqa: S608 declared
    "FROM serving_inputs s JOIN unnest(%s::text[], %s::text[], %s::text[]) "
    "AS w(ticker, horizon, digest) USING (ticker, horizon, digest)"
)
_PRICED = (
    "SELECT t FROM unnest(%s::text[]) t WHERE "
    "EXISTS (SELECT FROM raw_daily_prices r WHERE r.ticker = t) "
    "OR EXISTS (SELECT FROM raw_daily_prices_clean c WHERE c.ticker = t)"
)
# xmin is the transaction that wrote a row: it changes whatever the row's own times say.
_VERSION = (
    "SELECT (SELECT max(event_id) FROM model_events)::text, (SELECT md5(string_agg("
    "concat_ws('/', ticker, horizon, digest, xmin), ' ' ORDER BY ticker, horizon, digest)) "
    "FROM serving_inputs)"
)


def inputs(
    connection: psycopg.Connection[Any], wanted: Sequence[Asked]
) -> dict[Asked, dict[str, Any]]:
    """Rows of ``serving_inputs`` by ticker, horizon and digest; those that are not there lack."""
    columns = [list(part) for part in zip(*wanted, strict=True)] or [[], [], []]
    rows = connection.execute(_INPUTS, columns).fetchall()
    found = [dict(zip(SERVING_INPUTS.columns, row, strict=True)) for row in rows]
    return {(row["ticker"], row["horizon"], row["digest"]): row for row in found}


def priced(connection: psycopg.Connection[Any], tickers: Sequence[str]) -> set[str]:
    """Those of the tickers that have a price row, raw or clean."""
    return {row[0] for row in connection.execute(_PRICED, [list(tickers)]).fetchall()}


def version(connection: psycopg.Connection[Any]) -> str:
    """A text that differs whenever inputs or models have changed."""
    found = connection.execute(_VERSION).fetchone()
    return "/".join(str(part) for part in found or ())


def notices(connection: psycopg.Connection[Any], every: float) -> Iterator[str | None]:
    """Tickers whose inputs or live models change from now on, without end.

    None comes first and whenever the server has answered, at least ``every`` seconds apart.
    """
    connection.execute(f"LISTEN {CHANNEL}")
    while True:
        yield None
        for notice in connection.notifies(timeout=every):
            yield notice.payload
        connection.execute("SELECT 1")
