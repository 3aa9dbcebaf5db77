"""The tab Model Performance: how large errors were beside doing nothing, and whether bands hold."""

from __future__ import annotations

import streamlit as st

from src.dashboard import wording
from src.dashboard.judged import Judged
from src.dashboard.parts.analytics import evidence
from src.dashboard.parts.analytics.choices import choice
from src.dashboard.parts.analytics.performance import (
    bands,
    errors,
    method,
    over_time,
    scoreboard,
)


def draw(ticker: str, judged: Judged) -> None:
    """The tab."""
    with st.container(horizontal=True, gap="medium"):
        source = choice("Evidence", evidence.SOURCES, "evidence", help=evidence.EXPLAINED)
        every = (f"All stocks of {judged.pool}", ticker)
        scope = choice("Scores of", every if judged.tickers > 1 else every[1:], "scores_of")
    only = ticker if scope == ticker else None
    stamp = evidence.stamp(source)
    scores = evidence.scores(judged, source, only, stamp)
    if not scores.models:
        st.info(_nothing(judged, source), icon=":material/hourglass_empty:")
        return
    errors.draw(scores, source, judged)
    over_time.draw(scores, ticker, judged, source)
    left, right = st.columns(2, gap="large")
    with left:
        bands.draw(scores)
    with right:
        everyone = scores if only is None else evidence.scores(judged, source, None, stamp)
        scoreboard.draw(everyone, source)
    method.expander()


def _nothing(judged: Judged, source: str) -> str:
    if source == evidence.WALK_FORWARD:
        return "The training kept no forecasts of this stock."
    return (
        f"No outcome of a logged forecast {wording.ahead(judged.sessions)} ahead is known yet. "
        "Each run of the pipeline records those that have come due."
    )
