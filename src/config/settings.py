"""Declare the settings, their types and their defaults, as one frozen object.

Precedence, strongest first: command line, environment, ``.env``, ``--config`` file, defaults.
Environment names are the guide's (``DATABASE_URL``, ``TICKER``, ``LOG_LEVEL``); every other key is
``FORECAST_`` plus its path with two underscores, e.g. ``FORECAST_FEATURES__SMA_PERIODS=[7,50]``.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from src.core.pace import PaceRules

PROJECT_ROOT = Path(__file__).resolve().parents[2]

# As ``src.dashboard.login.passwords`` writes them: numbers, then salt and key in base64.
SCRYPT = r"scrypt(\$\d{1,7}){3}(\$[A-Za-z0-9+/]+={0,2}){2}"

Window = Annotated[int, Field(ge=2, le=1000)]
Lag = Annotated[int, Field(ge=1, le=250)]
Improvement = Annotated[float, Field(ge=0, lt=1)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataSettings(_Section):
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


class FeatureSettings(_Section):
    """Windows of the features, in sessions.

    Attributes:
        lag_periods: Of ``return_lag1`` and so on.
        sma_periods: Of the moving averages, ``sma_7`` and so on.
        momentum_periods: Of ``mom_7`` and so on.
        volatility_periods: Of ``vol_14`` and so on.
    """

    lag_periods: Annotated[tuple[Lag, ...], Field(min_length=1)] = (1, 2, 3, 4, 5)
    sma_periods: Annotated[tuple[Window, ...], Field(min_length=1)] = (7, 21)
    momentum_periods: Annotated[tuple[Lag, ...], Field(min_length=1)] = (7,)
    volatility_periods: Annotated[tuple[Window, ...], Field(min_length=1)] = (14,)

    @field_validator("*")
    @classmethod
    def _sorted_and_distinct(cls, windows: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted(set(windows)))


class MinImprovement(_Section):
    """The relative improvement in MAE that a model needs, by horizon; .01 is one percent.

    Attributes:
        short: For the next session.
        long: For 63 sessions ahead.
    """

    short: Improvement = 0.0
    long: Improvement = 0.01


class ValidationSettings(_Section):
    """Limits of the data checks, and the smallest improvement that the gate accepts.

    Attributes:
        max_missing_share: Of rows without a feature, and of the last sessions without a bar.
        min_mae_improvement: By which a model must beat "no change"; one number is for both.
    """

    min_mae_improvement: MinImprovement = MinImprovement()
    max_missing_share: Annotated[float, Field(ge=0, le=1)] = 0.05


class Horizons(_Section):
    """Sessions from the forecast to its target, by horizon.

    Attributes:
        short: Of ``/predict/short``.
        long: Of ``/predict/long``.
    """

    short: Annotated[int, Field(ge=1, le=20)] = 1
    long: Annotated[int, Field(ge=2, le=252)] = 63

    @model_validator(mode="after")
    def _in_order(self) -> Horizons:
        if self.short >= self.long:
            raise ValueError(f"short ({self.short}) must be less than long ({self.long})")
        return self


class TrainingSettings(_Section):
    """The folds of the walk-forward evaluation, in sessions, and the seed.

    Attributes:
        refit_every: From one refit to the next.
        embargo: Left out between training and forecast, beside those of the horizon.
        min_train_rows: Labels of a lone ticker before its first refit.
        seed: Of everything that is drawn at random.
    """

    horizons: Horizons = Horizons()
    refit_every: Annotated[int, Field(ge=1)] = 252
    embargo: Annotated[int, Field(ge=0)] = 5
    min_train_rows: Annotated[int, Field(ge=20)] = 252
    seed: Annotated[int, Field(ge=0)] = 42


class ApiSettings(_Section):
    """Where the prediction API listens, and which requests it accepts.

    Attributes:
        host: Address that ``python -m src.api`` listens on.
        port: Port that it listens on.
        keys: SHA-256 of each accepted API key, in hexadecimal; without any, no key is needed.
        rate_per_minute: Requests per minute and API key, or address where no key was sent; None
            for any number.
        trusted_proxies: Addresses or networks of proxies whose X-Forwarded-For is believed.
        max_body_bytes: Of a request.
        cors_origins: Sites whose pages may send requests, such as ``https://example.org``.
        trusted_hosts: Host names that requests may use; ``*`` for any.
        log_queue: Forecasts that may wait to be logged.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    keys: tuple[str, ...] = ()
    rate_per_minute: Annotated[int, Field(ge=1)] | None = None
    trusted_proxies: tuple[str, ...] = ()
    max_body_bytes: Annotated[int, Field(ge=1024)] = 1_048_576
    cors_origins: tuple[str, ...] = ()
    trusted_hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]")
    log_queue: Annotated[int, Field(ge=1)] = 10_000

    @field_validator("keys", "cors_origins", "trusted_hosts", "trusted_proxies", mode="before")
    @classmethod
    def _list_with_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("keys")
    @classmethod
    def _hashes_only(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        if not all(re.fullmatch("[0-9a-f]{64}", key) for key in keys):
            raise ValueError("give the SHA-256 of each key: printf %s KEY | sha256sum | cut -c1-64")
        return keys

    @field_validator("trusted_proxies")
    @classmethod
    def _addresses_only(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            try:
                ipaddress.ip_network(proxy, strict=False)
            except ValueError:
                raise ValueError("give addresses or networks: 10.0.0.5 or 10.0.0.0/8") from None
        return proxies


class MonitoringSettings(_Section):
    """Limits of what is watched, and where alerts are sent.

    Attributes:
        alert_urls: Channels as Apprise names them, such as ``slack://…``, ``pagerduty://…``,
            ``mailto://…`` or ``json://HOST``; several with spaces between them.
        alert_timeout_seconds: How long a channel may take to answer; one that answers later may
            be told twice.
        heartbeat_url: Where a service in the protocol of Healthchecks is told of each run.
        model_stale_after_days: Age of a fit, in days, that is a WARNING.
        quality_alert_below: Score of data quality, 0 to 100, below which there is a WARNING.
        min_free_disk_share: Of the disk of ``home`` and of the database.
        run_minutes: A run that takes longer is a WARNING.
        keep_metrics_days: Files of metrics that are older are deleted.
    """

    alert_urls: tuple[SecretStr, ...] = ()
    alert_timeout_seconds: Annotated[float, Field(gt=0, le=300)] = 30.0
    heartbeat_url: SecretStr | None = None
    model_stale_after_days: Annotated[int, Field(ge=1)] = 400
    quality_alert_below: Annotated[float, Field(ge=0, le=100)] = 80.0
    min_free_disk_share: Annotated[float, Field(ge=0, lt=1)] = 0.05
    run_minutes: Annotated[float, Field(gt=0)] = 120.0
    keep_metrics_days: Annotated[int, Field(ge=1)] = 400

    @field_validator("alert_urls", mode="before")
    @classmethod
    def _list_with_spaces(cls, value: object) -> object:
        return tuple(value.split()) if isinstance(value, str) else value


class SourcePaceSettings(_Section):
    """How fast a source is asked by all processes together, and how long not after a refusal.

    Attributes:
        burst: Requests that may follow one another at once.
        seconds_per_request: Seconds after which there may be one more.
        wait_seconds: How long a run waits for the turn of a request before it goes on without.
        first_pause_minutes: After a refusal; each next pause is twice as long.
        longest_pause_minutes: What a pause grows to.
    """

    burst: Annotated[int, Field(ge=1, le=10_000)] = 40
    seconds_per_request: Annotated[float, Field(gt=0, le=3600)] = 6.0
    wait_seconds: Annotated[float, Field(ge=0, le=3600)] = 30.0
    first_pause_minutes: Annotated[float, Field(gt=0, le=1440)] = 15.0
    longest_pause_minutes: Annotated[float, Field(gt=0, le=1440)] = 360.0

    def rules(self) -> PaceRules:
        """The same, in seconds."""
        return PaceRules(
            burst=self.burst,
            seconds_per_request=self.seconds_per_request,
            longest_wait=self.wait_seconds,
            first_pause=60 * self.first_pause_minutes,
            longest_pause=60 * self.longest_pause_minutes,
        )


class SourcesSettings(_Section):
    """The pace of each source on the network."""

    yahoo: SourcePaceSettings = SourcePaceSettings()

    def rules(self, source: str) -> PaceRules:
        """The pace of a source by its name."""
        of_source: SourcePaceSettings = getattr(self, source)
        return of_source.rules()


class DashboardSettings(_Section):
    """What the dashboard asks, and who may press its buttons.

    Attributes:
        api_url: Of the prediction API; None for this machine's, at the API's port.
        password_hash: Of the password that controls need, as ``python -m src.dashboard.login``
            prints it; None where nobody has to log in.
        prices_folder: Whose files a run may take that was asked for on a page; a relative one is
            below ``home``.
    """

    api_url: str | None = None
    password_hash: SecretStr | None = None
    prices_folder: Path = Path("prices")

    @field_validator("password_hash", mode="before")
    @classmethod
    def _hash_only(cls, value: object) -> object:
        if isinstance(value, str) and value and not re.fullmatch(SCRYPT, value):
            raise ValueError("give a hash: python -m src.dashboard.login prints one")
        return value or None


class WorkerSettings(_Section):
    """What the worker runs after each session, and how long the traces of runs are kept.

    Attributes:
        source: Where the prices of scheduled runs come from.
        path: Of ``csv``: a file or folder in the folder for prices; a dot for all of it.
        kind: ``full`` trains; ``data`` forecasts with the stored models.
        settle_minutes: From the close of a session until its prices can be had.
        stop_seconds: How long a run may take to end when the worker is stopped.
        keep_days: Requests that have ended, stages and tickers of runs, and scores of data quality
            are deleted when they are older.
        keep_files_days: What runs printed and left in their folders is deleted when it is older.
    """

    source: Literal["yahoo", "csv", "stored"] = "yahoo"
    path: Annotated[str, Field(min_length=1)] = "."
    kind: Literal["full", "data"] = "full"
    settle_minutes: Annotated[float, Field(ge=0, le=720)] = 30.0
    stop_seconds: Annotated[float, Field(gt=0, le=3600)] = 45.0
    keep_days: Annotated[int, Field(ge=60)] = 400
    keep_files_days: Annotated[int, Field(ge=1)] = 60


class BackupSettings(_Section):
    """Where archives of database, models and versions are kept.

    Attributes:
        folder: A relative one is below ``home``; None for ``backups`` there. Where it is set, there
            is an alert also before the first archive.
        keep: How many archives; older ones are removed after a new one is made.
        alert_after_hours: Age of the newest archive that is a WARNING.
    """

    folder: Path | None = None
    keep: Annotated[int, Field(ge=1)] = 7
    alert_after_hours: Annotated[float, Field(gt=0)] = 50.0

    @field_validator("folder", mode="before")
    @classmethod
    def _empty_means_unset(cls, value: object) -> object:
        return None if value == "" else value


class MlflowSettings(_Section):
    """Where trainings are logged besides, for those who use MLflow.

    Attributes:
        tracking_uri: Of a tracking server or its database, as MLflow names it; None logs nothing.
        experiment: Its name; names of registered models begin with it.
    """

    tracking_uri: SecretStr | None = None
    experiment: Annotated[str, Field(pattern=r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")] = (
        "tcsns-forecast"
    )

    @field_validator("tracking_uri", mode="before")
    @classmethod
    def _empty_means_unset(cls, value: object) -> object:
        return None if value == "" else value


class Settings(BaseSettings):
    """All settings; immutable. Loaded once by ``src.config.load`` and passed on.

    Attributes:
        database_url: Of a PostgreSQL server; None for an embedded one below ``home``.
        signing_key: Of models and versions; several with commas, of which the first signs.
        log_level: Of what is printed; the log file has every line.
        home: Where everything is written, and the embedded database lies.
        yahoo_url: Of Yahoo's chart service, for another that answers as it does.
        now: The time to go by instead of the clock's, for tests and to repeat a day.
    """

    model_config = SettingsConfigDict(
        env_prefix="FORECAST_", env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    data: DataSettings = DataSettings()
    features: FeatureSettings = FeatureSettings()
    validation: ValidationSettings = ValidationSettings()
    training: TrainingSettings = TrainingSettings()
    api: ApiSettings = ApiSettings()
    monitoring: MonitoringSettings = MonitoringSettings()
    dashboard: DashboardSettings = DashboardSettings()
    worker: WorkerSettings = WorkerSettings()
    backup: BackupSettings = BackupSettings()
    sources: SourcesSettings = SourcesSettings()
    mlflow: MlflowSettings = MlflowSettings()
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
            raise ValueError("it needs a time zone, such as 2026-04-13T18:00:00+05:30")
        return value

    @field_validator("database_url", "signing_key", mode="before")
    @classmethod
    def _empty_means_unset(cls, value: object) -> object:
        return None if value == "" else value

    @property
    def server(self) -> str | None:
        """``database_url`` with its password; None for the embedded server."""
        return self.database_url.get_secret_value() if self.database_url else None

    def result_settings(self) -> dict[str, Any]:
        """The settings that influence results: those that the configuration hash covers."""
        return self.model_dump(mode="json", include={"data", "features", "validation", "training"})
