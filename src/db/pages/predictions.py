"""Read what stands around a forecast: prices, its distribution, past returns, what came true."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.rows import class_row

from src.core.tables import DATASETS, PREDICTIONS
from src.db import sql

if TYPE_CHECKING:
    import psycopg

_CLOSES = """
SELECT date, close FROM features_daily WHERE ticker = %s AND date <= %s
ORDER BY date DESC LIMIT %s
"""
_DISTRIBUTION = """
SELECT levels, quantiles, data_hash FROM serving_inputs WHERE ticker = %s AND horizon = %s
"""
_RETURNS = """
SELECT target FROM {} WHERE ticker = %s AND target IS NOT NULL ORDER BY date DESC LIMIT %s
"""
# Of several forecasts of one session the first counts, with its newest outcome.
_EARLIER = f"""
SELECT * FROM (
    SELECT DISTINCT ON (p.feature_date) p.feature_date, o.label_end, p.made_at, p.last_close,
        p.model, p.point, o.realised_return, p.levels, p.quantiles
    FROM predictions p JOIN prediction_outcomes o ON {sql.same_key(PREDICTIONS, "o", "p")}
    WHERE p.ticker = %s AND p.horizon = %s AND p.kind = 'served' AND cardinality(p.levels) > 0
    ORDER BY p.feature_date DESC, p.made_at, p.version, o.matured_at DESC
) firsts LIMIT %s
"""  # noqa: S608 names of this module


@dataclass(frozen=True)
class Distribution:
    """Quantiles of a ticker's simple return at ascending levels, and what data they are of.

    Both lists are empty where the distribution is not known.
    """

    levels: list[float]
    quantiles: list[float]
    data_hash: str


@dataclass(frozen=True)
class EarlierForecast:
    """A logged forecast and what came true; returns are simple.

    Attributes:
        feature_date: The session that it was made from.
        label_end: The session at whose close it was measured.
        made_at: When it was answered.
        last_close: Of ``feature_date``.
        model: Whose point was answered.
        point: That return.
        realised_return: The newest statement of it.
        levels: Ascending.
        quantiles: Of the return, at the levels.
    """

    feature_date: dt.date
    label_end: dt.date
    made_at: dt.datetime
    last_close: float
    model: str
    point: float
    realised_return: float
    levels: list[float]
    quantiles: list[float]


def closes(
    connection: psycopg.Connection[Any], ticker: str, until: dt.date, most: int
) -> list[tuple[dt.date, float]]:
    """Sessions up to a day with their split-adjusted closes, in order; the newest ``most``."""
    return connection.execute(_CLOSES, (ticker, until, most)).fetchall()[::-1]


def distribution(
    connection: psycopg.Connection[Any], ticker: str, horizon: str
) -> Distribution | None:
    """The distribution of a ticker's next return; None before its first."""
    with connection.cursor(row_factory=class_row(Distribution)) as cursor:
        return cursor.execute(_DISTRIBUTION, (ticker, horizon)).fetchone()


def past_returns(
    connection: psycopg.Connection[Any], ticker: str, horizon: str, most: int
) -> list[float]:
    """The newest ``most`` realised simple returns over a horizon, the newest first."""
    query = _RETURNS.format(DATASETS[horizon].name)
    return [value for (value,) in connection.execute(query, (ticker, most)).fetchall()]


def earlier_forecasts(
    connection: psycopg.Connection[Any], ticker: str, horizon: str, most: int
) -> list[EarlierForecast]:
    """Forecasts that have an outcome, the newest first; also such as were answered too late."""
    with connection.cursor(row_factory=class_row(EarlierForecast)) as cursor:
        return cursor.execute(_EARLIER, (ticker, horizon, most)).fetchall()
