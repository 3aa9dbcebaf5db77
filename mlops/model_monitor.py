"""Check how an installation does: its database, data, models and forecasts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.monitoring.checks.run import Check, Measurement
    from src.monitoring.health.report import HealthCheck


class ModelMonitor:
    """Measures the health of an installation; no check raises, whatever is broken.

    Args:
        settings: Ready-made settings; None reads the environment and ``.env``.

    Raises:
        BadConfig: For a setting that cannot be used.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        from src.config.load import load_settings

        self.settings = settings or load_settings()

    def run_health_check(self, ticker: str | None = None) -> HealthCheck:
        """Evaluate every rule.

        Args:
            ticker: Whose health is reported, as Yahoo writes it; None for everything.

        Returns:
            A status (``OK``, ``WARNING`` or ``CRITICAL``) with ``alerts``, ``data_quality`` and
            ``model_status``.
        """
        from src.config.clock import now
        from src.monitoring.checks.run import measure
        from src.monitoring.health.build import build_health

        at = now(self.settings)
        return build_health(measure(self.settings, at), at, ticker)

    def save_health_report(self, health_check: HealthCheck) -> Path:
        """Write a report to ``mlops/health/`` as JSON; returns its path.

        Raises:
            UnwritableFolder: It cannot be written.
        """
        from src.monitoring.health.files import save_report

        return save_report(health_check, self.settings.home)

    def check_database_connection(self) -> tuple[bool, str]:
        """Whether the database answers and accepts changes, and a sentence."""
        from src.monitoring.checks import database
        from src.monitoring.health.build import database_status

        status = database_status(self._measure(database).observations)
        return status.ok, status.message

    def check_model_staleness(self, threshold_days: int | None = None) -> tuple[bool, str]:
        """Whether a live model is stale, and a sentence for each that is.

        Stale is a model whose pool was last trained more than ``threshold_days`` days ago, or
        whose fit is older than the configured limit; and where no model can be used at all.

        Args:
            threshold_days: Days since the last training; None for the configured limit.
        """
        from src.config.clock import now
        from src.monitoring.checks import models

        limit = self.settings.monitoring.model_stale_after_days
        limit = limit if threshold_days is None else threshold_days
        measured = self._measure(models)
        return models.staleness(measured.models, measured.observations, now(self.settings), limit)

    def check_feature_data_quality(
        self, ticker: str | None = None
    ) -> tuple[float | None, dict[str, Any]]:
        """The quality of stored data, 0 to 100, when a run last scored it, and what it rests on.

        Args:
            ticker: Whose data; None for all together.

        Returns:
            The score, None before the first run; and ``session``, ``dimensions`` (each with its
            score, what was found and what would raise it) and the ``lowest`` tickers.
        """
        from src.monitoring.checks import scores
        from src.monitoring.health.build import data_quality

        quality = data_quality(self._measure(scores).quality, ticker)
        return quality.score, quality.model_dump(mode="json", exclude={"score"})

    def check_model_performance_drift(self) -> tuple[float | None, dict[str, Any]]:
        """How well forecasts keep what they promise, 0 to 100, and every measure by its name.

        100 is as promised, 50 where a warning begins. None while no measure has enough outcomes:
        the measures then say how many are needed; there are none before the first run that
        recorded outcomes.
        """
        from src.monitoring.checks import scores
        from src.monitoring.drift.observe import performance_score

        return performance_score(self._measure(scores).drift)

    def _measure(self, check: Check) -> Measurement:
        from src.config.clock import now
        from src.monitoring.checks.run import measure

        return measure(self.settings, now(self.settings), (check,))
