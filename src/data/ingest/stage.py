"""The ingest stage: store a source's prices as received, and record what changed.

Changed values go to the revisions, rows that cannot be stored to the quarantine.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from src.core.errors import BadInput, ForecastError, SourceNotAsked, SourceUnavailable
from src.core.tables import (
    ACTION_HISTORY,
    BATCH_CONTENTS,
    BATCH_WITHDRAWALS,
    BUNDLE_FILES,
    CLEAN_SERIES,
    CONFIRMED_SERIES,
    CORPORATE_ACTIONS,
    INGEST_BATCHES,
    PRICE_REVISIONS,
    QUARANTINE,
    RAW_DAILY,
    RAW_HOURLY,
    RAW_SERIES,
)
from src.data.history import as_known
from src.data.ingest.checks.stored_returns import StoredReturns
from src.data.ingest.fetch import fetch
from src.data.ingest.progress import Progress, are_no_shares, report_of
from src.data.ingest.storing.batch_rows import STAGE_NAME, bundle_rows
from src.data.ingest.storing.listed_actions import record_listed
from src.data.ingest.storing.raw_block import RawBlock
from src.data.ingest.storing.store_delivery import IngestCounts, store_delivery
from src.data.sources.files.source import FileSource
from src.data.sources.nse.source import NseSource
from src.stages.stage import RunContext, Stage, StageReport

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from src.data.sources.delivery import Delivery, Source
    from src.data.sources.files.market.merge import Bundle
    from src.data.sources.files.stored_files import StoredPart
    from src.db.store import Store

# In a warning that a source failed, before the session up to which prices are stored.
USING_STORED = "Using stored prices up to"
LEGEND = (
    "delivered: rows that came; changed: rows stored as new or with other values; restated: stored "
    "values that the source has changed; noise: differences too small to count; rejected: rows in "
    "quarantine; repeated: deliveries stored already, of which no row was stored again."
)
# Tickers in memory at a time.
BLOCK_SIZE = 25


def stage(source: Source | None) -> Stage:
    """The stage for one source; with None it fetches nothing and uses what is stored.

    It remembers the returns of what it has stored: one stage does for all blocks of a run.
    """
    return Stage(
        name=STAGE_NAME,
        summary="Store a source's prices as received; rejected rows go to quarantine.",
        reads=(),
        writes=(
            *(INGEST_BATCHES, BUNDLE_FILES, BATCH_CONTENTS, BATCH_WITHDRAWALS),
            *(RAW_DAILY, RAW_HOURLY, RAW_SERIES, CLEAN_SERIES),
            *(CONFIRMED_SERIES, PRICE_REVISIONS, QUARANTINE, CORPORATE_ACTIONS, ACTION_HISTORY),
        ),
        run=partial(run, source=source, returns=StoredReturns()),
        gather=partial(gather, source=source),
        legend=LEGEND,
    )


def gather(
    context: RunContext, *, source: Source | None
) -> dict[str, list[Delivery] | ForecastError]:
    """Fetch every ticker's deliveries; where there are none, why."""
    fetched: dict[str, list[Delivery] | ForecastError] = {}
    if source is None:
        return fetched
    if isinstance(source, NseSource):
        with context.store.transaction():
            source.identities = context.store.identities()
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
    returns: StoredReturns,
) -> StageReport:
    """Store what was fetched of every ticker.

    A ticker or a file that fails keeps no other back.

    Raises:
        SourceUnavailable: when there is one ticker, and the source cannot be reached and nothing is
            stored either.
        BadInput: when there is one ticker, and no delivery of it can be stored.
    """
    progress = Progress({ticker: IngestCounts() for ticker in context.tickers})
    if source is None:
        _require_stored(context)
    else:
        starts = range(0, len(context.tickers), BLOCK_SIZE)
        for block in (context.tickers[start : start + BLOCK_SIZE] for start in starts):
            _store_block(replace(context, tickers=block), fetched, source, returns, progress)
    if isinstance(source, FileSource):
        _store_bundles(context.store, source.bundles)
        progress.failures += source.take_failures()
        progress.notes.update(source.take_unread())
    if isinstance(source, NseSource):
        progress.warnings += source.take_warnings()
    if progress.failures and not progress.stored and len(context.tickers) == 1:
        if len(progress.failures) == 1:
            raise progress.failures[0]
        raise BadInput(" ".join(map(str, progress.failures)))
    return report_of(progress, source)


def _store_block(
    context: RunContext,
    fetched: Mapping[str, list[Delivery] | ForecastError],
    source: Source,
    returns: StoredReturns,
    progress: Progress,
) -> None:
    """Store the deliveries of some tickers; what fails is left out."""
    block = RawBlock(context.store, context.tickers)
    known = returns if isinstance(source, FileSource) else None
    for ticker in context.tickers:
        stored, failures = progress.stored, len(progress.failures)
        if isinstance(source, FileSource):
            _count_repeated(ticker, source.repeated(ticker), progress)
        _store(context, ticker, fetched[ticker], block, known, progress)
        if progress.stored == stored and progress.failures[failures:]:
            progress.failed[ticker] = " ".join(map(str, progress.failures[failures:]))
    block.write()
    listed = [row for ticker in context.tickers for row in _listed(fetched[ticker])]
    progress.warnings += record_listed(
        context.store, context.tickers, listed, context.calendar, context.now
    )


def _listed(fetched: list[Delivery] | ForecastError) -> Iterator[Mapping[str, Any]]:
    """The exchange's list of actions, as it came with deliveries."""
    deliveries = [] if isinstance(fetched, ForecastError) else fetched
    return (row for delivery in deliveries for row in delivery.listed)


def _store_bundles(store: Store, bundles: Sequence[Bundle]) -> None:
    """Store which files the merged deliveries consist of, unless an earlier block has done so."""
    for bundle in bundles:
        (file_hash, *_), *_ = bundle.files
        if bundle.bundle_hash not in store.bundles_of_files([file_hash])["bundle_hash"]:
            store.upsert(BUNDLE_FILES, bundle_rows(bundle))


def _count_repeated(ticker: str, parts: Sequence[StoredPart], progress: Progress) -> None:
    """Count what the files that were passed over delivered when they were stored."""
    counts = progress.counts[ticker]
    for part in parts:
        counts.delivered += part.rows
        counts.repeated += 1
        progress.stored += 1
        progress.note(ticker, [part.notes] if part.notes else [])


def _store(
    context: RunContext,
    ticker: str,
    fetched: list[Delivery] | ForecastError,
    block: RawBlock,
    returns: StoredReturns | None,
    progress: Progress,
) -> None:
    """Store one ticker's deliveries; those of files are compared with what else is stored."""
    if isinstance(fetched, SourceNotAsked):
        progress.not_fetched[ticker] = fetched
    if isinstance(fetched, SourceUnavailable):
        _use_stored(context, ticker, fetched, progress)
        return
    if isinstance(fetched, ForecastError):
        progress.failures.append(fetched)
        return
    if _is_no_share(context.store, ticker, fetched, block):
        progress.no_shares.append(ticker)
    for delivery in fetched:
        try:
            if returns is not None:
                if not block.has_prices(ticker):
                    returns.check(delivery, context.store)
                returns.bars.check(delivery, context.store)
            counts = progress.counts[ticker]
            progress.warnings += store_delivery(block, delivery, context.calendar, counts)
        except BadInput as error:
            progress.failures.append(error)
            continue
        progress.stored += 1
        if returns is not None:
            returns.add(delivery)
        progress.note(ticker, delivery.notes)


def _is_no_share(store: Store, ticker: str, fetched: Sequence[Delivery], block: RawBlock) -> bool:
    """Whether nothing but other securities came of a symbol, now or when it was stored."""
    if block.has_prices(ticker):
        return False
    if fetched:
        return all(are_no_shares(each.rejected) and each.frame.is_empty() for each in fetched)
    return are_no_shares(store.load(QUARANTINE, [ticker]).filter(stage=STAGE_NAME))


def _require_stored(context: RunContext) -> None:
    newest = as_known.newest_sessions(context)
    ticker = next((ticker for ticker in context.tickers if ticker not in newest), None)
    if ticker is None:
        return
    until = f" up to {context.as_of}" if context.as_of else ""
    then = f" that were known at {context.known_at:%Y-%m-%d %H:%M} UTC" if context.known_at else ""
    raise SourceUnavailable(
        context.store.identities(context.known_at).moved_sentence(ticker)
        or f"No prices of {ticker}{until}{then} are stored: fetch some with --source yahoo, or "
        "with --source csv --path FILE."
    )


def _use_stored(
    context: RunContext, ticker: str, error: SourceUnavailable, progress: Progress
) -> None:
    """Warn that the source failed and stored prices are used; without any, the ticker failed."""
    newest = as_known.newest_sessions(replace(context, tickers=(ticker,))).get(ticker)
    problem = str(error).rstrip(".")
    if newest is None:
        progress.failures.append(
            SourceUnavailable(
                f"{problem}; no prices of {ticker} are stored either: bring some in with "
                f"`python -m mlops.pipeline --ticker {ticker} --source csv --path FILE`, or look "
                "around with the synthetic ones of `--ticker DEMO.NS`."
            )
        )
        return
    behind = context.calendar.count(newest, context.calendar.last_closed(context.now))
    if not isinstance(error, SourceNotAsked):  # told of all of them together
        sessions = f"{behind} session{'' if behind == 1 else 's'}"
        progress.warnings.append(f"{problem}. {USING_STORED} {newest}, {sessions} old.")
    progress.stored += 1
