"""The one place that reads the clock; everything else is handed the time."""

from __future__ import annotations

import datetime as dt

from src.config.settings import Settings


def now(settings: Settings) -> dt.datetime:
    """The time in UTC, or ``FORECAST_NOW`` where a rehearsal sets it."""
    return (settings.now or dt.datetime.now(dt.UTC)).astimezone(dt.UTC)
