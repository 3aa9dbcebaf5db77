"""List the guide's features and the inputs of models.

This is the extension point: a new feature is a line here and a function in ``indicators``,
``time_series`` or ``market``. Names of model inputs: ``_s`` is in units of the volatility of the
ticker (or of the market), ``rank_`` a rank among the tickers of the session, ``lag1`` the return of
session t itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

from src.core.arrays import Floats
from src.features import indicators, market, time_series
from src.features.bars import Bars
from src.features.market import ModelFeature
from src.features.rolling import MEMORY
from src.features.time_series import WARM_UP

if TYPE_CHECKING:
    from src.config.sections.results import FeatureSettings

# Raise when the formula of a model input changes: a test fails until then. Stored inputs of the old
# formula are then computed anew, and no model sees both.
FORMULAS = 2


@dataclass(frozen=True)
class Feature:
    """A column of ``features_daily`` that the guide names.

    ``lookback`` is how many rows before t its value needs. A feature that is not ``scale_free`` is
    a level of prices or volumes, and not comparable over time.
    """

    name: str
    compute: Callable[[Bars], Floats]
    lookback: int
    scale_free: bool = True


def features(windows: FeatureSettings) -> tuple[Feature, ...]:
    """The guide's features with the configured windows, in column order; no model sees them."""

    def feature(name: str, compute: Callable[..., Floats], rows: int, **arguments: int) -> Feature:
        return Feature(name, partial(compute, **arguments), rows)

    def level(name: str, compute: Callable[..., Floats], rows: int, **arguments: int) -> Feature:
        return Feature(name, partial(compute, **arguments), rows, scale_free=False)

    w = windows
    return (
        *(feature(f"return_lag{k}", indicators.lagged_return, k, lag=k) for k in w.lag_periods),
        *(level(f"sma_{k}", indicators.moving_average, k - 1, window=k) for k in w.sma_periods),
        *(feature(f"mom_{k}", indicators.momentum, k, window=k) for k in w.momentum_periods),
        *(feature(f"vol_{k}", indicators.volatility, k, window=k) for k in w.volatility_periods),
        level("volume", indicators.traded_volume, 0),
    )


def warm_up_rows(windows: FeatureSettings) -> int:
    """Rows at the start of a series on which at least one feature is not defined yet."""
    return max(feature.lookback for feature in features(windows))


def lookback(windows: FeatureSettings) -> int:
    """Rows before t that decide the last bit of anything that is computed at t."""
    bases = max(feature.lookback for feature in time_series_features())
    return max(warm_up_rows(windows), bases) + MEMORY


@cache
def version() -> str:
    """Names and formulas of all model inputs as a short hash; windows do not enter it."""
    text = f"{FORMULAS}:{','.join(feature.name for feature in model_features())}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@cache
def model_features() -> tuple[ModelFeature, ...]:
    """Every input of models, each ranked one before its rank."""
    ranked = [*time_series_features(), *_relative_features()]
    pairs = (feature for base in ranked for feature in (base, _rank(base)))
    return (*pairs, *_market_features())


@cache
def time_series_features() -> tuple[ModelFeature, ...]:
    """Inputs that a ticker has by itself, in the order of ``features_daily.inputs``."""
    return (*_moves(), *_ranges_and_variances(), *_volumes_and_extremes())


def _time_series(
    name: str, compute: Callable[..., Floats], rows: int, **arguments: int
) -> ModelFeature:
    return ModelFeature(name, partial(compute, **arguments), rows, "time_series")


def _scaled(name: str, compute: Callable[..., Floats], rows: int, **arguments: int) -> ModelFeature:
    """A feature divided by s: not defined before the volatility is."""
    return _time_series(f"{name}_s", compute, max(rows, WARM_UP), **arguments)


def _moves() -> tuple[ModelFeature, ...]:
    return (
        *(_scaled(f"ret_lag{k}", time_series.scaled_return, k, lag=k) for k in (1, 2, 3, 4, 5)),
        *(
            _scaled(f"mom_{k}", time_series.scaled_momentum, k, span=k)
            for k in (5, 10, 21, 63, 126, 252)
        ),
        _scaled("mom_252_21", time_series.skipped_momentum, 252, span=252, skip=21),
        *(
            _scaled(f"over_sma_{k}", time_series.distance_from_average, k - 1, window=k)
            for k in (7, 21, 50, 200)
        ),
        _scaled("max_ret_21", time_series.largest_return, 21, window=21),
    )


def _ranges_and_variances() -> tuple[ModelFeature, ...]:
    return (
        _scaled("overnight", time_series.scaled_overnight, 1),
        _scaled("range", time_series.scaled_range, 0),
        _time_series("close_location", time_series.close_location, 0, window=1),
        _time_series("close_location_5", time_series.close_location, 4, window=5),
        *(_time_series(f"log_var_{k}", time_series.log_variance, k, window=k) for k in (5, 21, 63)),
        *(
            _time_series(f"log_var_{k}_{n}", time_series.variance_change, n, short=k, long=n)
            for k, n in ((5, 63), (21, 252))
        ),
        _time_series("skew_63", time_series.skewness, 63, window=63),
    )


def _volumes_and_extremes() -> tuple[ModelFeature, ...]:
    illiquidity = time_series.illiquidity_change
    return (
        _time_series("volume_z_21_63", time_series.volume_surprise, 62, window=21, spread=63),
        _time_series("volume_5_63", time_series.volume_change, 62, short=5, long=63),
        _time_series("illiquidity_21_252", illiquidity, 252, short=21, long=252),
        _time_series("drawdown_252", time_series.drawdown, 251, window=252),
        _time_series("run_up_252", time_series.run_up, 251, window=252),
        _time_series("rsi_14", time_series.relative_strength, 14, window=14),
    )


def _market_features() -> tuple[ModelFeature, ...]:
    def state(
        name: str, compute: Callable[..., Floats], sessions: int, **arguments: int
    ) -> ModelFeature:
        compute = partial(compute, **arguments)
        return ModelFeature(f"market_{name}", compute, sessions, "market")

    return (
        *(
            state(f"ret_{k}_s", market.market_return, max(k, WARM_UP), span=k)
            for k in (1, 5, 21, 63, 252)
        ),
        state("vol", market.market_volatility, WARM_UP),
        state("vol_252", market.market_volatility_change, WARM_UP + 251, window=252),
    )


def _relative_features() -> tuple[ModelFeature, ...]:
    def relative(name: str, compute: Callable[..., Floats], **arguments: int) -> ModelFeature:
        # Returns of a market begin at its second session, and pairs of returns one later.
        return ModelFeature(name, partial(compute, window=126, **arguments), 127, "cross_section")

    return (
        relative("beta_126", market.beta),
        *(relative(f"residual_{k}_s", market.residual, span=k) for k in (5, 21)),
    )


def _rank(base: ModelFeature) -> ModelFeature:
    compute = partial(market.rank_of, feature=base)
    return ModelFeature(f"rank_{base.name}", compute, base.lookback, "cross_section")
