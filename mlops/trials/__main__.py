"""Register, list, split, stop and promote trials of challengers: `python -m mlops.trials`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mlops.trials.share import add_share, set_share
from src.core.errors import UsageError
from src.modeling.points.candidate_names import STORABLE_CANDIDATES
from src.stages.arguments import (
    Parser,
    add_command,
    add_suffix,
    add_tickers,
    command_parser,
    listed_tickers,
)
from src.stages.cli import run_command, set_up

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from src.config.settings import Settings
    from src.db.database import Database

HASH = "of the trial, or at least its first six characters, as `list` shows them"


def main(argv: Sequence[str] | None = None) -> int:
    """The command ``python -m mlops.trials``."""
    args = _parser().parse_args(argv)
    run: Callable[[argparse.Namespace], int] = args.run
    return run(args)


def _register(args: argparse.Namespace) -> int:
    from mlops.trials.table import registered_text
    from src.core.trials import USUAL_EFFECTS, Trial
    from src.modeling.trials.challenger_checks import as_settings
    from src.modeling.trials.register import register
    from src.registry.storage.artifact_store import ArtifactStore

    settings, now = set_up(args)
    trial = Trial(
        pool=args.pool,
        horizon=args.horizon,
        sessions=getattr(settings.training.horizons, args.horizon),
        challenger=args.challenger,
        settings=as_settings(dict(_pair(text) for text in args.set)),
        reference=args.reference,
        tickers=listed_tickers(args.tickers, args.suffix) if args.tickers else (),
        loss=args.loss,
        smallest_effect=USUAL_EFFECTS[args.horizon] if args.effect is None else args.effect,
        look_every=args.every,
        max_sessions=args.sessions,
        promotes=args.promotes,
        author=args.author,
        reason=args.reason,
        registered_at=now,
    )
    with _open(settings) as database:
        trial = register(database.control, ArtifactStore.of(settings), trial)
    sys.stdout.write(f"{registered_text(trial)}\n")
    return 0


def _list(args: argparse.Namespace) -> int:
    from mlops.trials.table import trials_text
    from src.core.trial_status import statuses
    from src.db.tables.trials import TrialLog

    settings, _ = set_up(args)
    with _open(settings) as database:
        log = TrialLog(database.control)
        found = statuses(log.trials(args.pool), log.events(series=False))
    if args.json:
        _print_json([status.as_json() for status in found])
    else:
        sys.stdout.write(f"{trials_text(found, everything=args.all)}\n")
    return 0


def _show(args: argparse.Namespace) -> int:
    from mlops.trials.table import trial_text
    from src.core.trial_status import status_of
    from src.db.tables.trials import TrialLog

    settings, _ = set_up(args)
    with _open(settings) as database:
        log = TrialLog(database.control)
        trial = log.find(args.hash)
        events = log.events(trial.hash)
    status = status_of(trial, events)
    if args.json:
        _print_json(status.as_json() | {"events": [event.as_json() for event in events]})
    else:
        sys.stdout.write(f"{trial_text(status, events)}\n")
    return 0


def _stop(args: argparse.Namespace) -> int:
    from src.db.tables.trials import TrialLog
    from src.modeling.trials.register import stop

    settings, now = set_up(args)
    with _open(settings) as database:
        trial = TrialLog(database.control).find(args.hash)
        stop(database.control, trial, args.author, args.reason, now)
    sys.stdout.write(
        f"Trial {trial.hash[:12]} is stopped. It stays in the count of configurations tried.\n"
    )
    return 0


def _promote(args: argparse.Namespace) -> int:
    from mlops.mlflow_export.start import start_export
    from src.db.tables.trials import TrialLog
    from src.modeling.trials.promote import promote
    from src.registry.lifecycle.events import Author
    from src.registry.storage.artifact_store import ArtifactStore

    settings, now = set_up(args)
    with _open(settings) as database:
        trial = TrialLog(database.control).find(args.hash)
        author, store = Author(args.author, now), ArtifactStore.of(settings)
        artifact = promote(database.control, store, trial, author, args.reason)
    start_export(settings)
    sys.stdout.write(
        f"{artifact.candidate} is live at {trial.pool} {trial.horizon} (set "
        f"{artifact.digest[:12]}), pinned until another trial is promoted, a rollback or `python "
        "-m mlops.monitoring unpin`.\n"
    )
    return 0


def _open(settings: Settings) -> AbstractContextManager[Database]:
    from src.db.database import open_database

    return open_database(settings.server, settings.home)


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise UsageError(f"--set {text!r} sets nothing: write it as refit_every=21.")
    return name, value


def _print_json(content: object) -> None:
    sys.stdout.write(f"{json.dumps(content, indent=2)}\n")


def _parser() -> Parser:
    parser = command_parser(
        "mlops.trials",
        "Compare a challenger with the live model, or with no change, on forecasts that are made "
        "after it was registered.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_register(commands)
    listing = add_command(commands, "list", _list, "list the trials and how they stand")
    listing.add_argument("--pool", metavar="POOL", help="of this pool alone")
    listing.add_argument("--all", action="store_true", help="also those that have ended")
    _add_json(listing)
    show = add_command(commands, "show", _show, "show a trial and what happened to it")
    show.add_argument("hash", metavar="HASH", help=HASH)
    _add_json(show)
    stop = add_command(commands, "stop", _stop, "end a trial undecided; it still counts as tried")
    split = add_command(
        commands, "split", set_share, "let the challenger answer a share of the API's clients"
    )
    add_share(split)
    promote = add_command(
        commands, "promote", _promote, "make the challenger of a trial that ended better live"
    )
    for command in (stop, split, promote):
        command.add_argument("hash", metavar="HASH", help=HASH)
        _add_person(command)
    return parser


def _add_register(commands: argparse._SubParsersAction[Parser]) -> None:
    register = add_command(commands, "register", _register, "put a challenger on trial")
    register.add_argument("--pool", required=True, metavar="POOL", help="such as NSE")
    register.add_argument("--horizon", required=True, choices=("short", "long"))
    register.add_argument(
        "--challenger",
        required=True,
        metavar="NAME|DIGEST",
        help=f"{', '.join(STORABLE_CANDIDATES)}, or the digest of a stored model set",
    )
    register.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SETTING=N",
        help="fit it with refit_every, embargo or min_train_rows of its own; may be repeated",
    )
    register.add_argument("--reference", default="live", metavar="live|zero", help="default: live")
    add_tickers(register)
    add_suffix(register)
    register.add_argument(
        "--loss", default="absolute", metavar="absolute|squared", help="default: absolute"
    )
    register.add_argument(
        "--effect",
        type=float,
        metavar="GAIN",
        help="the smallest relative gain in the loss that matters (default: 0.0005 at the short "
        "horizon, 0.005 at the long one)",
    )
    register.add_argument(
        "--every", type=int, default=5, metavar="N", help="sessions between looks (default: 5)"
    )
    register.add_argument(
        "--sessions", type=int, default=1260, metavar="N", help="at most (default: 1260)"
    )
    register.add_argument(
        "--promotes", action="store_true", help="make it live when it is better, without a person"
    )
    _add_person(register)


def _add_person(parser: Parser) -> None:
    parser.add_argument("--author", required=True, metavar="NAME", help="who decides")
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why, in one line")


def _add_json(parser: Parser) -> None:
    parser.add_argument("--json", action="store_true", help="as JSON")


if __name__ == "__main__":
    sys.exit(run_command(main))
