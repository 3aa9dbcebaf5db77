"""The time that decisions depend on: read here and handed to everything else."""

from __future__ import annotations

import datetime as dt

from src.config.settings import Settings


def now(settings: Settings) -> dt.datetime:
    """The time in UTC, or that of ``FORECAST_NOW`` if it is set."""
    return (settings.now or dt.datetime.now(dt.UTC)).astimezone(dt.UTC)
