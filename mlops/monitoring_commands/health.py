"""The command ``health`` of ``python -m mlops.monitoring``: what is broken, stale or drifting."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from src.core.errors import BadConfig, ForecastError, UnwritableFolder, UsageError
from src.stages.arguments import add_ticker
from src.stages.cli import set_up

if TYPE_CHECKING:
    from src.monitoring.health.report import DataQuality, HealthAlert, HealthCheck, ModelStatus

# Exit codes: by status, and of wrong usage (EX_USAGE of sysexits.h), which must not be mistaken.
EXIT_CODES = {"OK": 0, "WARNING": 1, "CRITICAL": 2}
WRONG_USAGE = 64
EPILOG = (
    "Exit codes: 0 OK, 1 WARNING, 2 CRITICAL, 64 wrong usage. Reports are kept in mlops/health/; "
    "what to do for each rule is in docs/runbook.md."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.epilog = EPILOG
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    add_ticker(parser, default="everything")


def run(args: argparse.Namespace) -> int:
    """Print and save the health of everything, or of one ticker; the exit code is its status.

    Returns:
        0 for OK, 1 for WARNING, 2 for CRITICAL or where health cannot be measured at all, 64 for
        arguments or settings that cannot be used.
    """
    try:
        return _health(args)
    except (UsageError, BadConfig) as error:
        sys.stderr.write(f"{error}\n")
        return WRONG_USAGE
    except ForecastError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_CODES["CRITICAL"]


def _health(args: argparse.Namespace) -> int:
    from mlops.model_monitor import ModelMonitor
    from src.core.tickers import normalise_ticker

    ticker = None if args.ticker is None else normalise_ticker(args.ticker, args.suffix)
    settings, _ = set_up(args)
    monitor = ModelMonitor(settings)
    report = monitor.run_health_check(ticker)
    if report.database.ok and ticker is not None and not _is_known(report, ticker):
        raise UsageError(f"No prices of {ticker} are stored: run `python -m mlops.pipeline` first.")
    if args.json:
        sys.stdout.write(f"{report.model_dump_json(indent=2)}\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in health_lines(report)))
    try:
        monitor.save_health_report(report)
    except UnwritableFolder as error:
        sys.stderr.write(f"The report was not saved: {error}\n")
    return EXIT_CODES[report.status]


def _is_known(report: HealthCheck, ticker: str) -> bool:
    """Whether it has features, or a run has failed for it."""
    return report.tickers > 0 or any(ticker in alert.subjects for alert in report.alerts)


def health_lines(report: HealthCheck) -> Iterator[str]:
    """A report as lines for a terminal."""
    of = report.ticker or f"{report.tickers} ticker{'' if report.tickers == 1 else 's'}"
    if not report.database.ok and not report.tickers:
        of = "tickers unknown"
    yield f"{report.status:<10} {of}, {report.timestamp:%Y-%m-%d %H:%M} UTC"
    yield f"Database   {report.database.message}"
    if report.database.ok or report.data_quality.score is not None:
        yield _quality_line(report.data_quality)
    if report.performance_score is not None:
        yield (
            f"Forecasts  {report.performance_score:.0f} of 100: 100 is as promised, a warning "
            "begins at 50"
        )
    for model in report.model_status:
        yield _model_line(model)
    for _, alerts in groupby(report.alerts, key=lambda alert: alert.rule):
        yield from _alert_lines(list(alerts))
    if report.not_measured:
        yield "Not measured:"
        for row in report.not_measured:
            yield f"           {row.rule}: {row.message}"


def _quality_line(quality: DataQuality) -> str:
    if quality.score is None:
        return "Data       not scored yet: run `python -m mlops.pipeline`"
    judged = [each for each in quality.dimensions if each.score is not None]
    lowest = min(judged, key=lambda each: each.score or 0.0)
    return (
        f"Data       {quality.score:.0f} of 100 at {quality.session}, lowest in {lowest.name}: "
        f"{lowest.found or 'nothing was found.'}"
    )


def _model_line(model: ModelStatus) -> str:
    name = f"Model {model.pool} {model.horizon}"
    if model.served is None:
        return f"{name}   none"
    fitted = f", fitted on what was known at {model.fitted_on}" if model.fitted_on else ""
    return f"{name}   {model.served} ({model.verdict}), judged at {model.judged_at}{fitted}"


def _alert_lines(alerts: Sequence[HealthAlert]) -> Iterator[str]:
    """All alerts of one rule, and what it means once."""
    first = alerts[0]
    for alert in alerts:
        yield f"{alert.severity:<10} {alert.rule}: {alert.message}"
    yield f"           {first.meaning}"
    yield f"           What to do: {first.action} See {first.runbook}"
