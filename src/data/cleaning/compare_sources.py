"""Two sources' bars of one ticker in, the days on which they differ out; pure."""

from __future__ import annotations

import numpy as np
import polars as pl

# A tenth of a percent: more than rounding, less than any event.
TOLERANCE = 1e-3
FIELDS = ("open", "high", "low", "close", "volume")
SCHEMA = pl.Schema(
    {
        "ticker": pl.String(),
        "date": pl.Date(),
        "source": pl.String(),
        "other": pl.String(),
        "compared": pl.String(),
        "field": pl.String(),
        "ours": pl.Float64(),
        "theirs": pl.Float64(),
        "relative": pl.Float64(),
    }
)


def differences(ours: pl.DataFrame, theirs: pl.DataFrame) -> pl.DataFrame:
    """Fields that differ by more than ``TOLERANCE`` on common days.

    Prices are compared as they stand when both stand on one basis and level, else by returns:
    each price over the close of the common day before, volumes after the usual ratio of the two.

    Args:
        ours: split-adjusted bars in date order: ``ticker, date, source, price_basis`` and FIELDS.
        theirs: the same of another source.

    Returns:
        One row per day and field with ``SCHEMA``'s columns; ``compared`` is ``prices`` or
        ``returns``, ``ours`` and ``theirs`` are what was compared, ``relative`` is
        theirs / ours - 1 (null where ours is zero).
    """
    if ours.is_empty() or theirs.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    both = ours.select("ticker", "date", "source", *FIELDS).join(
        theirs.select("date", *FIELDS, other="source"),
        on="date",
        suffix="_theirs",
        maintain_order="left",
    )
    if both.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    compared = _compared(ours, theirs, both)
    if compared == "returns":
        both = _as_returns(both)
    parts = [_differing(both, field, compared) for field in FIELDS]
    return pl.concat(parts).sort("date", "field").cast(SCHEMA).select(list(SCHEMA))


def _compared(ours: pl.DataFrame, theirs: pl.DataFrame, both: pl.DataFrame) -> str:
    """``prices`` where both stand on one basis and level."""
    totals = {frame["price_basis"][0] == "total" for frame in (ours, theirs)}
    ratio = (both["close_theirs"] / both["close"]).to_numpy()
    off = float(np.median(np.abs(ratio - 1)))
    return "prices" if len(totals) == 1 and off <= TOLERANCE else "returns"


def _as_returns(both: pl.DataFrame) -> pl.DataFrame:
    prices = [name for name in FIELDS if name != "volume"]
    usual = (pl.col("volume_theirs") / pl.col("volume")).median()
    return both.with_columns(
        *(
            (pl.col(f"{name}{side}") / pl.col(f"close{side}").shift(1)).alias(f"{name}{side}")
            for name in prices
            for side in ("", "_theirs")
        ),
        volume_theirs=pl.col("volume_theirs") / usual,
    ).slice(1)


def _differing(both: pl.DataFrame, field: str, compared: str) -> pl.DataFrame:
    ours, theirs = pl.col(field), pl.col(f"{field}_theirs")
    relative = pl.when(ours != 0).then(theirs / ours - 1)
    differs = (relative.abs() > TOLERANCE).fill_null((ours == 0) & (theirs != 0))
    return both.filter(differs).select(
        "ticker",
        "date",
        "source",
        "other",
        compared=pl.lit(compared),
        field=pl.lit(field),
        ours=ours,
        theirs=theirs,
        relative=relative,
    )
