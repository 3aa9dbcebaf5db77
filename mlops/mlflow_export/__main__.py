"""The command ``python -m mlops.mlflow_export``: log what a tracking server lacks."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

from mlops.mlflow_export.start import MISSING, is_installed
from src.core.errors import ForecastError, UsageError
from src.stages.arguments import Parser, add_config, command_parser
from src.stages.cli import run_command, set_up

# Seconds for one export: a server that answers bit by bit is left to the next one.
LONGEST, AGAIN = 600, 5


def main(argv: Sequence[str] | None = None) -> int:
    """Log what is missing, once."""
    args = _parser().parse_args(argv)
    settings, _ = set_up(args)
    if settings.mlflow.tracking_uri is None:
        raise UsageError("MLFLOW_TRACKING_URI is not set, so there is nowhere to log to.")
    if not is_installed():
        raise ForecastError(MISSING)
    from mlops.mlflow_export.export import export

    os.nice(10)  # runs and the service come first
    signal.signal(signal.SIGALRM, _end)
    # Again and again: MLflow takes the first one for an error to try again after.
    signal.setitimer(signal.ITIMER_REAL, LONGEST, AGAIN)
    done = export(settings)
    if args.quiet:
        return 0
    if done is None:
        sys.stdout.write("Another process is logging to MLflow already.\n")
    elif not (done.trainings or done.champions):
        sys.stdout.write("MLflow has everything already.\n")
    else:
        sys.stdout.write("".join(f"Logged: {name}\n" for name in done.trainings))
        sys.stdout.write("".join(f"Champion changed: {pair}\n" for pair in done.champions))
    return 0


def _end(*_: object) -> None:
    raise ForecastError(
        f"The tracking server of MLFLOW_TRACKING_URI took more than {LONGEST} seconds: what is "
        "missing there is logged by the next try."
    )


def _parser() -> Parser:
    parser = command_parser(
        "mlops.mlflow_export",
        "Log to MLFLOW_TRACKING_URI what is missing there: every training of a pool with "
        "parameters, metrics, report and model, and which model is the champion. Runs, rollbacks "
        "and the watch start it by themselves.",
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    add_config(parser)
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
