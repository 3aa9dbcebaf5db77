"""Run commands: errors in one sentence, and `show`, `run` and `write` of every stage."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from src.config.threads import configure_threads
from src.core.errors import DISK_FULL, BadInput, ForecastError, UsageError
from src.stages.arguments import (
    Parser,
    add_config,
    add_looking_back,
    add_ticker,
    add_tickers,
    command_parser,
    engine_settings,
    listed_tickers,
    ticker_of,
)
from src.stages.tables import counts_table, stored_rows

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.db.database import Database
    from src.stages.stage import RunContext, Stage, StageReport

    _Prepared = tuple[Stage, Callable[[Database], list[str]]]

# Of a process that ended by Ctrl-C: 128 and the signal's number.
INTERRUPTED = 130


def run_command(
    main: Callable[[Sequence[str] | None], int], argv: Sequence[str] | None = None
) -> int:
    """Run a command; an error becomes one sentence on stderr, its traceback goes to the log.

    Returns:
        The exit code: 0 done, 1 failed, 2 wrong usage, 128 + n after signal n.
    """
    import signal

    signalled: list[int] = []

    def end(code: int) -> NoReturn:
        signalled.append(code)
        sys.exit(code)

    def interrupt(*_: object) -> NoReturn:
        signalled.append(INTERRUPTED)
        raise KeyboardInterrupt

    # Raised as an exit, so that transactions roll back and the embedded server is released.
    for name, code in (("SIGTERM", 143), ("SIGHUP", 129)):
        if name != "SIGHUP" or signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # `nohup`
            signal.signal(getattr(signal, name), lambda *_, code=code: end(code))
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, interrupt)
    _repair_streams()
    configure_threads()
    try:
        return main(argv)
    except KeyboardInterrupt:
        return _interrupted()
    except BrokenPipeError:
        return 1
    except Exception as error:
        _log_traceback(error)
        # A library may have turned the exit that a signal asked for into an error of its own.
        if signalled:
            return _interrupted() if signalled[0] == INTERRUPTED else signalled[0]
        if isinstance(error, ForecastError):
            sys.stderr.write(f"{error}\n")
            return error.exit_code
        sys.stderr.write(f"{unexpected_error(error)}\n")
        return 1


def _interrupted() -> int:
    sys.stderr.write("Interrupted: unfinished changes were rolled back.\n")
    return INTERRUPTED


def _repair_streams() -> None:
    """Replace a closed stream, and let characters that an encoding lacks be written as `?`."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 until the process ends
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def unexpected_error(error: Exception) -> str:
    """One sentence for an error that is not one of ours, such as a full disk."""
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        return (
            f"The disk of FORECAST_HOME or of {tempfile.gettempdir()} is full "
            f"({error.strerror}): free some space, then run this again."
        )
    if isinstance(error, ModuleNotFoundError) and error.name is not None:
        package = error.name.split(".")[0]
        if package not in ("src", "mlops"):
            return (
                f"The package {package} is not installed in this Python ({sys.executable}): use "
                "`.venv/bin/python`, or activate the environment that the project is installed in."
            )
    first = (str(error).strip().splitlines() or ["no message"])[0]
    return f"Unexpected {type(error).__name__} ({first}): see logs/tcs-stock.log, and report it."


def _log_traceback(error: Exception) -> None:
    logs = sys.modules.get("src.config.logs")
    # Before the log is set up, the traceback with its local variables (and so secrets) would be
    # printed on stdout.
    if logs is not None and logs.is_configured():
        logs.get(__name__).error(str(error), exc_info=error, file_only=True)


def stage_parser(module: str, summary: str, *, several: bool = False) -> Parser:
    """The arguments that every stage has, with ``--tickers`` for ``several``."""
    parser = command_parser(module, summary)
    parser.add_argument(
        "action",
        choices=("show", "run", "write"),
        help="show what is stored, run without writing, or run and write",
    )
    which = parser.add_mutually_exclusive_group()
    add_ticker(parser, group=which)
    which.add_argument("--all", action="store_true", help="every ticker")
    if several:
        add_tickers(which)
    add_looking_back(parser)
    add_config(parser)
    return parser


def stage_main(
    stage: Stage,
    argv: Sequence[str] | None = None,
    *,
    parser: Parser,
    prepare: Callable[[argparse.Namespace, Settings, Any], _Prepared] | None = None,
) -> int:
    """Show, run or write one stage, by the arguments of ``stage_parser`` and perhaps more.

    ``prepare``, called with the arguments, the settings and the time, returns the stage to run,
    bound to a source of prices, and a function for the tickers that this source holds: it is called
    with the open database.
    """
    args = parser.parse_args(argv)
    settings, now = set_up(args)
    from src.db.database import open_database
    from src.db.tables.locks import ticker_locks
    from src.db.tables.runs import application_name

    tickers_of: Callable[[Database], list[str]] | None = None
    if prepare is not None:
        stage, tickers_of = prepare(args, settings, now)
    run_id = f"{now:%Y%m%d_%H%M%S}_{stage.name}"
    with open_database(settings.server, settings.home, application_name(run_id)) as database:
        source_tickers = []
        if tickers_of is not None:
            with database.store.transaction():
                source_tickers = tickers_of(database)
        tickers = _tickers(args, settings, source_tickers, database, needs_prices=bool(stage.reads))
        if args.action == "show":
            _print_stored(stage, database, tickers)
            return 0
        contexts = _contexts(args, settings, database, tickers, run_id, now)
        written = [ticker for context in contexts if context.live for ticker in context.tickers]
        with ticker_locks(database.control, written):
            reports = [_run_and_print(stage, context) for context in contexts]
    return 1 if any(report.failures for report in reports) else 0


def _run_and_print(stage: Stage, context: RunContext) -> StageReport:
    from src.stages.stage import run_stage

    if context.live:
        _forget_prepared(context)
    report = run_stage(stage, context)
    _print_report(stage, context, report)
    return report


def _forget_prepared(context: RunContext) -> None:
    """Let the next run of many work these tickers through, whatever this stage makes of them."""
    from src.core.tables import PREPARED_TICKERS

    nothing = context.store.load(PREPARED_TICKERS, [])
    with context.store.transaction():
        context.store.replace(PREPARED_TICKERS, context.tickers, nothing)


def _contexts(
    args: argparse.Namespace,
    settings: Settings,
    database: Database,
    tickers: tuple[str, ...],
    run_id: str,
    now: dt.datetime,
) -> list[RunContext]:
    """One context for the tickers of each exchange."""
    from src.core.calendars.exchanges import by_exchange
    from src.stages.context import make_context

    return [
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


def set_up(args: argparse.Namespace) -> tuple[Settings, dt.datetime]:
    """Settings with ``args.config`` in them, logging set up, and the time."""
    from src.config import logs
    from src.config.clock import now
    from src.config.load import load_settings

    settings = load_settings(args.config, engine_settings(args))
    logs.configure(settings.home, settings.log_level)
    at = now(settings)
    logs.bind_run(f"{at:%Y%m%d_%H%M%S}")
    return settings, at


def _tickers(
    args: argparse.Namespace,
    settings: Settings,
    source_tickers: list[str],
    database: Database,
    *,
    needs_prices: bool,
) -> tuple[str, ...]:
    if args.all:
        tickers = source_tickers or database.store.tickers()
        if not tickers:
            raise UsageError(
                "No prices are stored yet: run `python -m src.data.ingest write` first."
            )
        return tuple(tickers)
    if getattr(args, "tickers", None):
        return listed_tickers(args.tickers, args.suffix)
    if args.ticker is None and source_tickers:
        return tuple(source_tickers)
    ticker = ticker_of(args, settings)
    if not source_tickers and needs_prices and ticker not in database.store.tickers():
        raise BadInput(
            database.store.identities().moved_sentence(ticker)
            or f"No prices of {ticker} are stored: run `python -m src.data.ingest write` first."
        )
    return (ticker,)


def _print_stored(stage: Stage, database: Database, tickers: tuple[str, ...]) -> None:
    tables = [table for table in stage.writes if "ticker" in table.columns]
    for table in sorted(tables, key=lambda table: "close" not in table.columns):  # prices first
        frame = database.store.load(table, tickers)
        sys.stdout.write("".join(f"{line}\n" for line in stored_rows(table.name, frame, tickers)))


def _print_report(stage: Stage, context: RunContext, report: StageReport) -> None:
    from src.stages.stage import not_fetched_sentence

    for warning in report.warnings:
        sys.stderr.write(f"warning: {warning}\n")
    if report.not_fetched:
        sys.stderr.write(f"warning: {not_fetched_sentence(report.not_fetched)}\n")
    for failure in report.failures:
        sys.stderr.write(f"not stored: {failure}\n")
    written = "written" if context.live else "computed, not written"
    sys.stdout.write(f"{stage.name}: {report.rows:,} rows {written}\n")
    for line in counts_table(report.counts):
        sys.stdout.write(f"{line}\n")
    if report.counts and stage.legend:
        sys.stdout.write(f"{stage.legend}\n")
    for note in report.details.get("notes", ()):
        sys.stdout.write(f"note: {note}\n")
