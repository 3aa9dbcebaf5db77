"""Start the export to MLflow as a process of its own, which nobody waits for."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from src.config.settings import Settings

COMMAND = "mlops.mlflow_export"
MISSING = (
    "MLFLOW_TRACKING_URI is set, but MLflow is not installed, so nothing is logged there: run "
    "`pip install mlflow-skinny`, or unset it."
)


def is_installed() -> bool:
    """Whether MLflow is there, without importing it."""
    return importlib.util.find_spec("mlflow") is not None


def start_export(settings: Settings) -> None:
    """Start the command where a tracking server is set; returns at once, and never raises."""
    if settings.mlflow.tracking_uri is None:
        return
    # Here, since commands that never come so far import this module.
    from src.config import logs
    from src.config.settings import PROJECT_ROOT

    log = logs.get(__name__)
    if not is_installed():
        log.warning(MISSING)
        return
    try:
        process = subprocess.Popen(  # noqa: S603 - our own command, no shell
            [sys.executable, "-m", COMMAND, "--quiet"],
            cwd=PROJECT_ROOT,
            env={**os.environ, **_environment(settings)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # A signal for its starter, such as Ctrl-C, is none for it.
            start_new_session=True,
        )
    except OSError as error:
        log.warning(f"The export to MLflow could not be started ({error.strerror}).")
        return
    # Where the starter lives on, somebody must take note of its end.
    threading.Thread(target=process.wait, daemon=True).start()


def _environment(settings: Settings) -> dict[str, str]:
    """The settings that the command needs, as this process has them."""
    uri = settings.mlflow.tracking_uri
    return {
        "FORECAST_HOME": str(settings.home),
        "DATABASE_URL": settings.server or "",
        "FORECAST_DATABASE_URL": settings.server or "",
        "MLFLOW_TRACKING_URI": uri.get_secret_value() if uri else "",
        "MLFLOW_EXPERIMENT_NAME": settings.mlflow.experiment,
    }
