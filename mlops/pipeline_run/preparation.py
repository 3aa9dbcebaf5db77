"""Prepare blocks of tickers in this process, or in the workers of the run's engine."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from mlops.pipeline_run.block_task import BlockRun, Place, PreparedBlock, prepare_block
from mlops.pipeline_run.data_stages import DataStages, Reporter, blocks
from src.config import logs
from src.core.errors import DatabaseUnavailable
from src.db.fence import RunFence
from src.stages.engine.engine import IN_PROCESS, Engine

if TYPE_CHECKING:
    from src.core.identities import Identities
    from src.db.database import Database
    from src.stages.stage import RunContext

log = logs.get(__name__)

# Blocks that wait for each worker: their reports are kept until those before them are done.
_AHEAD = 2
# So often a block is begun whose worker has lost the database.
_ATTEMPTS = 3

# Tickers that are prepared together at most in this process, and into how many parts a run of fewer
# is divided: each is done when a kill comes, and tells how far the run is.
PREPARED_TOGETHER, STEPS = 100, 5

# Called with a block before it is prepared; the tickers to go on with.
Ingest = Callable[[Sequence[str]], list[str]]
# A block, the tickers of it that are prepared, and what comes of that.
_Pending = tuple[Sequence[str], list[str], "Future[Any]"]


class Preparation:
    """Prepares the tickers of one exchange, block after block, and reports in their order.

    A run that writes nothing keeps its changes in its own memory: it prepares them itself.

    Args:
        locked_by: The run's name in ``pipeline_runs``.
    """

    def __init__(
        self,
        context: RunContext,
        database: Database,
        stages: DataStages,
        reporter: Reporter,
        *,
        locked_by: str,
        skip_unchanged: bool,
    ) -> None:
        engine = context.engine if context.live else IN_PROCESS
        self._engine: Engine = engine
        self._context, self._stages, self._reporter = context, stages, reporter
        self._together = PREPARED_TOGETHER if engine is IN_PROCESS else 1
        self._run = BlockRun(
            RunFence.of(database.control, locked_by),
            context.now,
            context.settings.result_settings(),
            skip_unchanged,
            None if engine.is_remote else Place(database.url, context.settings.home),
        )

    def run(
        self, tickers: Sequence[str], ingest: Ingest = list
    ) -> Iterator[tuple[Sequence[str], list[str]]]:
        """Ingest and prepare tickers; each group with those of it that are up to date.

        In this process several blocks are prepared together: most of what an ordinary evening's
        block costs is not of its tickers.
        """
        pending: deque[_Pending] = deque()
        identities, most = self._identities(), min(self._together, len(tickers) // STEPS)
        group: list[str] = []
        going_on: list[str] = []
        for block in blocks(tickers, self._engine.workers):
            # What came under an earlier symbol is cleaned with its ticker: blocks before this one
            # must not see what this one brings.
            if group and _share_symbols(identities, block, group):
                pending.append((group, going_on, self._submit(going_on)))
                group, going_on = [], []
            in_flight = [ticker for each in pending for ticker in each[0]]
            while pending and _share_symbols(identities, block, in_flight):
                yield self._take(pending.popleft())
            going_on += ingest(block)
            group += block
            if len(group) >= most:
                pending.append((group, going_on, self._submit(going_on)))
                group, going_on = [], []
            while pending and (
                len(pending) > _AHEAD * self._engine.workers or pending[0][2].done()
            ):
                yield self._take(pending.popleft())
        if group:
            pending.append((group, going_on, self._submit(going_on)))
        while pending:
            yield self._take(pending.popleft())

    def _identities(self) -> Identities:
        with self._context.store.transaction(read_only=True):
            return self._context.store.identities()

    def _submit(self, tickers: list[str]) -> Future[Any]:
        if self._engine is IN_PROCESS or len(tickers) <= 1:
            return IN_PROCESS.submit(self._stages.prepare, tickers)
        return self._engine.submit(prepare_block, self._run, tickers)

    def _take(self, pending: _Pending) -> tuple[Sequence[str], list[str]]:
        block, tickers, future = pending
        result = self._result(tickers, future)
        if isinstance(result, PreparedBlock):
            result.stages.replay(self._reporter)
            return block, result.up_to_date
        return block, result

    def _result(self, tickers: list[str], future: Future[Any]) -> Any:
        for _ in range(_ATTEMPTS - 1):
            try:
                return future.result()
            except DatabaseUnavailable as error:
                if self._engine is IN_PROCESS:
                    raise
                log.warning(f"A worker lost the database ({error}): its block is begun again.")
                future = self._submit(tickers)
        return future.result()


def _share_symbols(identities: Identities, block: Iterable[str], others: Iterable[str]) -> bool:
    """Whether rows of one group may belong to a ticker of the other."""
    return not set(identities.symbols_of(block)).isdisjoint(identities.symbols_of(others))
