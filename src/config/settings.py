"""One frozen settings object from the command line, environment, ``.env`` and ``config.json``.

Precedence, strongest first: command line, environment, ``.env``, ``--config`` file, defaults.
Environment names are the guide's (``DATABASE_URL``, ``TICKER``, ``LOG_LEVEL``); every other key is
``FORECAST_`` plus its path with two underscores, e.g. ``FORECAST_FEATURES__SMA_PERIODS=[7,50]``.
"""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_ROOT = Path(__file__).resolve().parents[2]

Window = Annotated[int, Field(ge=2, le=1000)]
Lag = Annotated[int, Field(ge=1, le=250)]
Improvement = Annotated[float, Field(ge=0, lt=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataSettings(_Part):
    """Which prices are used, and how many are needed."""

    ticker: str = "TCS.NS"
    min_rows_required: Annotated[int, Field(ge=1)] = 100
    source_precedence: tuple[str, ...] = ("yahoo", "nse", "upstox", "sample")
    overlap_sessions: Annotated[int, Field(ge=1, le=250)] = 10
    stale_after_sessions: Annotated[int, Field(ge=1)] = 1


class FeatureSettings(_Part):
    """Windows of the features, in sessions."""

    lag_periods: Annotated[tuple[Lag, ...], Field(min_length=1)] = (1, 2, 3, 4, 5)
    sma_periods: Annotated[tuple[Window, ...], Field(min_length=1)] = (7, 21)
    momentum_periods: Annotated[tuple[Lag, ...], Field(min_length=1)] = (7,)
    volatility_periods: Annotated[tuple[Window, ...], Field(min_length=1)] = (14,)

    @field_validator("*")
    @classmethod
    def _sorted_and_distinct(cls, windows: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted(set(windows)))


class HorizonFloors(_Part):
    """A relative improvement in MAE per horizon, .01 = one percent."""

    short: Improvement = 0.0
    long: Improvement = 0.01


class ValidationSettings(_Part):
    """Limits of the data checks and the effect floor of the gate."""

    min_mae_improvement: HorizonFloors = HorizonFloors()
    max_missing_share: Annotated[float, Field(ge=0, le=1)] = 0.05

    @field_validator("min_mae_improvement", mode="before")
    @classmethod
    def _plain_number_is_for_both(cls, value: object) -> object:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return {"short": value, "long": value}
        return value


class Horizons(_Part):
    """Sessions ahead that the two forecasts look."""

    short: Annotated[int, Field(ge=1, le=20)] = 1
    long: Annotated[int, Field(ge=2, le=252)] = 63

    @model_validator(mode="after")
    def _in_order(self) -> Horizons:
        if self.short >= self.long:
            raise ValueError(f"short ({self.short}) must be less than long ({self.long})")
        return self


class TrainingSettings(_Part):
    """How the walk-forward is laid out."""

    horizons: Horizons = Horizons()
    refit_every: Annotated[int, Field(ge=1)] = 252
    embargo: Annotated[int, Field(ge=0)] = 5
    min_train_rows: Annotated[int, Field(ge=20)] = 252
    seed: Annotated[int, Field(ge=0)] = 42


class ApiSettings(_Part):
    """How the prediction API listens, and whom it lets in.

    Attributes:
        host: Address that ``python -m src.api`` listens at, with ``port``.
        keys: SHA-256 of each key that is let in, in hexadecimal; none lets everyone in.
        rate_per_minute: Requests that one client may make; None for any number.
        cors_origins: Sites whose pages may ask, such as ``https://example.org``.
        trusted_hosts: Names by which the service may be called; ``*`` for any.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    keys: tuple[str, ...] = ()
    rate_per_minute: Annotated[int, Field(ge=1)] | None = None
    max_body_bytes: Annotated[int, Field(ge=1024)] = 1_048_576
    cors_origins: tuple[str, ...] = ()
    trusted_hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]")
    log_queue: Annotated[int, Field(ge=1)] = 10_000

    @field_validator("keys", "cors_origins", "trusted_hosts", mode="before")
    @classmethod
    def _list_with_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("keys")
    @classmethod
    def _hashes_only(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        if not all(re.fullmatch("[0-9a-f]{64}", key) for key in keys):
            raise ValueError(
                "each key is given as its SHA-256: printf %s KEY | sha256sum | cut -c1-64"
            )
        return keys


class Settings(BaseSettings):
    """All settings, read once and handed in; nothing can be changed afterwards."""

    model_config = SettingsConfigDict(
        env_prefix="FORECAST_", env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    data: DataSettings = DataSettings()
    features: FeatureSettings = FeatureSettings()
    validation: ValidationSettings = ValidationSettings()
    training: TrainingSettings = TrainingSettings()
    api: ApiSettings = ApiSettings()
    database_url: SecretStr | None = None
    signing_key: SecretStr | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    home: Path = PROJECT_ROOT
    yahoo_url: str | None = None
    now: dt.datetime | None = None

    @field_validator("log_level", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("now")
    @classmethod
    def _with_zone(cls, value: dt.datetime | None) -> dt.datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("needs a time zone, e.g. 2026-04-13T18:00:00+05:30")
        return value

    @field_validator("database_url", "signing_key", mode="before")
    @classmethod
    def _empty_means_unset(cls, value: object) -> object:
        return None if value == "" else value

    @property
    def server(self) -> str | None:
        """The address in ``database_url``, secret and all; None for the embedded server."""
        return self.database_url.get_secret_value() if self.database_url else None

    def modelled(self) -> dict[str, Any]:
        """What decides a result: the keys that the configuration hash covers."""
        return self.model_dump(mode="json", include={"data", "features", "validation", "training"})
