"""Prepare a block of a run's tickers in a worker, which has its own connection to the database."""

from __future__ import annotations

import datetime as dt
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import local
from typing import TYPE_CHECKING, Any

from mlops.pipeline_run.data_stages import DataStages, Reporter
from mlops.pipeline_run.output.record import StageClock
from mlops.pipeline_run.unchanged import Fingerprints
from src.config import logs
from src.config.load import load_settings
from src.db.database import Database, open_database
from src.db.fence import RunFence
from src.db.tables.prepared import PreparedTickers
from src.stages.context import make_context
from src.stages.engine.worker_process import sendable

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.stages.stage import StageReport


@dataclass(frozen=True)
class Place:
    """Where a worker of this machine finds what it works on; others go by their own settings.

    Attributes:
        url: Of the database, with its password: it must not leave the machine.
        home: Where logs are written.
    """

    url: str
    home: Path


@dataclass(frozen=True)
class BlockRun:
    """What the tasks of a run have in common.

    Attributes:
        fence: Tells whether the run still works.
        now: Of the run, aware.
        results: The settings that influence results.
        skip_unchanged: Whether tickers of which nothing has changed are left as they are.
        place: None for workers of other machines.
    """

    fence: RunFence
    now: dt.datetime
    results: Mapping[str, Any]
    skip_unchanged: bool
    place: Place | None


@dataclass
class RecordedStages:
    """A reporter that keeps the calls it gets, for the reporter of the run."""

    _calls: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)

    def begins(self, stage: str) -> None:
        """See Reporter."""

    def done(self, clock: StageClock, report: StageReport) -> None:
        """See Reporter."""
        self._calls.append(("done", (clock, report)))

    def failed(self, clock: StageClock, tickers: Sequence[str], error: Exception) -> None:
        """See Reporter; where it was raised goes with the error to the log of the run."""
        sent = sendable(error)
        sent.add_note("".join(traceback.format_exception(error)))
        self._calls.append(("failed", (clock, list(tickers), sent)))

    def replay(self, reporter: Reporter) -> None:
        """Tell another reporter the same."""
        for name, arguments in self._calls:
            call: Callable[..., None] = getattr(reporter, name)
            call(*arguments)


@dataclass(frozen=True)
class PreparedBlock:
    """The tickers of a block that are up to date, and how its stages went."""

    up_to_date: list[str]
    stages: RecordedStages


def prepare_block(run: BlockRun, tickers: Sequence[str]) -> PreparedBlock:
    """Clean tickers of a run, compute their features and check them.

    Raises:
        WorkerRefused: The run has ended, or this worker's database is another.
        DatabaseUnavailable: It does not answer this worker.
    """
    settings, stages = _settings(run), RecordedStages()
    with _database(settings, run.place) as database, run.fence.around(database, tickers):
        with database.store.transaction():
            pass  # refused by the fence before anything is read of another's database
        context = make_context(
            settings, database.store, tuple(tickers), run_id=run.fence.run_id, now=run.now
        )
        data = DataStages(
            context,
            stages,
            Fingerprints(PreparedTickers(database.control), context),
            skip_unchanged=run.skip_unchanged,
            url=database.url,
        )
        return PreparedBlock(data.prepare(tickers), stages)


def _settings(run: BlockRun) -> Settings:
    """This worker's settings, with those of the run that influence results."""
    settings = load_settings(overrides=run.results)
    home = settings.home if run.place is None else run.place.home
    if not logs.is_configured():
        logs.configure(home, "ERROR")
    logs.bind_run(run.fence.run_id)
    return settings.model_copy(update={"home": home})


class _Connections(local):
    """The database of the tasks of this thread, opened by the first of them."""

    def __init__(self) -> None:
        self._opened: tuple[str | None, Path] | None = None
        self._stack = ExitStack()
        self._database: Database | None = None

    def open(self, url: str | None, home: Path) -> Database:
        """The database, opened again where its connections were lost or it is another one."""
        if self._database is None or self._opened != (url, home) or not self._database.answers():
            self.close()
            # The run has updated its database; another must stay as it is.
            opened = open_database(url, home, "worker of a run", update_schema=False)
            self._database = self._stack.enter_context(opened)
            self._opened = (url, home)
        return self._database

    def close(self) -> None:
        """Give the connections back."""
        stack, self._stack, self._database = self._stack, ExitStack(), None
        stack.close()


_connections = _Connections()


@contextmanager
def _database(settings: Settings, place: Place | None) -> Iterator[Database]:
    url = settings.server if place is None else place.url
    yield _connections.open(url, settings.home)
