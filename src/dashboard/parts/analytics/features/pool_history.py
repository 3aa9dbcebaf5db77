"""Compute the history of an input that compares a stock with its pool; it is stored nowhere."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import polars as pl
import streamlit as st

from src.core.arrays import Singles
from src.core.calendars.exchanges import calendar_of, exchange_of
from src.dashboard import readers
from src.db.pages import analytics
from src.features import catalogue
from src.features.market import ModelFeature, build_pool
from src.modeling.panel.assemble import assemble
from src.modeling.panel.panel import BAR_COLUMNS

# Sessions that are shown, a year; and how far back what decays is followed.
SHOWN, DECAY = 252, 260
RANK = "rank_"


@st.cache_data(max_entries=40, show_spinner="Comparing the stocks of the pool …")
def pool_history(
    ticker: str, pool: str, name: str, newest: dt.date, version: int
) -> tuple[Sequence[dt.date], Singles]:
    """Sessions and values of an input up to the newest session, at most a year.

    Args:
        ticker: The stock.
        pool: Its pool.
        name: One of ``catalogue.model_features``.
        newest: The stock's newest session.
        version: Of the stored data.
    """
    features = {feature.name: feature for feature in catalogue.model_features()}
    feature, stored = features[name], [f.name for f in catalogue.time_series_features()]
    base = name.removeprefix(RANK)
    place = stored.index(base) + 1 if base in stored else 0
    calendar = calendar_of(exchange_of(ticker))
    end = int(calendar.array.searchsorted(np.datetime64(newest, "D"), side="right"))
    since = calendar.array[max(end - SHOWN - _rows(feature, place), 0)].item()
    rows = readers.uncached(analytics.pool_bars, pool, since, place)
    names = ["ticker", "date", *BAR_COLUMNS, "value"]
    bars = pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)
    inputs = [bars["value"].reshape((-1, 1)).arr.to_list()] if place else []
    panel = assemble(bars, [base] if place else [], inputs, {}, calendar)
    matrix = build_pool(panel.close, panel.log_returns, panel.complete, panel.inputs).matrix(
        feature
    )
    values = matrix[:, panel.tickers.index(ticker)][-SHOWN:]
    return panel.sessions[-SHOWN:].tolist(), values.copy()


def _rows(feature: ModelFeature, place: int) -> int:
    """Sessions before the first that its value needs; of a stored value only its neighbours."""
    return 10 if place else feature.lookback + DECAY
