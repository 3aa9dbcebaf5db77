"""List the features of ``features_daily`` and the inputs of models.

This is the extension point: a new feature is a line here and a function in ``indicators``,
``time_series`` or ``market``. Names of model inputs: ``_s`` is in units of the volatility of the
ticker (or of the market), ``rank_`` a rank among the tickers of the session, ``lag1`` the return of
session t itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from src.core.arrays import Floats
from src.features import indicators, market, time_series
from src.features.bars import Bars
from src.features.panel import MIN_TICKERS, ModelFeature
from src.features.time_series import WARM_UP

if TYPE_CHECKING:
    from src.config.settings import FeatureSettings

# Raise when a formula changes, so that stored features of the old formula have another version.
FORMULAS = 1


@dataclass(frozen=True)
class Feature:
    """A column of ``features_daily``.

    ``lookback`` is how many rows before t its value needs. A feature that is not ``scale_free``
    is stored and shown, but is no input of a model: a level of prices or volumes is not comparable
    over time.
    """

    name: str
    compute: Callable[[Bars], Floats]
    lookback: int
    scale_free: bool = True


def features(windows: FeatureSettings) -> tuple[Feature, ...]:
    """The guide's features, then the scale-free ones of the same windows, in column order."""
    return (*_guide_features(windows), *_scale_free_features(windows))


def version(windows: FeatureSettings) -> str:
    """Names and formulas as a short hash: equal where features may be used together."""
    text = f"{FORMULAS}:{','.join(feature.name for feature in features(windows))}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def warm_up_rows(windows: FeatureSettings) -> int:
    """Rows at the start of a series on which at least one feature is not defined yet."""
    return max(feature.lookback for feature in features(windows))


def _guide_features(w: FeatureSettings) -> tuple[Feature, ...]:
    return (
        *(
            Feature(f"return_lag{k}", partial(indicators.lagged_return, lag=k), k)
            for k in w.lag_periods
        ),
        *(
            Feature(
                f"sma_{k}", partial(indicators.moving_average, window=k), k - 1, scale_free=False
            )
            for k in w.sma_periods
        ),
        *(
            Feature(f"mom_{k}", partial(indicators.momentum, window=k), k)
            for k in w.momentum_periods
        ),
        *(
            Feature(f"vol_{k}", partial(indicators.volatility, window=k), k)
            for k in w.volatility_periods
        ),
        Feature("volume", indicators.traded_volume, 0, scale_free=False),
    )


def _scale_free_features(w: FeatureSettings) -> tuple[Feature, ...]:
    unit = w.volatility_periods[0]
    longest = w.sma_periods[-1]
    return (
        *(
            Feature(
                f"return_lag{k}_scaled",
                partial(indicators.scaled_return, lag=k, window=unit),
                max(k, unit),
            )
            for k in w.lag_periods
        ),
        *(
            Feature(
                f"mom_{k}_scaled",
                partial(indicators.scaled_momentum, span=k, window=unit),
                max(k, unit),
            )
            for k in w.momentum_periods
        ),
        *(
            Feature(f"close_over_sma_{k}", partial(indicators.close_over_average, window=k), k - 1)
            for k in w.sma_periods
        ),
        Feature("range_1", indicators.session_range, 0),
        Feature("gap_1", indicators.overnight_gap, 1),
        Feature(
            f"volume_z_{longest}", partial(indicators.volume_surprise, window=longest), longest - 1
        ),
    )


def model_features(tickers: int = MIN_TICKERS) -> tuple[ModelFeature, ...]:
    """All features that a pool of so many tickers can have, each ranked one before its rank.

    Below ``MIN_TICKERS`` only those of a ticker by itself.
    """
    by_itself = time_series_features()
    if tickers < MIN_TICKERS:
        return by_itself
    ranked = [*by_itself, *_relative_features()]
    pairs = (feature for base in ranked for feature in (base, _rank(base)))
    return (*pairs, *_market_features())


def time_series_features() -> tuple[ModelFeature, ...]:
    """Features that a ticker has by itself."""
    return (
        *_move_features(),
        *_range_features(),
        *_volatility_features(),
        *_volume_features(),
        *_extreme_features(),
    )


def _time_series(name: str, compute: Callable[..., Floats], rows: int) -> ModelFeature:
    return ModelFeature(name, compute, rows, "time_series")


def _scaled(name: str, compute: Callable[..., Floats], rows: int) -> ModelFeature:
    """A feature divided by s: not defined before the volatility is."""
    return _time_series(f"{name}_s", compute, max(rows, WARM_UP))


def _move_features() -> tuple[ModelFeature, ...]:
    return (
        *(
            _scaled(f"ret_lag{k}", partial(time_series.scaled_return, lag=k), k)
            for k in (1, 2, 3, 4, 5)
        ),
        *(
            _scaled(f"mom_{k}", partial(time_series.scaled_momentum, span=k), k)
            for k in (5, 10, 21, 63, 126, 252)
        ),
        _scaled("mom_252_21", partial(time_series.skipped_momentum, span=252, skip=21), 252),
        *(
            _scaled(f"over_sma_{k}", partial(time_series.distance_from_average, window=k), k - 1)
            for k in (7, 21, 50, 200)
        ),
        _scaled("max_ret_21", partial(time_series.largest_return, window=21), 21),
    )


def _range_features() -> tuple[ModelFeature, ...]:
    return (
        _scaled("overnight", time_series.scaled_overnight, 1),
        _scaled("range", time_series.scaled_range, 0),
        _time_series("close_location", partial(time_series.close_location, window=1), 0),
        _time_series("close_location_5", partial(time_series.close_location, window=5), 4),
    )


def _volatility_features() -> tuple[ModelFeature, ...]:
    return (
        *(
            _time_series(f"log_var_{k}", partial(time_series.log_variance, window=k), k)
            for k in (5, 21, 63)
        ),
        *(
            _time_series(
                f"log_var_{k}_{n}", partial(time_series.variance_change, short=k, long=n), n
            )
            for k, n in ((5, 63), (21, 252))
        ),
        _time_series("skew_63", partial(time_series.skewness, window=63), 63),
    )


def _volume_features() -> tuple[ModelFeature, ...]:
    return (
        _time_series(
            "volume_z_21_63", partial(time_series.volume_surprise, window=21, spread=63), 62
        ),
        _time_series("volume_5_63", partial(time_series.volume_change, short=5, long=63), 62),
        _time_series(
            "illiquidity_21_252", partial(time_series.illiquidity_change, short=21, long=252), 252
        ),
    )


def _extreme_features() -> tuple[ModelFeature, ...]:
    return (
        _time_series("drawdown_252", partial(time_series.drawdown, window=252), 251),
        _time_series("run_up_252", partial(time_series.run_up, window=252), 251),
        _time_series("rsi_14", partial(time_series.relative_strength, window=14), 14),
    )


def _market_features() -> tuple[ModelFeature, ...]:
    def state(name: str, compute: Callable[..., Floats], sessions: int) -> ModelFeature:
        return ModelFeature(f"market_{name}", compute, sessions, "market")

    return (
        *(
            state(f"ret_{k}_s", partial(market.market_return, span=k), max(k, WARM_UP))
            for k in (1, 5, 21, 63, 252)
        ),
        state("vol", market.market_volatility, WARM_UP),
        state("vol_252", partial(market.market_volatility_change, window=252), WARM_UP + 251),
    )


def _relative_features() -> tuple[ModelFeature, ...]:
    # Returns of a market begin at its second session, and pairs of returns one later.
    return (
        ModelFeature("beta_126", partial(market.beta, window=126), 127, "cross_section"),
        *(
            ModelFeature(
                f"residual_{k}_s",
                partial(market.residual, span=k, window=126),
                127,
                "cross_section",
            )
            for k in (5, 21)
        ),
    )


def _rank(base: ModelFeature) -> ModelFeature:
    compute = partial(market.rank_of, feature=base)
    return ModelFeature(f"rank_{base.name}", compute, base.lookback, "cross_section")
