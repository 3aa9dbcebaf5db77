"""What the looks at a trial measured: the difference over sessions, and every look in a table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from src.core.arrays import Floats
from src.core.trials import LOOKED
from src.dashboard import theme, wording
from src.dashboard.charts.analytics.trial import Differences, difference_by_session
from src.dashboard.parts.analytics.trials import words
from src.db.pages.trials import Look, TrialState


def draw(trial: TrialState, looks: Sequence[Look], evidence: Mapping[str, Any]) -> None:
    """The chart with how to read it, and the numbers folded; nothing before the first look."""
    shown = differences(trial, looks, evidence)
    if shown is None:
        return
    st.subheader("How sure is the difference?", anchor=False)
    st.markdown(explained(trial, shown, evidence.get("level")))
    theme.show(
        difference_by_session(shown, theme.kind()),
        key="trial_looks",
        alt=in_words(shown, looks[-1].sessions),
    )
    panel = st.expander("Every look", icon=":material/table:", on_change="rerun")
    if panel.open:
        with panel:
            _table(looks)


def differences(
    trial: TrialState, looks: Sequence[Look], evidence: Mapping[str, Any]
) -> Differences | None:
    """What the newest look measured session by session, or else what each look did.

    All as shares of the reference's mean loss at the newest look; None where that is not known.
    """
    scale = looks[-1].scale if looks else None
    if not scale:
        return None
    stored = evidence.get("sequence") or {}
    if stored.get("session"):
        days = [dt.date.fromisoformat(day) for day in stored["session"]]
        mean, low, high = (_shares(stored[name], scale) for name in ("mean", "low", "high"))
    else:
        days = [look.session for look in looks]
        columns = zip(*((look.mean, look.low, look.high) for look in looks), strict=True)
        mean, low, high = (_shares(column, scale) for column in columns)
    return Differences(
        days,
        *(mean, low, high),
        looks=[look.session for look in looks],
        effect=trial.trial.smallest_effect,
        loss=words.LOSSES[trial.trial.loss],
        ending=words.state(trial) if trial.decided else "",
    )


def _shares(values: Sequence[float | None], scale: float) -> Floats:
    return np.array(values, dtype=np.float64) / scale


def explained(trial: TrialState, shown: Differences, level: float | None) -> str:
    """How to read the chart."""
    loss, against = words.LOSSES[trial.trial.loss], words.reference(trial.trial)
    sure = f", {wording.percent(level, 0)} sure" if level else ""
    cut = " What is larger than the chart is cut off." if shown.is_clipped else ""
    return (
        f"Line: how much smaller the challenger's mean {loss} was than that of {against}, over all "
        "sessions so far. Band: where it would be but for the luck of single outcomes"
        f"{sure} at every look together; of these sessions, not of those to come. While it covers "
        "the dashed line, the two cannot be told apart. Between the dotted lines a difference is "
        f"too small to matter. Rings: looks.{cut}"
    )


def in_words(shown: Differences, sessions: int) -> str:
    """The newest difference and its range, for who cannot see the chart."""
    newest = wording.percent(float(shown.mean[-1]), 3, signed=True)
    low, high = float(shown.low[-1]), float(shown.high[-1])
    span = wording.percent_range(low, high, 3) if np.isfinite(low + high) else "not known yet"
    over = wording.count(sessions, "session")
    ending = f"; {shown.ending}" if shown.ending else ""
    return f"Difference of mean losses over {over}: {newest}, range {span}{ending}"


def _table(looks: Sequence[Look]) -> None:
    """Every look, the newest first."""
    st.dataframe(
        [
            {
                "Looked at": wording.moment(look.at),
                "Outcomes to": wording.day(look.session),
                "Sessions": look.sessions,
                "Smaller by": wording.percent(look.gain, 3, signed=True),
                "Range": _range(look),
                "Result": "○ undecided" if look.kind == LOOKED else words.STATES[look.kind],
            }
            for look in reversed(looks)
        ],
        hide_index=True,
        key="trial_looks_table",
        alt=f"{len(looks)} looks, the newest first",
    )


def _range(look: Look) -> str:
    """What the difference may be in truth, as a share of the reference's loss."""
    if look.low is None or look.high is None or not look.scale:
        return "–"
    return wording.percent_range(look.low / look.scale, look.high / look.scale, 3)
