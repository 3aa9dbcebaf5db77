"""Which stored tickers are pooled, and their clean bars as a panel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from src.core.errors import BadInput
from src.core.exchanges import calendar_of, exchange_of, shared_exchange
from src.core.tables import CLEAN_DAILY
from src.modeling import panel as panels

if TYPE_CHECKING:
    import datetime as dt

    from src.core.exchanges import TradingCalendar
    from src.db.store import Store
    from src.modeling.panel import Panel

SAMPLE = "sample"


def pooled(
    store: Store,
    tickers: Sequence[str],
    stored: Sequence[str],
    until: dt.date | None = None,
) -> tuple[TradingCalendar, Panel]:
    """The exchange's calendar and the panel of the tickers and all that may be pooled with them.

    Raises:
        BadInput: no clean price of them is stored.
        UsageError: for tickers of several exchanges.
    """
    calendar = calendar_of(shared_exchange(tickers))
    clean = clean_bars(store, tickers, stored, until)
    if clean.is_empty():
        raise BadInput("No clean prices are stored: run `python -m src.data.cleaning write` first.")
    return calendar, panels.build(clean, calendar)


def clean_bars(
    store: Store,
    tickers: Sequence[str],
    stored: Sequence[str],
    until: dt.date | None = None,
) -> pl.DataFrame:
    """Clean rows of the tickers, and of the stored ones that may be pooled with them.

    Only tickers of one exchange share sessions, and synthetic prices never mix with real ones.
    """
    exchange = shared_exchange(tickers)
    mates = {ticker for ticker in stored if exchange_of(ticker) == exchange}
    clean = store.load(CLEAN_DAILY, sorted({*tickers, *mates}), until)
    is_synthetic = pl.col("source") == SAMPLE
    asked = clean.filter(pl.col("ticker").is_in(list(tickers)))
    if asked.filter(is_synthetic).height:
        return asked.filter(is_synthetic)
    return clean.filter(~is_synthetic)
