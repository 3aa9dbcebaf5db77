"""Refuse a short file whose bars are those of another ticker, which its few returns do not tell."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from src.core.calendars.exchanges import exchange_of
from src.core.errors import BadInput
from src.core.tables import OHLC, OHLCV, RAW_DAILY

if TYPE_CHECKING:
    from src.data.sources.delivery import Delivery
    from src.db.store import Store

# Five days with the same five numbers are no chance. Longer files are compared by their returns.
LEAST_DAYS, NEARLY_ALL, SHORT = 5, 0.9, 40
# Relative: the same price in single precision.
SAME_PRICE = 1e-6


class StoredBars:
    """Bars that are stored of all tickers of an exchange, of the days that were last asked for."""

    def __init__(self) -> None:
        self._span: tuple[str, dt.date, dt.date] | None = None
        self._bars = pl.DataFrame()

    def check(self, delivery: Delivery, store: Store) -> None:
        """Refuse a short file of one share that has the bars of another ticker.

        Raises:
            BadInput: on nine in ten of at least 5 common days on which shares were traded, open,
                high, low, close and volume are those of another ticker, and not the ticker's own.
        """
        # Most files have as many bars in their first rows already.
        if delivery.kind != "daily" or _count_traded(delivery.frame.head(2 * SHORT)) >= SHORT:
            return
        bars = _traded(delivery.frame)
        if delivery.file_parts > 1 or not LEAST_DAYS <= bars.height < SHORT:
            return
        days = same_days(bars, self._stored(bars, delivery.ticker, store))
        others = days.filter(pl.col("ticker") != delivery.ticker)
        twin = None if others.is_empty() else others.row(0, named=True)
        own = days.filter(pl.col("ticker") == delivery.ticker)["days"].max()
        if twin is None or (isinstance(own, int) and own >= twin["days"]):
            return
        raise BadInput(
            f"{delivery.origin}: on {twin['days']} days its open, high, low, close and volume are "
            f"those stored of {twin['ticker']}: it is probably not the file of {delivery.ticker}. "
            f"Check the file and --ticker; if {twin['ticker']} was renamed, enter that first: "
            f"`python -m src.data.instruments rename --from {twin['ticker']} "
            f"--to {delivery.ticker} --date D`."
        )

    def _stored(self, bars: pl.DataFrame, ticker: str, store: Store) -> pl.DataFrame:
        first, last = bars.select(first=pl.col("date").min(), last=pl.col("date").max()).row(0)
        exchange = exchange_of(ticker)
        span = (exchange.name, first, last)
        if span != self._span:
            tickers = [other for other in store.tickers() if exchange_of(other) == exchange]
            columns = ("ticker", "source", "date", *OHLCV)
            loaded = store.load(RAW_DAILY, tickers, until=last, columns=columns, since=first)
            self._span, self._bars = span, _traded(loaded)
        return self._bars


def same_days(bars: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    """Series of which nearly all bars on common days are these: ``ticker, days``, most days first.

    Both have ``date`` and prices and volumes above zero, ``stored`` also ``ticker, source``.
    """
    common = stored.join(bars.select("date", *OHLCV), on="date", suffix="_new")
    alike = [
        (pl.col(name) - pl.col(f"{name}_new")).abs() <= SAME_PRICE * pl.col(name) for name in OHLCV
    ]
    counts = common.group_by("ticker", "source").agg(
        days=pl.all_horizontal(alike).sum().cast(pl.Int64), common=pl.len()
    )
    same = counts.filter(
        pl.col("days") >= LEAST_DAYS, pl.col("days") >= NEARLY_ALL * pl.col("common")
    )
    return same.sort(["days", "ticker"], descending=[True, False]).select("ticker", "days")


def _count_traded(bars: pl.DataFrame) -> int:
    """How many bars ``_traded`` keeps, in a tenth of its time."""
    columns = np.array([bars[name].to_numpy() for name in OHLCV])
    prices = columns[[OHLCV.index(name) for name in OHLC]]
    moved = prices.max(axis=0) > prices.min(axis=0)
    return int((moved & (columns > 0).all(axis=0)).sum())


def _traded(bars: pl.DataFrame) -> pl.DataFrame:
    """Bars of days with trades; a share that nobody trades has the same bar as many others."""
    moved = pl.max_horizontal(OHLC) > pl.min_horizontal(OHLC)
    return bars.filter(moved, *(pl.col(name) > 0 for name in OHLCV))
