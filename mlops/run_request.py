"""The command ``python -m mlops.run_request ID``: run what was asked for in Pipeline Control."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

from mlops.pipeline import MLOpsPipeline
from src.config import logs
from src.core.errors import DatabaseUnavailable, ForecastError
from src.stages.arguments import Parser, add_config, command_parser
from src.stages.cli import run_command, set_up, unexpected_error

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.db.tables.run_requests import Execution, StoredRequest

log = logs.get(__name__)

# Status, run and sentence of the error.
Ending = tuple[str, str | None, str | None]
# Seconds between looks at whether the request was cancelled.
LOOK = 1.0
# A library may swallow an interrupt: after so many seconds there is another.
AGAIN = 15.0
# Seconds for which the lock is held after the end.
HELD = 0.5
CANCELLED = "Cancelled: what its finished stages wrote stands, the rest was undone."
STOPPED = "The process that ran it was told to end: what its finished stages wrote stands."


def run_request(request_id: int, settings: Settings) -> Ending | None:
    """Run a request that waits, in the main thread; whatever happens, its row says how it ended.

    Returns:
        How it ended; None where another process has taken it, or it waits no longer.

    Raises:
        UsageError: There is no such request.
        DatabaseUnavailable: The database is lost, and with it how the request ended.
    """
    from src.db.database import open_connection
    from src.db.tables.run_requests import INTERRUPTED, Execution

    name = f"request {request_id} pid {os.getpid()}"
    with open_connection(settings.server, settings.home, name) as (_, connection):
        execution = Execution(connection, request_id)
        request = execution.claim()
        if request is None:
            return None
        ending: Ending = INTERRUPTED, None, STOPPED
        try:
            ending = _run(request, settings, _Watch(execution))
        finally:
            _finish(execution, request_id, settings, ending)
        # Locks are read later than rows: whoever reads both now must not see the lock gone.
        time.sleep(HELD)
    return ending


def _run(request: StoredRequest, settings: Settings, watch: _Watch) -> Ending:
    """How the pipeline's run for the request ended, or that it was cancelled."""
    from src.db.tables import run_requests

    results: dict[str, Any] = {"status": "failed"}
    try:
        with watch:
            results = _run_pipeline(request, settings, watch)
    except KeyboardInterrupt:
        if not watch.is_cancelled:
            raise
    except Exception as error:
        log.error(str(error), exc_info=error, file_only=True)
        sentence = str(error) if isinstance(error, ForecastError) else unexpected_error(error)
        results["error"] = sentence
    run_id = results.get("pipeline_id")
    # A library may have turned the interrupt into an error of its own.
    if watch.is_cancelled and results["status"] == "failed":
        return run_requests.CANCELLED, run_id, CANCELLED
    return results["status"], run_id, _error_sentence(request, results)


def _run_pipeline(request: StoredRequest, settings: Settings, watch: _Watch) -> dict[str, Any]:
    from src.data.sources.price_folder import files_inside
    from src.data.sources.select import SourceRequest

    tickers = request.tickers or []
    # Whoever wrote the row, and however: no other files of this machine are read for it.
    paths = (files_inside(request.path, settings),) if request.path else ()
    pipeline = MLOpsPipeline(
        tickers[0] if len(tickers) == 1 else None,
        tickers=tickers if len(tickers) > 1 else None,
        all_tickers=not tickers,
        source=SourceRequest(request.source, paths),
        settings=settings,
        progress=watch.progress,
    )
    return pipeline.run_full_pipeline(skip_training=request.kind == "data")[1]


def _error_sentence(request: StoredRequest, results: dict[str, Any]) -> str | None:
    """Why a run did not succeed for every ticker, or lacks prices; None where neither is so."""
    if results["status"] == "success":
        return _lacking(request, results)
    if "error" in results:
        return str(results["error"])
    errors = {t: row["error"] for t, row in results["tickers"].items() if row["error"]}
    if not errors:
        return "Some files were refused: see the run's results."
    total, (ticker, first) = len(results["tickers"]), next(iter(errors.items()))
    return f"{len(errors)} of {total} tickers were left out. {ticker}: {first}"


def _lacking(request: StoredRequest, results: dict[str, Any]) -> str | None:
    """Why a run that went to its end has not got the session that it was for, or no new prices."""
    from src.data.ingest.stage import USING_STORED
    from src.stages.stage import STORED_IS_USED

    warnings = results["warnings"]
    reason = next((w for w in warnings if USING_STORED in w or STORED_IS_USED in w), None)
    if request.session is None:
        return reason
    session, tickers = request.session.isoformat(), results["tickers"].values()
    late = sum((row["feature_date"] or "") < session for row in tickers)
    if not late:
        return None
    stocks = f"{late} of {len(tickers)} stock{'' if len(tickers) == 1 else 's'}"
    why = reason or "its source has no prices of it yet."
    return f"Session {session} did not come for {stocks}: {why}"


def _finish(execution: Execution, request_id: int, settings: Settings, ending: Ending) -> None:
    """Write how it ended, over a new connection if the first was lost."""
    from src.db.connection import one_sentence_errors
    from src.db.database import open_connection
    from src.db.tables.run_requests import Execution

    try:
        with one_sentence_errors("postgresql://"):
            execution.finish(*ending)
    except DatabaseUnavailable:
        with open_connection(settings.server, settings.home, "request") as (_, connection):
            Execution(connection, request_id).finish(*ending)


class _Watch:
    """Writes how far the run is, and interrupts the main thread when it is cancelled.

    Attributes:
        is_cancelled: Whether it was.
    """

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self._state = ("", 0, 0)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_on, name="watch", daemon=True)
        self.is_cancelled = False

    def __enter__(self) -> None:
        # A process that was started in the background may ignore this signal.
        self._before = signal.signal(signal.SIGINT, _interrupt)
        self._thread.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._over.set()
            self._thread.join()
        finally:
            signal.signal(signal.SIGINT, self._before)

    def progress(self, stage: str, done: float, total: int) -> None:
        """Note what is under way and how many of how many tickers are up to date."""
        self._state = (stage, int(done), total)

    def _look_on(self) -> None:
        host, pid, interrupted = socket.gethostname(), os.getpid(), -AGAIN
        while not self._over.wait(LOOK):
            try:
                cancelled = self._execution.progress(*self._state, host=host, pid=pid)
            except Exception as error:
                log.warning(f"The request is watched no longer: {error}", exc_info=error)
                return
            if cancelled and time.monotonic() - interrupted > AGAIN:
                self.is_cancelled, interrupted = True, time.monotonic()
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def main(argv: Sequence[str] | None = None) -> int:
    """Run a request by its number, and print how it ended."""
    args = _parser().parse_args(argv)
    settings, _ = set_up(args)
    ending = run_request(args.request_id, settings)
    if ending is None:
        sys.stdout.write(f"Request {args.request_id} waits no longer: nothing was run.\n")
        return 0
    status, _, error = ending
    sys.stdout.write(f"Request {args.request_id}: {status}. {error or ''}".rstrip() + "\n")
    return 0 if status == "success" else 1


def _parser() -> Parser:
    parser = command_parser(
        "mlops.run_request", "Run what was asked for in Pipeline Control, by its number there."
    )
    parser.add_argument("request_id", type=int, metavar="ID", help="the number of the request")
    add_config(parser)
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
