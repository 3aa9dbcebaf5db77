"""Pipeline Control: run the pipeline, follow a run, cancel it, and see how runs ended."""

from collections.abc import Sequence

import streamlit as st

from src.dashboard import frame, readers, wording
from src.dashboard.parts.pipeline import history, progress, start, words
from src.dashboard.parts.pipeline.words import Attempt
from src.db.pages import overview
from src.db.tables import run_requests
from src.db.tables.run_requests import StoredRequest


def page() -> None:
    """Draw the page."""
    with frame.block("What ran"):
        _draw()


def _draw() -> None:
    requests, tried = progress.state()
    # Containers, so that what is below them stays in its place when something appears in them.
    with st.container(key="answer"):
        _answer(requests, tried)
    with st.container(key="under_way"):
        progress.draw(progress.signature(requests, tried))
    with st.container(key="start"), frame.block("What starts a run"):
        start.draw(requests, tried)
    with frame.block("The list of runs"):
        history.recent(tried)
    left, right = st.columns([3, 2], gap="large")
    with left, frame.block("The chosen run"):
        history.chosen(tried)
    with right, frame.block("The grid of runs"):
        history.grid()


def _answer(requests: Sequence[StoredRequest], tried: Sequence[Attempt]) -> None:
    """What is under way, how the last run went, and what stays published if it failed."""
    live = next((request for request in requests if request.is_live), None)
    last = next((each for each in tried if each.status not in run_requests.LIVE), None)
    st.header(words.under_way(live) if live else words.answer(last), anchor=False)
    if live and last:
        st.markdown(f"{words.answer(last)}.")
    made_at = wording.moment(readers.read(overview.forecasts_made_at))
    if last and (cause := words.cause(last, made_at)):
        st.markdown(cause)


if __name__ == "__main__":
    page()
