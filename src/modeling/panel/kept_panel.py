"""Load the panel of a pool from its files, and from the tables what came since they were written.

The data hash in ``pool_members`` tells, by a sum over clean prices, whether the rows that a file
has of a ticker are the beginning of those that are stored: what was computed from the same prices
by the same code is the same. Of any other ticker all rows are read, also where stored rows were
changed since, which ``feature_series`` tells.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from src.core.row_sums import NOTHING, subtract, sums_by_ticker
from src.core.tables import CLEAN_DAILY, CLEAN_SERIES, DATASETS, FEATURE_SERIES, FEATURES_DAILY
from src.features.catalogue import time_series_features
from src.features.members import COLUMNS, data_hash
from src.modeling.panel.panel import BAR_COLUMNS
from src.modeling.panel.panel_file import FileTicker, Manifest, PanelFile
from src.modeling.panel.panel_rows import (
    PanelRows,
    follows,
    merge,
    panel_of,
    rows_of_frames,
    rows_of_panel,
)
from src.modeling.panel.pools import load_panel

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.core.calendars.calendar import Calendar
    from src.db.store import Store
    from src.modeling.panel.panel import Panel

# Tickers that have been without a bar for so long are read as a whole when one comes.
LATE = dt.timedelta(days=100)
# More files are written as one: each evening adds one.
MOST_SEGMENTS = 40
# Changes of rows of which it is not known how often they were changed.
NEVER = -1
# If more of the tickers are to be read as a whole, all are.
MOST_WHOLE = 0.2

Row = Mapping[str, Any]
Tables = tuple[pl.DataFrame, dict[int, pl.DataFrame]]


@dataclass(frozen=True, eq=False)
class PoolTables:
    """Where the rows of a pool are stored.

    Attributes:
        members: Rows of ``pool_members`` by ticker, of the version of this code.
    """

    store: Store
    members: Mapping[str, Row]
    settings: Settings
    calendar: Calendar

    @cached_property
    def changes(self) -> dict[str, int]:
        """How often stored rows were changed, of tickers of which that is known."""
        columns = ("ticker", "data_hash", "changes")
        rows = self.store.load(FEATURE_SERIES, list(self.members), columns=columns)
        return {
            ticker: changes
            for ticker, of, changes in rows.iter_rows()
            if of == self.members[ticker]["data_hash"]
        }

    @property
    def horizons(self) -> dict[str, int]:
        """Sessions of ``short`` and ``long``."""
        return self.settings.training.horizons.model_dump()


def load_kept_panel(pool: PoolTables, file: PanelFile, *, keep: bool) -> Panel:
    """The panel of all that is stored of a pool; with ``keep`` the file has it afterwards.

    Raises:
        BadInput: As ``load_panel``.
    """
    names = [feature.name for feature in time_series_features()]
    manifest = file.manifest()
    if manifest is not None and _fits(manifest, pool, names):
        rows = _continued(pool, file, manifest, keep=keep)
        if rows is not None:
            return panel_of(rows, names, pool.calendar)
    panel = load_panel(pool.store, list(pool.members), pool.calendar, pool.horizons)
    if keep:
        rows = rows_of_panel(panel)
        file.write(rows, names, _facts(pool, rows))
    return panel


def _fits(manifest: Manifest, pool: PoolTables, names: Sequence[str]) -> bool:
    horizons = [str(sessions) for sessions in sorted(pool.horizons.values())]
    return list(manifest.names) == names and manifest.horizons == horizons


def _continued(
    pool: PoolTables, file: PanelFile, manifest: Manifest, *, keep: bool
) -> PanelRows | None:
    """All rows, those of before from the file; None where it is of no use."""
    continued, tables = _newer(pool, manifest)
    others = [ticker for ticker in pool.members if ticker not in continued]
    if len(others) > MOST_WHOLE * len(pool.members):
        return None
    if others:
        tables = _together(tables, _load(pool, others))
    newer = rows_of_frames(*tables, sorted(pool.members), len(manifest.names))
    last = max(facts.newest for facts in manifest.tickers.values())
    if tuple(manifest.tickers) == newer.tickers == tuple(sorted(continued)) and follows(
        newer, dt.date.fromisoformat(last)
    ):
        rows = file.read(manifest, newer)
        if rows is not None and keep and _is_changed(pool, manifest):
            if len(manifest.segments) < MOST_SEGMENTS:
                file.append(manifest, newer, _facts(pool, rows))
            else:
                file.write(rows, manifest.names, _facts(pool, rows))
        return rows
    kept = file.read(manifest)
    if kept is None:
        return None
    rows = merge(kept.select(continued), newer)
    if keep:
        file.write(rows, manifest.names, _facts(pool, rows))
    return rows


def _newer(pool: PoolTables, manifest: Manifest) -> tuple[list[str], Tables]:
    """The tickers whose rows in the file are the beginning of the stored ones, and what follows."""
    known = {
        ticker: (facts, pool.members[ticker])
        for ticker, facts in manifest.tickers.items()
        if ticker in pool.members and pool.changes.get(ticker) == facts.changes
    }
    same = [t for t, (facts, member) in known.items() if facts.data_hash == member["data_hash"]]
    newest = {
        ticker: dt.date.fromisoformat(facts.newest)
        for ticker, (facts, _) in known.items()
        if ticker not in set(same)
    }
    first = max(newest.values(), default=dt.date.min)
    newest = {ticker: day for ticker, day in newest.items() if first - day <= LATE}
    if not newest:
        return same, _load(pool, [])
    longer = _longer(pool, {ticker: manifest.tickers[ticker] for ticker in newest}, newest)
    bars, labels = _load(pool, list(longer), {ticker: newest[ticker] for ticker in longer})
    counts = dict(bars.group_by("ticker").len().iter_rows())
    whole = [ticker for ticker, count in longer.items() if counts.get(ticker, 0) == count]
    chosen = pl.col("ticker").is_in(whole)
    tables = bars.filter(chosen), {h: rows.filter(chosen) for h, rows in labels.items()}
    return [*same, *whole], tables


def _longer(
    pool: PoolTables, facts: Mapping[str, FileTicker], newest: Mapping[str, dt.date]
) -> dict[str, int]:
    """The tickers that only got longer since their newest session then: by how many bars."""
    series = {
        row["ticker"]: row
        for row in pool.store.load(CLEAN_SERIES, list(newest)).iter_rows(named=True)
    }
    clean = pool.store.load(CLEAN_DAILY, list(series), columns=COLUMNS, since=min(newest.values()))
    sums = sums_by_ticker(_after(clean, "date", newest), COLUMNS[1:])
    longer = {}
    for ticker, row in series.items():
        count, row_sum = sums.get(ticker, (0, NOTHING))
        before, member = facts[ticker], pool.members[ticker]
        if (
            before.bars + count == row["rows"]
            and _hash(pool, member["newest_session"], row["row_sum"]) == member["data_hash"]
            and _hash(pool, newest[ticker], subtract(row["row_sum"], row_sum)) == before.data_hash
        ):
            longer[ticker] = count
    return longer


def _hash(pool: PoolTables, newest: dt.date, row_sum: str) -> str:
    return data_hash(pool.settings, pool.calendar, newest, row_sum)


def _load(
    pool: PoolTables, tickers: Sequence[str], newest: Mapping[str, dt.date] | None = None
) -> Tables:
    """Bars of some tickers and their labels by horizon: all, or what came after a session."""
    columns = ("ticker", "date", *BAR_COLUMNS, "inputs")
    if not newest:
        bars = pool.store.load(FEATURES_DAILY, tickers, columns=columns)
        return bars, {
            sessions: pool.store.load(DATASETS[name], tickers, columns=_LABEL_COLUMNS)
            for name, sessions in pool.horizons.items()
        }
    since = min(newest.values())
    bars = pool.store.load(FEATURES_DAILY, tickers, columns=columns, since=since)
    days, labels = pool.calendar.array, {}
    for name, sessions in pool.horizons.items():
        # Where a label begins that ends after this session.
        place = int(np.searchsorted(days, np.datetime64(since, "D"))) - sessions
        rows = pool.store.load(
            DATASETS[name], tickers, columns=_LABEL_COLUMNS, since=days[max(place, 0)].item()
        )
        labels[sessions] = _after(rows, "label_end", newest)
    return _after(bars, "date", newest), labels


_LABEL_COLUMNS = ("ticker", "date", "label_end", "target")


def _after(rows: pl.DataFrame, column: str, newest: Mapping[str, dt.date]) -> pl.DataFrame:
    """The rows that were not known yet at each ticker's newest session then."""
    day = pl.col("ticker").replace_strict(newest, return_dtype=pl.Date)
    return rows.filter(pl.col(column) > day)


def _together(first: Tables, second: Tables) -> Tables:
    labels = {h: pl.concat([rows, second[1][h]]) for h, rows in first[1].items()}
    return pl.concat([first[0], second[0]]), labels


def _is_changed(pool: PoolTables, manifest: Manifest) -> bool:
    return any(
        manifest.tickers[ticker].data_hash != member["data_hash"]
        for ticker, member in pool.members.items()
    )


def _facts(pool: PoolTables, rows: PanelRows) -> dict[str, FileTicker]:
    return {
        ticker: FileTicker(
            pool.members[ticker]["data_hash"],
            pool.members[ticker]["newest_session"].isoformat(),
            int(count),
            pool.changes.get(ticker, NEVER),
        )
        for ticker, count in zip(rows.tickers, rows.counts(), strict=True)
    }
