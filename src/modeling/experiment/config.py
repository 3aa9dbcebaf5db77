"""The settings in; what a contest is held by out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from src.modeling.experiment.run import ExperimentConfig
from src.modeling.points.candidate_names import CHALLENGERS, CONFIGURATIONS, SMALL_POOL_CHALLENGERS
from src.modeling.points.rank_tilt import RANKED_FROM
from src.modeling.points.walk_forward import Schedule

if TYPE_CHECKING:
    from src.config.settings import Settings


def challenger_of(horizon: str, tickers: int) -> str:
    """Whom the gate judges at ``short`` or ``long`` in a pool of so many tickers."""
    return (CHALLENGERS if tickers >= RANKED_FROM else SMALL_POOL_CHALLENGERS)[horizon]


def candidate_names(horizon: str, tickers: int) -> tuple[str, ...]:
    """Who takes part in training: the challenger and what it stands beside."""
    return tuple(dict.fromkeys(("zero", "mean", "drift", challenger_of(horizon, tickers))))


def experiment_config(
    settings: Settings, horizon: str, names: Sequence[str], tickers: int
) -> ExperimentConfig:
    """The rules of ``short`` or ``long``; without its challenger, zero is judged."""
    training = settings.training
    challenger = challenger_of(horizon, tickers)
    sessions = getattr(training.horizons, horizon)
    return ExperimentConfig(
        challenger=challenger if challenger in names else "zero",
        min_mae_improvement=getattr(settings.validation.min_mae_improvement, horizon),
        configurations=CONFIGURATIONS,
        schedule=Schedule(
            # So many rows of a lone ticker have realised labels then, purged and embargoed.
            warm_up=training.min_train_rows + sessions + training.embargo + 1,
            refit_every=training.refit_every,
            embargo=training.embargo,
            min_train=training.min_train_rows,
        ),
    )
