"""Keep reports of health as JSON files below ``mlops/health/``."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

from src.core.errors import UnwritableFolder

if TYPE_CHECKING:
    from src.monitoring.health.report import HealthCheck

HEALTH = Path("mlops") / "health"
# Reports that are kept: the newest.
KEPT = 1000


def save_report(health: HealthCheck, home: Path) -> Path:
    """Write a report below ``home/mlops/health/``, and delete all but the newest reports.

    Raises:
        UnwritableFolder: It cannot be written.
    """
    folder = home / HEALTH
    stamp = f"health_{health.timestamp.astimezone(dt.UTC):%Y%m%d_%H%M%S_%f}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary, path = folder / f".{stamp}.new", folder / f"{stamp}.json"
        temporary.write_text(f"{health.model_dump_json(indent=2)}\n", encoding="utf-8")
        temporary.replace(path)
        for old in sorted(folder.glob("health_*.json"))[:-KEPT]:
            old.unlink(missing_ok=True)
    except OSError as error:
        raise UnwritableFolder(folder, error) from error
    return path
