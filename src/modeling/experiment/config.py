"""Choose what a walk-forward is run with: its challenger, refit schedule and gate limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from src.modeling.gate.rules import GateRules, rules_for
from src.modeling.points.candidate_names import CHALLENGERS, CONFIGURATIONS, SMALL_POOL_CHALLENGERS
from src.modeling.points.rank_tilt import RANKED_FROM
from src.modeling.points.splits import Schedule

if TYPE_CHECKING:
    from src.config.settings import Settings


@dataclass(frozen=True)
class ExperimentConfig:
    """What decides the walk-forward of one horizon.

    Attributes:
        challenger: The candidate that the gate judges; the others are shown beside it.
        rules: What the gate asks of it, and how many sessions ahead.
        schedule: When models are refitted.
    """

    challenger: str
    rules: GateRules
    schedule: Schedule


def challenger_of(horizon: str, tickers: int) -> str:
    """The candidate that the gate judges at ``short`` or ``long`` in a pool of so many tickers."""
    return (CHALLENGERS if tickers >= RANKED_FROM else SMALL_POOL_CHALLENGERS)[horizon]


def candidate_names(horizon: str, tickers: int) -> tuple[str, ...]:
    """The candidates of training: the challenger and the baselines beside it."""
    return tuple(dict.fromkeys(("zero", "mean", "drift", challenger_of(horizon, tickers))))


def experiment_config(
    settings: Settings, horizon: str, names: Sequence[str], tickers: int
) -> ExperimentConfig:
    """What the walk-forward of ``short`` or ``long`` is run with.

    Zero is judged where the challenger is not among the ``names`` that take part; so many
    ``tickers`` of the pool have a year of bars.
    """
    training = settings.training
    challenger = challenger_of(horizon, tickers)
    sessions = getattr(training.horizons, horizon)
    min_improvement = getattr(settings.validation.min_mae_improvement, horizon)
    return ExperimentConfig(
        challenger=challenger if challenger in names else "zero",
        rules=rules_for(sessions, min_improvement, CONFIGURATIONS, tickers=tickers, repeated=True),
        schedule=Schedule(
            # The first refit of a lone ticker has min_train_rows labels, purged and embargoed.
            warm_up=training.min_train_rows + sessions + training.embargo + 1,
            refit_every=training.refit_every,
            embargo=training.embargo,
            min_train=training.min_train_rows,
        ),
    )
