"""The links from prices to what is served, as the leak check takes them; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from src.features.catalogue import Feature
from src.features.model_features import model_features
from src.features.panel import matrices, pool_of
from src.modeling.experiment import run as contest
from src.modeling.experiment.leakage import CheckedStep
from src.modeling.experiment.run import ExperimentConfig
from src.modeling.panel.panel import Panel
from src.modeling.points import walk_forward

Floats = npt.NDArray[np.float64]

EVERY = 5


def checked_steps(
    wanted: Sequence[Feature], rules: Mapping[int, ExperimentConfig], names: Sequence[str]
) -> list[CheckedStep]:
    """Features of the table and of models, labels, forecasts, distributions and what is served.

    Args:
        wanted: Features of the configuration.
        rules: Of each horizon in sessions.
        names: Candidates that take part.
    """
    made = [
        CheckedStep("stored features", lambda panel: stored_features(panel, wanted)),
        CheckedStep("model features", inputs),
    ]
    for horizon, own in rules.items():
        made += [
            CheckedStep(f"labels, {horizon}", lambda panel, h=horizon: labels(panel, h)),  # type: ignore[misc]
            CheckedStep(
                f"forecasts, {horizon}",
                lambda panel, h=horizon, r=own: forecasts(panel, h, r, names),  # type: ignore[misc]
            ),
        ]
    return made


def stored_features(panel: Panel, wanted: Sequence[Feature]) -> dict[str, Floats]:
    """The columns of ``features_daily``, ticker by ticker."""
    pool = pool_of(panel)
    return {one.name: pool.spread(one.compute(bars) for bars in pool.bars) for one in wanted}


def inputs(panel: Panel) -> dict[str, Floats]:
    """What models are fed with."""
    pool = pool_of(panel)
    wanted = model_features(contest.seasoned(panel))
    return {name: values.copy() for name, values in matrices(pool, wanted)}


def labels(panel: Panel, horizon: int) -> dict[str, Floats]:
    """Labels by the session that they end in: before it they are not known."""
    known = np.full(panel.close.shape, np.nan)
    known[horizon:] = panel.targets(horizon)[:-horizon]
    return {"label": known}


def forecasts(
    panel: Panel, horizon: int, rules: ExperimentConfig, names: Sequence[str]
) -> dict[str, Floats]:
    """Every candidate's points, what was served, and the quantiles of every fifth session."""
    held = contest.run_walk_forward(panel, horizon, rules, names=names)
    rows = np.arange(0, len(panel.sessions), EVERY)
    made = held.distributions.quantiles(rows)
    spread = np.full((len(panel.sessions), *made.shape[1:]), np.nan)
    spread[rows] = made
    return {**held.series(), "quantiles": spread}


def refits(panel: Panel, rules: ExperimentConfig) -> list[int]:
    """Rows on which a model is fitted anew: where a label that is not purged reaches farthest."""
    stacked = contest.model_inputs(panel)
    return walk_forward.refits(stacked, len(panel.sessions), rules.schedule)
