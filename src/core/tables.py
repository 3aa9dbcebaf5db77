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


FLOAT, FLOATS, REALS, TEXT, TEXTS, DATE, TIME, BOOL, INT, JSON, BYTES = (
    "double precision",
    "double precision[]",
    "real[]",
    "text",
    "text[]",
    "date",
    "timestamp with time zone",
    "boolean",
    "bigint",
    "jsonb",
    "bytea",
)

OHLC = ("open", "high", "low", "close")
OHLCV = (*OHLC, "volume")
# Of a daily bar: also the close adjusted for dividends.
DAILY_PRICES = (*OHLC, "adj_close")
DAILY_VALUES = (*OHLCV, "adj_close")

BARS = dict.fromkeys(OHLCV, FLOAT)

# ``face_value`` is in the currency of the instrument; ``source`` is the file that stated it.
_INSTRUMENT = {
    "ticker": TEXT,
    "name": TEXT,
    "listed_on": DATE,
    "isin": TEXT,
    "face_value": FLOAT,
    "series": TEXT,
    "source": TEXT,
    "stated_at": TIME,
}
INSTRUMENTS = Table(
    "instruments",
    key=("ticker",),
    columns=_INSTRUMENT,
)
# What was stated of each instrument, whenever it was new.
INSTRUMENT_HISTORY = Table("instrument_history", key=("ticker", "stated_at"), columns=_INSTRUMENT)
# ``date`` is the first day under the new symbol; the newest statement of a ticker and date counts.
SYMBOL_CHANGES = Table(
    "symbol_changes",
    key=("ticker", "date", "stated_at"),
    columns={
        "ticker": TEXT,
        "date": DATE,
        "new_ticker": TEXT,
        "is_undone": BOOL,
        "source": TEXT,
        "stated_at": TIME,
    },
)
# ``date`` is the first day of the state; the newest statement of a ticker counts.
INSTRUMENT_STATES = Table(
    "instrument_states",
    key=("ticker", "stated_at"),
    columns={
        "ticker": TEXT,
        "state": TEXT,
        "date": DATE,
        "reason": TEXT,
        "stated_by": TEXT,
        "stated_at": TIME,
    },
)
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
INGEST_BATCHES = Table(
    "ingest_batches",
    key=("batch_id",),
    columns={
        "batch_id": INT,
        "ticker": TEXT,
        "kind": TEXT,
        "source": TEXT,
        "layout": TEXT,
        "price_basis": TEXT,
        "content_hash": TEXT,
        "fetched_at": TIME,
        "fetched_at_stated": BOOL,
        "origin": TEXT,
        "rows_delivered": INT,
        "rows_rejected": INT,
        "notes": TEXT,
        "file_hash": TEXT,
        "file_parts": INT,
    },
)
BATCH_CONTENTS = Table(
    "batch_contents",
    key=("ticker", "batch_id"),
    columns={
        "ticker": TEXT,
        "batch_id": INT,
        "kind": TEXT,
        "source": TEXT,
        "content": BYTES,
        "actions": BYTES,
    },
)
# The files that merged deliveries consist of, which have the bundle's hash as ``file_hash``; the
# rows of each of them are those with a ``line`` after its ``first_line``.
BUNDLE_FILES = Table(
    "bundle_files",
    key=("bundle_hash", "first_line"),
    columns={"bundle_hash": TEXT, "first_line": INT, "file_hash": TEXT, "name": TEXT},
)
# The last batch that had all rows of its series stored by then, unchanged: those of earlier
# batches count as its own (see ``src.data.history.raw_rows``).
CONFIRMED_SERIES = Table(
    "confirmed_series",
    key=("ticker", "kind", "source"),
    columns={"ticker": TEXT, "kind": TEXT, "source": TEXT, "batch_id": INT},
)
# Of each series in the raw tables its rows, and the sum of their times and values.
RAW_SERIES = Table(
    "raw_series",
    key=("ticker", "kind", "source"),
    columns={"ticker": TEXT, "kind": TEXT, "source": TEXT, "rows": INT, "row_sum": TEXT},
)
# Batches that a person has taken out: they stay in the archive, and count no longer.
BATCH_WITHDRAWALS = Table(
    "batch_withdrawals",
    key=("batch_id",),
    columns={"batch_id": INT, "ticker": TEXT, "withdrawn_at": TIME},
)
PRICE_REVISIONS = Table(
    "price_revisions",
    key=("ticker", "kind", "at", "source", "field", "known_at", "batch_id"),
    columns={
        "ticker": TEXT,
        "kind": TEXT,
        "at": TIME,
        "source": TEXT,
        "field": TEXT,
        "batch_id": INT,
        "previous_batch_id": INT,
        "old_value": FLOAT,
        "new_value": FLOAT,
        "known_at": TIME,
        "noise": BOOL,
    },
)
QUARANTINE = Table(
    "quarantine",
    key=("ticker", "stage", "kind", "batch_id", "at", "line", "rule"),
    columns={
        "ticker": TEXT,
        "stage": TEXT,
        "kind": TEXT,
        "source": TEXT,
        "at": TEXT,
        "line": INT,
        "rule": TEXT,
        "reason": TEXT,
        "action": TEXT,
        "row": JSON,
        "batch_id": INT,
    },
)
_ACTION = {
    "ticker": TEXT,
    "date": DATE,
    "kind": TEXT,
    "source": TEXT,
    "origin": TEXT,
    "ratio": FLOAT,
    "amount": FLOAT,
    "status": TEXT,
    "decided_by": TEXT,
    "evidence": JSON,
    "known_at": TIME,
}
CORPORATE_ACTIONS = Table(
    "corporate_actions", key=("ticker", "date", "kind", "source", "origin"), columns=_ACTION
)
ACTION_HISTORY = Table(
    "corporate_action_history",
    key=(*CORPORATE_ACTIONS.key, "changed_at"),
    columns={**_ACTION, "changed_at": TIME},
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
# What each ticker's clean daily prices are, and of which raw rows and of what else they were made;
# ``basis`` is empty where newer rows cannot just be added (see ``src.data.cleaning.series.state``).
CLEAN_SERIES = Table(
    "clean_series",
    key=("ticker",),
    columns={
        "ticker": TEXT,
        "rows": INT,
        "first_session": DATE,
        "newest_session": DATE,
        "first_volume": FLOAT,
        "row_sum": TEXT,
        "source": TEXT,
        "raw_rows": INT,
        "raw_sum": TEXT,
        "raw_newest": DATE,
        "anchor": DATE,
        "basis": TEXT,
    },
)
# Of a clean daily price what features and labels are made of.
SUMMED = ("date", *DAILY_VALUES, "source", "return_basis", "action_pending")
FEATURES_DAILY = Table(
    "features_daily",
    key=("ticker", "date"),
    columns={
        "ticker": TEXT,
        "date": DATE,
        "close": FLOAT,
        "adj_close": FLOAT,
        "log_return": FLOAT,
        "variance": FLOAT,
        "action_pending": BOOL,
        "warm_up": BOOL,
        "source": TEXT,
        "return_basis": TEXT,
        "features_version": TEXT,
        "inputs": REALS,
    },
    open_ended=True,
)
# The names of the elements of ``features_daily.inputs``, in their order.
FEATURE_SETS = Table(
    "feature_sets",
    key=("features_version",),
    columns={"features_version": TEXT, "names": TEXTS},
)
# The pool of each ticker with features, facts of its newest bar, and a hash of its rows of
# features and labels.
POOL_MEMBERS = Table(
    "pool_members",
    key=("ticker",),
    columns={
        "ticker": TEXT,
        "pool": TEXT,
        "newest_session": DATE,
        "last_close": FLOAT,
        "source": TEXT,
        "return_basis": TEXT,
        "features_version": TEXT,
        "horizons": TEXT,
        "data_hash": TEXT,
    },
)
# How many rows of features and of labels (by horizon) each ticker has, and what they lack.
FEATURE_SERIES = Table(
    "feature_series",
    key=("ticker",),
    columns={
        "ticker": TEXT,
        "data_hash": TEXT,
        "columns": TEXT,
        "rows": INT,
        "usable": INT,
        "lacking": INT,
        "not_finite": INT,
        "short": INT,
        "long": INT,
        "changes": INT,
    },
)
# What each ticker's clean prices and features were last made of, to see what has changed.
PREPARED_TICKERS = Table(
    "prepared_tickers", key=("ticker",), columns={"ticker": TEXT, "fingerprint": TEXT}
)
_DATASET = {
    "ticker": TEXT,
    "date": DATE,
    "label_end": DATE,
    "target": FLOAT,
    "warm_up": BOOL,
    "source": TEXT,
    "features_version": TEXT,
}
DATASET_SHORT = Table("dataset_short", key=("ticker", "date"), columns=_DATASET, open_ended=True)
DATASET_LONG = Table("dataset_long", key=("ticker", "date"), columns=_DATASET, open_ended=True)
# The two horizons by name, each with the table of its training rows.
DATASETS: Mapping[str, Table] = {"short": DATASET_SHORT, "long": DATASET_LONG}
HORIZONS = tuple(DATASETS)
MODEL_EVENTS = Table(
    "model_events",
    key=("event_id",),
    columns={
        "event_id": INT,
        "kind": TEXT,
        "pool": TEXT,
        "ticker": TEXT,
        "horizon": TEXT,
        "digest": TEXT,
        "made_live": BOOL,
        "served": TEXT,
        "verdict": TEXT,
        "reason": TEXT,
        "evidence": JSON,
        "by_whom": TEXT,
        "at": TIME,
        "version_tag": TEXT,
    },
)
_FORECAST = {
    "ticker": TEXT,
    "horizon": TEXT,
    "feature_date": DATE,
    "version": TEXT,
    "data_hash": TEXT,
    "kind": TEXT,
}
PREDICTIONS = Table(
    "predictions",
    key=tuple(_FORECAST),
    columns={
        **_FORECAST,
        "sessions": INT,
        "target_date": DATE,
        "target_date_estimated": BOOL,
        "last_close": FLOAT,
        "model": TEXT,
        "verdict": TEXT,
        "point": FLOAT,
        "baseline": TEXT,
        "baseline_point": FLOAT,
        "candidate": TEXT,
        "candidate_point": FLOAT,
        "levels": FLOATS,
        "quantiles": FLOATS,
        "prob_up": FLOAT,
        "sigma": FLOAT,
        "data_source": TEXT,
        "return_basis": TEXT,
        "made_at": TIME,
    },
)
SERVING_INPUTS = Table(
    "serving_inputs",
    key=("ticker", "horizon"),
    columns={
        "ticker": TEXT,
        "horizon": TEXT,
        "pool": TEXT,
        "feature_date": DATE,
        "features_version": TEXT,
        "last_close": FLOAT,
        "inputs": JSON,
        "levels": FLOATS,
        "quantiles": FLOATS,
        "sigma": FLOAT,
        "metrics": JSON,
        "note": TEXT,
        "data_source": TEXT,
        "return_basis": TEXT,
        "data_hash": TEXT,
        "written_at": TIME,
    },
)
# What a model needs besides a ticker's own inputs, the same for its whole pool at one session.
POOL_INPUTS = Table(
    "pool_inputs",
    key=("pool", "horizon", "digest"),
    columns={
        "pool": TEXT,
        "horizon": TEXT,
        "digest": TEXT,
        "session": DATE,
        "inputs": JSON,
        "written_at": TIME,
    },
)
PREDICTION_OUTCOMES = Table(
    "prediction_outcomes",
    key=(*_FORECAST, "matured_at"),
    columns={
        **_FORECAST,
        "matured_at": TIME,
        "label_end": DATE,
        "realised_return": FLOAT,
        "return_basis": TEXT,
        "note": TEXT,
    },
)
TRIALS = Table(
    "trials",
    key=("hash",),
    columns={
        "hash": TEXT,
        "pool": TEXT,
        "horizon": TEXT,
        "sessions": INT,
        "challenger": TEXT,
        "settings": JSON,
        "reference": TEXT,
        "tickers": TEXTS,
        "loss": TEXT,
        "smallest_effect": FLOAT,
        "look_every": INT,
        "max_sessions": INT,
        "promotes": BOOL,
        "author": TEXT,
        "reason": TEXT,
        "registered_at": TIME,
        "configurations": INT,
    },
)
TRIAL_EVENTS = Table(
    "trial_events",
    key=("event_id",),
    columns={
        "event_id": INT,
        "hash": TEXT,
        "at": TIME,
        "kind": TEXT,
        "session": DATE,
        "author": TEXT,
        "reason": TEXT,
        "evidence": JSON,
    },
)
SHADOW_MODELS = Table(
    "shadow_models",
    key=("shadow_id",),
    columns={
        "shadow_id": INT,
        "hash": TEXT,
        "digest": TEXT,
        "session": DATE,
        "at": TIME,
    },
)
