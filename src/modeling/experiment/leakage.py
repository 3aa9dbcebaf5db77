"""Check that nothing computed at a session changes with the prices after it.

Every step from prices to forecasts is computed over a whole panel, then with the future cut off,
and with other prices in its place: up to the cut the values must be the same. Cuts lie on refits,
where a label that is not purged reaches farthest. Each step is compared by itself, so that a leak
is reported by name. Besides, no model input may correlate with the next session's return as no
honest input does (``src.features.leakage_check``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from src.core.arrays import Floats
from src.core.tables import OHLCV
from src.features import leakage_check
from src.features.catalogue import Feature, model_features
from src.features.panel import build_pool, matrices
from src.modeling.experiment.config import ExperimentConfig
from src.modeling.experiment.run import count_seasoned_tickers, feature_rows, run_walk_forward
from src.modeling.panel.panel import MATRICES, Panel
from src.modeling.points import splits

# Volatility per session of the prices that replace the future.
NOISE = 0.05
# A product of a longer matrix is summed in another order, which changes the last bits.
ROUNDING = 1e-9
# Quantiles are compared on every so many sessions.
QUANTILE_STEP = 5

# One step from prices to forecasts: named arrays, (T, N) or (T, N, K), from a panel.
Step = Callable[[Panel], Mapping[str, Floats]]


@dataclass(frozen=True)
class LeakageResult:
    """The outcome of one check.

    Attributes:
        step: Name of the step, or ``model inputs`` for the correlations.
        check: ``cut off``, ``replaced`` or ``correlation``.
        at: The session after which the future was changed; None for the correlations.
        compared: How many values had to stay as they were.
        leaks: Names of arrays that did not, with how many of their values.
    """

    step: str
    check: str
    at: np.datetime64 | None
    compared: int
    leaks: tuple[tuple[str, int], ...]

    @property
    def passed(self) -> bool:
        """Whether no leak was found."""
        return not self.leaks


def check_steps(
    panel: Panel, steps: Mapping[str, Step], cuts: Sequence[int], *, seed: int
) -> Iterator[LeakageResult]:
    """Check every step at every cut, with the future cut off and with the future replaced.

    The future begins after the rows ``cuts``; ``seed`` is of the prices that replace it.
    """
    whole = {name: compute(panel) for name, compute in steps.items()}
    for cut in cuts:
        changes = {"cut off": cut_off(panel, cut), "replaced": replace_future(panel, cut, seed)}
        for check, changed in changes.items():
            for name, compute in steps.items():
                leaks, compared = _differences(whole[name], compute(changed), cut)
                yield LeakageResult(name, check, panel.sessions[cut], compared, leaks)


def check_correlations(inputs: Mapping[str, Floats], panel: Panel) -> LeakageResult:
    """Check that no input correlates with the next session's return beyond the honest limit."""
    correlations = leakage_check.correlations(inputs, panel.targets(1))
    leaks = tuple((item.feature, item.n) for item in correlations if item.leaks)
    return LeakageResult(
        "model inputs", "correlation", None, sum(item.n for item in correlations), leaks
    )


def cut_off(panel: Panel, cut: int) -> Panel:
    """The panel as it was at row ``cut``."""
    rows = slice(cut + 1)
    short = {name: getattr(panel, name)[rows] for name in MATRICES}
    return replace(panel, sessions=panel.sessions[rows], **short)


def replace_future(panel: Panel, cut: int, seed: int) -> Panel:
    """The panel with other prices and volumes after row ``cut``."""
    random = np.random.default_rng(seed)
    after = len(panel.sessions) - cut - 1
    walk = np.exp(np.cumsum(random.normal(0, NOISE, (after, len(panel.tickers))), axis=0))
    changed = {name: getattr(panel, name).copy() for name in OHLCV}
    for values in changed.values():
        values[cut + 1 :] *= walk
    return replace(panel, **changed)


def _differences(
    whole: Mapping[str, Floats], changed: Mapping[str, Floats], cut: int
) -> tuple[tuple[tuple[str, int], ...], int]:
    """Names with how many of their values differ up to the cut, and how many were compared."""
    leaks, compared = [], 0
    for name in sorted({*whole, *changed}):
        if name not in whole or name not in changed:
            leaks.append((name, 1))
            continue
        before, after = whole[name][: cut + 1], changed[name][: cut + 1]
        differ = ~np.isclose(before, after, rtol=ROUNDING, atol=ROUNDING**2, equal_nan=True)
        compared += before.size
        if differ.any():
            leaks.append((name, int(differ.sum())))
    return tuple(leaks), compared


def checked_steps(
    features: Sequence[Feature], configs: Sequence[ExperimentConfig], names: Sequence[str]
) -> dict[str, Step]:
    """Stored features, model inputs, and labels and forecasts of each horizon, by name.

    ``names`` are the candidates that take part.
    """
    steps: dict[str, Step] = {
        "stored features": partial(stored_features, features=features),
        "model features": model_inputs,
    }
    for config in configs:
        horizon = config.rules.horizon
        steps[f"labels, {horizon}"] = partial(labels, horizon=horizon)
        steps[f"forecasts, {horizon}"] = partial(forecasts, config=config, names=names)
    return steps


def stored_features(panel: Panel, features: Sequence[Feature]) -> dict[str, Floats]:
    """The columns of ``features_daily``, computed ticker by ticker."""
    pool = build_pool(panel)
    return {
        feature.name: pool.to_matrix(feature.compute(bars) for bars in pool.bars)
        for feature in features
    }


def model_inputs(panel: Panel) -> dict[str, Floats]:
    """Every input of the models, by name."""
    features = model_features(count_seasoned_tickers(panel))
    return {name: values.copy() for name, values in matrices(build_pool(panel), features)}


def labels(panel: Panel, horizon: int) -> dict[str, Floats]:
    """Labels by the session that they end in, which is when they become known."""
    known = np.full(panel.close.shape, np.nan)
    known[horizon:] = panel.targets(horizon)[:-horizon]
    return {"label": known}


def forecasts(panel: Panel, config: ExperimentConfig, names: Sequence[str]) -> dict[str, Floats]:
    """Points of every candidate, what was served, and the quantiles of every fifth session."""
    result = run_walk_forward(panel, config, names=names)
    rows = np.arange(0, len(panel.sessions), QUANTILE_STEP)
    computed = result.distributions.quantiles(rows)
    quantiles = np.full((len(panel.sessions), *computed.shape[1:]), np.nan)
    quantiles[rows] = computed
    return {**result.series(), "quantiles": quantiles}


def refits(panel: Panel, config: ExperimentConfig) -> list[int]:
    """Rows on which models are refitted, where a label that is not purged reaches farthest."""
    return [fold.cutoff for fold in splits.folds(feature_rows(panel).rows, 1, config.schedule)]
