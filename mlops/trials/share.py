"""The command that lets a trial's challenger answer a share of the API's clients."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from src.stages.cli import set_up

if TYPE_CHECKING:
    import argparse

    from src.stages.arguments import Parser


def add_share(parser: Parser) -> None:
    """Add the option ``--share``."""
    parser.add_argument(
        "--share", type=float, required=True, metavar="SHARE", help="from 0 (off) to 1, such as 0.1"
    )


def set_share(args: argparse.Namespace) -> int:
    """Set the share of the trial ``args.hash``."""
    from src.db.database import open_database
    from src.db.tables.trials import TrialLog
    from src.modeling.trials import split

    settings, now = set_up(args)
    with open_database(settings.server, settings.home) as database:
        trial = TrialLog(database.control).find(args.hash)
        split.set_share(database.control, trial, args.share, args.author, args.reason, now)
    clients = f"{100 * args.share:g} % of the clients" if args.share else "nobody"
    sys.stdout.write(
        f"The challenger of trial {trial.hash[:12]} answers {clients} at {trial.pool} "
        f"{trial.horizon}. Services that run follow within a second.\n"
    )
    return 0
