"""Check that nothing computed at a session changes with the prices after it.

The whole road, from clean prices over features and labels to forecasts, is computed from all
prices, then with the future cut off, and with other prices in its place: up to the cut the values
must be the same. Cuts lie on refits, where a label that is not purged reaches farthest. Each step
is compared by itself, so that a leak is reported by name. Besides, no model input may correlate
with the next session's return as no honest input does (``src.features.leakage_check``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from src.core.arrays import Floats, Singles
from src.core.tables import DAILY_VALUES
from src.features import leakage_check, ticker_features
from src.features.catalogue import model_features, time_series_features
from src.features.labels import configured, label_rows
from src.features.market import matrices
from src.modeling.experiment.config import ExperimentConfig
from src.modeling.experiment.run import FeatureCache, feature_rows, pool_of, run_walk_forward
from src.modeling.panel import assemble
from src.modeling.panel.panel import BAR_COLUMNS, Panel
from src.modeling.points import splits

if TYPE_CHECKING:
    import datetime as dt

    from src.config.sections.results import FeatureSettings
    from src.core.calendars.calendar import Calendar

# Volatility per session of the prices that replace the future.
NOISE = 0.05
# A product of a longer matrix is summed in another order, which changes the last bits.
ROUNDING = 1e-9
# Quantiles are compared on every so many sessions.
QUANTILE_STEP = 5


@dataclass(frozen=True, eq=False)
class Road:
    """All that is computed from some clean prices, each part when it is first needed.

    Attributes:
        clean: Rows of ``raw_daily_prices_clean`` in key order.
        windows: Of the guide's features.
        horizons: In sessions.
    """

    clean: pl.DataFrame
    windows: FeatureSettings
    horizons: Sequence[int]
    calendar: Calendar

    @cached_property
    def features(self) -> pl.DataFrame:
        """Rows of ``features_daily``."""
        return ticker_features.compute(self.clean, self.windows)

    @cached_property
    def panel(self) -> Panel:
        """The panel of the features and their labels."""
        labels = {h: label_rows(self.features, h, self.calendar) for h in self.horizons}
        names = [feature.name for feature in time_series_features()]
        return assemble.build(self.features, names, labels, self.calendar)

    @cached_property
    def feature_cache(self) -> FeatureCache:
        """What the horizons share."""
        return FeatureCache(self.panel)


Arrays = Mapping[str, Floats | Singles]
# One step of the road: named arrays, (T, N) or (T, N, K).
Step = Callable[[Road], Arrays]


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
    road: Road, steps: Mapping[str, Step], cuts: Sequence[int], *, seed: int
) -> Iterator[LeakageResult]:
    """Check every step at every cut, with the future cut off and with the future replaced.

    The future begins after the rows ``cuts`` of the panel; ``seed`` is of the prices that replace
    it.
    """
    whole = {name: compute(road) for name, compute in steps.items()}
    for cut in cuts:
        day = road.panel.sessions[cut].item()
        changes = {"cut off": cut_off(road, day), "replaced": replace_future(road, day, seed)}
        for check, changed in changes.items():
            for name, compute in steps.items():
                before = _of_tickers(whole[name], road.panel, changed.panel)
                leaks, compared = _differences(before, compute(changed), cut)
                yield LeakageResult(name, check, road.panel.sessions[cut], compared, leaks)


def check_correlations(inputs: Arrays, panel: Panel) -> LeakageResult:
    """Check that no input correlates with the next session's return beyond the honest limit."""
    correlations = leakage_check.correlations(inputs, panel.targets(min(panel.labels)))
    leaks = tuple((item.feature, item.n) for item in correlations if item.leaks)
    return LeakageResult(
        "model inputs", "correlation", None, sum(item.n for item in correlations), leaks
    )


def cut_off(road: Road, day: dt.date) -> Road:
    """The road as it was on a day."""
    return replace(road, clean=road.clean.filter(pl.col("date") <= day))


def replace_future(road: Road, day: dt.date, seed: int) -> Road:
    """The road with other prices and volumes after a day."""
    moves = np.random.default_rng(seed).normal(0, NOISE, road.clean.height)
    moves[(road.clean["date"] <= day).to_numpy()] = 0
    walk = pl.col("_move").cum_sum().over("ticker").exp()
    changed = road.clean.with_columns(_move=pl.Series(moves))
    return replace(road, clean=changed.with_columns(pl.col(DAILY_VALUES) * walk).drop("_move"))


def _of_tickers(whole: Arrays, panel: Panel, changed: Panel) -> Arrays:
    """Arrays of a panel, of the tickers that the changed one has: others were listed later."""
    columns = [panel.tickers.index(ticker) for ticker in changed.tickers]
    return {name: values[:, columns] for name, values in whole.items()}


def _differences(
    whole: Arrays, changed: Arrays, cut: int
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


def checked_steps(configs: Sequence[ExperimentConfig], names: Sequence[str]) -> dict[str, Step]:
    """Stored features, model inputs, and labels and forecasts of each horizon, by name.

    ``names`` are the candidates that take part.
    """
    steps: dict[str, Step] = {"stored features": stored_features, "model features": model_inputs}
    for config in configs:
        horizon = config.rules.horizon
        steps[f"labels, {horizon}"] = partial(labels, horizon=horizon)
        steps[f"forecasts, {horizon}"] = partial(forecasts, config=config, names=names)
    return steps


def stored_features(road: Road) -> dict[str, Floats]:
    """The columns of ``features_daily``."""
    names = [*configured(road.features), *BAR_COLUMNS]
    return {name: assemble.matrix(road.features, name, road.panel) for name in names}


def model_inputs(road: Road) -> dict[str, Singles]:
    """Every input of the models, by name."""
    return dict(matrices(pool_of(road.panel), model_features()))


def labels(road: Road, horizon: int) -> dict[str, Floats]:
    """Labels by the session that they end in, which is when they become known."""
    known = np.full(road.panel.close.shape, np.nan)
    known[horizon:] = road.panel.targets(horizon)[:-horizon]
    return {"label": known}


def forecasts(road: Road, config: ExperimentConfig, names: Sequence[str]) -> dict[str, Floats]:
    """Points of every candidate, what was served, and the quantiles of every fifth session."""
    panel = road.panel
    result = run_walk_forward(panel, config, names=names, feature_cache=road.feature_cache)
    rows = np.arange(0, len(panel.sessions), QUANTILE_STEP)
    computed = result.distributions.quantiles(rows)
    quantiles = np.full((len(panel.sessions), *computed.shape[1:]), np.nan)
    quantiles[rows] = computed
    return {**result.series(), "quantiles": quantiles}


def refits(panel: Panel, config: ExperimentConfig) -> list[int]:
    """Rows on which models are refitted, where a label that is not purged reaches farthest."""
    features = feature_rows(panel)
    # Of the models on all inputs, where there are any.
    rows = features.rows[features.complete] if features.complete.any() else features.rows
    return [fold.cutoff for fold in splits.folds(rows, 1, config.schedule)]
