"""Declare the settings, their types and their defaults, as one frozen object.

Precedence, strongest first: command line, environment, ``.env``, ``--config`` file, defaults.
Environment names are the guide's (``DATABASE_URL``, ``TICKER``, ``LOG_LEVEL``); every other key is
``FORECAST_`` plus its path with two underscores, e.g. ``FORECAST_FEATURES__SMA_PERIODS=[7,50]``.
"""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from src.config.sections.results import (
    DataSettings,
    FeatureSettings,
    TrainingSettings,
    ValidationSettings,
)
from src.config.sections.section import Section as _Section
from src.config.sections.services import ApiSettings, DashboardSettings, MonitoringSettings
from src.core.pace import PaceRules

PROJECT_ROOT = Path(__file__).resolve().parents[2]
# Folders, which MLflow takes too, it keeps no longer up.
_TRACKING = re.compile(
    r"(?i)https?://[^/]|(sqlite|postgresql|mysql|mssql)(\+\w+)?://|databricks(-uc)?(://|$)"
)
_SCHEDULER = re.compile(r"dask(\+tls)?://[A-Za-z0-9._-]+:\d{1,5}$")


class SourcePaceSettings(_Section):
    """How fast a source is asked by all processes together, and how long not after a refusal.

    Attributes:
        burst: Requests that may follow one another at once.
        seconds_per_request: Seconds after which there may be one more.
        wait_seconds: How long a run waits for the turn of a request before it goes on without.
        first_pause_minutes: Minutes of the pause after a refusal; each next pause is twice as long.
        longest_pause_minutes: Minutes that a pause grows to at most.
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
    nse: SourcePaceSettings = SourcePaceSettings()

    def rules(self, source: str) -> PaceRules:
        """The pace of a source by its name."""
        of_source: SourcePaceSettings = getattr(self, source)
        return of_source.rules()


class WorkerSettings(_Section):
    """What the worker runs after each session, and how long the traces of runs are kept.

    Attributes:
        source: Where the prices of scheduled runs come from; None for NSE's daily files where more
            than 100 of its tickers are due, else Yahoo.
        path: What ``csv`` reads: a file or folder in the folder for prices; a dot for all of it.
        kind: ``full`` trains; ``data`` forecasts with the stored models.
        settle_minutes: Minutes from the close of a session until its prices can be had.
        stop_seconds: How long a run may take to end when the worker is stopped.
        keep_days: Requests that have ended, stages and tickers of runs, and scores of data quality
            are deleted when they are older.
        keep_files_days: What runs printed and left in their folders is deleted when it is older.
    """

    source: Literal["yahoo", "nse", "csv", "stored"] | None = None
    path: Annotated[str, Field(min_length=1)] = "."
    kind: Literal["full", "data"] = "full"
    settle_minutes: Annotated[float, Field(ge=0, le=720)] = 30.0
    stop_seconds: Annotated[float, Field(gt=0, le=3600)] = 45.0
    keep_days: Annotated[int, Field(ge=60)] = 400
    keep_files_days: Annotated[int, Field(ge=1)] = 60


class EngineSettings(_Section):
    """What runs the tasks of a run.

    Attributes:
        workers: Processes of this machine; 1 for the run's own alone.
        address: Scheduler of a Dask cluster, instead of these processes: ``dask://HOST:PORT``, or
            ``dask+tls://HOST:PORT`` with the certificates of Dask's configuration.
    """

    workers: Annotated[int, Field(ge=1, le=256)] = 1
    address: str | None = None

    @field_validator("address", mode="before")
    @classmethod
    def _empty_means_unset(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("address")
    @classmethod
    def _of_a_scheduler(cls, value: str | None) -> str | None:
        if value is not None and not _SCHEDULER.match(value):
            raise ValueError("it must be dask://HOST:PORT, such as dask://127.0.0.1:8786")
        return value


class BackupSettings(_Section):
    """Where archives of database, models and versions are kept.

    Attributes:
        folder: Folder of the archives; a relative one is below ``home``, None for ``backups``
            there. Where it is set, there is an alert also before the first archive.
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

    @field_validator("tracking_uri")
    @classmethod
    def _server_or_database(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _TRACKING.match(value.get_secret_value()):
            raise ValueError(
                "it must be the address of a tracking server or of its database, such as "
                "http://127.0.0.1:5000 or sqlite:////srv/mlflow.db"
            )
        return value


class Settings(BaseSettings):
    """All settings; immutable. Loaded once by ``src.config.load`` and passed on.

    Attributes:
        database_url: URL of a PostgreSQL server; None for an embedded one below ``home``.
        signing_key: Key that signs models and versions; several with commas, of which the first
            signs.
        log_level: Lowest level that is printed; the log file has every line.
        home: Where everything is written, and the embedded database lies.
        yahoo_url: Base URL to ask in the place of Yahoo's chart service; it must answer as that
            does.
        nse_url: Base URL to ask in the place of NSE's archive; it must have the same files.
        nse_actions_url: Base URL to ask for corporate actions in the place of NSE's website;
            ``nse_url`` where only that is given.
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
    engine: EngineSettings = EngineSettings()
    backup: BackupSettings = BackupSettings()
    sources: SourcesSettings = SourcesSettings()
    mlflow: MlflowSettings = MlflowSettings()
    database_url: SecretStr | None = None
    signing_key: SecretStr | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    home: Path = PROJECT_ROOT
    yahoo_url: str | None = None
    nse_url: str | None = None
    nse_actions_url: str | None = None
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
