"""The command ``python -m mlops.worker``: run every session after its close, and what is asked for.

It works until it is stopped; ``--once`` is for those who have a schedule of their own.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from src.core.errors import UsageError
from src.stages.arguments import Parser, add_config, command_parser
from src.stages.cli import run_command, set_up


def main(argv: Sequence[str] | None = None) -> int:
    """Work, or say how work goes, or delete what is old."""
    args = _parser().parse_args(argv)
    if args.once and args.action != "run":
        raise UsageError(f"--once belongs to no action: leave out {args.action}.")
    return _ACTIONS[args.action](args)


def _work(args: argparse.Namespace) -> int:
    from src.config.clock import now

    settings, at = set_up(args)
    if args.once:
        from mlops.worker.once import work_once

        return 0 if work_once(settings, at, args.config) else 1
    from mlops.worker.loop import Worker

    Worker(settings, lambda: now(settings), args.config).run()
    return 0


def _show_status(args: argparse.Namespace) -> int:
    from mlops.worker.status import status_lines
    from src.db.database import open_connection

    settings, at = set_up(args)
    with open_connection(settings.server, settings.home, "tcsns-status") as (_, connection):
        lines = status_lines(connection, settings, at)
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def _delete_old(args: argparse.Namespace) -> int:
    from mlops.worker.retention import delete_old_traces
    from src.db.database import open_connection

    settings, at = set_up(args)
    with open_connection(settings.server, settings.home, "tcsns-retention") as (_, connection):
        count = delete_old_traces(connection, settings, at)
    worker = settings.worker
    sys.stdout.write(
        f"{count:,} rows and files were deleted: rows of more than {worker.keep_days} days ago, "
        f"outputs and folders of runs of more than {worker.keep_files_days}.\n"
    )
    return 0


_ACTIONS: dict[str, Callable[[argparse.Namespace], int]] = {
    "run": _work,
    "status": _show_status,
    "clean": _delete_old,
}


def _parser() -> Parser:
    parser = command_parser(
        "mlops.worker",
        "Run every session of every exchange after its close, and the runs that people ask for, "
        "until this is stopped. SIGTERM or Ctrl-C ends a run under way first, within "
        "worker.stop_seconds.",
    )
    parser.add_argument(
        "action",
        nargs="?",
        choices=tuple(_ACTIONS),
        default="run",
        help="work (default), say how it goes, or delete what is too old",
    )
    parser.add_argument(
        "--once", action="store_true", help="run what is due and what waits now, then end"
    )
    add_config(parser)
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
