"""Fit the challengers of running trials beside the candidates of a pool.

A challenger that is one of them, by the installation's own settings, costs nothing; any other is
walked forward by its settings, with the same cache, and only as far back as its newest model needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from src.config import logs
from src.core.errors import ForecastError
from src.modeling.experiment.config import experiment_config
from src.modeling.points.candidates import CandidateInputs, FitInputs, begin_forecast

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.core.trials import Trial
    from src.modeling.experiment.run import FeatureCache, WalkForwardResult
    from src.modeling.points.candidates import CandidateForecast
    from src.modeling.points.fit_cache import FitCache
    from src.registry.formats.models import Model

log = logs.get(__name__)


class ChallengerFailed(ForecastError):
    """The challenger of a trial could not be fitted, or cannot forecast."""


@dataclass(frozen=True, eq=False)
class FittedChallenger:
    """The newest model of a challenger.

    Attributes:
        fitted_through: Row of the panel at which the last label ended that it rests on.
    """

    trial: Trial
    model: Model
    fitted_through: int | None


# Candidates whose fits are cached, and sessions over which there may be some: twenty years.
CACHED, CACHED_SESSIONS = ("rank_tilt", "rank_tilt_lightgbm"), 5_040

# What became of a trial's fit: a model, or why there is none.
Fitted = FittedChallenger | ChallengerFailed
Finish = Callable[["WalkForwardResult"], Fitted]


def begin_challengers(
    shared: FeatureCache,
    settings: Settings,
    trials: Sequence[Trial],
    tickers: int,
    fit_cache: FitCache,
    walked: Mapping[str, Sequence[str]],
) -> dict[str, Finish]:
    """Begin the fits of those challengers that are candidates, not model sets.

    Args:
        shared: Of the pool's panel.
        settings: Of the installation; a trial's own come before them.
        trials: Running ones of the pool.
        tickers: How many of the pool have a year of bars.
        fit_cache: Where fits are looked up first.
        walked: By horizon the candidates that are walked forward anyway.

    Returns:
        By hash of the trial a function of its horizon's result that waits for the fits.
    """
    return {
        trial.hash: _begin(shared, settings, trial, tickers, fit_cache, walked[trial.horizon])
        for trial in trials
        if not trial.is_model_set
    }


def _begin(
    shared: FeatureCache,
    settings: Settings,
    trial: Trial,
    tickers: int,
    fit_cache: FitCache,
    walked: Sequence[str],
) -> Finish:
    if trial.challenger in walked and not trial.settings:
        sessions = getattr(settings.training.horizons, trial.horizon)
        if trial.sessions != sessions:
            other = failed(trial, ChallengerFailed(other_horizon(trial, sessions)))
            return lambda _: other
        return lambda result: _fitted(
            trial, result.models.get(trial.challenger), result.fitted_through.get(trial.challenger)
        )
    try:
        fits = _fit_inputs(shared, with_overrides(settings, trial), trial, tickers, fit_cache)
        forecast = begin_forecast(trial.challenger, fits)
    except Exception as error:
        failure = failed(trial, error)
        return lambda _: failure
    return lambda result: _finish(trial, result, fits, forecast)


def with_overrides(settings: Settings, trial: Trial) -> Settings:
    """The settings that a trial's challenger is fitted with."""
    training = settings.training.model_copy(update=dict(trial.settings))
    return settings.model_copy(update={"training": training})


def cached_files(settings: Settings, trials: Sequence[Trial]) -> int:
    """How many files the cache needs for the fits of these challengers: with fewer, none is found.

    Each fit is a model and its forecasts.
    """
    schedules = (
        with_overrides(settings, trial).training.refit_every
        for trial in trials
        if trial.challenger in CACHED
    )
    return sum(2 * (CACHED_SESSIONS // refit_every + 1) for refit_every in schedules)


def failed(trial: Trial, error: Exception) -> ChallengerFailed:
    """What went wrong with a challenger, as one sentence; an unexpected error is logged whole."""
    if isinstance(error, ChallengerFailed):
        # What its traceback holds is as large as the pool's history.
        return error.with_traceback(None)
    if not isinstance(error, ForecastError):
        log.error(f"Trial {trial.hash[:12]} failed.", exc_info=error, file_only=True)
    what = " ".join(str(error).split()) or type(error).__name__
    name = trial.challenger[:12] if trial.is_model_set else trial.challenger
    return ChallengerFailed(f"The challenger {name} of trial {trial.hash[:12]} failed: {what}")


def _fit_inputs(
    shared: FeatureCache, settings: Settings, trial: Trial, tickers: int, fit_cache: FitCache
) -> FitInputs:
    import numpy as np

    panel = shared.panel
    config = experiment_config(settings, trial.horizon, (trial.challenger,), tickers)
    if config.rules.horizon != trial.sessions:
        raise ChallengerFailed(other_horizon(trial, config.rules.horizon))
    actual = np.where(panel.complete[:, None], panel.targets(trial.sessions), np.nan)
    return FitInputs(
        shared,
        actual,
        trial.sessions,
        config.schedule,
        shared.engine,
        fit_cache,
        # The newest model is all that is wanted.
        since=panel.last_complete,
    )


def other_horizon(trial: Trial, sessions: int) -> str:
    """That the configuration has another horizon than a trial, as one sentence."""
    return (
        f"Trial {trial.hash[:12]} is of forecasts {trial.sessions} sessions ahead and the "
        f"configuration says {sessions}: stop it, or set the horizon back."
    )


def _finish(
    trial: Trial,
    result: WalkForwardResult,
    fits: FitInputs,
    forecast: Callable[[CandidateInputs], CandidateForecast],
) -> Fitted:
    last, sigma = result.panel.last_complete, result.distributions.sigma
    try:
        done = forecast(CandidateInputs(fits.horizon, last, fits.actual, sigma))
    except Exception as error:
        return failed(trial, error)
    return _fitted(trial, done.model, done.fitted_through)


def _fitted(trial: Trial, model: Model | None, fitted_through: int | None) -> Fitted:
    if model is None:
        return failed(trial, ForecastError("It could not be fitted at the last session."))
    return FittedChallenger(trial, model, fitted_through)
