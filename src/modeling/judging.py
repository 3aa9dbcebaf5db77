"""The settings in; what a contest is held by out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from src.modeling.contest import Rules
from src.modeling.names import CHALLENGERS, CONFIGURATIONS
from src.modeling.walked import Schedule

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.modeling.panel import Panel


def rules_of(
    settings: Settings, horizon: str, panel: Panel, names: Sequence[str], first: int | None = None
) -> Rules:
    """The rules of ``short`` or ``long``.

    Learners begin at row ``first``, by default after a year of bars that have all features; where
    the challenger does not take part, zero stands in for it.
    """
    training = settings.training
    begin = _first_year(panel) if first is None else first
    challenger = CHALLENGERS[horizon]
    return Rules(
        challenger=challenger if challenger in names else names[0],
        min_mae_improvement=getattr(settings.validation.min_mae_improvement, horizon),
        configurations=CONFIGURATIONS,
        schedule=Schedule(
            first=begin,
            refit_every=max(training.refit_every, MOST_OFTEN),
            embargo=training.embargo,
            min_train=training.min_train_rows,
        ),
    )


# A panel's model learns little from one quarter more.
MOST_OFTEN = 252


def _first_year(panel: Panel) -> int:
    """The row after which some ticker has three years of bars."""
    bars = np.isfinite(panel.close).cumsum(axis=0).max(axis=1)
    return int(np.searchsorted(bars, 3 * MOST_OFTEN))
