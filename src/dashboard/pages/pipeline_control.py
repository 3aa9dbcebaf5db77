"""Pipeline Control: run the pipeline, follow a run, cancel it, and see how runs ended."""

import streamlit as st

from src.dashboard import frame, readers, wording
from src.dashboard.parts.pipeline import history, progress, start, words
from src.db.pages import overview


def page() -> None:
    """Draw the page."""
    requests, tried = progress.state()
    live = next((request for request in requests if request.is_live), None)
    last = next((each for each in tried if each.status not in ("running", "waiting")), None)
    st.header(words.under_way(live) if live else words.answer(last), anchor=False)
    made_at = wording.moment(readers.read(overview.forecasts_made_at))
    if live and last:
        st.markdown(f"{words.answer(last)}.")
    if last and (cause := words.cause(last, made_at)):
        st.markdown(cause)
    progress.draw(progress.signature(requests, tried))
    with frame.block("What starts a run"):
        start.draw(requests, tried)
    with frame.block("The list of runs"):
        history.recent(tried)
    left, right = st.columns([3, 2], gap="large")
    with left, frame.block("The chosen run"):
        history.chosen(tried)
    with right, frame.block("The grid of runs"):
        history.grid()


if __name__ == "__main__":
    page()
