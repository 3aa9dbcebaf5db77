"""Settings that influence results: data, features, their checks, and training."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from src.config.sections.section import Section

Window = Annotated[int, Field(ge=2, le=1000)]
Lag = Annotated[int, Field(ge=1, le=250)]
Improvement = Annotated[float, Field(ge=0, lt=1)]


class DataSettings(Section):
    """Which prices are used, and how many are required.

    Attributes:
        ticker: What commands work on, and the API answers for, where none is named.
        min_rows_required: Rows of features beyond the warm-up that a ticker needs to be trained on.
        source_precedence: Whose price is used where several have one, the first of them.
        overlap_sessions: Stored sessions that are fetched again, for a vendor's corrections.
        stale_after_sessions: So many sessions behind the exchange's last one, prices are stale.
    """

    ticker: str = "TCS.NS"
    min_rows_required: Annotated[int, Field(ge=1)] = 100
    source_precedence: tuple[str, ...] = ("yahoo", "nse", "upstox", "sample")
    overlap_sessions: Annotated[int, Field(ge=1, le=250)] = 10
    stale_after_sessions: Annotated[int, Field(ge=1)] = 1


class FeatureSettings(Section):
    """Windows of the features, in sessions.

    Attributes:
        lag_periods: Lags of the returns, ``return_lag1`` and so on.
        sma_periods: Windows of the moving averages, ``sma_7`` and so on.
        momentum_periods: Windows of the momentum, ``mom_7`` and so on.
        volatility_periods: Windows of the volatility, ``vol_14`` and so on.
    """

    lag_periods: Annotated[tuple[Lag, ...], Field(min_length=1)] = (1, 2, 3, 4, 5)
    sma_periods: Annotated[tuple[Window, ...], Field(min_length=1)] = (7, 21)
    momentum_periods: Annotated[tuple[Lag, ...], Field(min_length=1)] = (7,)
    volatility_periods: Annotated[tuple[Window, ...], Field(min_length=1)] = (14,)

    @field_validator("*")
    @classmethod
    def _sorted_and_distinct(cls, windows: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted(set(windows)))


class MinImprovement(Section):
    """The relative improvement in MAE that a model needs, by horizon; .01 is one percent.

    Attributes:
        short: For the next session.
        long: For 63 sessions ahead.
    """

    short: Improvement = 0.0
    long: Improvement = 0.01


class ValidationSettings(Section):
    """Limits of the data checks, and the smallest improvement that the gate accepts.

    Attributes:
        max_missing_share: Largest share of rows without a feature, and of the last sessions without
            a bar.
        min_mae_improvement: By which a model must beat "no change"; one number is for both.
    """

    min_mae_improvement: MinImprovement = MinImprovement()
    max_missing_share: Annotated[float, Field(ge=0, le=1)] = 0.05


class Horizons(Section):
    """Sessions from the forecast to its target, by horizon.

    Attributes:
        short: Sessions ahead of ``/predict/short``.
        long: Sessions ahead of ``/predict/long``.
    """

    short: Annotated[int, Field(ge=1, le=20)] = 1
    long: Annotated[int, Field(ge=2, le=252)] = 63

    @model_validator(mode="after")
    def _in_order(self) -> Horizons:
        if self.short >= self.long:
            raise ValueError(f"short ({self.short}) must be less than long ({self.long})")
        return self


class TrainingSettings(Section):
    """The folds of the walk-forward evaluation, in sessions, and the seed.

    Attributes:
        refit_every: Sessions from one refit to the next.
        embargo: Sessions left out between training and forecast, beside those of the horizon.
        min_train_rows: Labels of a lone ticker before its first refit.
        seed: Seed of everything that is drawn at random.
    """

    horizons: Horizons = Horizons()
    refit_every: Annotated[int, Field(ge=1)] = 252
    embargo: Annotated[int, Field(ge=0)] = 5
    min_train_rows: Annotated[int, Field(ge=20)] = 252
    seed: Annotated[int, Field(ge=0)] = 42
