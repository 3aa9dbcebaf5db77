"""Parse one result of Yahoo's v8 chart API into bars and corporate actions, repairing nothing.

It is parsed here and not by ``yfinance.Ticker.history``, which drops repeated days, merges the live
quote into the last bar and fills missing volumes before anyone could see them.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any

import polars as pl

from src.core.tables import OHLCV
from src.data.sources.delivery import KEY_COLUMNS
from src.data.sources.duplicates import keep_last

if TYPE_CHECKING:
    from src.data.sources.delivery import Kind

UTC = pl.Datetime("us", "UTC")
ACTIONS = {"date": pl.Date, "kind": pl.String, "ratio": pl.Float64, "amount": pl.Float64}

MALFORMED = (
    *(LookupError, TypeError, ValueError, AttributeError, ArithmeticError),
    pl.exceptions.PolarsError,
)


class InvalidChart(ValueError):
    """The answer is JSON, but not a chart."""


def bars(
    result: dict[str, Any], kind: Kind, since: dt.date, until: dt.date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The bars between two dates at the exchange, and earlier rows of repeated keys.

    Raises:
        InvalidChart: when the result has another form.
    """
    try:
        frame = _all_bars(result, kind)
    except MALFORMED as error:
        raise InvalidChart(f"{type(error).__name__}: {error}") from error
    wanted = frame.filter(pl.col("date").is_between(since, until))
    if kind == "hourly":
        wanted = wanted.drop("date")
    return keep_last(wanted.with_row_index("line", 1).cast({"line": pl.Int64}), KEY_COLUMNS[kind])


def _all_bars(result: dict[str, Any], kind: Kind) -> pl.DataFrame:
    stamps = result.get("timestamp") or []
    columns = _columns(result["indicators"], kind, len(stamps))
    seconds = pl.Series("ts", [int(stamp) for stamp in stamps], pl.Int64)
    ts = (seconds * 1_000_000).cast(UTC)
    local = ts.dt.convert_time_zone(result["meta"]["exchangeTimezoneName"])
    keys = {"date": local.dt.date()} | ({"ts": ts} if kind == "hourly" else {})
    return pl.DataFrame(keys | columns)


def _columns(indicators: dict[str, Any], kind: Kind, count: int) -> dict[str, pl.Series]:
    quote = indicators["quote"][0]
    columns = {name: _numbers(quote.get(name), count) for name in OHLCV}
    if kind == "daily":
        adjusted = (indicators.get("adjclose") or [{}])[0]
        columns["adj_close"] = _numbers(adjusted.get("adjclose"), count)
    return columns


def _numbers(values: list[Any] | None, count: int) -> pl.Series:
    if not values or count == 0:  # a result without timestamps still has arrays of one null
        return pl.Series([None] * count, dtype=pl.Float64)
    if len(values) != count:
        raise ValueError(f"{len(values)} values for {count} timestamps")
    return pl.Series([_number(value) for value in values], dtype=pl.Float64)


def _number(value: Any) -> float | None:
    number = math.nan if value is None else float(value)
    return number if math.isfinite(number) else None


def actions(result: dict[str, Any], since: dt.date, until: dt.date) -> pl.DataFrame:
    """Splits (``ratio``: shares after / before) and dividends (``amount`` per share), by date.

    Raises:
        InvalidChart: when the result has another form.
    """
    try:
        zone = result["meta"]["exchangeTimezoneName"]
        events = result.get("events") or {}
        rows = [
            (event["date"], "split", event["numerator"] / event["denominator"], None)
            for event in (events.get("splits") or {}).values()
        ] + [
            (event["date"], "dividend", None, event["amount"])
            for event in (events.get("dividends") or {}).values()
        ]
        frame = pl.DataFrame(rows, schema={**ACTIONS, "date": pl.Int64}, orient="row")
        stamps = (pl.col("date") * 1_000_000).cast(UTC)
        dated = frame.with_columns(date=stamps.dt.convert_time_zone(zone).dt.date())
    except MALFORMED as error:
        raise InvalidChart(f"{type(error).__name__}: {error}") from error
    return dated.filter(pl.col("date").is_between(since, until)).sort("date", "kind")
