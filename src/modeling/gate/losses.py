"""Cumulate the losses of paired forecasts over sessions.

From cumulative sums the gate's numbers of any past day cost a few passes over the rows before it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from src.core.arrays import Floats
from src.modeling.evaluation import hac
from src.modeling.evaluation.hac import cumulated

LOSSES = ("absolute", "squared")


class CumulativeLosses(NamedTuple):
    """Cumulative sums of losses; row 0 is before the first session.

    Attributes:
        references: What the challenger is compared with: zero, and the champion unless it is zero.
        panel: Loss differences (reference less challenger) averaged over the tickers of a date,
            positive where they speak for the challenger; (T + 1, references, losses).
        tickers: Absolute-loss differences of each ticker; (T + 1, references, N).
        errors: Absolute errors of each reference; (T + 1, references, N).
        moments: Pairs, outcomes, their squares, forecasts, their squares; (T + 1, 5).
    """

    references: tuple[str, ...]
    panel: hac.Sums
    tickers: hac.Sums
    errors: Floats
    moments: Floats


def cumulate_losses(
    actual: Floats, challenger: Floats, champion: Floats | None = None
) -> CumulativeLosses:
    """Losses of (T, N) pairs; a cell with any of the three missing is no pair.

    Raises:
        ValueError: For matrices of different shapes.
    """
    references = {"zero": np.zeros_like(actual)}
    if champion is not None and np.any(champion != 0):
        references["champion"] = champion
    if actual.ndim != 2 or any(
        forecast.shape != actual.shape for forecast in (challenger, *references.values())
    ):
        raise ValueError(
            "outcomes and forecasts must be matrices of one shape, sessions by tickers"
        )
    known = np.isfinite(actual) & np.isfinite(challenger)
    for reference in references.values():
        known &= np.isfinite(reference)
    y, f = np.where(known, actual, 0.0), np.where(known, challenger, 0.0)
    error = np.abs(y - f)
    errors = np.stack([np.abs(y - reference) for reference in references.values()], axis=1)
    errors = np.where(known[:, None], errors, 0.0)
    gains = errors - error[:, None]
    pairs = known.sum(axis=1)
    per_date = (
        np.stack([gains.sum(axis=2), (errors**2 - error[:, None] ** 2).sum(axis=2)], axis=2)
        / np.maximum(pairs, 1)[:, None, None]
    )
    moments = np.stack([pairs, *(part.sum(axis=1) for part in (y, y * y, f, f * f))], axis=1)
    return CumulativeLosses(
        tuple(references),
        hac.Sums(cumulated(per_date), cumulated((pairs > 0)[:, None, None])),
        hac.Sums(cumulated(gains), cumulated(known[:, None])),
        cumulated(errors),
        cumulated(moments),
    )
