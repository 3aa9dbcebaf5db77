"""Operation of the models: versions, rollback, scoreboard; `python -m mlops.monitoring`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from mlops.deployment import DeploymentManager
from src.core.errors import BadInput
from src.stages.arguments import EPILOG, Parser, moment
from src.stages.cli import run_command, set_up

__all__ = ["DeploymentManager", "main"]


def main(argv: Sequence[str] | None = None) -> int:
    """The command ``python -m mlops.monitoring``."""
    args = _parser().parse_args(argv)
    run: Callable[[argparse.Namespace], int] = args.run
    return run(args)


def _version(args: argparse.Namespace) -> int:
    manager = _manager(args)
    if args.list:
        for tag in manager.list_versions():
            sys.stdout.write(f"{tag}\n")
        return 0
    made = manager.version_models(args.version_tag)
    tickers = ", ".join(made.tickers)
    sys.stdout.write(f"Version {made.tag} holds {len(made.sets)} models of {tickers}.\n")
    return 0


def _rollback(args: argparse.Namespace) -> int:
    done = _manager(args).rollback_to_version(args.version_tag)
    version = done.version
    said = "is live again" if done.changed else "is live already"
    tickers = ", ".join(version.tickers)
    sys.stdout.write(
        f"Version {version.tag} {said}: {tickers}, pinned until a new win of the gate or `unpin`.\n"
    )
    if done.left_alone:
        others = ", ".join(done.left_alone)
        sys.stdout.write(f"Not in that version, so left as they were: {others}.\n")
    if done.undone:
        sys.stderr.write(f"{done.undone}\n")
    return 0


def _history(args: argparse.Namespace) -> int:
    from src.registry.lifecycle.state import explained, line

    manager, ticker = _manager(args), _ticker(args)
    if args.at is None:
        told = [line(event) for event in manager.history(ticker, args.newest)]
    else:
        told = [explained(standing) for standing in manager.live_at(args.at, ticker)]
    if not told:
        when = f" was live at {args.at:%Y-%m-%d %H:%M:%S} UTC" if args.at else " was trained yet"
        of = f" of {ticker}" if ticker else ""
        raise BadInput(f"No model{of}{when}: run `python -m mlops.pipeline` to train.")
    sys.stdout.write("".join(f"{one}\n" for one in told))
    return 0


def _unpin(args: argparse.Namespace) -> int:
    manager, ticker = _manager(args), _ticker(args)
    horizons = " and ".join(manager.unpin(str(ticker)))
    sys.stdout.write(f"{ticker}, {horizons}: training may replace what is live.\n")
    return 0


def _scoreboard(args: argparse.Namespace) -> int:
    from mlops.scoreboard_table import scoreboard_text

    ticker, (settings, _) = _ticker(args), set_up(args)
    sys.stdout.write(f"{scoreboard_text(settings, ticker)}\n")
    return 0


def _manager(args: argparse.Namespace) -> DeploymentManager:
    settings, _ = set_up(args)
    return DeploymentManager(settings)


def _ticker(args: argparse.Namespace) -> str | None:
    from src.core.tickers import normalise_ticker

    return None if args.ticker is None else normalise_ticker(args.ticker, args.suffix)


def _parser() -> Parser:
    parser = Parser(
        prog="python -m mlops.monitoring",
        description="Version the live models, go back to a version, see what was live when and "
        "what its forecasts came to.",
        epilog=EPILOG,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    version = _command(commands, "version", _version, "keep all live models under a name")
    which = version.add_mutually_exclusive_group(required=True)
    which.add_argument("--version-tag", metavar="TAG", help="the name, such as v1.0-2025-01-15")
    which.add_argument("--list", action="store_true", help="list versions, the newest first")
    rollback = _command(commands, "rollback", _rollback, "make a version live again and pin it")
    rollback.add_argument("--version-tag", metavar="TAG", required=True, help="which version")
    history = _command(commands, "history", _history, "what happened to the models")
    history.add_argument("--at", type=moment, metavar="TIME", help="what was live then, and why")
    history.add_argument(
        "--newest", type=_count, default=100, metavar="N", help="so many events (default: 100)"
    )
    history.add_argument("--ticker", help="such as TCS.NS (default: every ticker)")
    unpin = _command(commands, "unpin", _unpin, "let training replace what a rollback restored")
    unpin.add_argument("--ticker", required=True, help="such as TCS.NS")
    board = _command(commands, "scoreboard", _scoreboard, "what live forecasts came to")
    board.add_argument("--ticker", help="such as TCS.NS (default: every ticker, and all together)")
    for one in (history, unpin, board):
        one.add_argument("--suffix", default=".NS", help="for bare symbols (default: .NS)")
    return parser


def _count(text: str) -> int:
    if not (text.isdecimal() and 0 < int(text) < 10**9):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of events")
    return int(text)


def _command(
    commands: argparse._SubParsersAction[Parser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    summary: str,
) -> Parser:
    """One more word after ``python -m mlops.monitoring``."""
    parser = commands.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
    parser.add_argument("--config", type=Path, metavar="F", help="a JSON file with settings")
    parser.set_defaults(run=run)
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
