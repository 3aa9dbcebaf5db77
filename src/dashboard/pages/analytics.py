"""The page Analytics: whether the forecasts have earned trust, and what they are made of."""

from __future__ import annotations

import streamlit as st

from src.dashboard import frame, judged, readers, wording
from src.dashboard.judged import Judged
from src.dashboard.parts import horizon as horizons
from src.dashboard.parts.analytics import history
from src.dashboard.parts.analytics.features import tab as features
from src.dashboard.parts.analytics.performance import tab as performance
from src.dashboard.parts.analytics.trials import tab as trials

PERFORMANCE, HISTORY, FEATURES, TRIALS = (
    "Model Performance",
    "Predictions History",
    "Feature Analysis",
    "Trials",
)


def page() -> None:
    """Draw the page; tabs that are closed are not computed."""
    ticker = frame.stock()
    if ticker is None:
        st.header("Nothing has been forecast yet, so nothing can be scored", anchor=False)
        frame.first_run()
        return
    with frame.block("The verdict"):
        pool = next(each.pool for each in frame.stored() if each.ticker == ticker)
        horizon = horizons.choose()
        verdict = judged.judged(pool, horizon)
        _answer(verdict, horizon)
        _tabs(ticker, pool, horizon, verdict)


def _answer(verdict: Judged | None, horizon: str) -> None:
    """The answer in a sentence, and what it rests on."""
    if verdict is None:
        ahead = wording.ahead(readers.horizons()[horizon])
        st.header(f"No model has been trained {ahead} ahead yet", anchor=False)
        st.markdown("The pipeline trains and judges one: run it in Pipeline Control.")
        return
    st.header(judged.headline(verdict), anchor=False)
    st.markdown(judged.sentence(verdict))


def _tabs(ticker: str, pool: str, horizon: str, verdict: Judged | None) -> None:
    names = [PERFORMANCE, HISTORY, FEATURES, TRIALS]
    scores, past, inputs, compared = st.tabs(names, key="view", bind="query-params")
    if compared.open:
        with compared, frame.block("The trials"):
            trials.draw(pool, horizon)
        return
    if inputs.open:
        with inputs, frame.block("The features"):
            features.draw(ticker, pool, horizon, verdict)
        return
    if verdict is None:
        with past if past.open else scores:
            st.markdown("Nothing has been scored yet.")
        return
    if scores.open:
        with scores, frame.block("How the models did"):
            performance.draw(ticker, verdict)
    if past.open:
        with past, frame.block("The history of forecasts"):
            history.draw(ticker, verdict)


if __name__ == "__main__":
    page()
