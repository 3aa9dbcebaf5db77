"""Sum up the evidence over all forecasts in a sentence, and how they go in four numbers."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import streamlit as st

from src.core.calendars.exchanges import calendar_of, exchange_of
from src.core.tables import HORIZONS
from src.dashboard import evidence, readers, wording
from src.dashboard.parts.home.attention import refused_rows
from src.dashboard.parts.home.rows import LEVEL, AllStocks
from src.db.pages import home
from src.db.pages.home import Trainings
from src.modeling.report.statistics.measures import Measure

# Sessions whose refused rows are news.
NEWS = 5


def headline(counts: Mapping[str, int]) -> str:
    """The verdict over so many forecasts, by verdict."""
    total = sum(counts.values())
    if not total:
        return "No forecast is stored yet"
    undecided = counts.get("undecided", 0) + counts.get("none", 0)
    if undecided:
        return f"No demonstrated edge for {undecided:,} of {wording.count(total, 'forecast')}"
    better = counts.get("better", 0)
    return f"Better than “no change” for {better:,} of {wording.count(total, 'forecast')}"


def verdicts(stocks: Mapping[str, AllStocks], pools: Collection[str]) -> Counter[str]:
    """How many forecasts of some pools there are of each verdict, at all horizons."""
    return Counter(
        row.verdict
        for each in stocks.values()
        for row in each.rows
        if row.verdict is not None and row.pool in pools
    )


def paragraph(counts: Mapping[str, int], trainings: Sequence[Trainings], held: Measure) -> str:
    """What the headline rests on: tests, how often one was passed, and what the bands held."""
    if not sum(counts.values()):
        return "Run the pipeline in Pipeline Control: it trains the models and forecasts."
    undecided = counts.get("undecided", 0) + counts.get("none", 0)
    parts = [
        f"The model beats “no change” for **{counts.get('better', 0):,}**, is worse for "
        f"**{counts.get('worse', 0):,}**, and the evidence does not decide the other "
        f"{undecided:,}."
    ]
    if trainings:
        parts.append(_ever(trainings))
    if held.value is not None and held.low is not None and held.high is not None:
        share = wording.percent(held.value, 0)
        if held.low <= LEVEL <= held.high:
            parts.append(
                f"The ranges are the useful part: 80 % ranges held **{share}** of outcomes of the "
                f"last {held.dates} sessions."
            )
    return " ".join(parts)


def _ever(trainings: Sequence[Trainings]) -> str:
    """Whether a model has ever beaten doing nothing."""
    passed = [row for row in trainings if row.better]
    total = wording.count(sum(row.trainings for row in trainings), "training")
    since = wording.day(min(row.first_at for row in trainings).astimezone(wording.IST).date())
    if not passed:
        return f"No model has ever beaten it here: {total} since {since}, one test each."
    where = " and ".join(
        f"in {row.better} of {row.trainings} for {row.pool} at "
        f"{wording.ahead(readers.horizons()[row.horizon])}"
        for row in passed
    )
    return f"A model has beaten it {where}, of {total} since {since}."


def metrics(stocks: Mapping[str, AllStocks], pool: str, ticker: str) -> None:
    """Draw four numbers: the last session's outcomes, what the ranges held, refused rows."""
    with st.grid(4, min_column_width=150, border=True, key="metrics"):
        _last_session(stocks["short"])
        for horizon in HORIZONS:
            _held(horizon, pool, ticker)
        _held_back(ticker)


def _last_session(short: AllStocks) -> None:
    value, delta = "–", "none is known yet"
    if short.session is not None:
        value = f"{short.settled} of {len(short.rows)}"
        delta = f"{short.inside_80} in 80 % range"
    of = "" if short.session is None else f" of {wording.day(short.session)}"
    st.metric(
        "Scored last session",
        value,
        delta=delta,
        delta_color="off",
        delta_arrow="off",
        help=f"Forecasts of the next session whose outcome{of} is known.",
    )


def _held(horizon: str, pool: str, ticker: str) -> None:
    sessions = readers.horizons()[horizon]
    measure = evidence.held(pool, horizon, LEVEL, ticker)
    span = "too few outcomes"
    if measure.low is not None and measure.high is not None:
        low, high = (wording.number(100 * end, 0) for end in (measure.low, measure.high))
        span = f"range {low} – {high} %"
    st.metric(
        f"80 % held, {wording.ahead(sessions)}",
        wording.percent(measure.value, 1),
        delta=span,
        delta_color="off",
        delta_arrow="off",
        help=f"Share of the outcomes of {pool}, {wording.count(sessions, 'session')} ahead, in "
        f"{wording.count(measure.dates, 'session')} that fell inside their 80 % range, with its "
        f"{evidence.RANGE}; since "
        "they overlap, and stocks move together, they tell no more than "
        f"{wording.number(measure.n_eff, 1)} independent sessions would.",
    )


def news_since(ticker: str) -> dt.date:
    """The first of the sessions whose refused rows are news, on a ticker's exchange."""
    calendar = calendar_of(exchange_of(ticker))
    since = calendar.last_closed(readers.now())
    for _ in range(NEWS - 1):
        since = calendar.previous_session(since)
    return since


def _held_back(ticker: str) -> None:
    since = news_since(ticker)
    refused = refused_rows(since)
    st.metric(
        "Price rows refused",
        f"{sum(count for _, count, _, _ in refused):,}",
        delta=f"last {NEWS} sessions",
        delta_color="off",
        delta_arrow="off",
        help=f"Daily prices since {wording.day(since)} that cleaning refused, without repeats "
        "and bars of a session that is not over; Monitoring lists all of them with their reasons.",
    )


def trainings(pools: Collection[str]) -> list[Trainings]:
    """Of some pools at every horizon."""
    return [row for row in readers.read(home.trainings) if row.pool in pools]
