"""Watch the installation and operate its models: `python -m mlops.monitoring`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mlops.deployment import DeploymentManager
from mlops.metrics_collector import MetricsCollector
from mlops.model_monitor import ModelMonitor
from mlops.monitoring_commands import health as health_command
from mlops.monitoring_commands import metrics as metrics_command
from mlops.monitoring_commands import watch as watch_command
from mlops.monitoring_commands.alerts import add_alerts
from src.core.errors import BadInput
from src.stages.arguments import Parser, add_command, add_ticker, command_parser, moment
from src.stages.cli import run_command, set_up

if TYPE_CHECKING:
    from src.monitoring.health.report import HealthCheck

__all__ = ["DeploymentManager", "HealthCheck", "MetricsCollector", "ModelMonitor", "main"]

EVERY_TICKER = "every ticker"


def __getattr__(name: str) -> object:
    """What ``run_health_check`` returns; its module is too slow to import for ``--help``."""
    if name == "HealthCheck":
        from src.monitoring.health.report import HealthCheck

        return HealthCheck
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def main(argv: Sequence[str] | None = None) -> int:
    """The command ``python -m mlops.monitoring``."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    args = _parser(arguments).parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = args.run
    return run(args)


def _version(args: argparse.Namespace) -> int:
    manager = _manager(args)
    if args.list:
        for tag, why in manager.check_versions():
            sys.stdout.write(f"{tag}   cannot be restored: {why}\n" if why else f"{tag}\n")
        return 0
    version = manager.version_models(args.version_tag)
    pools = ", ".join(version.pools)
    sys.stdout.write(f"Version {version.tag} holds {len(version.sets)} models of {pools}.\n")
    return 0


def _rollback(args: argparse.Namespace) -> int:
    result = _manager(args).rollback_to_version(args.version_tag)
    version = result.version
    state = "is live again" if result.changed else "is live already"
    sys.stdout.write(
        f"Version {version.tag} {state}: {', '.join(version.pools)}, pinned until the gate "
        "promotes another model or `unpin` is run.\n"
    )
    if result.left_alone:
        others = ", ".join(result.left_alone)
        sys.stdout.write(f"Not in that version, so left as they were: {others}.\n")
    if result.missing_inputs:
        sys.stderr.write(f"{result.missing_inputs}\n")
    return 0


def _history(args: argparse.Namespace) -> int:
    from src.registry.lifecycle.state import describe, format_event

    manager, ticker = _manager(args), _ticker(args)
    if args.at is None:
        lines = [format_event(event) for event in manager.history(ticker, args.newest)]
    else:
        lines = [describe(state) for state in manager.live_at(args.at, ticker)]
    if not lines:
        of = f" of {ticker}" if ticker else ""
        what = f"was live at {args.at:%Y-%m-%d %H:%M:%S} UTC" if args.at else "has been trained yet"
        raise BadInput(f"No model{of} {what}: run `python -m mlops.pipeline` to train.")
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def _unpin(args: argparse.Namespace) -> int:
    manager, ticker = _manager(args), _ticker(args)
    pool, horizons = manager.unpin(str(ticker))
    sys.stdout.write(
        f"{pool}, {' and '.join(horizons)}: no longer pinned, training may replace what is live.\n"
    )
    return 0


def _sign(args: argparse.Namespace) -> int:
    signatures = _manager(args).sign(accept_unsigned=args.unsigned)
    sys.stdout.write(
        f"{signatures.written} models and versions were signed with the first key, "
        f"{signatures.unchanged} had been before.\n"
    )
    sys.stderr.write("".join(f"{sentence}\n" for sentence in signatures.refused))
    return 1 if signatures.refused else 0


def _scoreboard(args: argparse.Namespace) -> int:
    from mlops.monitoring_commands.scoreboard_table import scoreboard_text

    ticker, (settings, _) = _ticker(args), set_up(args)
    sys.stdout.write(f"{scoreboard_text(settings, ticker)}\n")
    return 0


def _manager(args: argparse.Namespace) -> DeploymentManager:
    settings, _ = set_up(args)
    return DeploymentManager(settings)


def _ticker(args: argparse.Namespace) -> str | None:
    from src.core.tickers import normalise_ticker

    return None if args.ticker is None else normalise_ticker(args.ticker, args.suffix)


def _parser(arguments: Sequence[str]) -> Parser:
    parser = command_parser(
        "mlops.monitoring",
        "Check the health of everything, list and silence alerts, show how metrics stand, version "
        "the live models, roll back, show what was live when and how its forecasts turned out.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    health = add_command(commands, "health", health_command.run, "check everything, or one ticker")
    health_command.add_arguments(health)
    if arguments[:1] == ["health"]:
        # Also of arguments that the outer parser is left with.
        health.usage_code = parser.usage_code = health_command.WRONG_USAGE
    watch = add_command(
        commands, "watch", watch_command.run_watch, "evaluate all rules every minute"
    )
    watch_command.add_watch_arguments(watch)
    add_command(
        commands, "deadman", watch_command.run_deadman, "for cron: fail if no watch is at work"
    )
    metrics = add_command(commands, "metrics", metrics_command.run, "show how each metric stands")
    metrics_command.add_arguments(metrics)
    version = add_command(commands, "version", _version, "keep all live models under a name")
    action = version.add_mutually_exclusive_group(required=True)
    action.add_argument("--version-tag", metavar="TAG", help="the name, such as v1.0-2025-01-15")
    action.add_argument(
        "--list",
        action="store_true",
        help="list versions, the newest first, and which of them cannot be restored",
    )
    rollback = add_command(commands, "rollback", _rollback, "make a version live again and pin it")
    rollback.add_argument("--version-tag", metavar="TAG", required=True, help="the version's name")
    history = add_command(commands, "history", _history, "list what happened to the models")
    history.add_argument(
        "--at", type=moment, metavar="TIME", help="show what was live then, and why"
    )
    history.add_argument(
        "--newest", type=_count, default=100, metavar="N", help="number of events (default: 100)"
    )
    add_ticker(history, default=EVERY_TICKER)
    unpin = add_command(commands, "unpin", _unpin, "let training replace what a rollback restored")
    add_ticker(unpin, required=True)
    sign = add_command(commands, "sign", _sign, "sign models and versions with the first key")
    sign.add_argument(
        "--unsigned",
        action="store_true",
        help="also those without a signature that the audit names",
    )
    board = add_command(commands, "scoreboard", _scoreboard, "show how live forecasts turned out")
    add_ticker(board, default=f"{EVERY_TICKER}, and all together")
    add_alerts(commands)
    return parser


def _count(text: str) -> int:
    if not (text.isdecimal() and 0 < int(text) < 10**9):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number of events")
    return int(text)


if __name__ == "__main__":
    sys.exit(run_command(main))
