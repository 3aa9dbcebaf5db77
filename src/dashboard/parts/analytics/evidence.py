"""Read the forecasts that a model was judged by, and those that were answered, with outcomes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from src.core.arrays import Days, Floats
from src.core.errors import BadInput
from src.core.model_events import BASELINE
from src.dashboard import frame, readers
from src.dashboard.judged import Judged
from src.db.pages import analytics
from src.db.reconnect import Connection
from src.db.tables.scores import ScoreLog
from src.modeling.evaluation.forecast_record import (
    POINT,
    QUANTILES,
    candidates_in,
    read_matrices,
)
from src.modeling.evaluation.scoreboard import SERVED, scored_forecasts
from src.modeling.intervals.quantiles import INTERVALS, interval_bounds
from src.modeling.report.statistics.performance import Evidence, Performance, performance
from src.registry.storage.artifact_store import ArtifactStore

WALK_FORWARD, REALISED = "Walk-forward", "Realised"
SOURCES = (WALK_FORWARD, REALISED)
EXPLAINED = (
    f"{WALK_FORWARD}: what the model would have said in the past, each time from what was known "
    f"before. {REALISED}: what was answered and logged, scored once the outcome was known."
)
# Logged forecasts of so many latest days are scored: about those that a training keeps.
YEARS = dt.timedelta(days=4 * 365)
# What was answered, whatever model it was of.
ANSWERED = "answered"


@st.cache_data(max_entries=60, show_spinner="Scoring the forecasts …")
def scores(judged: Judged, source: str, ticker: str | None, stamp: str) -> Performance:
    """The scores of a pool, or of one ticker of it, from one of ``SOURCES``.

    Args:
        judged: The pool, the horizon, and the training whose evidence is meant.
        source: Walk-forward or realised.
        ticker: None for all of the pool.
        stamp: What ``stamp(source)`` says.
    """
    evidence = load(judged, source, ticker)
    return performance(evidence)


@st.cache_data(max_entries=20, show_spinner=False)
def history(judged: Judged, source: str, ticker: str, stamp: str) -> Evidence:
    """The forecasts of one ticker, as ``scores`` scores them."""
    return load(judged, source, ticker)


def stamp(source: str) -> str:
    """A text that differs once the evidence of a source does.

    That of a walk-forward is of one training, which is known by its digest. Answers are scored
    once they have an outcome; those that are only logged change nothing.
    """
    if source == WALK_FORWARD:
        return ""
    return f"{readers.version()} {readers.read_recent(analytics.outcomes_and_events)}"


def load(judged: Judged, source: str, ticker: str | None) -> Evidence:
    """Forecasts with outcomes of a pool or of one ticker.

    Raises:
        BadInput: The training stored no forecasts.
        CorruptArtifact: Its files are damaged or missing.
        DatabaseUnavailable: The database does not answer.
    """
    if source == WALK_FORWARD:
        evidence = _walk_forward(judged)
        return evidence.of(ticker) if ticker is not None else evidence
    return _realised(judged, ticker)


def _walk_forward(judged: Judged) -> Evidence:
    store = ArtifactStore.of(readers.settings())
    file = store.forecasts(judged.pool, judged.horizon, judged.digest)
    try:
        return _evidence_of(file, judged)
    except ValueError as error:
        raise BadInput(
            f"The newest {judged.horizon} model of {judged.pool} was stored without the forecasts "
            "that it was judged by: run the pipeline."
        ) from error


def _evidence_of(file: bytes, judged: Judged) -> Evidence:
    candidates, ends = candidates_in(file), _ends()
    wanted = ["actual", *(f"{POINT}{name}" for name in candidates), *ends]
    sessions, tickers, columns = read_matrices(file, list(dict.fromkeys(wanted)))
    return Evidence(
        horizon=judged.sessions,
        sessions=sessions,
        tickers=tickers,
        actual=columns["actual"],
        points={name: columns[f"{POINT}{name}"] for name in candidates},
        bounds={
            share: (columns[low], columns[high])
            for share, low, high in zip(INTERVALS, ends[::2], ends[1::2], strict=True)
        },
        main=judged.candidate if judged.candidate in candidates else BASELINE,
        compared=tuple(candidates),
    )


def _ends() -> list[str]:
    """The columns of the lower and upper end of each interval."""
    return [QUANTILES[place] for share in INTERVALS for place in interval_bounds(share)]


def _realised(judged: Judged, ticker: str | None) -> Evidence:
    tickers = tuple(each.ticker for each in frame.stored() if each.pool == judged.pool)
    since = readers.now().date() - YEARS
    ahead = (judged.horizon, judged.sessions)
    rows = readers.uncached(_scored, ahead, since, tickers, ticker)
    names = tuple(sorted({row[2] for row in rows}))
    sessions = np.unique(np.array([row[3] for row in rows], dtype="datetime64[D]"))
    layout = _Layout(sessions, names)
    ends = [layout.matrix(rows, 6 + k) for k in range(2 * len(INTERVALS))]
    return Evidence(
        horizon=judged.sessions,
        sessions=sessions,
        tickers=names,
        actual=layout.matrix(rows, 4),
        points=_points(rows, layout),
        bounds=dict(zip(INTERVALS, zip(ends[::2], ends[1::2], strict=True), strict=True)),
        main=ANSWERED,
        compared=(BASELINE, ANSWERED),
    )


def _scored(
    connection: Connection,
    horizon: tuple[str, int],
    since: dt.date,
    tickers: Sequence[str],
    ticker: str | None,
) -> list[tuple[Any, ...]]:
    """The forecasts that the scoreboard counts, one by one."""
    return scored_forecasts(ScoreLog(connection), horizon, since, tickers, ticker)


@dataclass(frozen=True, eq=False)
class _Layout:
    """Sessions and tickers, both ascending, that rows are arranged by."""

    sessions: Days
    tickers: Sequence[str]

    def matrix(self, rows: Sequence[tuple[Any, ...]], column: int) -> Floats:
        """A column of rows; of several for one session and ticker the first counts."""
        out = np.full((len(self.sessions), len(self.tickers)), np.nan)
        if rows:
            # What is assigned last stays: that is the row that was made first.
            backwards = rows[::-1]
            days = np.array([row[3] for row in backwards], dtype="datetime64[D]")
            places = np.searchsorted(self.sessions, days)
            columns = np.searchsorted(np.array(self.tickers), [row[2] for row in backwards])
            values = np.array([row[column] for row in backwards], dtype=np.float64)
            out[places, columns] = values
        return out


def _points(rows: Sequence[tuple[Any, ...]], layout: _Layout) -> dict[str, Floats]:
    """No change, what was answered, and each model where there are others."""
    answered = [row for row in rows if row[0] == SERVED]
    by_model: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
    for row in rows:
        by_model.setdefault((row[0], row[1]), []).append(row)
    if len({model for kind, model in by_model if kind == SERVED}) == 1:
        by_model = {pair: some for pair, some in by_model.items() if pair[0] != SERVED}
    actual = layout.matrix(rows, 4)
    return {
        BASELINE: np.where(np.isfinite(actual), 0.0, np.nan),
        ANSWERED: layout.matrix(answered, 5),
        **{f"{model}, {kind}": layout.matrix(some, 5) for (kind, model), some in by_model.items()},
    }
