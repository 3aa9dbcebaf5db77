"""Turn stored scores of data quality into observations of the rule ``data_quality_low``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from src.monitoring.observation import Observation
from src.monitoring.quality.score import TIMELINESS, combine

RULE = "data_quality_low"


def quality_observations(
    latest: Mapping[str, Mapping[str, Any]], alert_below: float
) -> Iterator[Observation]:
    """One observation for each ticker of a pool.

    The timeliness has rules of its own and is left out.

    Args:
        latest: As ``QualityScores.latest`` reads them.
        alert_below: Of 100 (``monitoring.quality_alert_below``).
    """
    for ticker, row in sorted(latest.items()):
        if row["pool"] is None:
            continue
        dimensions = {name: each for name, each in row["dimensions"].items() if name != TIMELINESS}
        score = combine(each["score"] for each in dimensions.values())
        yield Observation(
            RULE,
            ticker,
            score < alert_below,
            _sentence(ticker, score, dimensions),
            score,
            row["pool"],
        )


def _sentence(ticker: str, score: float, dimensions: Mapping[str, Mapping[str, Any]]) -> str:
    judged = {name: each for name, each in dimensions.items() if each["score"] is not None}
    worst = min(judged, key=lambda name: float(judged[name]["score"]))
    found = judged[worst].get("found")
    why = f" {worst.capitalize()}: {found} {judged[worst]['remedy']}" if found else ""
    return f"The data quality of {ticker} is {score:.0f} of 100, its age left out.{why}"
