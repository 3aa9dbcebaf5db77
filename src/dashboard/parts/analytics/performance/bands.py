"""Whether the intervals held the share of outcomes that they promise."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from src.dashboard import theme, wording
from src.dashboard.charts.analytics.calibration import distance_from_aim, keeps_its_promise
from src.dashboard.parts.analytics.numbers import percent_range
from src.modeling.report.statistics.measures import MIN_PERIODS, Measure
from src.modeling.report.statistics.performance import Performance

RANGE = f"95{wording.NO_BREAK}% range"


def draw(scores: Performance) -> None:
    """The answer in a sentence, and the chart."""
    st.subheader("Do the bands hold what they promise?", anchor=False)
    coverage = {share: m for share, m in scores.coverage.items() if m.value is not None}
    if not coverage:
        st.markdown("No band has an outcome yet.")
        return
    st.markdown(sentence(coverage))
    held = [
        f"{wording.percent(share, 0)} band held {wording.percent(measure.value, 1)}"
        for share, measure in coverage.items()
    ]
    figure = distance_from_aim(coverage, theme.kind())
    theme.show(figure, key="calibration", alt="; ".join(held))
    widest = max(coverage.values(), key=lambda measure: measure.n)
    st.markdown(
        f":small[:gray[Dot: share of outcomes inside the band, less the aim. Pale bar: {RANGE}. "
        f"A red ✕ marks a band whose range misses the aim. {widest.n:,} outcomes, worth "
        f"{wording.periods(widest.n_eff)} independent ones.]]"
    )


def sentence(coverage: Mapping[float, Measure]) -> str:
    """Whether the bands keep their promise, as far as can be told."""
    if any(measure.low is None for measure in coverage.values()):
        return (
            f"**Too early to say.** Fewer than {MIN_PERIODS:g} periods do not overlap, so that no "
            "range is known."
        )
    missed = {s: m for s, m in coverage.items() if not keeps_its_promise(s, m)}
    if missed:
        return " ".join(_missed(share, measure) for share, measure in missed.items())
    return (
        f"**Yes, as far as can be told.** In all {len(coverage)} levels the aim lies inside the "
        f"{RANGE}."
    )


def _missed(share: float, measure: Measure) -> str:
    way = "narrow" if (measure.value or 0.0) < share else "wide"
    aim, held = wording.percent(share, 0), wording.percent(measure.value, 1)
    span = percent_range(measure, 1, signed=False)
    return f"**No: the {aim} band is too {way}.** It held {held} ({RANGE} {span}), aim {aim}."
