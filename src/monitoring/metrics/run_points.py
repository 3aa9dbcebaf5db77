"""Tell what a run of the pipeline is measured by: seconds, memory, success, and its models."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from src.monitoring.metrics.points import Point, make_point

# Of the row of what was served, in the pool's leaderboard.
SERVED = "served"
MODEL_METRICS = {"model_r2_score": "r2", "model_skill_vs_zero": "skill_vs_zero"}
PROMISED = "0.9"


def run_points(results: Mapping[str, Any], peak_mib: float, at: dt.datetime) -> list[Point]:
    """The points of one run.

    ``run_seconds``, ``run_peak_memory_mib``, ``run_succeeded`` (1 or 0), ``run_tickers`` by status,
    ``stage_seconds`` and ``stage_rows`` by stage, each apart for runs of one ticker and of many;
    and of each pool and horizon that the run judged ``model_r2_score`` and ``model_skill_vs_zero``
    of what was served, out of sample, and ``model_coverage_90``, the share of outcomes inside the
    90 % interval; and ``data_quality`` of all tickers, as a whole and by dimension.

    Args:
        results: The content of results.json.
        peak_mib: The most memory that the run's process had.
        at: When the run began.
    """
    run = {"run": "many" if results["ticker"] is None else "one"}
    statuses = Counter(row["status"] for row in results["tickers"].values())
    points = [
        make_point("run_seconds", results["total_duration_seconds"], run, at),
        make_point("run_peak_memory_mib", peak_mib, run, at),
        make_point("run_succeeded", results["status"] == "success", run, at),
        *(make_point("run_tickers", n, {**run, "status": s}, at) for s, n in statuses.items()),
    ]
    for stage, row in results["stages"].items():
        tags = {**run, "stage": stage}
        points.append(make_point("stage_seconds", row["duration_seconds"], tags, at))
        points.append(make_point("stage_rows", row["rows"], tags, at))
    return [*points, *_quality_points(results, at), *_model_points(results, at)]


def _quality_points(results: Mapping[str, Any], at: dt.datetime) -> Iterator[Point]:
    quality = results.get("data_quality")
    if quality is None:
        return
    yield make_point("data_quality", quality["score"], {"table": "features"}, at)
    for name, score in quality["dimensions"].items():
        if score is not None:
            yield make_point("data_quality", score, {"dimension": name}, at)


def _model_points(results: Mapping[str, Any], at: dt.datetime) -> Iterator[Point]:
    for model in results["stages"].get("training", {}).get("models", ()):
        # Where the pool had been judged before, the figures are those of that earlier run.
        if not results["pools"].get(model["pool"], {}).get("judged"):
            continue
        tags = {"pool": model["pool"], "horizon": model["horizon"]}
        served: Mapping[str, Any] = next(
            (row for row in model["metrics"] if row["name"] == SERVED), {}
        )
        values = {name: served.get(column) for name, column in MODEL_METRICS.items()}
        values["model_coverage_90"] = model["coverage"]["levels"].get(PROMISED)
        for name, value in values.items():
            if value is not None:
                yield make_point(name, value, tags, at)
