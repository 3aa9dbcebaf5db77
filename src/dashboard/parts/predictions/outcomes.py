"""Show what came of earlier forecasts of a stock: inside or outside their ranges."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import streamlit as st

from src.core.calendars.calendar import Calendar
from src.core.calendars.exchanges import calendar_of, exchange_of
from src.dashboard import frame, readers, wording
from src.dashboard.parts.predictions import sentences
from src.dashboard.parts.predictions.stock_forecasts import StockForecast
from src.db.pages import predictions
from src.db.pages.predictions import EarlierForecast
from src.modeling.intervals.quantiles import interval_bounds

SHOWN = 20
# More are read, as some were answered when their outcome was known already.
READ = 200


@dataclass(frozen=True)
class Outcome:
    """An earlier forecast's 80 % range and what came true, as prices.

    Attributes:
        made_from: The session that it was made from.
        about: The session at whose close it was measured.
        low: Lower end of the range.
        high: Its upper end.
        price: What came true, on the basis of the close that it was made from.
    """

    made_from: dt.date
    about: dt.date
    low: float
    high: float
    price: float

    @property
    def inside(self) -> bool:
        """Whether the price fell into the range."""
        return self.low <= self.price <= self.high


def draw(ticker: str, forecast: StockForecast, *, indian: bool) -> None:
    """The last 20 forecasts whose outcome is known."""
    st.subheader("What came of earlier forecasts", anchor=False)
    outcomes = known_outcomes(ticker, forecast.horizon)
    if not outcomes:
        st.markdown(
            f"No outcome {wording.ahead(forecast.sessions)} ahead is known yet. The forecast above "
            f"is about {wording.day(forecast.answer['predict_date'])}."
        )
        return
    worth = independent(calendar_of(exchange_of(ticker)), outcomes, forecast.sessions)
    st.markdown(sentences.came_true([each.inside for each in outcomes], forecast.sessions, worth))
    st.markdown(_signs(outcomes))
    first, last = (wording.day(each.about) for each in (outcomes[0], outcomes[-1]))
    st.markdown(f":small[:gray[● inside, ✕ outside; outcomes of {first} to {last}, oldest first]]")
    _table(ticker, outcomes, indian=indian)
    st.page_link(
        f"{frame.PAGES}/analytics.py",
        label="Whether the ranges hold over many forecasts",
        icon=":material/arrow_forward:",
        query_params={"stock": ticker},
    )


def _table(ticker: str, outcomes: list[Outcome], *, indian: bool) -> None:
    """Each of them, the newest first."""
    with st.expander("Each of them", icon=":material/table:"):
        st.table(
            [_written(each, indian=indian) for each in reversed(outcomes)],
            border="horizontal",
            alt=f"The last {len(outcomes)} forecasts of {ticker} with their outcomes",
        )


def known_outcomes(ticker: str, horizon: str) -> list[Outcome]:
    """The last 20 forecasts with a known outcome, the oldest first."""
    earlier = readers.read_recent(predictions.earlier_forecasts, ticker, horizon, READ)
    calendar = calendar_of(exchange_of(ticker))
    return list(outcomes_of(reversed(earlier), calendar))[-SHOWN:]


def outcomes_of(earlier: Iterable[EarlierForecast], calendar: Calendar) -> Iterable[Outcome]:
    """Those that have an 80 % range and were answered before the close that they are about."""
    for each in earlier:
        try:
            ends = interval_bounds(sentences.LEVEL, np.array(each.levels))
        except ValueError:
            continue
        if each.made_at < calendar.hours(each.label_end).closes:
            low, high, true = (
                each.last_close * (1 + value)
                for value in (*(each.quantiles[at] for at in ends), each.realised_return)
            )
            yield Outcome(each.feature_date, each.label_end, low, high, true)


def independent(calendar: Calendar, outcomes: list[Outcome], sessions: int) -> float:
    """How many horizons the outcomes span together: so many could be independent."""
    span = calendar.count(outcomes[0].made_from, outcomes[-1].about)
    return min(float(len(outcomes)), span / sessions)


def _signs(outcomes: list[Outcome]) -> str:
    return " ".join("●" if each.inside else "✕" for each in outcomes)


def _written(outcome: Outcome, *, indian: bool) -> dict[str, str]:
    """An outcome as it is read on the page."""
    return {
        "About": wording.day(outcome.about),
        "Outcome": wording.price(outcome.price, indian=indian),
        "80 % range": wording.price_range(outcome.low, outcome.high, indian=indian),
        "In range?": "● inside" if outcome.inside else "✕ outside",
        "Made from": wording.day(outcome.made_from),
    }
