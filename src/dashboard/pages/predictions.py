"""The page Predictions: what could happen to a stock, how sure that is, and compared with what."""

from __future__ import annotations

import streamlit as st

from src.dashboard import frame
from src.dashboard.parts.predictions import comparison, horizon
from src.dashboard.parts.predictions.stock_forecasts import stock_forecasts

SHORT, LONG, BOTH = "Short-term", "Long-term", "Comparison"


def page() -> None:
    """Draw the page; tabs that are closed are not computed."""
    ticker = frame.stock()
    if ticker is None:
        st.header("No stock is stored yet, so nothing is forecast", anchor=False)
        frame.first_run()
        return
    short, long, both = st.tabs([SHORT, LONG, BOTH], key="h", bind="query-params")
    with frame.block("The forecasts"):
        found = stock_forecasts(ticker)
        if short.open:
            with short:
                horizon.draw(ticker, found, "short")
        if long.open:
            with long:
                horizon.draw(ticker, found, "long")
        if both.open:
            with both:
                comparison.draw(ticker, found)


if __name__ == "__main__":
    page()
