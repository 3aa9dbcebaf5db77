"""Keep metric points, and report how each metric stands and where it goes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.monitoring.metrics.history import History

REPORT_DAYS = 30


class MetricsCollector:
    """Saves metric points to ``mlops/metrics/`` below the home folder, and reads them back.

    Args:
        settings: Ready-made settings; None reads the environment and ``.env``.

    Raises:
        BadConfig: For a setting that cannot be used.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        from src.config.load import load_settings
        from src.monitoring.metrics.points import MetricsFolder

        self.settings = settings or load_settings()
        self._folder = MetricsFolder.of(self.settings)

    def save_metric(
        self, name: str, value: float, tags: Mapping[str, object] | None = None
    ) -> None:
        """Keep one point, at the time of now.

        Args:
            name: Such as ``model_r2_score``.
            value: A finite number.
            tags: Tell apart what is measured by one name, such as ``{"horizon": "short"}``.

        Raises:
            BadInput: The name or the value cannot be a metric.
            UnwritableFolder: The folder cannot be written.
        """
        from src.monitoring.metrics.points import make_point

        self._folder.write([make_point(name, value, tags, self._now())])

    def get_metric_history(self, name: str, days: float = 7) -> list[dict[str, Any]]:
        """The points of a metric in the last ``days`` times 24 hours, the oldest first.

        Returns:
            ``timestamp`` (ISO, UTC), ``name``, ``value`` and ``tags`` of each.

        Raises:
            BadInput: ``days`` is not above zero.
            UnreadableFolder: The folder cannot be read.
        """
        return [
            {
                "timestamp": point.at.isoformat(),
                "name": point.name,
                "value": point.value,
                "tags": dict(point.tags),
            }
            for point in self._read(days, name).points
        ]

    def generate_metrics_report(
        self, days: float = REPORT_DAYS, name: str | None = None
    ) -> dict[str, Any]:
        """How every metric stood in the last ``days`` times 24 hours, or the one of a name.

        Returns:
            ``generated_at``, ``days``, ``metrics`` (see ``src.monitoring.metrics.report``) and
            ``unreadable``: the places of lines that cannot be read.

        Raises:
            BadInput: ``days`` is not above zero.
            UnreadableFolder: The folder cannot be read.
        """
        from src.monitoring.metrics.report import summarise

        history = self._read(days, name)
        return {
            "generated_at": self._now().isoformat(timespec="seconds"),
            "days": days,
            "metrics": summarise(history.points),
            "unreadable": list(history.unreadable),
        }

    def _read(self, days: float, name: str | None) -> History:
        from src.core.errors import BadInput
        from src.monitoring.metrics.history import read_points

        until = self._now()
        try:
            if not days > 0:
                raise ValueError
            since = until - dt.timedelta(days=days)
        except (OverflowError, ValueError):
            raise BadInput(f"{days} is no number of days to look back.") from None
        return read_points(self._folder.path, since, until, name)

    def _now(self) -> dt.datetime:
        from src.config.clock import now

        return now(self.settings)
