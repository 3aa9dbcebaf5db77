"""Load what is stored of a pool's tickers as a panel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from src.core.errors import BadInput, UsageError
from src.core.hashing import rows_hash
from src.core.tables import DATASETS, FEATURES_DAILY, POOL_MEMBERS
from src.features.catalogue import time_series_features, version
from src.modeling.panel import assemble
from src.modeling.panel.panel import BAR_COLUMNS

if TYPE_CHECKING:
    import datetime as dt

    from src.core.calendars.calendar import Calendar
    from src.core.tables import Table
    from src.db.store import Store
    from src.modeling.panel.panel import Panel

# Tickers that are read at a time.
BLOCK_SIZE = 50


def members(store: Store, pool: str | None = None) -> pl.DataFrame:
    """Rows of ``pool_members`` of all stored tickers, or of one pool; in order of the tickers."""
    rows = store.load(POOL_MEMBERS, store.tickers())
    return rows if pool is None else rows.filter(pool=pool)


def pool_of_tickers(rows: pl.DataFrame, tickers: Sequence[str]) -> str:
    """The one pool that some tickers belong to, at least one, from rows of ``pool_members``.

    Raises:
        UsageError: They belong to several.
    """
    pools = dict(rows.select("ticker", "pool").iter_rows())
    first = tickers[0]
    others = [ticker for ticker in tickers if pools[ticker] != pools[first]]
    if others:
        raise UsageError(
            f"{first} belongs to the pool {pools[first]} and {others[0]} to {pools[others[0]]}: "
            "name tickers of one pool."
        )
    return str(pools[first])


def pool_hash(rows: pl.DataFrame) -> str:
    """A hash of all that is stored of a pool, from its rows of ``pool_members``."""
    return rows_hash([rows.select("ticker", "features_version", "data_hash").sort("ticker")])


def load_panel(
    store: Store,
    tickers: Sequence[str],
    calendar: Calendar,
    horizons: Mapping[str, int],
    until: dt.date | None = None,
) -> Panel:
    """The panel of some tickers, as it was on a day if one is given; in blocks of tickers.

    ``horizons`` are the sessions of ``short`` and ``long``.

    Raises:
        BadInput: There is no row, or one of inputs that this code does not know.
    """
    bars = _read(store, FEATURES_DAILY, tickers, until, ("features_version", *BAR_COLUMNS))
    old = bars.filter(pl.col("features_version") != version())["ticker"].cast(pl.String)
    if bars.is_empty() or len(old):
        of = f" of {old.sort()[0]}" if len(old) else ""
        raise BadInput(
            f"No features{of} of this version are stored: run "
            "`python -m src.features.features_daily write --all` first."
        )
    bars = bars.drop("features_version")
    inputs = (
        store.load(FEATURES_DAILY, block, until, ("inputs",))["inputs"]
        for block in _blocks(tickers)
    )
    labels = {
        horizon: _realised(store, DATASETS[name], tickers, until)
        for name, horizon in horizons.items()
    }
    names = [feature.name for feature in time_series_features()]
    return assemble.assemble(bars, names, inputs, labels, calendar)


def up_to(panel: Panel, day: dt.date) -> Panel:
    """The panel of the bars up to a day, as if no later one were stored.

    Raises:
        BadInput: There is no bar up to then.
    """
    present = np.isfinite(panel.close) & (panel.sessions <= np.datetime64(day))[:, None]
    if not present.any():
        raise BadInput(f"No price up to {day} is stored: the first is of {panel.sessions[0]}.")
    end = int(np.flatnonzero(present.any(axis=1))[-1]) + 1
    return panel.select(slice(end), np.flatnonzero(present.any(axis=0)))


def _realised(
    store: Store, table: Table, tickers: Sequence[str], until: dt.date | None
) -> pl.DataFrame:
    """Labels that had ended by a day, if one is given."""
    if until is None:
        return _read(store, table, tickers, until, ("target",))
    rows = _read(store, table, tickers, until, ("label_end", "target"))
    return rows.filter(pl.col("label_end") <= until).drop("label_end")


def _read(
    store: Store,
    table: Table,
    tickers: Sequence[str],
    until: dt.date | None,
    columns: Sequence[str],
) -> pl.DataFrame:
    """Some columns; tickers and versions are categories, of a quarter of the size or less."""
    wanted = ("ticker", "date", *columns)
    texts = {"ticker": pl.Enum(sorted(tickers)), "features_version": pl.Categorical()}
    categories = {name: kind for name, kind in texts.items() if name in wanted}
    return pl.concat(
        store.load(table, block, until, wanted).cast(categories)  # type: ignore[arg-type]
        for block in _blocks(tickers)
    )


def _blocks(tickers: Sequence[str]) -> Iterator[Sequence[str]]:
    ordered = sorted(tickers)
    for start in range(0, max(len(ordered), 1), BLOCK_SIZE):
        yield ordered[start : start + BLOCK_SIZE]
