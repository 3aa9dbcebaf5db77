"""The command ``python -m mlops.monitoring metrics``: how every metric stands, as a table."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from mlops.metrics_collector import REPORT_DAYS, MetricsCollector
from src.stages.cli import set_up
from src.stages.tables import aligned

HEADERS = ("metric", "points", "latest", "min", "max", "mean", "p95", "trend a day")
# Places of unreadable lines that are named.
NAMED = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument(
        "--days",
        type=_days,
        default=REPORT_DAYS,
        metavar="N",
        help=f"look back so many days (default: {REPORT_DAYS})",
    )
    parser.add_argument("--name", help="one metric, such as model_r2_score (default: all)")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(args: argparse.Namespace) -> int:
    """Print the report; lines that cannot be read are named on stderr."""
    settings, _ = set_up(args)
    report = MetricsCollector(settings).generate_metrics_report(args.days, args.name)
    text = json.dumps(report, indent=2) if args.json else report_text(report, args.name)
    sys.stdout.write(f"{text}\n")
    if report["unreadable"]:
        sys.stderr.write(f"{_unreadable(report['unreadable'])}\n")
    return 0


def report_text(report: Mapping[str, Any], name: str | None) -> str:
    """The report as a table for people; ``name`` is the metric shown, None for all."""
    if not report["metrics"]:
        what = f"No point of the metric {name}" if name else "No metric"
        return (
            f"{what} was recorded in the last {report['days']:g} days: runs, the service and the "
            "monitor record some, as does MetricsCollector().save_metric."
        )
    lines = aligned([HEADERS, *map(_cells, report["metrics"])], str.ljust)
    note = "A trend is of daily medians: Mann-Kendall's test at 1 %, Theil-Sen's slope."
    return "\n".join([*lines, note])


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    tags = ", ".join(f"{key}={value}" for key, value in sorted(row["tags"].items()))
    numbers = (f"{row[key]:.6g}" for key in ("latest", "min", "max", "mean", "p95"))
    name = f"{row['name']} {{{tags}}}" if tags else row["name"]
    return (name, f"{row['points']:,}", *numbers, _trend(row["trend"]))


def _trend(trend: Mapping[str, Any] | None) -> str:
    if trend is None:
        return "too few days"
    slope = f" {trend['per_day']:+.3g}" if trend["direction"] != "none" else ""
    return f"{trend['direction']}{slope} (p {trend['p_value']:.2g}, {trend['days']} days)"


def _unreadable(places: Sequence[str]) -> str:
    named = ", ".join(places[:NAMED])
    more = f" and {len(places) - NAMED} more" if len(places) > NAMED else ""
    lines = "line of a metric file is" if len(places) == 1 else "lines of metric files are"
    return (
        f"{len(places)} {lines} not readable and left out ({named}{more}): a process was killed "
        "while it wrote, or the disk was full."
    )


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = 0.0
    if not 0 < days <= 36500:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days")
    return days
