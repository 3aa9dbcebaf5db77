"""Put the stored forecasts of a trial and what came true into matrices, sessions by tickers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from src.core.arrays import Floats
from src.modeling.experiment.run import scored_outcomes

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar
    from src.core.trials import Trial
    from src.db.tables.trial_pairs import TrialPairs

# A forecast from an earlier session may have been made after the registration: over a holiday.
MARGIN = dt.timedelta(days=14)


@dataclass(frozen=True, eq=False)
class TrialEvidence:
    """What a trial is judged on; matrices are (T, N), simple returns, NaN where there is none.

    Attributes:
        sessions: All of the exchange from the first with a pair to the last; T of them.
        tickers: Those with a pair, in order; N of them.
        actual: Realised returns of pairs.
        challenger: What the challenger forecast of them.
        reference: What was served instead; None where the reference is zero.
        sigma: The volatility that was forecast of them.
    """

    sessions: Sequence[dt.date]
    tickers: Sequence[str]
    actual: Floats
    challenger: Floats
    reference: Floats | None
    sigma: Floats


def trial_evidence(
    pairs: TrialPairs, trial: Trial, calendar: Calendar, until: dt.date
) -> TrialEvidence:
    """The pairs of a trial whose forecasts were made before the next session closed.

    A session counts only with as many pairs as the gate wants outcomes of a session.

    Args:
        pairs: Where they are read.
        trial: Which trial.
        calendar: Of the exchange of its pool.
        until: The last session that has closed.
    """
    first = trial.registered_at.date() - MARGIN
    days = calendar.sessions(first, calendar.next_session(until))
    closes = {day: calendar.hours(following).closes for day, following in pairwise(days)}
    rows = pairs.read(trial.candidate_version, closes)
    if trial.reference == "live":
        rows = [row for row in rows if row[4] is not None]
    return _matrices(rows, trial, calendar)


def _matrices(rows: Sequence[tuple[Any, ...]], trial: Trial, calendar: Calendar) -> TrialEvidence:
    tickers = sorted({row[1] for row in rows})
    sessions = calendar.sessions(rows[0][0], rows[-1][0]) if rows else []
    row_of = {session: place for place, session in enumerate(sessions)}
    column_of = {ticker: place for place, ticker in enumerate(tickers)}
    places = [row_of[row[0]] for row in rows], [column_of[row[1]] for row in rows]
    values = np.full((4, len(sessions), len(tickers)), np.nan)
    for matrix, column in zip(values, (2, 3, 4, 5), strict=True):
        matrix[places] = np.array([row[column] for row in rows], dtype=np.float64)
    actual, challenger, reference, sigma = values
    return TrialEvidence(
        sessions,
        tickers,
        scored_outcomes(actual) if rows else actual,
        challenger,
        reference if trial.reference == "live" else None,
        sigma,
    )
