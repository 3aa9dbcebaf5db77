"""Put measures and their ranges into words and tables."""

from __future__ import annotations

import streamlit as st

from src.dashboard import wording
from src.modeling.report.statistics.measures import MIN_PERIODS, Measure

INDEPENDENT = (
    "How many of the outcomes do not overlap (n_eff): sessions divided by the sessions ahead."
)


def toolbar_room() -> None:
    """Leave room above a table, where a phone always shows its buttons."""
    st.space("small")


def percent_range(measure: Measure, digits: int = 2, *, signed: bool = True) -> str:
    """The range of a measure, such as ``−2.70 to +4.80 %``; ``–`` where it is not known."""
    if measure.low is None or measure.high is None:
        return "–"
    low, high = (wording.percent(end, digits, signed=signed) for end in (measure.low, measure.high))
    return f"{low.removesuffix(f'{wording.NO_BREAK}%')} to {high}"


def periods(n_eff: float) -> str:
    """Periods that do not overlap; a decimal where there are few."""
    return wording.number(n_eff, 0 if n_eff >= 100 else 1)


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
