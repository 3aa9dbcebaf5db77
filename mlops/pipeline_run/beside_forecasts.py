"""Do what a run does beside its forecasts: measures of monitoring, and trials.

What fails here costs a warning of the run, and no forecast.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from mlops.pipeline_run.data_stages import ENDS_RUN
from mlops.pipeline_run.output.record import error_sentence
from src.config import logs
from src.db.connection import one_sentence_errors

if TYPE_CHECKING:
    from mlops.pipeline_run.output.record import RunRecord
    from src.stages.stage import RunContext

log = logs.get(__name__)

_Result = TypeVar("_Result")


class BesideForecasts:
    """The part of a run that no forecast waits for.

    Args:
        url: Of the database, which sentences of its errors name.
        record: Takes the warnings.
    """

    def __init__(self, context: RunContext, url: str, record: RunRecord) -> None:
        self._context, self._url, self._record = context, url, record

    def score_quality(self, tickers: Sequence[str]) -> None:
        """Score the data of the run's tickers."""
        from src.monitoring.quality.record import record_quality

        quality = self._do(
            "The data quality was not measured", lambda: record_quality(self._context, tickers)
        )
        if quality is not None:
            self._record.results["data_quality"] = quality

    def record_drift(self, pools: Mapping[str, Sequence[str]]) -> None:
        """Measure drift of the pools, by their tickers of the run."""
        from src.monitoring.drift.record import record_drift

        failure = "The drift of forecasts was not measured"
        self._do(failure, lambda: record_drift(self._context, pools))

    def keep_means(self, pools: Mapping[str, Sequence[str]]) -> None:
        """Keep what drift of the pools will be measured by."""
        from src.monitoring.drift.record import keep_means

        failure = "The means of inputs were not kept"
        self._do(failure, lambda: keep_means(self._context, pools))

    def forecast_challengers(self, pool: str, tickers: Sequence[str]) -> None:
        """Log what the challengers of trials forecast."""
        from src.modeling.trials.shadow import shadow_forecasts

        failure = f"The challengers of pool {pool} did not forecast"
        problems = self._do(failure, lambda: shadow_forecasts(self._context, pool, tickers))
        self._record.warn(problems or ())

    def look_at_trials(self, pools: Iterable[str]) -> None:
        """Judge the trials that are due."""
        from src.modeling.trials.looks import look_at_trials

        for pool in pools:
            failure = f"The trials of pool {pool} were not judged"
            problems = self._do(failure, partial(look_at_trials, self._context, pool))
            self._record.warn(problems or ())

    def _do(self, failure: str, work: Callable[[], _Result]) -> _Result | None:
        """What the work comes to; None where it failed."""
        try:
            with one_sentence_errors(self._url):
                return work()
        except ENDS_RUN:
            raise
        except Exception as error:
            log.error(f"{failure}.", exc_info=error, file_only=True)
            self._record.warn([f"{failure}: {error_sentence(error)}"])
            return None
