"""The command line of every stage: `show`, `run` or `write`; an error is one sentence."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from src.config.threads import wait_politely
from src.core.errors import NO_ROOM, BadInput, ForecastError, UsageError
from src.stages.arguments import (
    Parser,
    add_config,
    add_looking_back,
    add_ticker,
    command_parser,
    ticker_of,
)

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.db.database import Database
    from src.stages.stage import RunContext, Stage, StageReport


def run_command(
    main: Callable[[Sequence[str] | None], int], argv: Sequence[str] | None = None
) -> int:
    """Run a command; an error becomes one sentence on stderr, its traceback goes to the log."""
    import signal

    asked_to_end: list[int] = []

    def end(code: int) -> NoReturn:
        asked_to_end.append(code)
        sys.exit(code)

    # A polite end lets the transaction roll back and the embedded server be released.
    for name, code in (("SIGTERM", 143), ("SIGHUP", 129)):
        signal.signal(getattr(signal, name), lambda *_, code=code: end(code))
    _mend_streams()
    wait_politely()
    try:
        return main(argv)
    except ForecastError as error:
        _log_traceback(error)
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted: nothing half-written was kept.\n")
        return 130
    except BrokenPipeError:
        return 1
    except Exception as error:
        _log_traceback(error)
        # A library that was interrupted may make an error of it.
        if asked_to_end:
            return asked_to_end[0]
        sys.stderr.write(f"{unexpected(error)}\n")
        return 1


def _mend_streams() -> None:
    """Give a closed stream somewhere to go, and a narrow one a way to write what it cannot."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 until the process ends
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def unexpected(error: Exception) -> str:
    """One sentence for an error that nobody foresaw, or that any line may meet: a full disk."""
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        return (
            f"No room is left on the disk of FORECAST_HOME, or of {tempfile.gettempdir()} "
            f"({error.strerror}): free some, then run this again."
        )
    first = (str(error).strip().splitlines() or ["no message"])[0]
    return f"Unexpected {type(error).__name__} ({first}): see logs/tcs-stock.log and report it."


def _log_traceback(error: Exception) -> None:
    logs = sys.modules.get("src.config.logs")
    # Before the log is set up a line would go to stdout, secrets in local variables and all.
    if logs is not None and logs.is_configured():
        logs.get(__name__).error(str(error), exc_info=error, file_only=True)


def stage_parser(module: str, summary: str) -> Parser:
    """The arguments that every stage has."""
    parser = command_parser(module, summary)
    parser.add_argument(
        "action",
        choices=("show", "run", "write"),
        help="show what is stored, run without writing, or run and write",
    )
    which = parser.add_mutually_exclusive_group()
    add_ticker(parser, group=which)
    which.add_argument("--all", action="store_true", help="every ticker")
    add_looking_back(parser)
    add_config(parser)
    return parser


def stage_main(
    stage: Stage,
    argv: Sequence[str] | None = None,
    *,
    parser: Parser,
    prepare: Callable[[argparse.Namespace, Settings, Any], tuple[Stage, list[str]]] | None = None,
) -> int:
    """Show, run or write one stage.

    ``prepare`` may exchange the stage for one bound to a source and name the tickers that the
    source holds; it is given the arguments, the settings and the time.
    """
    args = parser.parse_args(argv)
    settings, now = set_up(args)
    from src.core.calendars.exchanges import by_exchange
    from src.db.database import open_database
    from src.db.tables.runs import application_name, ticker_locks
    from src.stages.context import make_context
    from src.stages.stage import run_stage

    offered: list[str] = []
    if prepare is not None:
        stage, offered = prepare(args, settings, now)
    run_id = f"{now:%Y%m%d_%H%M%S}_{stage.name}"
    with open_database(settings.server, settings.home, application_name(run_id)) as database:
        tickers = _tickers(args, settings, offered, database, needs_prices=bool(stage.reads))
        if args.action == "show":
            return _show(stage, database, tickers)
        contexts = [
            make_context(
                settings,
                database.store,
                group,
                run_id=run_id,
                now=now,
                as_of=args.as_of,
                known_at=args.known_at,
                write=args.action == "write",
            )
            for group in by_exchange(tickers)
        ]
        with ticker_locks(database.control, tickers):
            for context in contexts:
                _say(stage, context, run_stage(stage, context))
    return 0


def set_up(args: argparse.Namespace) -> tuple[Settings, dt.datetime]:
    """Settings with ``args.config`` in them, logging set up, and the time."""
    from src.config import logs
    from src.config.clock import now
    from src.config.load import load_settings

    settings = load_settings(args.config)
    logs.configure(settings.home, settings.log_level)
    at = now(settings)
    logs.bind_run(f"{at:%Y%m%d_%H%M%S}")
    return settings, at


def _tickers(
    args: argparse.Namespace,
    settings: Settings,
    offered: list[str],
    database: Database,
    *,
    needs_prices: bool,
) -> tuple[str, ...]:
    if args.all:
        found = offered or database.store.tickers()
        if not found:
            raise UsageError("No prices are stored yet: run `python -m src.data.ingest` first.")
        return tuple(found)
    if args.ticker is None and offered:
        return tuple(offered)
    ticker = ticker_of(args, settings)
    if not offered and needs_prices and ticker not in database.store.tickers():
        raise BadInput(
            f"No prices of {ticker} are stored: run `python -m src.data.ingest write` first."
        )
    return (ticker,)


def _show(stage: Stage, database: Database, tickers: tuple[str, ...]) -> int:
    for table in stage.writes:
        frame = database.store.load(table, tickers)
        sys.stdout.write(f"{table.name}: {frame.height} rows for {', '.join(tickers)}\n")
        if frame.height:
            sys.stdout.write(f"{frame.tail(5)}\n")
    return 0


def _say(stage: Stage, context: RunContext, report: StageReport) -> None:
    for warning in report.warnings:
        sys.stderr.write(f"warning: {warning}\n")
    written = "written" if context.live else "computed, not written"
    facts = ", ".join(f"{name} {value}" for name, value in report.details.items())
    sys.stdout.write(f"{stage.name}: {report.rows} rows {written} ({facts})\n")
