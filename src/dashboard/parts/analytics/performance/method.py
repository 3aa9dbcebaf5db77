"""How the scores are computed, in short."""

from __future__ import annotations

import streamlit as st

TEXT = """
- **Skill** is 1 − error of the model / error of “no change” (mean absolute error), each averaged
  over the stocks of a session first, then over sessions: a session counts once, whatever its
  number of stocks.
- **95 % range**: labels of several sessions overlap, so the error of a mean comes from Bartlett's
  long-run variance (Newey and West 1987), and t is judged by the limits of Kiefer and Vogelsang
  (2005), which know how few independent periods there are.
- **Independent** outcomes (n_eff) are the sessions divided by the horizon: how many of them do
  not overlap. Below 4 there is no range.
- **Walk-forward**: models are fitted on what was known before each session, and refitted over
  time; a training keeps the latest 1,000 sessions of its forecasts.
- **Realised**: a forecast counts if it was made before the close that decided it, and its model
  was still live when the next session closed; of several the first counts.
- **The gate** serves a model only if its errors are smaller than those of “no change”, absolute
  and squared, by more than chance explains. Every configuration that was ever tried counts, so
  it asks for far more than one test at 5 %.

Everything is in `docs/method.md`.
"""


def expander() -> None:
    """The text, folded."""
    with st.expander("How these are computed"):
        st.markdown(TEXT)
