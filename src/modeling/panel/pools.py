"""Which stored tickers are pooled, and their clean bars as a panel.

Only tickers of one exchange share sessions, and synthetic prices never mix with real ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from src.core.calendars.exchanges import calendar_of, exchange_of, shared_exchange
from src.core.errors import BadInput, UsageError
from src.core.tables import CLEAN_DAILY
from src.modeling.panel import panel as panels
from src.modeling.panel.panel import MATRICES

if TYPE_CHECKING:
    import datetime as dt

    from src.core.calendars.calendar import Calendar
    from src.db.store import Store
    from src.modeling.panel.panel import Panel

SAMPLE = "sample"


def pooled(
    store: Store,
    tickers: Sequence[str],
    stored: Sequence[str],
    until: dt.date | None = None,
) -> tuple[Calendar, Panel]:
    """The exchange's calendar and the panel of the tickers and all that may be pooled with them.

    Raises:
        BadInput: for a ticker without a clean price.
        UsageError: for tickers of several exchanges, and for synthetic ones beside real ones.
    """
    calendar = calendar_of(shared_exchange(tickers))
    found = pools(store, tickers, stored, until)
    priced = {ticker for pool in found for ticker in pool["ticker"].unique()}
    missing = [ticker for ticker in tickers if ticker not in priced]
    if missing or not found:
        of = f" of {missing[0]}" if missing else ""
        raise BadInput(
            f"No clean prices{of} are stored: run `python -m src.data.cleaning write` first."
        )
    if len(found) > 1:
        synthetic = [ticker for ticker in tickers if ticker in set(found[0]["ticker"])]
        raise UsageError(
            f"The prices of {synthetic[0]} are synthetic and are never pooled with real ones: "
            "run it by itself."
        )
    return calendar, panels.build(found[0], calendar)


def everything(store: Store, stored: Sequence[str]) -> tuple[Calendar, Panel]:
    """The panel of every stored ticker with clean prices; of synthetic ones only without others.

    Raises:
        BadInput: no clean price is stored.
        UsageError: for tickers of several exchanges.
    """
    calendar = calendar_of(shared_exchange(stored))
    found = pools(store, stored, stored)
    if not found:
        raise BadInput("No clean prices are stored: run `python -m src.data.cleaning write` first.")
    return calendar, panels.build(found[-1], calendar)


def pools(
    store: Store,
    tickers: Sequence[str],
    stored: Sequence[str],
    until: dt.date | None = None,
) -> list[pl.DataFrame]:
    """Clean rows of the tickers, and of the stored ones that may be pooled with them.

    Synthetic tickers come first, those that were asked for and no others; then the real ones with
    all their mates. Either is left out when none of it was asked for.
    """
    exchange = shared_exchange(tickers)
    mates = {ticker for ticker in stored if exchange_of(ticker) == exchange}
    clean = store.load(CLEAN_DAILY, sorted({*tickers, *mates}), until)
    # One synthetic bar is enough: what it is mixed with is no record of a market.
    made_up = pl.col("ticker").is_in(clean.filter(source=SAMPLE)["ticker"].unique().to_list())
    asked = pl.col("ticker").is_in(list(tickers))
    found = (clean.filter(made_up & asked), clean.filter(~made_up))
    return [pool for pool in found if pool.filter(asked).height]


def up_to(panel: Panel, day: dt.date) -> Panel:
    """The panel of the bars up to a day, as if no later one were stored.

    Raises:
        BadInput: there is no bar up to then.
    """
    there = np.isfinite(panel.close) & (panel.sessions <= np.datetime64(day))[:, None]
    if not there.any():
        raise BadInput(f"No price up to {day} is stored: the first is of {panel.sessions[0]}.")
    end, columns = int(np.flatnonzero(there.any(axis=1))[-1]) + 1, np.flatnonzero(there.any(axis=0))
    cut = {name: getattr(panel, name)[:end, columns] for name in MATRICES}
    tickers = tuple(panel.tickers[column] for column in columns)
    return replace(panel, sessions=panel.sessions[:end], tickers=tickers, **cut)
