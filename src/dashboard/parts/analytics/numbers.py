"""Put measures and their ranges into words and tables."""

from __future__ import annotations

import streamlit as st

from src.dashboard import wording
from src.modeling.report.statistics.measures import MIN_PERIODS, Measure


def toolbar_room() -> None:
    """Leave room above a table, where a phone always shows its buttons."""
    st.space("small")


def percent_range(measure: Measure, digits: int = 2, *, signed: bool = True) -> str:
    """The range of a measure, such as ``−2.70 to +4.80 %``; ``–`` where it is not known."""
    return wording.percent_range(measure.low, measure.high, digits, signed=signed)


def verdict_of(gain: Measure) -> tuple[str, int]:
    """What the range of a gain says, as symbol and word; and its place: decided ones first."""
    if gain.low is not None and gain.high is not None:
        if gain.low > 0:
            return wording.VERDICTS["better"], 0
        if gain.high < 0:
            return wording.VERDICTS["worse"], 0
        return wording.VERDICTS["undecided"], 1
    if gain.value == 0:
        return "● no change", 2
    if gain.n_eff < MIN_PERIODS:
        return wording.VERDICTS["none"], 3
    return wording.VERDICTS["undecided"], 1
