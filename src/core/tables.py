"""The tables that stages meet in: each declared once, with key, columns and units.

Column types are PostgreSQL's. Prices are in the currency of the instrument, volumes in shares,
returns simple and never percent; ``date`` is the exchange's session date, ``ts`` a UTC instant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A table by name.

    ``open_ended`` tables take further ``double precision`` columns by name (features differ
    from one configuration to the next).
    """

    name: str
    key: tuple[str, ...]
    columns: Mapping[str, str]
    open_ended: bool = False


FLOAT, TEXT, DATE, TIME, BOOL, INT = (
    "double precision",
    "text",
    "date",
    "timestamp with time zone",
    "boolean",
    "bigint",
)

BARS = {
    "open": FLOAT,
    "high": FLOAT,
    "low": FLOAT,
    "close": FLOAT,
    "volume": FLOAT,
}

RAW_DAILY = Table(
    "raw_daily_prices",
    key=("ticker", "date", "source"),
    columns={
        "ticker": TEXT,
        "date": DATE,
        "source": TEXT,
        **BARS,
        "adj_close": FLOAT,
        "batch_id": INT,
        "first_seen": TIME,
    },
)
RAW_HOURLY = Table(
    "raw_hourly_prices",
    key=("ticker", "ts", "source"),
    columns={
        "ticker": TEXT,
        "ts": TIME,
        "source": TEXT,
        **BARS,
        "batch_id": INT,
        "first_seen": TIME,
    },
)
CLEAN_DAILY = Table(
    "raw_daily_prices_clean",
    key=("ticker", "date"),
    columns={
        "ticker": TEXT,
        "date": DATE,
        **BARS,
        "adj_close": FLOAT,
        "source": TEXT,
        "return_basis": TEXT,
        "action_pending": BOOL,
        "repaired_by": TEXT,
    },
)
CLEAN_HOURLY = Table(
    "raw_hourly_prices_clean",
    key=("ticker", "ts"),
    columns={"ticker": TEXT, "ts": TIME, **BARS, "source": TEXT, "repaired_by": TEXT},
)
FEATURES_DAILY = Table(
    "features_daily",
    key=("ticker", "date"),
    columns={
        "ticker": TEXT,
        "date": DATE,
        "close": FLOAT,
        "warm_up": BOOL,
        "features_version": TEXT,
    },
    open_ended=True,
)
_DATASET = {
    "ticker": TEXT,
    "date": DATE,
    "label_end": DATE,
    "target": FLOAT,
    "features_version": TEXT,
}
DATASET_SHORT = Table(
    "dataset_short", key=("ticker", "date"), columns=_DATASET, open_ended=True
)
DATASET_LONG = Table("dataset_long", key=("ticker", "date"), columns=_DATASET, open_ended=True)
