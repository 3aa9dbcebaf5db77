"""One result of Yahoo's v8 chart answer in; bars and corporate actions out, nothing repaired.

The answer is read here and not by ``yfinance.Ticker.history``, which drops repeated days, merges
the live quote into the last bar and fills missing volumes before anyone could see them.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any

import polars as pl

from src.data.sources.duplicates import PRICES, keep_last, key_of

if TYPE_CHECKING:
    from src.data.sources.delivery import Kind

UTC_STAMP = pl.Datetime("us", "UTC")
ACTIONS = {"date": pl.Date, "kind": pl.String, "ratio": pl.Float64, "amount": pl.Float64}


class UnreadableAnswer(ValueError):
    """The answer is JSON, but not a chart."""


def bars(
    result: dict[str, Any], kind: Kind, since: dt.date, until: dt.date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The bars between two dates of the exchange's own calendar, and the repeated ones apart."""
    try:
        frame = _as_delivered(result, kind)
    except (LookupError, TypeError, ValueError, AttributeError, pl.exceptions.PolarsError) as error:
        raise UnreadableAnswer(f"{type(error).__name__}: {error}") from error
    asked = frame.filter(pl.col("date").is_between(since, until))
    if kind == "hourly":
        asked = asked.drop("date")
    return keep_last(asked.with_row_index("line", 1).cast({"line": pl.Int64}), key_of(kind))


def _as_delivered(result: dict[str, Any], kind: Kind) -> pl.DataFrame:
    stamps = result.get("timestamp") or []
    columns = _columns(result["indicators"], kind, len(stamps))
    seconds = pl.Series("ts", [int(stamp) for stamp in stamps], pl.Int64)
    ts = (seconds * 1_000_000).cast(UTC_STAMP)
    local = ts.dt.convert_time_zone(result["meta"]["exchangeTimezoneName"])
    keys = {"date": local.dt.date()} | ({"ts": ts} if kind == "hourly" else {})
    return pl.DataFrame(keys | columns)


def _columns(indicators: dict[str, Any], kind: Kind, count: int) -> dict[str, pl.Series]:
    quote = indicators["quote"][0]
    columns = {name: _numbers(quote.get(name), count) for name in PRICES}
    if kind == "daily":
        adjusted = (indicators.get("adjclose") or [{}])[0]
        columns["adj_close"] = _numbers(adjusted.get("adjclose"), count)
    return columns


def _numbers(values: list[Any] | None, count: int) -> pl.Series:
    if not values or count == 0:  # an answer without timestamps still carries arrays of one null
        return pl.Series([None] * count, dtype=pl.Float64)
    if len(values) != count:
        raise ValueError(f"{len(values)} values for {count} timestamps")
    return pl.Series([_number(value) for value in values], dtype=pl.Float64)


def _number(value: Any) -> float | None:
    number = math.nan if value is None else float(value)
    return number if math.isfinite(number) else None


def actions(result: dict[str, Any], since: dt.date, until: dt.date) -> pl.DataFrame:
    """Splits (``ratio``: shares after / before) and dividends (``amount`` per share), by date."""
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
        stamps = (pl.col("date") * 1_000_000).cast(UTC_STAMP)
        dated = frame.with_columns(date=stamps.dt.convert_time_zone(zone).dt.date())
    except (
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        ArithmeticError,
        pl.exceptions.PolarsError,
    ) as error:
        raise UnreadableAnswer(f"{type(error).__name__}: {error}") from error
    return dated.filter(pl.col("date").is_between(since, until)).sort("date", "kind")
