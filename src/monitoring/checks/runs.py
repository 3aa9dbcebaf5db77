"""Check how runs of the pipeline go: under way, the newest one, and the newest of each ticker."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from src.core.errors import UsageError
from src.monitoring.checks import sessions
from src.monitoring.observation import Observation
from src.monitoring.quality.score import DORMANT_AFTER

if TYPE_CHECKING:
    from src.db.tables.source_pace import SourcePause
    from src.db.watched.data_state import Member
    from src.db.watched.run_state import NewestRun, RunningRun, RunState, TickerRun
    from src.monitoring.checks.facts import Facts

RULES = (
    *("run_failed", "run_interrupted", "run_slow", "run_hangs"),
    *("ticker_failed", "files_refused", "source_not_advancing", "source_refusing"),
)
# A run that has sent the database nothing for this part of the minutes it may take hangs.
IDLE_SHARE = 0.25


def check(facts: Facts) -> list[Observation]:
    """All observations of these rules."""
    runs = facts.runs
    return [
        *under_way(runs.running, facts.settings.monitoring.run_minutes),
        *newest(runs),
        *of_tickers(runs.tickers),
        of_files(runs.of_many),
        *not_advancing(facts.members, runs.tickers),
        *refusing(facts.sources),
    ]


def under_way(running: Sequence[RunningRun], limit: float) -> Iterator[Observation]:
    """Whether a run takes longer than ``limit`` minutes, or does nothing for a quarter of them."""
    slowest = max(((run.seconds or 0.0) / 60, _name(run)) for run in running) if running else None
    sentence = f"{slowest[1]} has taken {slowest[0]:.0f} minutes." if slowest else "No run is slow."
    minutes = slowest[0] if slowest else 0.0
    yield Observation("run_slow", "", minutes > limit, sentence, minutes)
    idle = max(((run.idle_seconds or 0.0) / 60, _name(run)) for run in running) if running else None
    sentence = (
        f"{idle[1]} has sent the database nothing for {idle[0]:.0f} minutes."
        if idle
        else "No run hangs."
    )
    minutes = idle[0] if idle else 0.0
    yield Observation("run_hangs", "", minutes > IDLE_SHARE * limit, sentence, minutes)


def _name(run: RunningRun) -> str:
    of = f" of {run.ticker}" if run.ticker else ""
    return f"Run {run.run_id}{of} (process {run.pid} on {run.host})"


def newest(runs: RunState) -> Iterator[Observation]:
    """Whether the newest run failed, and whether one ended without a word."""
    run = runs.newest
    if run is None:
        yield Observation("run_failed", "", None, "No run has ended yet.")
    else:
        failed = run.status == "failed"
        sentence = f"Run {run.run_id} ended with status {run.status}"
        sentence += f": {run.error}" if failed and run.error else "."
        yield Observation("run_failed", "", failed, sentence)
    dead = [each for each in runs.running if each.seconds is None]
    if dead:
        sentence = f"{_name(dead[-1])} is gone without a word."
        yield Observation("run_interrupted", "", True, sentence)
    elif run is not None:
        interrupted = run.status == "interrupted"
        sentence = f"Run {run.run_id} was interrupted." if interrupted else ""
        yield Observation("run_interrupted", "", interrupted, sentence)


def of_tickers(tickers: Sequence[TickerRun]) -> Iterator[Observation]:
    """Whether the newest run that worked on each ticker failed for it, grouped by stage."""
    for run in tickers:
        failed = run.status == "failed"
        sentence = (run.error or f"{run.ticker} failed.") if failed else ""
        cause = (run.stage or "") if failed else ""
        yield Observation("ticker_failed", run.ticker, failed, sentence, cause=cause)


def of_files(run: NewestRun | None) -> Observation:
    """Whether the newest run of many left files out that belong to no ticker it knows of."""
    if run is None:
        return Observation("files_refused", "", None, "No run of many has ended well yet.")
    refused = run.status == "partial" and run.error is not None
    sentence = f"Run {run.run_id}: {run.error}" if refused else ""
    return Observation("files_refused", "", refused, sentence)


def not_advancing(members: Sequence[Member], tickers: Sequence[TickerRun]) -> Iterator[Observation]:
    """Whether runs of a pool succeed after a close, and do not bring that session.

    What a run should have brought is the last session that had closed when it began. Tickers that
    are dormant anyway are no evidence.
    """
    successes = {run.ticker: run for run in tickers if run.status == "success" and run.session}
    for pool, of_pool in sessions.by_pool(members).items():
        runs = [successes[m.ticker] for m in of_pool if m.ticker in successes]
        if runs:
            yield _advance(pool, runs)


def _advance(pool: str, runs: Sequence[TickerRun]) -> Observation:
    rule = "source_not_advancing"
    try:
        calendar = sessions.calendar_of_tickers([runs[0].ticker])
    except UsageError as error:
        return Observation(rule, pool, None, str(error))
    lags = []
    for run in runs:
        due = calendar.last_closed(run.started_at)
        lag = calendar.count(run.session or dt.date.min, due)
        if lag <= DORMANT_AFTER:
            lags.append((lag, run.ticker, due))
    behind = [(lag, ticker, due) for lag, ticker, due in lags if lag]
    if not lags:
        return Observation(rule, pool, None, f"All tickers of {pool} are dormant.")
    bad = len(lags) - len(behind) < sessions.COMPLETE * len(lags)
    if not bad:
        return Observation(rule, pool, False, f"The newest runs of {pool} brought its sessions.")
    lag, _, due = max(behind)
    names = sessions.named([ticker for _, ticker, _ in behind])
    sentence = (
        f"The newest runs of {len(behind)} of {len(lags)} tickers of {pool} succeeded without "
        f"prices of {due}, which had closed: their source still ends before it ({names})."
    )
    return Observation(rule, pool, True, sentence, lag)


def refusing(pauses: Mapping[str, SourcePause | None]) -> Iterator[Observation]:
    """Whether a source has refused requests and answered none since; None where it answers."""
    for source, pause in pauses.items():
        sentence = ""
        if pause is not None:
            sentence = (
                f"The source {source} has refused requests since {pause.refused_at:%Y-%m-%d %H:%M} "
                f"UTC ({pause.reason}) and may be asked again at {pause.resumes_at:%Y-%m-%d %H:%M} "
                "UTC; until then stored prices are used."
            )
        yield Observation("source_refusing", source, pause is not None, sentence)
