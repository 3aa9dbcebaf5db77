"""Rows of the clean table and the quarantine as the report reads them, small enough to count."""

from __future__ import annotations

import datetime as dt
import json

import polars as pl

from src.core.tables import DAILY_VALUES

# The week of Holi 2024: Monday 25 March was a holiday, Friday 29 March was Good Friday.
TUESDAY, WEDNESDAY, THURSDAY = (dt.date(2024, 3, day) for day in (26, 27, 28))
MONDAY, AFTER = dt.date(2024, 4, 1), dt.date(2024, 4, 2)


def clean(*days, repaired=(), pending=()):
    return pl.DataFrame(
        {
            "date": pl.Series(days, dtype=pl.Date),
            **{name: pl.Series([100.0] * len(days), dtype=pl.Float64) for name in DAILY_VALUES},
            "source": pl.Series(["yahoo"] * len(days), dtype=pl.String),
            "action_pending": pl.Series([day in pending for day in days], dtype=pl.Boolean),
            "repaired_by": pl.Series(
                ["hourly" if day in repaired else None for day in days], dtype=pl.String
            ),
        }
    )


def quarantine(*rows):
    """Rows of (stage, kind, at, rule, action)."""
    schema = {name: pl.String() for name in ("stage", "kind", "at", "rule", "action")}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.with_columns(
        source=pl.lit("yahoo"),
        reason=pl.lit("because"),
        row=pl.lit(json.dumps({"at": "x", "close": 7.5, "volume": None})),
        batch_id=pl.lit(1, dtype=pl.Int64),
    )


def refused(at, rule, kind="daily", stage="data_cleaning"):
    return (stage, kind, at, rule, "rejected")
