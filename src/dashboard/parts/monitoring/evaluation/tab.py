"""The tab of evaluation: drift against its limits, and how logged forecasts turned out."""

from __future__ import annotations

from src.dashboard import frame
from src.dashboard.parts.monitoring.evaluation import drift, logged_scores


def draw() -> None:
    """Draw the tab."""
    with frame.block("Drift"):
        drift.draw()
    with frame.block("The scoreboard"):
        logged_scores.draw()
