"""Say how runs and requests go: names of stages, symbols of results, sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from src.dashboard import wording

if TYPE_CHECKING:
    import datetime as dt

    from src.db.pages.runs import RecentRun
    from src.db.tables.run_requests import StoredRequest

# Stages in their order, as they are called in the log of runs and here.
STAGES = {
    "data_ingest": "Ingest",
    "data_cleaning": "Cleaning",
    "feature_engineering": "Features",
    "validation": "Validation",
    "training": "Training",
}
KINDS = {"full": "Full run", "data": "Data refresh"}
SOURCES = {
    "stored": "stored prices",
    "yahoo": "prices from Yahoo",
    "nse": "prices from NSE",
    "sample": "synthetic prices",
    "csv": "prices from files",
}
RESULTS = {
    "success": "✓ succeeded",
    "partial": "◆ partly",
    "failed": "✕ failed",
    "cancelled": "■ cancelled",
    "interrupted": "✕ interrupted",
    "running": "● under way",
    "waiting": "○ waits",
}


@dataclass(frozen=True)
class Attempt:
    """A run, or a request that never became one.

    Attributes:
        what: Such as ``Full run of TCS.NS``.
        status: A key of ``RESULTS``.
        seconds: How long it took; None while it is under way, or where that is not known.
        sentence: Why it did not succeed, or lacks prices.
        new_prices: Rows of prices that were new or different; None where that is not known.
    """

    run_id: str | None
    what: str
    status: str
    began: dt.datetime
    seconds: float | None
    sentence: str | None
    succeeded: int
    failed: int
    failed_stage: str | None
    new_prices: int | None = None

    @property
    def brought_nothing(self) -> bool:
        """Whether it went to its end, and all prices were as before."""
        return self.status in ("success", "partial") and self.new_prices == 0

    @property
    def stocks(self) -> str:
        """Such as ``20 of 21``; ``–`` where nothing is known of any."""
        total = self.succeeded + self.failed
        return f"{self.succeeded:,} of {total:,}" if total else "–"


def attempts(runs: Sequence[RecentRun], requests: Sequence[StoredRequest]) -> list[Attempt]:
    """Runs and requests without a run, the newest first."""
    # A request that has just begun does not say yet which run is its own.
    if any(each.status == "running" and each.run_id is None for each in requests):
        runs = [run for run in runs if run.status != "running" or run.request_id is not None]
    found = [
        Attempt(
            run.run_id,
            _what(run),
            run.status,
            run.began,
            run.seconds,
            run.sentence,
            run.succeeded,
            run.failed,
            run.failed_stage,
            run.new_prices,
        )
        for run in runs
    ]
    found += [_without_run(each) for each in requests if each.run_id is None]
    return sorted(found, key=lambda each: each.began, reverse=True)


def _without_run(request: StoredRequest) -> Attempt:
    began = request.started_at or request.requested_at
    ended = request.ended_at or request.cancel_requested_at
    seconds = (ended - began).total_seconds() if ended else None
    what, sentence = title(request), request.sentence
    return Attempt(None, what, request.status, began, seconds, sentence, 0, 0, None)


def _what(run: RecentRun) -> str:
    """What a run was to do; of a command it is not known for which of many stocks."""
    if run.kind:
        return f"{KINDS[run.kind]} of {stocks(run.tickers)}"
    total = run.succeeded + run.failed
    about = run.ticker or (wording.count(total, "stock") if total else "many stocks")
    return f"{'Run' if run.live else 'Look back'} of {about} by command"


def stocks(tickers: Sequence[str] | None) -> str:
    """The stocks of a run: a few by name, many by their number, or all."""
    if not tickers:
        return "all stocks"
    if len(tickers) <= 3:
        return ", ".join(tickers)
    return wording.count(len(tickers), "stock")


def title(request: StoredRequest) -> str:
    """Such as ``Full run of TCS.NS``."""
    return f"{KINDS[request.kind]} of {stocks(request.tickers)}"


def under_way(request: StoredRequest) -> str:
    """That a request runs, or that it waits."""
    return f"{title(request)} {'waits' if request.status == 'waiting' else 'is under way'}"


def stage_name(stage: str | None) -> str:
    """The name of a stage, also with its pool behind it; of a stage that is no other, itself."""
    name, _, pool = (stage or "").partition(" ")
    return f"{STAGES.get(name, name)} {pool}".strip() or "Start"


def answer(last: Attempt | None) -> str:
    """How the last run went, and for which stocks it was, in a sentence."""
    if last is None:
        return "Nothing has run yet: start the first run here"
    what = last.what[0].lower() + last.what[1:]
    took = f", {wording.duration(last.seconds)}" if last.seconds is not None else ""
    nothing = ", no new prices" if last.brought_nothing else ""
    return f"The last run {_ended(last)}: {what}{took}{nothing}"


def _ended(last: Attempt) -> str:
    if last.status == "success":
        return "succeeded"
    if last.status == "partial":
        total = last.succeeded + last.failed
        return f"left out {wording.count(last.failed, 'stock')} of {total:,}"
    if last.status == "failed":
        if last.failed_stage is None:
            return "failed before its first stage"
        return f"failed at {stage_name(last.failed_stage).lower()}"
    return f"was {last.status}"


def cause(last: Attempt, made_at: str) -> str | None:
    """What went wrong or is lacking, and what stays published; None where nothing did or is."""
    if last.status == "success" and last.sentence:
        return wording.plain(last.sentence)
    if last.status in ("success", "running", "waiting"):
        return None
    words = RESULTS[last.status].partition(" ")
    stage = f"{stage_name(last.failed_stage)} failed" if last.failed_stage else words[2].title()
    stands = (
        "Nothing is published yet."
        if made_at == "never"
        else f"The forecasts of {made_at} stay published."
    )
    # What was cancelled says so itself.
    said = (last.sentence or "The reason is in the log.").removeprefix(f"{stage}: ")
    reason = wording.plain(said[:1].upper() + said[1:])
    return f"{words[0]} **{stage}**: {reason} {stands}"
