"""Which features a configuration has: the extension point is one line here, one function there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from src.features import indicators as ind

if TYPE_CHECKING:
    from src.config.settings import FeatureSettings

# Raise when a formula changes, so that stored features of the old formula are told apart.
FORMULAS = 1


@dataclass(frozen=True)
class Feature:
    """A column of ``features_daily``.

    ``lookback`` is how many rows before t its value needs. A feature that is not ``scale_free``
    is stored and shown, but no model is fed with it: a price level has no meaning across time.
    """

    name: str
    compute: Callable[[ind.Bars], ind.Array]
    lookback: int
    scale_free: bool = True


def features(windows: FeatureSettings) -> tuple[Feature, ...]:
    """The guide's features, then the scale-free ones of the same windows, in column order."""
    return (*_guide(windows), *_scale_free(windows))


def version(windows: FeatureSettings) -> str:
    """Names and formulas as a short hash: equal where features may be used together."""
    text = f"{FORMULAS}:{','.join(feature.name for feature in features(windows))}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def warm_up_rows(windows: FeatureSettings) -> int:
    """Rows at the start of a series on which at least one feature is not defined yet."""
    return max(feature.lookback for feature in features(windows))


def _guide(w: FeatureSettings) -> tuple[Feature, ...]:
    return (
        *(Feature(f"return_lag{k}", partial(ind.lagged_return, lag=k), k) for k in w.lag_periods),
        *(
            Feature(f"sma_{k}", partial(ind.moving_average, window=k), k - 1, scale_free=False)
            for k in w.sma_periods
        ),
        *(Feature(f"mom_{k}", partial(ind.momentum, window=k), k) for k in w.momentum_periods),
        *(Feature(f"vol_{k}", partial(ind.volatility, window=k), k) for k in w.volatility_periods),
        Feature("volume", ind.traded_volume, 0, scale_free=False),
    )


def _scale_free(w: FeatureSettings) -> tuple[Feature, ...]:
    unit = w.volatility_periods[0]
    longest = w.sma_periods[-1]
    return (
        *(
            Feature(
                f"return_lag{k}_scaled",
                partial(ind.scaled_return, lag=k, window=unit),
                max(k, unit),
            )
            for k in w.lag_periods
        ),
        *(
            Feature(
                f"mom_{k}_scaled",
                partial(ind.scaled_momentum, span=k, window=unit),
                max(k, unit),
            )
            for k in w.momentum_periods
        ),
        *(
            Feature(f"close_over_sma_{k}", partial(ind.close_over_average, window=k), k - 1)
            for k in w.sma_periods
        ),
        Feature("range_1", ind.session_range, 0),
        Feature("gap_1", ind.overnight_gap, 1),
        Feature(f"volume_z_{longest}", partial(ind.volume_surprise, window=longest), longest - 1),
    )
