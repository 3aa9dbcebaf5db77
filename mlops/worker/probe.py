"""Tell a container whether the worker of this host is at work, by its signs of life."""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence

from src.stages.arguments import add_config, command_parser
from src.stages.cli import run_command

# Of the newest workers, on all hosts, those among which ours must be.
WORKERS = 100
# Seconds; it shows a sign of life every 20.
SILENT_AFTER = 60.0


def main(argv: Sequence[str] | None = None) -> int:
    """Print what is wrong, in one sentence.

    Returns:
        0 where nothing is, else 1.
    """
    summary = "Check that the worker of this host showed a sign of life lately."
    parser = command_parser("mlops.worker.probe", summary)
    add_config(parser)
    args = parser.parse_args(argv)
    from src.config.load import load_settings
    from src.db.database import open_connection
    from src.db.queue.workers import newest_workers

    settings, host = load_settings(args.config), socket.gethostname()
    with open_connection(settings.server, settings.home, "tcsns-probe") as (_, connection):
        workers = [each for each in newest_workers(connection, WORKERS) if each.host == host]
    if any(each.stopped_at is None and each.silence < SILENT_AFTER for each in workers):
        return 0
    sys.stderr.write(f"No worker on {host} showed a sign of life within {SILENT_AFTER:.0f} s.\n")
    return 1


if __name__ == "__main__":
    sys.exit(run_command(main))
