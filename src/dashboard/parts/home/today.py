"""Say in words what is forecast for the chosen stock, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from src.core.tables import HORIZONS
from src.dashboard import frame, judged, readers, wording
from src.dashboard.forecasts import Forecasts
from src.dashboard.parts.predictions import sentences

LEVEL, WIDE = 0.8, 0.95


def today(ticker: str, forecasts: Forecasts) -> None:
    """Draw the two forecasts of a stock side by side."""
    short = forecasts.answers.get((ticker, "short"))
    sessions = readers.horizons()["short"]
    st.subheader(headline(ticker, short, sessions, indian=frame.indian()), anchor=False)
    if warnings := _warnings(ticker, forecasts):
        st.warning(" ".join(map(wording.plain, warnings)), icon=":material/history:")
    with st.grid(2, min_column_width=300, border=True, key="today"):
        for horizon in HORIZONS:
            with st.container(key=f"today_{horizon}"):
                _card(ticker, horizon, forecasts)
    if short is not None:
        source = wording.plain(sentences.source(forecasts.problem, short))
        st.markdown(f":small[:gray[{source}]]")


def headline(ticker: str, answer: Mapping[str, Any] | None, sessions: int, *, indian: bool) -> str:
    """The range of the next session in the words of Predictions, which tell one that is past."""
    if answer is None:
        return f"{ticker}: no range is known for the next session"
    return sentences.headline(answer, sessions, indian=indian)


def when(answer: Mapping[str, Any], sessions: int) -> str:
    """Such as ``In 1 session: Mon 20 Apr 2026``, or that this is past."""
    day = wording.day(answer["predict_date"])
    if answer["data_age_sessions"] >= sessions:
        return f"{day}, now past"
    about = " (estimated)" if answer["predict_date_estimated"] else ""
    return f"In {wording.ahead(sessions)}: {day}{about}"


def explanation(answer: Mapping[str, Any], *, indian: bool) -> str:
    """What the range is made of: the wider one, the point, and how often the price should rise."""
    point, close = answer["est_future_close"], answer["last_close"]
    change = wording.percent(answer["pred_return"], signed=True)
    name = answer["model"]["name"]
    served = wording.model(name) if name == "zero" else f"{change}, {wording.model(name)}"
    parts = [
        f"Last close {wording.price(close, indian=indian)} "
        f"({wording.day(answer['feature_date'])}).",
        f"Point {wording.price(point, indian=indian)} ({served}).",
    ]
    if answer["intervals"]:
        wide = wording.interval_of(answer, WIDE)
        span = wording.price_range(wide["low_close"], wide["high_close"], indian=indian)
        parts.insert(0, f"8 in 10 outcomes should fall inside, 19 in 20 inside {span}.")
    if answer["prob_up"] is not None:
        parts.append(f"The price should rise in {round(100 * answer['prob_up'])} of 100 cases.")
    return " ".join(parts)


def _card(ticker: str, horizon: str, forecasts: Forecasts) -> None:
    answer = forecasts.answers.get((ticker, horizon))
    sessions = readers.horizons()[horizon]
    if answer is None:
        st.metric(f"In {wording.ahead(sessions)}", "–")
        reason = forecasts.missing.get((ticker, horizon), "There is no forecast.")
        st.markdown(wording.plain(reason))
        return
    _range(answer, sessions)
    st.markdown(explanation(answer, indian=frame.indian()))
    verdict = judged.judged(answer["model"]["pool"], horizon)
    st.markdown(sentences.verdict(answer, verdict, sessions))
    if answer["note"]:
        st.markdown(f":material/front_hand: {wording.plain(answer['note'])}.")
    tab = "Short-term" if horizon == "short" else "Long-term"
    st.page_link(
        f"{frame.PAGES}/predictions.py",
        label=f"{tab} forecast of {ticker}",
        icon=":material/show_chart:",
        query_params={"stock": ticker},
    )


def _range(answer: Mapping[str, Any], sessions: int) -> None:
    """The 80 % range, and the verdict on the model."""
    text = "–"
    if answer["intervals"]:
        interval = wording.interval_of(answer, LEVEL)
        low, high = interval["low_close"], interval["high_close"]
        text = wording.price_range(low, high, indian=frame.indian())
    st.metric(
        when(answer, sessions),
        text,
        delta=wording.VERDICTS[answer["verdict"]],
        delta_color="off",
        delta_arrow="off",
    )


def _warnings(ticker: str, forecasts: Forecasts) -> list[str]:
    """What the answers warn of, each once."""
    found = [
        warning
        for horizon in HORIZONS
        for warning in forecasts.answers.get((ticker, horizon), {}).get("warnings", [])
    ]
    return list(dict.fromkeys(found))
