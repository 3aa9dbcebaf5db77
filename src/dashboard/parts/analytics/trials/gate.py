"""What the gate asked of a challenger, each number beside its limit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from src.dashboard import wording
from src.dashboard.parts.analytics import numbers
from src.db.pages.trials import TrialState
from src.modeling.gate.criteria import Criterion
from src.modeling.gate.verdict import UNDECIDED, Verdict
from src.modeling.report.wording import evidence_rows

PASSED = {"yes": "✓ yes", "no": "✕ no"}


def draw(trial: TrialState, evidence: Mapping[str, Any]) -> None:
    """How many of its questions were passed in a heading, and all of them in a table."""
    verdict = verdict_of(trial, evidence)
    if verdict is None:
        return
    passed = sum(criterion.passed for criterion in verdict.evidence)
    st.subheader("What does the gate ask?", anchor=False)
    st.markdown(
        f"{passed} of its {len(verdict.evidence)} questions are passed. “Better” takes all of "
        f"them, asked as of {wording.count(verdict.configurations, 'configuration')}."
    )
    numbers.toolbar_room()
    st.dataframe(
        [_row(*row[:5]) for row in evidence_rows(verdict)],
        hide_index=True,
        key="trial_gate",
        column_config={
            "Question": st.column_config.TextColumn(width="large"),
            "In words": st.column_config.TextColumn(width="large"),
        },
        alt=f"{passed} of {len(verdict.evidence)} questions of the gate are passed",
    )


def _row(question: str, value: str, limit: str, passed: str, words: str) -> dict[str, str]:
    """A question of the gate, for which the reference of a trial is a champion."""
    return {
        "Passed": PASSED[passed],
        "Question": question.replace("the champion", "the live model"),
        "Value": value.replace("-", wording.MINUS),
        "Limit": limit.replace("-", wording.MINUS),
        "In words": words.replace("the champion", "the live model"),
    }


def verdict_of(trial: TrialState, evidence: Mapping[str, Any]) -> Verdict | None:
    """What the gate weighed at the newest look; None where nothing was weighed yet."""
    stored = evidence.get("criteria") or ()
    if not stored:
        return None
    return Verdict(
        evidence.get("verdict", UNDECIDED),
        evidence.get("reason", ""),
        tuple(
            Criterion(row["name"], row["value"], row["limit"], bool(row["passed"]))
            for row in stored
        ),
        n=0,
        dates=evidence.get("sessions", 0),
        n_eff=evidence.get("n_eff") or 0.0,
        configurations=trial.trial.configurations,
        sessions_until_decidable=evidence.get("sessions_needed"),
    )
