"""Bring tickers up to date, from their source to checked features, a block of them at a time.

A stage of a block is one transaction. Where it fails it is done again without the tickers that the
error names, or else ticker by ticker, so that one ticker keeps no other back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING, Protocol

from mlops.pipeline_run.output.record import StageClock, error_sentence
from mlops.pipeline_run.unchanged import leave_pool
from src.config import logs
from src.core.errors import (
    DatabaseFull,
    DatabaseUnavailable,
    ValidationFailed,
    WorkerRefused,
    WrongInstrument,
)
from src.data.cleaning import stage as cleaning
from src.db.connection import one_sentence_errors
from src.features import features_daily, validation

if TYPE_CHECKING:
    from mlops.pipeline_run.unchanged import Fingerprints
    from src.stages.stage import RunContext, Stage, StageReport

log = logs.get(__name__)

# Tickers in memory at a time.
BLOCK_SIZE = 25
# These end the run: every other ticker would fail alike.
ENDS_RUN = (DatabaseUnavailable, DatabaseFull, WorkerRefused)
# Features are stored only when they pass their checks: until then the last good ones stay.
FEATURES = (features_daily.STAGE, validation.STAGE)


class Reporter(Protocol):
    """Told how the stages go."""

    def begins(self, stage: str) -> None:
        """A stage of the block begins."""
        ...

    def done(self, clock: StageClock, report: StageReport) -> None:
        """A stage of some tickers has been stored."""
        ...

    def failed(self, clock: StageClock, tickers: Sequence[str], error: Exception) -> None:
        """A stage failed for some tickers, of which nothing was stored."""
        ...


class DataStages:
    """The data stages of one exchange's tickers.

    Args:
        context: Its tickers are replaced by those of each block.
        reporter: Told how it goes; it may raise the error of a ticker to end the run.
        fingerprints: Of a run that writes.
        skip_unchanged: Whether tickers of which nothing has changed are left as they are.
        url: Of the database, for messages.
    """

    def __init__(
        self,
        context: RunContext,
        reporter: Reporter,
        fingerprints: Fingerprints | None,
        *,
        skip_unchanged: bool,
        url: str,
    ) -> None:
        self._context = context
        self._reporter = reporter
        self._fingerprints = fingerprints
        self._skip_unchanged = skip_unchanged
        self._url = url
        self._clock = StageClock("")

    def ingest(self, block: Sequence[str], stage: Stage) -> list[str]:
        """Store what a source has of a block; the tickers to go on with."""
        return self._together((stage,), block)

    def prepare(self, tickers: Sequence[str]) -> list[str]:
        """Clean the stored prices of tickers, compute features and check them.

        Returns:
            The tickers that are up to date.
        """
        unchanged = set()
        if self._fingerprints is not None and self._skip_unchanged:
            unchanged = self._fingerprints.unchanged(tickers)
        changed = [ticker for ticker in tickers if ticker not in unchanged]
        done = {*unchanged, *self._features(self._together((cleaning.STAGE,), changed))}
        return [ticker for ticker in tickers if ticker in done]

    def _features(self, tickers: Sequence[str]) -> list[str]:
        """Compute and check features; those that failed last time apart, as they may fail again."""
        failed = set() if self._fingerprints is None else self._fingerprints.failed(tickers)
        groups = ([t for t in tickers if t not in failed], [t for t in tickers if t in failed])
        return [ticker for group in groups for ticker in self._together(FEATURES, group)]

    def _together(self, stages: Sequence[Stage], tickers: Sequence[str]) -> list[str]:
        """Run stages in one transaction; the tickers for which they succeeded."""
        if not tickers:
            return []
        try:
            return self._run(stages, tickers)
        except ENDS_RUN:
            raise
        except Exception as error:
            self._clock.stop()
            errors: dict[str, Exception] = {}
            if isinstance(error, ValidationFailed):
                errors |= error.by_ticker
            if len(tickers) == 1:
                errors = {tickers[0]: error}
            self._fail(stages, errors)
            rest = [ticker for ticker in tickers if ticker not in errors]
            if errors:
                return self._together(stages, rest)
            log.debug("A block failed and is done again ticker by ticker.", exc_info=error)
            return [done for ticker in rest for done in self._together(stages, [ticker])]

    def _run(self, stages: Sequence[Stage], tickers: Sequence[str]) -> list[str]:
        context = replace(self._context, tickers=tuple(tickers))
        reports: list[tuple[StageClock, StageReport]] = []
        self._begin(stages[0])
        with one_sentence_errors(self._url):
            gather = stages[0].gather
            gathered = () if gather is None else (gather(context),)
            with context.store.transaction():
                for stage in stages:
                    if reports:
                        self._begin(stage)
                        gathered = ()
                    report = stage.run(context, *gathered)
                    self._clock.stop()
                    reports.append((self._clock, report))
                if stages is FEATURES and self._fingerprints is not None:
                    self._fingerprints.write(tickers)
        ended: set[str] = set()
        for clock, report in reports:
            self._reporter.done(clock, report)
            ended |= {*report.failed, *report.no_shares}
        return [ticker for ticker in tickers if ticker not in ended]

    def _begin(self, stage: Stage) -> None:
        self._clock = StageClock(stage.name)
        self._reporter.begins(stage.name)

    def _fail(self, stages: Sequence[Stage], errors: Mapping[str, Exception]) -> None:
        """Note the failures, and take tickers with the prices of another out of their pool."""
        is_prepared = stages is FEATURES or stages[0] is cleaning.STAGE
        if errors and is_prepared and self._fingerprints is not None:
            wrong = [t for t, error in errors.items() if isinstance(error, WrongInstrument)]
            with one_sentence_errors(self._url), self._context.store.transaction():
                self._fingerprints.write(list(errors), failed=True)
                leave_pool(self._context, wrong)
        for ticker, error in errors.items():
            self._reporter.failed(self._clock, [ticker], error)
            # The seconds of the attempt count once.
            self._clock = StageClock(self._clock.stage)


class Upkeep:
    """The reporter of tickers that the run was not for; it counts their failures."""

    def __init__(self) -> None:
        self.errors: dict[str, str] = {}

    def begins(self, stage: str) -> None:
        """See Reporter."""

    def done(self, clock: StageClock, report: StageReport) -> None:
        """See Reporter."""
        for warning in report.warnings:
            log.debug(warning)

    def failed(self, clock: StageClock, tickers: Sequence[str], error: Exception) -> None:
        """See Reporter."""
        self.errors |= dict.fromkeys(tickers, error_sentence(error))
        log.debug(error_sentence(error), exc_info=error)


def blocks(tickers: Sequence[str], workers: int = 1) -> Iterator[Sequence[str]]:
    """The tickers in blocks, as many for each of the workers."""
    rounds = max(1, ceil(len(tickers) / (BLOCK_SIZE * workers)))
    size = BLOCK_SIZE if workers == 1 else max(1, ceil(len(tickers) / (rounds * workers)))
    for start in range(0, len(tickers), size):
        yield tickers[start : start + size]
