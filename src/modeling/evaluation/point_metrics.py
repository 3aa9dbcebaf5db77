"""Score point forecasts, always beside the baselines that they must beat.

All inputs are simple returns, (rows,). Anything not finite is a ValueError: a score over only some
of the rows would look like the score of all.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from src.core.arrays import Days, Floats

BASELINES = ("zero", "mean")


def mae(y: Floats, forecast: Floats) -> float:
    """Mean absolute error, a simple return."""
    _check(y, forecast)
    return float(np.abs(y - forecast).mean())


def rmse(y: Floats, forecast: Floats) -> float:
    """Root of the mean squared error, a simple return."""
    _check(y, forecast)
    return float(np.sqrt(np.square(y - forecast).mean()))


def r2(y: Floats, forecast: Floats) -> float | None:
    """1 - SSE / SST, SST about the mean of these test outcomes; None when they do not vary.

    That mean was not known beforehand, so a forecast can be worth serving with R2 below zero.
    """
    _check(y, forecast)
    total = float(np.square(y - y.mean()).sum())
    return 1 - float(np.square(y - forecast).sum()) / total if total > 0 else None


def direction(y: Floats, forecast: Floats) -> tuple[float | None, float | None]:
    """Share of right signs, and the share of the more common sign on the same rows.

    The second is the score of always forecasting the same sign: never show one without the other.
    Rows without a direction (an outcome or a forecast of exactly 0) are left out; both are None
    when none is left.
    """
    _check(y, forecast)
    decided = (y != 0) & (forecast != 0)
    if not decided.any():
        return None, None
    rose = y[decided] > 0
    share = float(rose.mean())
    return float((rose == (forecast[decided] > 0)).mean()), max(share, 1 - share)


def share_of_rises(y: Floats) -> float:
    """Share of outcomes above 0."""
    _check(y, y)
    return float((y > 0).mean())


def skill(y: Floats, forecast: Floats, reference: Floats | None = None) -> float | None:
    """1 - MAE / MAE of the reference (default: zero); None when the reference never errs."""
    return _skill(mae(y, forecast), mae(y, np.zeros_like(y) if reference is None else reference))


def effective_n(dates: Days, horizon: int) -> float:
    """How many outcomes do not overlap: distinct dates / horizon, at least 1.

    Tickers of one date count once: they share the day's market.
    """
    if not len(dates) or horizon < 1:
        raise ValueError("n_eff needs at least one date and a horizon of at least 1")
    # ``np.unique`` takes ten times as long for dates that lie in order.
    ordered = np.sort(dates, kind="stable")
    return max(1.0, (1 + int((ordered[1:] != ordered[:-1]).sum())) / horizon)


def score_table(
    y: Floats, forecasts: Mapping[str, Floats], *, horizon: int, dates: Days
) -> list[dict[str, str | float | None]]:
    """One row per model with every measure, baselines first, then in the order of ``forecasts``.

    ``forecasts`` must hold the walk-forward ``mean``, which these outcomes alone cannot give
    without looking ahead; ``zero`` is added. Row keys: name, mae, rmse, r2, directional_accuracy,
    base_rate, share_of_rises, skill_vs_zero, skill_vs_mean, n, n_eff.

    Raises:
        ValueError: For a missing mean, values that are not finite, or lengths that differ.
    """
    if "mean" not in forecasts:
        raise ValueError("a table of scores needs the mean's forecasts beside the others")
    if len(dates) != len(y):
        raise ValueError("outcomes and dates differ in length")
    others = {name: points for name, points in forecasts.items() if name not in BASELINES}
    every = {"zero": np.zeros_like(y), "mean": forecasts["mean"], **others}
    shared: dict[str, float] = {
        "share_of_rises": share_of_rises(y),
        "n": len(y),
        "n_eff": effective_n(dates, horizon),
    }
    errors = {name: mae(y, forecast) for name, forecast in every.items()}
    return [
        {"name": name, **_measures(y, every[name], errors[name], errors), **shared}
        for name in every
    ]


def _measures(
    y: Floats, forecast: Floats, error: float, errors: Mapping[str, float]
) -> dict[str, float | None]:
    """One model's measures; ``error`` is its MAE, ``errors`` are those of all."""
    accuracy, base_rate = direction(y, forecast)
    return {
        "mae": error,
        "rmse": rmse(y, forecast),
        "r2": r2(y, forecast),
        "directional_accuracy": accuracy,
        "base_rate": base_rate,
        "skill_vs_zero": _skill(error, errors["zero"]),
        "skill_vs_mean": _skill(error, errors["mean"]),
    }


def _skill(error: float, baseline: float) -> float | None:
    return 1 - error / baseline if baseline > 0 else None


def _check(y: Floats, forecast: Floats) -> None:
    if y.ndim != 1 or y.shape != forecast.shape or not len(y):
        raise ValueError("outcomes and forecasts must be one-dimensional, of one length, not empty")
    if not (np.isfinite(y).all() and np.isfinite(forecast).all()):
        raise ValueError("outcomes and forecasts must be finite")
