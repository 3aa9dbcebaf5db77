"""Draw the chooser of the horizon, the same on every page and in the address."""

from __future__ import annotations

import streamlit as st

from src.dashboard import readers, wording


def choose() -> str:
    """The horizon that was chosen: short or long."""
    labels = {
        wording.ahead(sessions).replace(wording.NO_BREAK, " "): name
        for name, sessions in readers.horizons().items()
    }
    chosen = st.segmented_control(
        "Horizon",
        list(labels),
        default=next(iter(labels)),
        required=True,
        key="ahead",
        bind="query-params",
    )
    return labels.get(str(chosen), "short")
