"""The first page: what is forecast for today, what needs a look, and whether everything works."""

from __future__ import annotations

import datetime as dt

import streamlit as st

from src.core.tables import HORIZONS
from src.dashboard import banner, evidence, frame
from src.dashboard.forecasts import forecasts
from src.dashboard.parts import horizon as horizons
from src.dashboard.parts.home import attention, rows, status, summary, table, today


def page() -> None:
    """Draw the page."""
    ticker = frame.stock()
    if ticker is None:
        st.header("No forecast is stored yet", anchor=False)
        frame.first_run()
        _beside()
        return
    stocks = {horizon: rows.all_stocks(horizon) for horizon in HORIZONS}
    pool = next(stored.pool for stored in frame.stored() if stored.ticker == ticker)
    _answer(stocks, pool, ticker)
    chosen = forecasts([ticker])
    with frame.block("The forecasts of the chosen stock"):
        today.today(ticker, chosen)
    with frame.block("The overview"):
        summary.metrics(stocks, pool, ticker)
    with frame.block("The table of all stocks"):
        _all_stocks(stocks)
    with frame.block("The system's status"):
        status.system_status()
    _beside(summary.news_since(ticker), chosen.problem)


def _answer(stocks: dict[str, rows.AllStocks], pool: str, ticker: str) -> None:
    """The sentence that sums the page up, and what it rests on; of real prices if there are any."""
    stored = frame.stored()
    pools = {each.pool for each in banner.real(stored) or stored}
    counts = summary.verdicts(stocks, pools)
    st.header(summary.headline(counts), anchor=False)
    with frame.block("What the verdicts rest on"):
        held = evidence.held(pool, "short", rows.LEVEL, ticker)
        st.markdown(summary.paragraph(counts, summary.trainings(pools), held))
    st.markdown(table.needs_sentence(list(stocks.values())))


def _all_stocks(stocks: dict[str, rows.AllStocks]) -> None:
    """The table, at the horizon that was chosen."""
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"
    ):
        st.subheader("All stocks", anchor=False)
        chosen = horizons.choose()
    table.table(stocks[chosen])


def _beside(since: dt.date | None = None, problem: str = "") -> None:
    left, right = st.columns(2, gap="large")
    with left, frame.block("What needs attention"):
        attention.needs_attention(since)
    with right, frame.block("The last run"):
        status.last_run()
        status.links(problem)


if __name__ == "__main__":
    page()
