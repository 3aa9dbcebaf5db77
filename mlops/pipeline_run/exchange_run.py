"""Run the tickers of one exchange: their data in blocks, then the forecasts of their pools."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mlops.pipeline_run.beside_forecasts import BesideForecasts
from mlops.pipeline_run.data_stages import ENDS_RUN, DataStages, Reporter, Upkeep
from mlops.pipeline_run.output.record import (
    FAILED,
    INTERRUPTED,
    SUCCESS,
    StageClock,
    error_sentence,
)
from mlops.pipeline_run.output.warning_kinds import count_by_kind
from mlops.pipeline_run.preparation import Preparation
from mlops.pipeline_run.unchanged import Fingerprints, pool_before_run
from src.config import logs
from src.core.tables import POOL_MEMBERS
from src.data.ingest import stage as ingest
from src.db.connection import one_sentence_errors
from src.stages.stage import RunContext, StageReport, merge_reports, run_stage

if TYPE_CHECKING:
    from mlops.pipeline_run.output.record import RunRecord
    from src.data.sources.delivery import Source
    from src.db.database import Database
    from src.db.tables.locks import TickerLocks
    from src.db.tables.prepared import PreparedTickers
    from src.db.tables.runs import RunLog

log = logs.get(__name__)

# Called with what is under way, and how many of how many tickers are up to date.
Progress = Callable[[str, float, int], None]
TRAINING = "training"
# Each of them moves the progress of a block by its part.
DATA_STAGES = ("data_ingest", "data_cleaning", "feature_engineering", "validation")


@dataclass
class RunReporter:
    """Takes what the stages report into the run's record, the database and the progress.

    Attributes:
        total: Tickers of the run.
        done_tickers: How many of them have been through the data stages.
        under_way: How many are.
    """

    record: RunRecord
    run_log: RunLog
    progress: Progress
    total: int = 0
    done_tickers: int = 0
    under_way: int = 0

    def begins(self, stage: str) -> None:
        """See Reporter."""
        part = DATA_STAGES.index(stage) / len(DATA_STAGES) if stage in DATA_STAGES else 0.0
        self.progress(stage, self.done_tickers + part * self.under_way, self.total)

    def waits(self, source: str, seconds: float) -> None:
        """A request to a source waits for its turn."""
        stage = f"{DATA_STAGES[0]} waits for {source}"
        stage += f", {seconds:.0f} s" if seconds >= 1 else ""
        self.progress(stage, self.done_tickers, self.total)

    def done(self, clock: StageClock, report: StageReport) -> None:
        """See Reporter."""
        self.run_log.stage_ended(self.record.add_report(clock, report))

    def failed(self, clock: StageClock, tickers: Iterable[str], error: Exception) -> None:
        """See Reporter; the error of a single ticker ends the run."""
        self.run_log.stage_ended(self.record.add_error(clock, tickers, error))
        if self.record.is_single:
            raise error


class ExchangeRun:
    """The part of a run that is for the tickers of one exchange."""

    def __init__(
        self,
        context: RunContext,
        database: Database,
        prepared: PreparedTickers,
        locks: TickerLocks,
        reporter: RunReporter,
    ) -> None:
        self._context = context
        self._database = database
        self._prepared = prepared
        self._locks = locks
        self._reporter = reporter
        self._record = reporter.record
        self._beside = BesideForecasts(context, database.url, reporter.record)

    def run(self, tickers: Sequence[str], source: Source | None, *, skip_training: bool) -> None:
        """Bring the tickers up to date, and forecast pool by pool; their locks are given back."""
        for ticker in tickers:
            self._record.set_ticker(ticker, INTERRUPTED)
        up_to_date = self._bring_up_to_date(tickers, source)
        pools = self._pools(tickers, up_to_date)
        self._beside.score_quality(tickers)
        self._upkeep(tickers, list(pools), skip_training=skip_training)
        for pool, members in sorted(pools.items()):
            self._reporter.begins(f"{TRAINING} {pool}")
            if self._forecast(members, skip_training=skip_training):
                self._beside.forecast_challengers(pool, members)
        if self._record_outcomes(up_to_date):
            self._beside.record_drift(pools)
        else:
            self._beside.keep_means(pools)
        self._beside.look_at_trials(pools)

    def _bring_up_to_date(self, tickers: Sequence[str], source: Source | None) -> list[str]:
        skip_unchanged = not self._record.is_single
        stages = self._data_stages(self._reporter, skip_unchanged=skip_unchanged)
        fetch = ingest.stage(source)

        def ingest_block(block: Sequence[str]) -> list[str]:
            self._reporter.under_way += len(block)
            return stages.ingest(block, fetch)

        preparation = self._preparation(stages, self._reporter, skip_unchanged=skip_unchanged)
        up_to_date: list[str] = []
        for block, prepared in preparation.run(tickers, ingest_block):
            up_to_date += prepared
            self._locks.release(block)
            self._reporter.done_tickers += len(block)
            self._reporter.under_way -= len(block)
        return up_to_date

    def _data_stages(self, reporter: Reporter, *, skip_unchanged: bool) -> DataStages:
        context = self._context
        return DataStages(
            context,
            reporter,
            Fingerprints(self._prepared, context) if context.live else None,
            skip_unchanged=skip_unchanged,
            url=self._database.url,
        )

    def _preparation(
        self, stages: DataStages, reporter: Reporter, *, skip_unchanged: bool
    ) -> Preparation:
        return Preparation(
            self._context,
            self._database,
            stages,
            reporter,
            locked_by=self._reporter.run_log.run_id,
            skip_unchanged=skip_unchanged,
        )

    def _pools(self, tickers: Sequence[str], up_to_date: Sequence[str]) -> dict[str, list[str]]:
        """The tickers that are up to date by pool; what all of them have features of is noted."""
        with self._context.store.transaction(read_only=True):
            members = self._context.store.load(POOL_MEMBERS, tickers)
        self._record.set_newest(dict(members.select("ticker", "newest_session").iter_rows()))
        pools: dict[str, list[str]] = {}
        for ticker, pool in members.select("ticker", "pool").iter_rows():
            if ticker in set(up_to_date):
                pools.setdefault(pool, []).append(ticker)
        return pools

    def _upkeep(self, tickers: Sequence[str], pools: Sequence[str], *, skip_training: bool) -> None:
        """Work through those other tickers of the pools whose stored features cannot be used."""
        others = set(self._unusable(pools, skip_training=skip_training)).difference(tickers)
        if self._context.live:
            others -= set(self._locks.take(sorted(others)))
        reporter = Upkeep()
        stages = self._data_stages(reporter, skip_unchanged=False)
        preparation = self._preparation(stages, reporter, skip_unchanged=False)
        for block, _ in preparation.run(sorted(others)):
            self._locks.release(block)
        if others:
            log.info(f"{len(others)} other tickers of {', '.join(pools)} were worked through too.")
        if reporter.errors:
            first = next(iter(reporter.errors.values()))
            self._record.warn(
                [f"{len(reporter.errors)} of them could not be used; the first: {first}"]
            )

    def _unusable(self, pools: Sequence[str], *, skip_training: bool) -> list[str]:
        """Tickers with features of an earlier version; with a known-at, of what came later."""
        if self._context.live:
            return Fingerprints(self._prepared, self._context).outdated(pools)
        if self._context.known_at is None or skip_training:
            return []
        return [t for t in self._prepared.real_tickers() if pool_before_run(t) in pools]

    def _forecast(self, tickers: Sequence[str], *, skip_training: bool) -> bool:
        """Train a pool, or forecast with its stored models; an error fails its tickers.

        Returns:
            Whether it went well.
        """
        context = replace(self._context, tickers=tuple(tickers))
        clock = StageClock(TRAINING)
        try:
            with one_sentence_errors(self._database.url):
                report = _forecast_stored(context) if skip_training else _train(context)
            clock.stop()
        except ENDS_RUN:
            raise
        except Exception as error:
            clock.stop()
            self._fail(clock, tickers, error, skip_training=skip_training)
            return False
        for ticker in tickers:
            self._record.set_ticker(ticker, SUCCESS)
        if skip_training:
            self._record.add_forecasts(report)
        else:
            self._reporter.done(clock, report)
        return True

    def _fail(
        self, clock: StageClock, tickers: Iterable[str], error: Exception, *, skip_training: bool
    ) -> None:
        if not skip_training:
            self._reporter.failed(clock, tickers, error)
            return
        for ticker in tickers:
            self._record.set_ticker(ticker, FAILED, "forecast", error_sentence(error))
        if self._record.is_single:
            raise error

    def _record_outcomes(self, tickers: Sequence[str]) -> int:
        """Record what came true; how many outcomes are new or restated."""
        from src.modeling.evaluation.outcomes import record_outcomes
        from src.modeling.serving.timeliness import add_date_warnings

        context, results = replace(self._context, tickers=tuple(tickers)), self._record.results
        with one_sentence_errors(self._database.url):
            outcomes = record_outcomes(context)
        both = [StageReport(0, results["outcomes"]), StageReport(0, outcomes)]
        results["outcomes"] = merge_reports(both).details
        # No warnings: a session that never traded would cause one in every run from then on.
        for note in count_by_kind(outcomes.get("notes", ())):
            log.info(note)
        forecasts = [each for each in results["forecasts"] if each["ticker"] in set(tickers)]
        self._record.warn(add_date_warnings(context, forecasts, live=context.live))
        return int(outcomes.get("recorded", 0))


def _train(context: RunContext) -> StageReport:
    from src.modeling.training import stage

    return run_stage(stage.STAGE, context)


def _forecast_stored(context: RunContext) -> StageReport:
    from src.modeling.serving import stored_models

    return stored_models.run(context)
