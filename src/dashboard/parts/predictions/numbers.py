"""Show the ranges of a forecast as a table, and give them as a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
import streamlit as st

from src.dashboard import wording
from src.dashboard.charts.forecasts.bands import Bands
from src.dashboard.parts.predictions.stock_forecasts import StockForecast
from src.dashboard.spreadsheets import csv_file


def draw(forecast: StockForecast, *, indian: bool) -> None:
    """Every range with its share, and the baseline's beside it; the same as a file."""
    answer, bands = forecast.answer, forecast.returns
    if bands is None:
        return
    rows = range_rows(answer, bands, forecast.baseline)
    name = f"{answer['ticker']}_{forecast.horizon}_{answer['feature_date']}"
    with st.expander("Numbers and download", icon=":material/table:", expanded=True):
        st.table(
            [_written(row, indian=indian) for row in rows],
            border="horizontal",
            alt=f"Ranges of the price of {answer['ticker']}, of the forecast and of no change",
        )
        st.download_button(
            "Download as CSV",
            data=lambda: csv_file(pl.DataFrame(rows)),
            file_name=f"{name}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            key=f"csv_{forecast.horizon}",
        )


def range_rows(
    answer: Mapping[str, Any], bands: Bands, baseline: Bands | None
) -> list[dict[str, Any]]:
    """A row for each range: its share, prices, returns, and the prices of no change."""
    close = answer["last_close"]
    rows = []
    for share, (low, high) in sorted(bands.ends.items()):
        row = {
            "ticker": answer["ticker"],
            "made_from": answer["feature_date"],
            "about": answer["predict_date"],
            "share": share,
            "low_close": close * (1 + low),
            "high_close": close * (1 + high),
            "low_return": low,
            "high_return": high,
        }
        if baseline is not None:
            ends = baseline.times(close).ends[share]
            row |= {"baseline_low_close": ends[0], "baseline_high_close": ends[1]}
        rows.append(row)
    return rows


def _written(row: Mapping[str, Any], *, indian: bool) -> dict[str, str]:
    """A row as it is read on the page."""
    price = {
        name: wording.price_range(row[f"{side}low_close"], row[f"{side}high_close"], indian=indian)
        for name, side in (("Price", ""), ("Baseline “no change”", "baseline_"))
        if f"{side}low_close" in row
    }
    low, high = (wording.percent(row[f"{end}_return"], signed=True) for end in ("low", "high"))
    return {
        "Should hold": f"{wording.of_ten(row['share'])} outcomes",
        "Price": price.pop("Price"),
        "Return": f"{low} to {high}",
        **price,
    }
