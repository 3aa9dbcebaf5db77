"""Skill over the last 252 sessions at each session, with the periods that it rests on."""

from __future__ import annotations

import streamlit as st

from src.dashboard import theme, wording
from src.dashboard.charts.analytics import skill
from src.dashboard.charts.marks import legend, within
from src.dashboard.judged import Judged
from src.dashboard.parts.analytics import evidence
from src.dashboard.parts.analytics.marks import marks_of
from src.modeling.report.statistics.measures import MIN_PERIODS
from src.modeling.report.statistics.performance import WINDOW, Performance


def draw(scores: Performance, ticker: str, judged: Judged, source: str) -> None:
    """The chart with its captions, or why there is none."""
    st.subheader("Skill over time", anchor=False)
    rolled, days = scores.rolled, scores.days.tolist()
    if not days or (source == evidence.REALISED and not rolled.value.any()):
        st.markdown(
            "What was answered was “no change” itself: no model has been served, so it can be "
            "neither better nor worse."
        )
        return
    st.markdown(explained(clipped=skill.is_clipped(rolled)))
    shown = within(marks_of(ticker, judged.horizon, days), days)
    now = wording.percent(float(rolled.value[-1]), signed=True)
    theme.show(
        skill.skill_over_time(rolled, days, shown, theme.kind()),
        key="skill",
        alt=f"Skill against no change over {WINDOW} sessions with its 95 % band; now {now}",
    )
    st.markdown(f":small[:gray[{evidence_note(float(rolled.n_eff[-1]), judged.sessions)}]]")
    if shown:
        st.markdown(f":small[:gray[{wording.plain(legend(shown))}]]")


def explained(*, clipped: bool) -> str:
    """How to read the chart."""
    cut = " The band is cut off where it is wider than the chart." if clipped else ""
    return (
        f"Over the last {WINDOW} sessions at each date, against “no change” (dashed line). While "
        "the band covers the dashed line, the data does not tell the model and the baseline "
        f"apart. Dotted: fewer than {MIN_PERIODS:g} independent periods.{cut}"
    )


def evidence_note(n_eff: float, sessions: int) -> str:
    """What the last window is worth."""
    overlap = (
        f" Forecasts {sessions} sessions ahead overlap, so that they carry less news than so many "
        "separate ones."
        if sessions > 1
        else ""
    )
    return (
        f"The last window is worth {wording.periods(n_eff)} independent outcomes, as the grey "
        f"strip shows.{overlap} Stocks of one day share its market and count once."
    )
