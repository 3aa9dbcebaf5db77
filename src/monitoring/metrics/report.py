"""Summarise metric points, one row for each name and set of tags."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from src.monitoring.metrics.points import Point
from src.monitoring.metrics.trend import trend_of


def summarise(points: Sequence[Point]) -> list[dict[str, Any]]:
    """One row for each name and set of tags, in their order.

    Args:
        points: In the order of their times.

    Returns:
        ``name, tags, points, first, last`` (times in UTC), ``latest, min, max, mean, p95`` and
        ``trend`` (see ``trend.Trend``; None where there are too few days).
    """
    series: dict[tuple[str, tuple[tuple[str, str], ...]], list[Point]] = defaultdict(list)
    for point in points:
        series[point.name, tuple(sorted(point.tags.items()))].append(point)
    return [_row(series[key]) for key in sorted(series)]


def _row(points: Sequence[Point]) -> dict[str, Any]:
    values = np.array([point.value for point in points])
    trend = trend_of(points)
    return {
        "name": points[0].name,
        "tags": dict(points[0].tags),
        "points": len(points),
        "first": points[0].at.isoformat(),
        "last": points[-1].at.isoformat(),
        "latest": points[-1].value,
        "min": float(values.min()),
        "max": float(values.max()),
        "mean": float(values.mean()),
        "p95": float(np.quantile(values, 0.95)),
        "trend": None if trend is None else asdict(trend),
    }
