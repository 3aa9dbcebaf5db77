"""The inputs of models: a new one is a line here and a function in ``scale_free`` or ``market``.

Names: ``_s`` is in units of the ticker's (or market's) own volatility, ``rank_`` a place among the
tickers of the session. ``lag1`` is the return of session t itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from src.features import market as mk
from src.features import time_series as sf
from src.features.indicators import Array
from src.features.panel import MIN_TICKERS, ModelFeature
from src.features.time_series import WARM_UP


def model_features(tickers: int = MIN_TICKERS) -> tuple[ModelFeature, ...]:
    """All features that a pool of so many tickers can have, each ranked one before its rank.

    Below ``MIN_TICKERS`` only those of a ticker by itself.
    """
    own = time_series_features()
    if tickers < MIN_TICKERS:
        return own
    ranked = [*own, *_beside_the_market()]
    return (*(one for base in ranked for one in (base, _rank(base))), *_market())


def time_series_features() -> tuple[ModelFeature, ...]:
    """Features that a ticker has by itself."""
    return (*_moves(), *_ranges(), *_volatility(), *_volume(), *_places())


def _own(name: str, compute: Callable[..., Array], rows: int) -> ModelFeature:
    return ModelFeature(name, compute, rows, "time_series")


def _in_moves(name: str, compute: Callable[..., Array], rows: int) -> ModelFeature:
    """A feature over s: no row has it before the volatility is known."""
    return _own(f"{name}_s", compute, max(rows, WARM_UP))


def _moves() -> tuple[ModelFeature, ...]:
    return (
        *(_in_moves(f"ret_lag{k}", partial(sf.scaled_return, lag=k), k) for k in (1, 2, 3, 4, 5)),
        *(
            _in_moves(f"mom_{k}", partial(sf.scaled_momentum, span=k), k)
            for k in (5, 10, 21, 63, 126, 252)
        ),
        _in_moves("mom_252_21", partial(sf.skipped_momentum, span=252, skip=21), 252),
        *(
            _in_moves(f"over_sma_{k}", partial(sf.over_average, window=k), k - 1)
            for k in (7, 21, 50, 200)
        ),
        _in_moves("max_ret_21", partial(sf.largest_return, window=21), 21),
    )


def _ranges() -> tuple[ModelFeature, ...]:
    return (
        _in_moves("overnight", sf.scaled_overnight, 1),
        _in_moves("range", sf.scaled_range, 0),
        _own("close_location", partial(sf.close_location, window=1), 0),
        _own("close_location_5", partial(sf.close_location, window=5), 4),
    )


def _volatility() -> tuple[ModelFeature, ...]:
    return (
        *(_own(f"log_var_{k}", partial(sf.log_variance, window=k), k) for k in (5, 21, 63)),
        *(
            _own(f"log_var_{k}_{n}", partial(sf.variance_change, short=k, long=n), n)
            for k, n in ((5, 63), (21, 252))
        ),
        _own("skew_63", partial(sf.skewness, window=63), 63),
    )


def _volume() -> tuple[ModelFeature, ...]:
    return (
        _own("volume_z_21_63", partial(sf.volume_surprise, window=21, spread=63), 62),
        _own("volume_5_63", partial(sf.volume_change, short=5, long=63), 62),
        _own("illiquidity_21_252", partial(sf.illiquidity_change, short=21, long=252), 252),
    )


def _places() -> tuple[ModelFeature, ...]:
    return (
        _own("drawdown_252", partial(sf.drawdown, window=252), 251),
        _own("run_up_252", partial(sf.run_up, window=252), 251),
        _own("rsi_14", partial(sf.strength, window=14), 14),
    )


def _market() -> tuple[ModelFeature, ...]:
    def state(name: str, compute: Callable[..., Array], sessions: int) -> ModelFeature:
        return ModelFeature(f"market_{name}", compute, sessions, "market")

    return (
        *(
            state(f"ret_{k}_s", partial(mk.market_return, span=k), max(k, WARM_UP))
            for k in (1, 5, 21, 63, 252)
        ),
        state("vol", mk.market_volatility, WARM_UP),
        state("vol_252", partial(mk.market_volatility_change, window=252), WARM_UP + 251),
    )


def _beside_the_market() -> tuple[ModelFeature, ...]:
    # Returns of a market begin at its second session, and pairs of returns one later.
    return (
        ModelFeature("beta_126", partial(mk.beta, window=126), 127, "cross_section"),
        *(
            ModelFeature(
                f"residual_{k}_s",
                partial(mk.residual, span=k, window=126),
                127,
                "cross_section",
            )
            for k in (5, 21)
        ),
    )


def _rank(base: ModelFeature) -> ModelFeature:
    compute = partial(mk.rank_of, feature=base)
    return ModelFeature(f"rank_{base.name}", compute, base.lookback, "cross_section")
