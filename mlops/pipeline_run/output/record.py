"""What becomes ``results.json`` and ``metrics.json`` of one run: the content of both so far."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlops.pipeline_run.output.folder import RESULTS, RunFolder
from mlops.pipeline_run.output.warning_kinds import count_by_kind
from src.config import logs
from src.config.memory import peak_memory
from src.core.errors import ForecastError, SourceNotAsked
from src.core.hashing import joint_hash
from src.stages.cli import unexpected_error
from src.stages.stage import StageReport, merge_reports, not_fetched_sentence

log = logs.get(__name__)

# Of a stage's details these belong to the whole run.
OF_RUN = ("forecasts", "data_hash", "pools")
SUCCESS, PARTIAL, FAILED, LOCKED = "success", "partial", "failed", "locked"
# Of a ticker until the run has ended for it.
INTERRUPTED = "interrupted"


class StageClock:
    """Times one stage of some tickers, from its creation to ``stop``.

    Attributes:
        began: When, in UTC.
        seconds: How long it took.
        peak_memory: The largest resident memory of its process up to its end, in MiB.
    """

    def __init__(self, stage: str) -> None:
        self.stage = stage
        self.began = dt.datetime.now(dt.UTC)
        self.seconds = self.peak_memory = 0.0
        self._started = time.perf_counter()

    def stop(self) -> None:
        """Say that the stage has ended."""
        self.seconds = time.perf_counter() - self._started
        self.peak_memory = peak_memory()


class StageRecord:
    """One stage so far, over all blocks of tickers: rows and seconds are added."""

    def __init__(self, clock: StageClock) -> None:
        self._stage, self._began = clock.stage, clock.began
        self._reports: list[StageReport] = []
        self._seconds = 0.0
        self._peak_memory = 0.0
        self._errors: dict[str, str] = {}

    def add(self, clock: StageClock, report: StageReport) -> None:
        """Add what it did for some tickers."""
        self._reports.append(report)
        self._measure(clock)
        self._errors |= report.failed

    def add_errors(self, clock: StageClock, errors: dict[str, str]) -> None:
        """Add why it failed, by ticker."""
        self._measure(clock)
        self._errors |= errors

    def _measure(self, clock: StageClock) -> None:
        self._seconds += clock.seconds
        self._peak_memory = max(self._peak_memory, clock.peak_memory)

    def row(self) -> dict[str, Any]:
        """The row of ``stage_runs``."""
        return {**self.metric(), **self.memory()}

    def memory(self) -> dict[str, float]:
        """The largest memory of a process that ran a part of it."""
        return {"peak_memory_mib": round(self._peak_memory, 1)}

    def metric(self) -> dict[str, Any]:
        """The row of metrics.json."""
        done = any(report.rows or not report.failed for report in self._reports)
        status = (PARTIAL if done else FAILED) if self._errors else SUCCESS
        return {
            "timestamp": self._began.isoformat(timespec="milliseconds"),
            "stage": self._stage,
            "status": status,
            "rows_processed": sum(report.rows for report in self._reports),
            "duration_seconds": self._seconds,
            "error_message": " ".join(dict.fromkeys(self._errors.values())) or None,
        }

    def details(self) -> dict[str, Any]:
        """The details of its reports, merged, but for those that belong to the whole run."""
        details = merge_reports(self._reports).details
        return {name: value for name, value in details.items() if name not in OF_RUN}


class RunRecord:
    """The results of a run so far.

    Attributes:
        is_single: Whether the run is for the one ticker of results.json, and not one of many.
        results: The content of results.json; its stages and status are those of ``write``.
    """

    def __init__(self, folder: RunFolder, *, ticker: str | None, **facts: Any) -> None:
        self.folder = folder
        self.is_single = ticker is not None
        self._stages: dict[str, StageRecord] = {}
        self._refused_files: list[str] = []
        self._data_hashes: list[str] = []
        self._not_fetched: dict[str, SourceNotAsked] = {}
        self.results: dict[str, Any] = {
            "pipeline_id": folder.run_id,
            "status": "running",
            "ticker": ticker,
            **facts,
            "tickers": {},
            "not_fetched": {},
            "states": {},
            "left_out": {},
            "pools": {},
            "stages": {},
            "forecasts": [],
            "reports": [],
            "outcomes": {},
            "warnings": [],
            "data_hash": None,
            "total_duration_seconds": 0.0,
        }

    def add_report(self, clock: StageClock, report: StageReport) -> dict[str, Any]:
        """Add what a stage did for some tickers; returns its row of ``stage_runs`` so far."""
        stage = self._stage(clock)
        stage.add(clock, report)
        for ticker, sentence in report.failed.items():
            self.set_ticker(ticker, FAILED, clock.stage, sentence)
        for symbol in report.no_shares:  # which only the file has among the tickers
            self.results["tickers"].pop(symbol, None)
        refused = [each for each in report.failures if each not in set(report.failed.values())]
        self._refused_files += refused
        self._not_fetched |= report.not_fetched
        self.add_forecasts(report)
        self.warn(refused)
        if self.is_single:
            log.info(f"{clock.stage}: {report.rows:,} rows in {clock.seconds:.2f} s")
            for note in report.details.get("notes", ()):
                log.info(note)
        return stage.row()

    def add_forecasts(self, report: StageReport) -> None:
        """Add the forecasts of a pool, if there are any, and the report's warnings and files."""
        details = report.details
        self.results["forecasts"] += details.get("forecasts", ())
        self.results["pools"] |= details.get("pools", {})
        if details.get("data_hash"):
            self._data_hashes.append(details["data_hash"])
            self.results["data_hash"] = joint_hash(self._data_hashes)
        self.warn(report.warnings)
        for name, text in report.files.items():
            # Of a run of many, each pool with a single ticker has such a page.
            pool = "" if self.is_single else f"_{next(iter(details['pools']))}"
            page = name.replace("report.html", f"report{pool}.html")
            self.folder.write_text(page, text)
            self.results["reports"].append(page)

    def add_error(
        self, clock: StageClock, tickers: Iterable[str], error: Exception
    ) -> dict[str, Any]:
        """Add that a stage failed for some tickers; returns its row of ``stage_runs`` so far."""
        sentence = error_sentence(error)
        errors = dict.fromkeys(tickers, sentence)
        for ticker in errors:
            self.set_ticker(ticker, FAILED, clock.stage, sentence)
        log.error(sentence, exc_info=error, file_only=True)
        stage = self._stage(clock)
        stage.add_errors(clock, errors)
        return stage.row()

    def set_ticker(
        self,
        ticker: str,
        status: str,
        stage: str | None = None,
        error: str | None = None,
    ) -> None:
        """Note how the run ended for a ticker, at which stage and why."""
        before = self.results["tickers"].get(ticker, {})
        self.results["tickers"][ticker] = {
            "status": status,
            "stage": stage,
            "error": error,
            "feature_date": before.get("feature_date"),
        }

    def set_newest(self, sessions: Mapping[str, dt.date]) -> None:
        """Note the newest session that each ticker has features of."""
        for ticker, session in sessions.items():
            self.results["tickers"][ticker]["feature_date"] = session.isoformat()

    def warn(self, sentences: Iterable[str]) -> None:
        """Add warnings; those of a run of many are logged by kind when it ends."""
        for sentence in sentences:
            self.results["warnings"].append(sentence)
            (log.warning if self.is_single else log.debug)(sentence)

    def fail(self, error: Exception) -> None:
        """Note the first error that ended the run, and log it."""
        if self.results["status"] == FAILED:
            return
        self.results["status"] = FAILED
        self.results["error"] = error_sentence(error)
        log.error(error_sentence(error), exc_info=error, file_only=True)

    def finish(self) -> None:
        """Set the status of a run that no error ended, by how it ended for its tickers."""
        if self._not_fetched:
            self.warn([not_fetched_sentence(self._not_fetched)])
            self.results["not_fetched"] = {
                ticker: error.resumes_at and error.resumes_at.isoformat()
                for ticker, error in self._not_fetched.items()
            }
        failed = {t: row["error"] for t, row in self.results["tickers"].items() if row["error"]}
        self.results["status"] = PARTIAL if failed or self._refused_files else SUCCESS
        if self.is_single:
            self.results["status"] = SUCCESS
        elif len(failed) == len(self.results["tickers"]):
            first = next(iter([*failed.values(), *self._refused_files]), "there is no ticker.")
            self.results["status"] = FAILED
            self.results["error"] = (
                first
                if len(failed) == 1
                else f"None of {len(failed)} tickers could be brought up to date; the first: "
                f"{first}"
            )
        elif files := self._refused_files:
            self.results["error"] = f"Files that were left out: {len(files)}. {files[0]}"

    def write(self, seconds: float) -> None:
        """Write both files; ``seconds`` is how long the run took."""
        self.results["total_duration_seconds"] = seconds
        metrics = [stage.metric() for stage in self._stages.values()]
        self.results["stages"] = {
            row["stage"]: self._stage_results(stage, row)
            for stage, row in zip(self._stages.values(), metrics, strict=True)
        }
        if not self.is_single:
            for line in count_by_kind(self.results["warnings"]):
                log.warning(line)
        self.folder.write("metrics.json", metrics)
        self.folder.write(RESULTS, self.results)
        self.folder.close()

    def _stage(self, clock: StageClock) -> StageRecord:
        return self._stages.setdefault(clock.stage, StageRecord(clock))

    def _stage_results(self, stage: StageRecord, row: Mapping[str, Any]) -> dict[str, Any]:
        details = stage.details()
        if not self.is_single and "checks" in details:
            details["checks"] = _failed_checks(details["checks"])
        return {
            "status": row["status"],
            "rows": row["rows_processed"],
            "duration_seconds": row["duration_seconds"],
            **stage.memory(),
            **details,
        }


def error_sentence(error: Exception) -> str:
    """An error as one sentence for people."""
    return str(error) if isinstance(error, ForecastError) else unexpected_error(error)


def _failed_checks(checks: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """Of many tickers the checks that did not pass are enough to read."""
    failed = {t: [each for each in rows if not each["passed"]] for t, rows in checks.items()}
    return {ticker: rows for ticker, rows in failed.items() if rows}
