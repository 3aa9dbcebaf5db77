"""Speak to an MLflow tracking server; nothing else imports mlflow."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops.mlflow_export.training import DIGEST, EVENT, LONGEST
from src.config import logs
from src.core.errors import ForecastError, one_line
from src.registry.formats.models import MODEL
from src.registry.storage.model_set import MANIFEST, SIGNATURE

if TYPE_CHECKING:
    from mlops.mlflow_export.training import Training
    from src.config.settings import Settings

CHAMPION = "champion"
PINNED = "pinned"
# No use is reported to anyone, and no server is waited for longer than some seconds.
ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
_PAGE = 1000
_BATCH = 100  # parameters that one request may have


class TrackingUnavailable(ForecastError):
    """The tracking server does not answer, or reported an error."""


class TrackingStore:
    """The experiment and the registered models of an installation.

    Args:
        uri: Of the tracking server, as MLflow names it.
        experiment: Its name, with which names of registered models begin.
        home: Where files go if the address is that of a database.
    """

    def __init__(self, uri: str, experiment: str, home: Path) -> None:
        os.environ.update(ENVIRONMENT)
        from mlflow import MlflowClient

        self._client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        self._name = experiment
        found = self._client.get_experiment_by_name(experiment)
        self._experiment = (
            found.experiment_id
            if found
            else self._client.create_experiment(experiment, _artifact_root(uri, home))
        )

    def exported(self) -> set[tuple[int, str]]:
        """Number and digest of every training that was logged whole, deleted ones too."""
        from mlflow.entities import ViewType

        pairs, token = set(), None
        while True:
            runs = self._client.search_runs(
                [self._experiment],
                "attributes.status = 'FINISHED'",
                run_view_type=ViewType.ALL,
                max_results=_PAGE,
                page_token=token,
            )
            for run in runs:
                number = run.data.tags.get(EVENT, "")
                if number.isdecimal():
                    pairs.add((int(number), run.data.tags.get(DIGEST, "")))
            token = runs.token
            if not token:
                return pairs

    def log(self, training: Training) -> None:
        """Log a training; what an interrupted export left of it is replaced."""
        for run in self._runs(EVENT, str(training.event_id)):
            if run.info.status != "FINISHED":
                self._client.delete_run(run.info.run_id)
        run = self._client.create_run(
            self._experiment, training.at, dict(training.tags), training.name
        )
        number = run.info.run_id
        self._log_values(number, training)
        for page in training.reports:
            self._client.log_artifact(number, str(page), "report")
        if training.model is not None:
            self._add_model(number, training.model)
        self._client.set_terminated(number, "FINISHED", training.at)

    def set_champion(self, pool: str, horizon: str, digest: str | None, folder: Path) -> bool:
        """Give the alias ``champion`` to the version of a set, or take it away; False if unchanged.

        Args:
            pool: Of the model.
            horizon: ``short`` or ``long``.
            digest: Of the set that is live; None where no promoted one is.
            folder: Of the set, to log it where that was not done when it was trained.
        """
        name = self._model_name(pool, horizon)
        current = self._aliased(name)
        if (current.tags.get(DIGEST) if current else None) == digest:
            return False
        if digest is None:
            self._client.delete_registered_model_alias(name, CHAMPION)
        else:
            version = self._version(name, digest) or self._late_version(name, digest, folder)
            self._client.set_registered_model_alias(name, CHAMPION, version.version)
        return True

    def set_pin(self, pool: str, horizon: str, digest: str, tag: str | None) -> None:
        """Tag the version of the live set with the version that a rollback restored, or do not."""
        name = self._model_name(pool, horizon)
        for version in self._versions(name):
            wanted = tag if version.tags.get(DIGEST) == digest else None
            if wanted is not None and version.tags.get(PINNED) != wanted:
                self._client.set_model_version_tag(name, version.version, PINNED, wanted)
            elif wanted is None and PINNED in version.tags:
                self._client.delete_model_version_tag(name, version.version, PINNED)

    def _log_values(self, number: str, training: Training) -> None:
        from mlflow.entities import Metric, Param

        params = [Param(name, value[:LONGEST]) for name, value in sorted(training.params.items())]
        for start in range(0, len(params), _BATCH):
            self._client.log_batch(number, params=params[start : start + _BATCH])
        metrics = [Metric(name, value, training.at, 0) for name, value in training.metrics.items()]
        for start in range(0, len(metrics), _PAGE):
            self._client.log_batch(number, metrics=metrics[start : start + _PAGE])

    def _add_model(self, number: str, folder: Path) -> Any:
        """Log the files of a set, and register them as a version unless they are one."""
        run = self._client.get_run(number)
        pool, horizon, digest = folder.parts[-3:]
        name = self._model_name(pool, horizon)
        for file in (MANIFEST, SIGNATURE, MODEL):
            if (folder / file).is_file():
                self._client.log_artifact(number, str(folder / file), "model")
        if version := self._version(name, digest):
            return version
        self._make_model(name, pool, horizon)
        return self._client.create_model_version(
            name,
            f"{run.info.artifact_uri}/model",
            number,
            tags={
                DIGEST: digest,
                "forecast.served": run.data.params["served"],
                "forecast.verdict": run.data.tags["forecast.verdict"],
            },
        )

    def _late_version(self, name: str, digest: str, folder: Path) -> Any:
        """The version of a set whose training was logged without its files."""
        runs = self._runs(DIGEST, digest)
        if not runs or not folder.is_dir():
            raise TrackingUnavailable(
                f"No training of the model {digest[:12]} was logged, so that {name} cannot name it "
                "as its champion."
            )
        return self._add_model(runs[0].info.run_id, folder)

    def _make_model(self, name: str, pool: str, horizon: str) -> None:
        if not self._client.search_registered_models(f"name = '{name}'"):
            text = f"Forecasts of pool {pool}, horizon {horizon}."
            self._client.create_registered_model(name, description=text)

    def _runs(self, tag: str, value: str) -> list[Any]:
        """Runs with a tag, the newest first."""
        return list(self._client.search_runs([self._experiment], f"tags.`{tag}` = '{value}'"))

    def _version(self, name: str, digest: str) -> Any:
        for version in self._versions(name):
            if version.tags.get(DIGEST) == digest:
                return version
        return None

    def _versions(self, name: str) -> list[Any]:
        versions: list[Any] = []
        token = None
        while True:
            page = self._client.search_model_versions(f"name = '{name}'", page_token=token)
            versions += page
            token = page.token
            if not token:
                return versions

    def _aliased(self, name: str) -> Any:
        from mlflow.exceptions import MlflowException

        try:
            return self._client.get_model_version_by_alias(name, CHAMPION)
        except MlflowException as error:
            if error.error_code in ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"):
                return None
            raise

    def _model_name(self, pool: str, horizon: str) -> str:
        return f"{self._name}-{pool}-{horizon}"


@contextmanager
def open_store(settings: Settings) -> Iterator[TrackingStore]:
    """The store that the settings name.

    Raises:
        TrackingUnavailable: It cannot be reached, or reports an error, in the block too.
    """
    uri = settings.mlflow.tracking_uri
    assert uri is not None  # noqa: S101 whoever calls this has looked
    address = uri.get_secret_value()
    logs.hide({address})
    try:
        yield TrackingStore(address, settings.mlflow.experiment, settings.home)
    except ForecastError:
        raise
    except Exception as error:  # of MLflow, of requests, of the store's own database
        reason = textwrap.shorten(logs.without_secrets(_reason(error)), 300, placeholder=" …")
        raise TrackingUnavailable(
            f"The tracking server of MLFLOW_TRACKING_URI failed ({reason}): what is missing there "
            "is logged by the next try."
        ) from error


def _reason(error: BaseException) -> str:
    """What the system says where it is the cause, such as a refused connection."""
    first = error
    while (cause := first.__cause__ or first.__context__) is not None:
        first = cause
    return (isinstance(first, OSError) and first.strerror) or one_line(error)


def _artifact_root(uri: str, home: Path) -> str | None:
    """Where files go: a server knows by itself; MLflow would put them into the current folder."""
    is_database = uri.startswith(("sqlite:", "postgresql", "mysql", "mssql"))
    return (home / "var" / "mlflow").resolve().as_uri() if is_database else None
