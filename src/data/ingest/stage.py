"""The ingest stage: store a source's prices as received, and record what changed.

Changed values go to the revisions, rows that cannot be stored to the quarantine.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from src.core.errors import BadInput, ForecastError, SourceUnavailable
from src.core.tables import (
    ACTION_HISTORY,
    BATCH_CONTENTS,
    BATCH_WITHDRAWALS,
    CORPORATE_ACTIONS,
    INGEST_BATCHES,
    PRICE_REVISIONS,
    QUARANTINE,
    RAW_DAILY,
    RAW_HOURLY,
)
from src.data.history import as_known
from src.data.ingest.batch_rows import STAGE_NAME
from src.data.ingest.fetch import fetch
from src.data.ingest.store_delivery import IngestCounts, store_delivery
from src.data.ingest.stored_returns import StoredReturns
from src.data.sources.files.source import FileSource
from src.stages.stage import RunContext, Stage, StageReport

if TYPE_CHECKING:
    from collections.abc import Mapping

    from src.data.sources.delivery import Delivery, Source


def stage(source: Source | None) -> Stage:
    """The stage for one source; with None it fetches nothing and uses what is stored."""
    return Stage(
        name=STAGE_NAME,
        summary="Store a source's prices as received; rejected rows go to quarantine.",
        reads=(),
        writes=(
            *(INGEST_BATCHES, BATCH_CONTENTS, BATCH_WITHDRAWALS, RAW_DAILY, RAW_HOURLY),
            *(PRICE_REVISIONS, QUARANTINE, CORPORATE_ACTIONS, ACTION_HISTORY),
        ),
        run=partial(run, source=source),
        gather=partial(gather, source=source),
    )


@dataclass
class _Progress:
    """What became of the tickers and files so far; each of them is a unit of its own."""

    counts: dict[str, IngestCounts]
    stored_returns: StoredReturns
    warnings: list[str] = field(default_factory=list)
    notes: set[str] = field(default_factory=set)
    failures: list[ForecastError] = field(default_factory=list)
    stored: int = 0


def gather(
    context: RunContext, *, source: Source | None
) -> dict[str, list[Delivery] | ForecastError]:
    """Fetch every ticker's deliveries; where there are none, why."""
    fetched: dict[str, list[Delivery] | ForecastError] = {}
    if source is None:
        return fetched
    for ticker in context.tickers:
        try:
            fetched[ticker] = fetch(context, ticker, source)
        except (SourceUnavailable, BadInput) as error:
            fetched[ticker] = error
    return fetched


def run(
    context: RunContext,
    fetched: Mapping[str, list[Delivery] | ForecastError],
    *,
    source: Source | None,
) -> StageReport:
    """Store what was fetched of every ticker.

    A ticker or a file that fails keeps no other back.

    Raises:
        SourceUnavailable: when there is one ticker, and the source cannot be reached and nothing is
            stored either.
        BadInput: when there is one ticker, and no delivery of it can be stored.
    """
    progress = _Progress(
        {ticker: IngestCounts() for ticker in context.tickers}, StoredReturns(context)
    )
    for ticker in context.tickers:
        if source is None:
            _require_stored(context, ticker)
        else:
            _store(context, ticker, fetched[ticker], source, progress)
    if isinstance(source, FileSource):
        progress.failures += source.take_failures()
    if progress.failures and not progress.stored and len(context.tickers) == 1:
        if len(progress.failures) == 1:
            raise progress.failures[0]
        raise BadInput(" ".join(map(str, progress.failures)))
    return _report(progress, source)


def _store(
    context: RunContext,
    ticker: str,
    fetched: list[Delivery] | ForecastError,
    source: Source,
    progress: _Progress,
) -> None:
    """Store one ticker's deliveries; what fails is left out."""
    if isinstance(fetched, SourceUnavailable):
        _use_stored(context, ticker, fetched, progress)
        return
    if isinstance(fetched, ForecastError):
        progress.failures.append(fetched)
        return
    for delivery in fetched:
        try:
            if isinstance(source, FileSource):
                progress.stored_returns.check(delivery)
            progress.warnings += store_delivery(context, delivery, progress.counts[ticker])
        except BadInput as error:
            progress.failures.append(error)
            continue
        progress.stored += 1
        progress.stored_returns.add(delivery)
        progress.notes.update(f"{ticker}: {note}" for note in delivery.notes)


def _report(progress: _Progress, source: Source | None) -> StageReport:
    total = IngestCounts.total(progress.counts.values())
    return StageReport(
        rows=total.changed,
        details={
            **vars(total),
            "source": source.name if source else "stored",
            "notes": sorted({*progress.notes, *_summary(total)}),
        },
        warnings=tuple(progress.warnings),
        failures=tuple(map(str, progress.failures)),
        counts={ticker: vars(part) for ticker, part in progress.counts.items()},
    )


def _summary(total: IngestCounts) -> list[str]:
    """Notes about rows and deliveries that were not stored."""
    notes = []
    if total.rejected:
        notes.append(f"{total.rejected} rows rejected at ingest and kept in quarantine")
    if total.repeated:
        notes.append(
            f"Deliveries already stored, which changed nothing: {total.repeated} "
            "(--fetched-at TIME stores a file again)"
        )
    return notes


def _require_stored(context: RunContext, ticker: str) -> None:
    if as_known.newest_session(context, ticker) is not None:
        return
    until = f" up to {context.as_of}" if context.as_of else ""
    then = f" that were known at {context.known_at:%Y-%m-%d %H:%M} UTC" if context.known_at else ""
    raise SourceUnavailable(
        f"No prices of {ticker}{until}{then} are stored: fetch some with --source yahoo, or with "
        "--source csv --path FILE."
    )


def _use_stored(
    context: RunContext, ticker: str, error: SourceUnavailable, progress: _Progress
) -> None:
    """Warn that the source failed and stored prices are used; without any, the ticker failed."""
    newest = as_known.newest_session(context, ticker)
    problem = str(error).rstrip(".")
    if newest is None:
        progress.failures.append(
            SourceUnavailable(
                f"{problem}; no prices of {ticker} are stored either: use --source csv --path "
                "FILE, or --source sample for the synthetic DEMO.NS."
            )
        )
        return
    behind = context.calendar.count(newest, context.calendar.last_closed(context.now))
    progress.warnings.append(
        f"{problem}. Using stored prices up to {newest}, {behind} sessions old."
    )
    progress.stored += 1
