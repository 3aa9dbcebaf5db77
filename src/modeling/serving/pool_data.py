"""Load what a pool's training and its forecasts read, as one snapshot of the tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from src.core.tables import POOL_MEMBERS
from src.features import catalogue
from src.modeling.panel.kept_panel import PoolTables, load_kept_panel
from src.modeling.panel.panel_file import PanelFile
from src.modeling.panel.pools import load_panel, pool_hash
from src.registry.storage.signing import signing_keys

if TYPE_CHECKING:
    from src.modeling.panel.panel import Panel
    from src.stages.stage import RunContext

# Of each pool the rows of its panel, in the home folder.
PANELS = Path("var") / "panels"


@dataclass(frozen=True, eq=False)
class PoolMembers:
    """The tickers of a pool whose stored features are those of this code.

    Attributes:
        pool: Its name.
        newest: Rows of ``pool_members`` by ticker: the facts of each newest bar.
        data_hash: Of all rows of features and labels that a run's statistics rest on.
    """

    pool: str
    newest: Mapping[str, Mapping[str, Any]]
    data_hash: str

    @property
    def tickers(self) -> tuple[str, ...]:
        """In order."""
        return tuple(self.newest)


def pools_of(context: RunContext) -> dict[str, tuple[str, ...]]:
    """The context's tickers that have features, by pool."""
    rows = context.store.load(POOL_MEMBERS, context.tickers)
    return {
        str(pool): tuple(members["ticker"].to_list())
        for (pool,), members in rows.group_by("pool", maintain_order=True)
    }


def load_members(context: RunContext, pool: str) -> PoolMembers:
    """The members of a pool, without those whose features are of another version."""
    tickers = sorted({*context.store.tickers(), *context.tickers})
    rows = context.store.load(POOL_MEMBERS, tickers).filter(
        pool=pool, features_version=catalogue.version()
    )
    if context.as_of is not None:
        rows = rows.with_columns(pl.min_horizontal("newest_session", pl.lit(context.as_of)))
    newest = {row["ticker"]: row for row in rows.sort("ticker").iter_rows(named=True)}
    return PoolMembers(pool, newest, pool_hash(rows))


@contextmanager
def pool_lock(context: RunContext, pool: str) -> Iterator[None]:
    """Let one run at a time change a pool; a run that writes nothing waits for nobody."""
    if context.records is None:
        yield
        return
    with context.records.pool_lock(pool):
        yield


def load_pool_panel(context: RunContext, members: PoolMembers) -> Panel:
    """The panel of a pool's members, up to the context's last session.

    What has been read of them before is in files, which runs that write bring up to date.
    """
    settings, store, calendar = context.settings, context.store, context.calendar
    if context.as_of is not None or context.known_at is not None:
        horizons = settings.training.horizons.model_dump()
        return load_panel(store, members.tickers, calendar, horizons, context.as_of)
    keys = signing_keys(settings)
    file = PanelFile(settings.home / PANELS / members.pool, keys[0] if keys else None)
    tables = PoolTables(store, members.newest, settings, calendar)
    return load_kept_panel(tables, file, keep=context.records is not None)


def incomplete_note(members: PoolMembers, session: dt.date) -> str:
    """Why zero answers for a ticker whose newest bar is of a session that is not complete."""
    count = sum(row["newest_session"] >= session for row in members.newest.values())
    return (
        f"{count} of {len(members.newest)} tickers of the pool have prices of {session}: run "
        "`python -m mlops.pipeline --all`"
    )


def last_bars(panel: Panel, tickers: Sequence[str]) -> dict[str, int]:
    """Row of each ticker's last bar; tickers without one are left out."""
    import numpy as np

    rows = {}
    for ticker in tickers:
        if ticker in panel.tickers:
            there = np.flatnonzero(np.isfinite(panel.close[:, panel.tickers.index(ticker)]))
            if there.size:
                rows[ticker] = int(there[-1])
    return rows
