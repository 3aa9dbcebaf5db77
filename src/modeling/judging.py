"""The settings in; what a contest is held by out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from src.modeling.contest import Rules
from src.modeling.names import CHALLENGERS, CONFIGURATIONS
from src.modeling.walked import Schedule

if TYPE_CHECKING:
    from src.config.settings import Settings


# A model of many tickers learns little from one quarter more.
MOST_OFTEN = 252


def rules_of(settings: Settings, horizon: str, names: Sequence[str]) -> Rules:
    """The rules of ``short`` or ``long``; without its challenger, zero is judged."""
    training = settings.training
    challenger = CHALLENGERS[horizon]
    return Rules(
        challenger=challenger if challenger in names else names[0],
        min_mae_improvement=getattr(settings.validation.min_mae_improvement, horizon),
        configurations=CONFIGURATIONS,
        schedule=Schedule(
            warm_up=training.min_train_rows,
            refit_every=max(training.refit_every, MOST_OFTEN),
            embargo=training.embargo,
            min_train=training.min_train_rows,
        ),
    )
