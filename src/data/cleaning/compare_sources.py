"""Compare two sources' bars of one ticker, and list the days on which they differ."""

from __future__ import annotations

import numpy as np
import polars as pl

from src.core.tables import OHLC, OHLCV

# Relative: more than rounding, less than any event.
TOLERANCE = 1e-3
SCHEMA = pl.Schema(
    {
        "ticker": pl.String(),
        "date": pl.Date(),
        "source": pl.String(),
        "other": pl.String(),
        "compared": pl.String(),
        "field": pl.String(),
        "value": pl.Float64(),
        "other_value": pl.Float64(),
        "relative": pl.Float64(),
    }
)


def find_differences(bars: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Fields that differ by more than ``TOLERANCE`` on common days.

    Prices are compared as they are when both are on one basis and level, else by returns: each
    price over the close of the common day before, volumes after the usual ratio of the two.

    Both are split-adjusted bars in date order: ``ticker, date, source, price_basis`` and OHLCV.

    Returns:
        One row per day and field with ``SCHEMA``'s columns; ``compared`` is ``prices`` or
        ``returns``, ``value`` and ``other_value`` are what was compared, ``relative`` is
        other_value / value - 1 (null where value is zero).
    """
    if bars.is_empty() or others.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    both = bars.select("ticker", "date", "source", *OHLCV).join(
        others.select("date", *OHLCV, other="source"),
        on="date",
        suffix="_other",
        maintain_order="left",
    )
    if both.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    compared = _comparable(bars, others, both)
    if compared == "returns":
        both = _as_returns(both)
    parts = [_differing(both, field, compared) for field in OHLCV]
    return pl.concat(parts).sort("date", "field").cast(SCHEMA).select(list(SCHEMA))


def _comparable(bars: pl.DataFrame, others: pl.DataFrame, both: pl.DataFrame) -> str:
    """``prices`` where both are on one basis and level, else ``returns``."""
    totals = {frame["price_basis"][0] == "total" for frame in (bars, others)}
    ratio = (both["close_other"] / both["close"]).to_numpy()
    median_difference = float(np.median(np.abs(ratio - 1)))
    return "prices" if len(totals) == 1 and median_difference <= TOLERANCE else "returns"


def _as_returns(both: pl.DataFrame) -> pl.DataFrame:
    usual_ratio = (pl.col("volume_other") / pl.col("volume")).median()
    return both.with_columns(
        *(
            (pl.col(f"{name}{suffix}") / pl.col(f"close{suffix}").shift(1)).alias(f"{name}{suffix}")
            for name in OHLC
            for suffix in ("", "_other")
        ),
        volume_other=pl.col("volume_other") / usual_ratio,
    ).slice(1)


def _differing(both: pl.DataFrame, field: str, compared: str) -> pl.DataFrame:
    value, other_value = pl.col(field), pl.col(f"{field}_other")
    relative = pl.when(value != 0).then(other_value / value - 1)
    differs = (relative.abs() > TOLERANCE).fill_null((value == 0) & (other_value != 0))
    return both.filter(differs).select(
        "ticker",
        "date",
        "source",
        "other",
        compared=pl.lit(compared),
        field=pl.lit(field),
        value=value,
        other_value=other_value,
        relative=relative,
    )
