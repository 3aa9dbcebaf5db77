"""Load the prices of the tickers that are pooled, as clean rows or as a panel.

Only tickers of one exchange share sessions, and synthetic prices are never pooled with real ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from src.core.calendars.exchanges import calendar_of, exchange_of, shared_exchange
from src.core.errors import BadInput, ForecastError, UsageError
from src.core.hashing import frame_hash
from src.core.tables import ACTION_HISTORY, CLEAN_DAILY, CORPORATE_ACTIONS
from src.data.corporate_actions.history import ledger_known_at
from src.data.corporate_actions.price_checks.partings import mark_partings
from src.modeling.panel import panel as panels
from src.modeling.panel.panel import MATRICES

if TYPE_CHECKING:
    import datetime as dt

    from src.core.calendars.calendar import Calendar
    from src.db.store import Store
    from src.modeling.panel.panel import Panel
    from src.stages.stage import RunContext

SAMPLE = "sample"


class NoFeatures(ForecastError):
    """There are no features of the newest bar: run the pipeline again."""


def load_pools(context: RunContext) -> list[pl.DataFrame]:
    """Clean rows of the context's tickers and their pools, as known at its as-of and known-at."""
    stored = context.store.tickers()
    pools = pooled_prices(context.store, context.tickers, stored, context.as_of, context.known_at)
    return pools if context.known_at is None else [_as_known(context, pool) for pool in pools]


def pool_hash(pools: Sequence[pl.DataFrame]) -> str:
    """A hash of all the rows that a run's statistics rest on."""
    return frame_hash(pl.concat(pools) if pools else pl.DataFrame())


def newest_row(
    ticker: str, features: pl.DataFrame, pools: Sequence[pl.DataFrame]
) -> dict[str, Any]:
    """A ticker's newest row of ``features_daily``, with the ``return_basis`` of its bar.

    Raises:
        NoFeatures: When there is none, or not of the newest bar.
    """
    if features.is_empty() or not pools:
        raise NoFeatures(f"{ticker} has no features yet: run `python -m mlops.pipeline` first.")
    row = features.sort("date").row(-1, named=True)
    bars = pl.concat([pool.filter(ticker=ticker) for pool in pools]).sort("date").tail(1)
    if bars["date"].to_list() != [row["date"]]:
        raise NoFeatures(
            f"The features of {ticker} end on {row['date']} and its clean prices do not: run "
            "`python -m mlops.pipeline` again."
        )
    return {**row, "return_basis": bars["return_basis"].item()}


def pool_panel(
    store: Store, tickers: Sequence[str], stored: Sequence[str]
) -> tuple[Calendar, Panel]:
    """The exchange's calendar and the panel of the tickers with all that may be pooled with them.

    Raises:
        BadInput: for a ticker without a clean price.
        UsageError: for tickers of several exchanges, and for synthetic ones beside real ones.
    """
    calendar = calendar_of(shared_exchange(tickers))
    pools = pooled_prices(store, tickers, stored)
    priced = {ticker for pool in pools for ticker in pool["ticker"].unique()}
    missing = [ticker for ticker in tickers if ticker not in priced]
    if missing or not pools:
        of = f" of {missing[0]}" if missing else ""
        raise BadInput(
            f"No clean prices{of} are stored: run `python -m src.data.cleaning write` first."
        )
    if len(pools) > 1:
        synthetic = [ticker for ticker in tickers if ticker in set(pools[0]["ticker"])]
        raise UsageError(
            f"The prices of {synthetic[0]} are synthetic and are never pooled with real ones: "
            "run it by itself."
        )
    return calendar, panels.build(pools[0], calendar)


def panel_of_all(store: Store, stored: Sequence[str]) -> tuple[Calendar, Panel]:
    """The panel of every stored ticker with clean prices; of synthetic ones only without others.

    Raises:
        BadInput: no clean price is stored.
        UsageError: for tickers of several exchanges.
    """
    calendar = calendar_of(shared_exchange(stored))
    pools = pooled_prices(store, stored, stored)
    if not pools:
        raise BadInput("No clean prices are stored: run `python -m src.data.cleaning write` first.")
    return calendar, panels.build(pools[-1], calendar)


def pooled_prices(
    store: Store,
    tickers: Sequence[str],
    stored: Sequence[str],
    until: dt.date | None = None,
    known_at: dt.datetime | None = None,
) -> list[pl.DataFrame]:
    """Clean rows of the tickers, and of the stored ones that may be pooled with them.

    The synthetic ones of ``tickers`` come first, then the real ones with their whole pool. Either
    is left out when ``tickers`` has none of it.
    """
    exchange = shared_exchange(tickers)
    same_exchange = {ticker for ticker in stored if exchange_of(ticker) == exchange}
    clean = load_clean(store, sorted({*tickers, *same_exchange}), until, known_at)
    # One synthetic bar is enough: a mixed series is no record of a market.
    synthetic = pl.col("ticker").is_in(clean.filter(source=SAMPLE)["ticker"].unique().to_list())
    requested = pl.col("ticker").is_in(list(tickers))
    pools = (clean.filter(synthetic & requested), clean.filter(~synthetic))
    return [pool for pool in pools if pool.filter(requested).height]


def load_clean(
    store: Store,
    tickers: Sequence[str],
    until: dt.date | None = None,
    known_at: dt.datetime | None = None,
) -> pl.DataFrame:
    """Clean rows that labels may be made of.

    Where adj_close parts unexplained from the close is found anew, whatever the stored rows say of
    it: what an earlier version cleaned, or another hand changed, gets no label across it either.
    """
    clean = store.load(CLEAN_DAILY, tickers, until)
    if known_at is None:
        return mark_partings(clean, store.load(CORPORATE_ACTIONS, tickers, until))
    return mark_partings(
        clean, ledger_known_at(store.load(ACTION_HISTORY, tickers, until), known_at)
    )


def up_to(panel: Panel, day: dt.date) -> Panel:
    """The panel of the bars up to a day, as if no later one were stored.

    Raises:
        BadInput: there is no bar up to then.
    """
    present = np.isfinite(panel.close) & (panel.sessions <= np.datetime64(day))[:, None]
    if not present.any():
        raise BadInput(f"No price up to {day} is stored: the first is of {panel.sessions[0]}.")
    end = int(np.flatnonzero(present.any(axis=1))[-1]) + 1
    columns = np.flatnonzero(present.any(axis=0))
    cut = {name: getattr(panel, name)[:end, columns] for name in MATRICES}
    tickers = tuple(panel.tickers[column] for column in columns)
    return replace(panel, sessions=panel.sessions[:end], tickers=tickers, **cut)


def _as_known(context: RunContext, pool: pl.DataFrame) -> pl.DataFrame:
    """The pool with the other tickers' bars as they had been fetched by the known-at time."""
    from src.data.cleaning.stage import DAILY
    from src.data.cleaning.stage import clean as cleaned

    others = sorted(set(pool["ticker"]) - set(context.tickers))
    requested = pool.filter(pl.col("ticker").is_in(list(context.tickers)))
    if not others:
        return requested
    result, _ = cleaned(replace(context, tickers=tuple(others)))
    return pl.concat([requested, result.bars.select(DAILY)], how="diagonal_relaxed")
