"""What was forecast for a stock and what came true."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import partial

import numpy as np
import polars as pl
import streamlit as st

from src.core.calendars.exchanges import calendar_of, exchange_of
from src.dashboard import theme, wording
from src.dashboard.charts.analytics.history import PastForecasts, actual_and_predicted
from src.dashboard.charts.marks import legend, within
from src.dashboard.judged import Judged
from src.dashboard.parts.analytics import evidence
from src.dashboard.parts.analytics.choices import choice
from src.dashboard.parts.analytics.marks import marks_of
from src.dashboard.spreadsheets import csv_file
from src.modeling.intervals.quantiles import INTERVALS
from src.modeling.report.statistics.performance import Evidence

SOURCES = (evidence.REALISED, evidence.WALK_FORWARD)
BANDS = {f"{100 * share:.0f} %": share for share in INTERVALS}
USUAL = "80 %"


def draw(ticker: str, judged: Judged) -> None:
    """The tab."""
    with st.container(horizontal=True, gap="medium"):
        source = choice("Forecasts", SOURCES, "forecasts", help=evidence.EXPLAINED)
        share = BANDS[choice("Band", list(BANDS), "band", USUAL)]
    found = evidence.history(judged, source, ticker, evidence.stamp(source))
    past = past_forecasts(found, ticker, share)
    if not past.days:
        st.info(
            f"No such forecast of {ticker} {wording.ahead(judged.sessions)} ahead has an outcome "
            f"yet. “{evidence.WALK_FORWARD}” shows what the model would have said so far.",
            icon=":material/hourglass_empty:",
        )
        return
    st.subheader(misses_sentence(past, share), anchor=False)
    st.markdown(_explained(judged, source))
    _chart(ticker, judged, past.latest(), share)
    _table(past, ticker, judged)


def past_forecasts(found: Evidence, ticker: str, share: float) -> PastForecasts:
    """The forecasts of one stock that have an outcome, by the session that they were about."""
    if ticker not in found.tickers:
        empty = np.empty(0)
        return PastForecasts([], empty, empty, empty, empty)
    column = found.tickers.index(ticker)
    every = (found.actual, found.points[found.main], *found.bounds[share])
    actual, point, low, high = (matrix[:, column].astype(np.float64) for matrix in every)
    known = np.isfinite(actual) & np.isfinite(point)
    calendar = calendar_of(exchange_of(ticker))
    days = calendar.ahead_many(found.sessions[known], found.horizon).astype("datetime64[D]")
    return PastForecasts(days.tolist(), actual[known], point[known], low[known], high[known])


def misses_sentence(past: PastForecasts, share: float) -> str:
    """How many outcomes fell outside the band, and how many should."""
    missed, known = int(past.missed.sum()), past.known
    if not known:
        return "No band is known for these forecasts"
    aim = wording.number((1 - share) * known, 0)
    band = f"{wording.percent(share, 0)} band"
    return f"{missed:,} of {known:,} outcomes fell outside the {band}; about {aim} should"


def _explained(judged: Judged, source: str) -> str:
    answered = (
        "What was answered and logged."
        if source == evidence.REALISED
        else f"What {judged.candidate.replace('_', ' ')}, the model that was judged, would have "
        "said, from what was known before."
    )
    return (
        f"{answered} Returns, not prices: any price forecast {wording.ahead(judged.sessions)} "
        "ahead looks right beside the price. A cross is an outcome outside the band."
        if judged.sessions == 1
        else f"{answered} Each point is the return over the {judged.sessions} sessions that ended "
        "there, so neighbours share most of their days. A cross is an outcome outside the band."
    )


def _chart(ticker: str, judged: Judged, past: PastForecasts, share: float) -> None:
    shown = within(marks_of(ticker, judged.horizon, past.days, of_models=False), past.days)
    theme.show(
        actual_and_predicted(past, share, shown, theme.kind()),
        key="history",
        alt=f"Actual and predicted returns of {ticker}: {misses_sentence(past, share)}",
    )
    if shown:
        st.markdown(f":small[:gray[{wording.plain(legend(shown))}]]")


def _table(past: PastForecasts, ticker: str, judged: Judged) -> None:
    """All of them as a table with a download, folded."""
    panel = st.expander("Numbers and download", on_change="rerun")
    if not panel.open:
        return
    table = _numbers(past)
    with panel:
        form = st.column_config.NumberColumn(format="percent")
        st.dataframe(
            table,
            hide_index=True,
            key="past",
            column_config=dict.fromkeys(("Actual", "Predicted", "Low", "High"), form),
            alt=f"Actual and predicted returns of {ticker}, the newest first",
        )
        st.download_button(
            "Download as CSV",
            data=partial(csv_file, table),
            mime="text/csv",
            file_name=f"{ticker}_{judged.sessions}_sessions_{_stamp(past.days)}.csv",
            on_click="ignore",
        )


def _numbers(past: PastForecasts) -> pl.DataFrame:
    """Every forecast with its outcome, the newest first."""
    return pl.DataFrame(
        {
            "Session": past.days,
            "Actual": past.actual,
            "Predicted": past.point,
            "Low": past.low,
            "High": past.high,
            "Outside": np.where(past.missed, "✕", ""),
        },
        schema_overrides={"Session": pl.Date},
    ).reverse()


def _stamp(days: Sequence[dt.date]) -> str:
    return days[-1].isoformat()
