"""Compute and store features, model inputs and labels of the clean daily prices.

One row per session, warm-up rows marked. What is stored already is neither computed nor written
again: a hash of a ticker's clean prices says whether they changed, and whether only new sessions
came. Where rows are gone from the table, all of the ticker are made anew.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from src.core.tables import (
    CLEAN_DAILY,
    CLEAN_SERIES,
    DATASETS,
    FEATURE_SERIES,
    FEATURE_SETS,
    FEATURES_DAILY,
    POOL_MEMBERS,
    Table,
)
from src.features.catalogue import features, time_series_features, version, warm_up_rows
from src.features.continued import find_continued
from src.features.feature_series import known_series, write_series
from src.features.labels import label_rows, realised_rows
from src.features.members import COLUMNS, members_frame, members_of, ticker_slices
from src.features.ticker_features import Earlier, compute
from src.stages.cli import run_command, stage_main, stage_parser
from src.stages.stage import RunContext, Stage, StageReport, merge_reports

# Tickers in memory at a time, and those of which the last rows are at most.
BLOCK_SIZE, NEWER_SIZE = 25, 100
TABLES: tuple[Table, ...] = (FEATURES_DAILY, *DATASETS.values())
# The column that says on which session a row of each table was known.
KNOWN_ON = ("date", "label_end", "label_end")

# Rows of each of the tables, in their order.
Rows = Sequence[pl.DataFrame]
# A ticker's row of ``pool_members``, or of ``feature_series``.
Member = Mapping[str, Any]


def run(context: RunContext) -> StageReport:
    """Compute features and labels of the context's tickers, and store what differs."""
    report = merge_reports([_run_block(block) for block in _blocks(context, NEWER_SIZE)])
    windows = context.settings.features
    details = {
        "columns": [feature.name for feature in features(windows)],
        "inputs": len(time_series_features()),
        "features_version": version(),
    }
    return replace(report, details={**report.details, **details})


def _blocks(context: RunContext, size: int) -> list[RunContext]:
    """The context for so many of its tickers at a time; once where there are none."""
    starts = range(0, max(len(context.tickers), 1), size)
    return [replace(context, tickers=context.tickers[start : start + size]) for start in starts]


def _run_block(context: RunContext) -> StageReport:
    """Store what is new of tickers that only got longer, and what differs of the others."""
    members = context.store.load(POOL_MEMBERS, context.tickers)
    stored = {row["ticker"]: row for row in members.iter_rows(named=True)}
    known = known_series(context, stored)
    continued = find_continued(context, stored, known, max(_horizons(context)))
    newer = _newer_rows(context, continued.clean, continued.counts, stored, continued.earlier)
    done = [t for t in continued.sizes if newer is not None or t not in continued.counts]
    rest = tuple(ticker for ticker in context.tickers if ticker not in done)
    reports = []
    if done:
        of_done = {ticker: continued.members.get(ticker, stored[ticker]) for ticker in done}
        reports = [_store_newer(replace(context, tickers=tuple(done)), of_done, known, newer)]
    if rest or not done:
        others = _blocks(replace(context, tickers=rest), BLOCK_SIZE)
        reports += [_store_whole(block, stored, known) for block in others]
    report = merge_reports(reports)
    return replace(report, counts={ticker: report.counts[ticker] for ticker in context.tickers})


def _store_newer(
    context: RunContext,
    members: Mapping[str, Member],
    known: Mapping[str, Member],
    newer: Rows | None,
) -> StageReport:
    """Store the newer rows of tickers, and count what all of these have.

    ``members`` are the rows of ``pool_members`` as they are now.
    """
    store, touched = context.store, 0
    if newer is not None:
        touched = sum(map(store.insert, TABLES, newer))
        longer = newer[0]["ticker"].unique().sort().to_list()
        store.replace(POOL_MEMBERS, longer, members_frame([members[t] for t in longer]))
    known = {ticker: row for ticker, row in known.items() if ticker in members}
    series = write_series(context, members, known, newer)
    warm_up = warm_up_rows(context.settings.features)
    counts = {
        ticker: {
            "rows": row["rows"],
            "warm_up": min(row["rows"], warm_up),
            **{name: row[name] for name in DATASETS},
        }
        for ticker, row in series.items()
    }
    return _report(sum(row["rows"] for row in counts.values()), touched, counts)


def _store_whole(
    context: RunContext, stored: Mapping[str, Member], known: Mapping[str, Member]
) -> StageReport:
    clean = context.store.load(CLEAN_DAILY, context.tickers, context.as_of, COLUMNS)
    changed = _store(context, clean, stored, known)
    return _report(clean.height, changed, _count(context, clean))


def _report(rows: int, changed: int, counts: dict[str, dict[str, int]]) -> StageReport:
    warm_up = sum(row["warm_up"] for row in counts.values())
    details = {"changed_rows": changed, "warm_up_rows": warm_up}
    return StageReport(rows=rows, details=details, counts=counts)


def _count(context: RunContext, clean: pl.DataFrame) -> dict[str, dict[str, int]]:
    """Rows of features and of labels by ticker, whether they were computed or not."""
    warm_up = warm_up_rows(context.settings.features)
    labelled = {
        name: realised_rows(clean, horizon, context.calendar)[0]
        for name, horizon in zip(DATASETS, _horizons(context), strict=True)
    }
    slices = dict(ticker_slices(clean))
    counts = {}
    for ticker in context.tickers:
        where = slices.get(ticker, slice(0, 0))
        size = where.stop - where.start
        counts[ticker] = {"rows": size, "warm_up": min(size, warm_up)}
        for name, rows in labelled.items():
            first, end = rows.searchsorted([where.start, where.stop])
            counts[ticker][name] = int(end - first)
    return counts


def _horizons(context: RunContext) -> list[int]:
    return [getattr(context.settings.training.horizons, name) for name in DATASETS]


def _store(
    context: RunContext,
    clean: pl.DataFrame,
    stored: Mapping[str, Member],
    known: Mapping[str, Member],
) -> int:
    """Write what differs from the tables, and the tickers' pools; the number of rows touched."""
    stored = {ticker: stored[ticker] for ticker in context.tickers if ticker in stored}
    now, longer = members_of(clean, stored, context.settings, context.calendar)
    longer = _whole_before(context, clean, longer)
    changed = [
        ticker
        for ticker in context.tickers
        if now.get(ticker) != stored.get(ticker) or (ticker in stored and ticker not in longer)
    ]
    longer = {ticker: count for ticker, count in longer.items() if ticker in changed}
    newer = _newer_rows(context, clean, longer, stored)
    whole = [ticker for ticker in changed if newer is None or ticker not in longer]
    touched = 0
    if newer is not None:
        touched += sum(map(context.store.insert, TABLES, newer))
    if whole:
        rows = _rows(context, clean.filter(pl.col("ticker").is_in(whole)))
        touched += sum(map(context.store.replace, TABLES, [whole] * len(TABLES), rows))
    if changed:
        members = members_frame([now[ticker] for ticker in changed if ticker in now])
        context.store.replace(POOL_MEMBERS, changed, members)
    if context.as_of is None and context.known_at is None:
        as_before = {t: row for t, row in known.items() if t in now and t not in whole}
        write_series(context, now, as_before, newer)
    # It was stored together with the first ticker that has it.
    if changed and version() not in {row["features_version"] for row in stored.values()}:
        names = [[feature.name for feature in time_series_features()]]
        named = pl.DataFrame({"features_version": [version()], "names": names})
        context.store.upsert(FEATURE_SETS, named)
    return touched


def _whole_before(
    context: RunContext, clean: pl.DataFrame, longer: Mapping[str, int]
) -> dict[str, int]:
    """Those of ``longer`` of which the table has a row for each clean one of before."""
    rows = context.store.count(FEATURES_DAILY, context.tickers, context.as_of)
    sizes = {ticker: where.stop - where.start for ticker, where in ticker_slices(clean)}
    return {t: count for t, count in longer.items() if rows.get(t, 0) == sizes[t] - count}


def _rows(
    context: RunContext,
    clean: pl.DataFrame,
    last: Mapping[str, int] | None = None,
    earlier: Mapping[str, Earlier] | None = None,
) -> Rows:
    frame = compute(clean, context.settings.features, last, earlier)
    horizons = _horizons(context)
    return [frame, *(label_rows(frame, horizon, context.calendar) for horizon in horizons)]


def _newer_rows(
    context: RunContext,
    clean: pl.DataFrame,
    longer: Mapping[str, int],
    stored: Mapping[str, Member],
    earlier: Mapping[str, Earlier] | None = None,
) -> Rows | None:
    """The rows that have come since, of tickers that are longer by so many clean rows.

    None if there is no such ticker, or if the newest stored rows are not those of these formulas.
    """
    if not longer:
        return None
    # The label that was the newest lies a horizon before the newest stored row.
    last = {ticker: count + max(_horizons(context)) + 1 for ticker, count in longer.items()}
    rows = _rows(context, clean.filter(pl.col("ticker").is_in(list(longer))), last, earlier)
    newest = {ticker: stored[ticker]["newest_session"] for ticker in longer}
    day = pl.col("ticker").replace_strict(newest, return_dtype=pl.Date)
    for table, frame, known_on in zip(TABLES, rows, KNOWN_ON, strict=True):
        if not _is_stored(context, table, frame.filter(pl.col(known_on) == day)):
            return None
    return [frame.filter(pl.col(name) > day) for frame, name in zip(rows, KNOWN_ON, strict=True)]


def _is_stored(context: RunContext, table: Table, rows: pl.DataFrame) -> bool:
    """Whether a table has these rows, value for value."""
    if rows.is_empty():
        return True
    tickers = rows["ticker"].unique().to_list()
    before = context.store.load(table, tickers, since=min(rows["date"]))
    if not set(rows.columns) <= set(before.columns):
        return False
    return before.select(rows.columns).join(rows, on=table.key, how="semi").equals(rows)


STAGE = Stage(
    name="feature_engineering",
    summary="Compute features, model inputs and labels of the clean daily prices.",
    reads=(CLEAN_DAILY, CLEAN_SERIES, POOL_MEMBERS),
    writes=(FEATURES_DAILY, FEATURE_SETS, FEATURE_SERIES, *DATASETS.values(), POOL_MEMBERS),
    run=run,
)


def main(argv: Sequence[str] | None = None) -> int:
    """The command ``python -m src.features.features_daily``."""
    return stage_main(
        STAGE, argv, parser=stage_parser("src.features.features_daily", STAGE.summary)
    )


if __name__ == "__main__":
    sys.exit(run_command(main))
