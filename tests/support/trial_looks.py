"""What looks at a trial stored, as a run would have stored it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from src.core.calendars.nse import nse
from tests.support.trials import AT, trial_event

# Of the reference: its mean absolute error.
SCALE = 0.0125
CRITERIA = (
    {"name": "t_absolute_vs_zero", "value": 1.31, "limit": 2.24, "passed": False},
    {"name": "mae_improvement_vs_zero", "value": 0.0042, "limit": 0.0, "passed": True},
    {"name": "worst_ticker_vs_zero", "value": None, "limit": -0.05, "passed": False},
)


def look_evidence(sessions: int, first: dt.date, **changes: Any) -> dict[str, Any]:
    """The evidence of a look at a challenger that has erred 0.42 % less, with bands that narrow."""
    days = nse().sessions(first, nse().ahead(first, sessions - 1))
    half = [None, *(0.02 / n**0.5 for n in range(2, sessions + 1))]
    mean = 0.0042 * SCALE
    return {
        "sessions": sessions,
        "first_session": days[0].isoformat(),
        "last_session": days[-1].isoformat(),
        "gain": 0.0042,
        "mean": mean,
        "low": None if half[-1] is None else mean - half[-1] / 10,
        "high": None if half[-1] is None else mean + half[-1] / 10,
        "scale": SCALE,
        "verdict": "undecided",
        "reason": f"Undecided: it has been better so far, its errors 0.42 % smaller than with the "
        f"live model, over {sessions} sessions with outcomes; at this effect about 240 more "
        "sessions.",
        "sessions_needed": 240,
        "criteria": list(CRITERIA),
        "n_eff": float(sessions),
        "level": 0.95,
        "sequence": {
            "session": [day.isoformat() for day in days],
            "mean": [mean] * sessions,
            "low": [None if each is None else mean - each / 10 for each in half],
            "high": [None if each is None else mean + each / 10 for each in half],
        },
    } | changes


def look_event(trial: Any, kind: str = "looked", sessions: int = 63, **changes: Any) -> Any:
    """A look at a trial that found outcomes of so many sessions from April 2026 on."""
    first = dt.date(2026, 4, 15)
    evidence = look_evidence(sessions, first, **changes)
    session = dt.date.fromisoformat(evidence["last_session"])
    return trial_event(
        trial,
        kind,
        session=session,
        at=AT + (session - first),
        reason=evidence["reason"],
        evidence=evidence,
    )
