"""Refuse the file of one stored instrument under the ticker of another that has no prices yet.

A ticker with stored prices is compared with these alone: see ``instrument_check``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from src.core.calendars.exchanges import exchange_of
from src.core.errors import BadInput
from src.core.tables import RAW_DAILY

if TYPE_CHECKING:
    from src.data.sources.delivery import Delivery
    from src.stages.stage import RunContext

# Days on which the delivered price hardly moves tell no two instruments apart: funds that stay at
# 1,000 rupees move alike. Measured on 149 series of NSE: each is found under another name, 16 of 16
# in the file of another vendor too, and none is taken for another share.
LEAST_MOVE, COMMON_DAYS, SAME_SHARE, MOST = 0.003, 20, 0.03, 0.9
# This many of the newest common days are enough.
NEWEST_DAYS = 250


class StoredReturns:
    """The closes of all stored tickers of an exchange, read when they are first needed."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._closes: pl.DataFrame | None = None

    def add(self, delivery: Delivery) -> None:
        """Compare later deliveries of this run with this one too."""
        if self._closes is not None and delivery.kind == "daily":
            closes = delivery.frame.select(
                "date", "close", ticker=pl.lit(delivery.ticker), source=pl.lit(delivery.vendor)
            )
            self._closes = pl.concat([self._closes, closes.select(self._closes.columns)])

    def check(self, delivery: Delivery) -> None:
        """Refuse a delivery whose ticker has no prices yet and that moves as another ticker.

        Raises:
            BadInput: on nine in ten of at least 20 common days its returns are the other's, within
                3 % of its moves.
        """
        if delivery.kind != "daily" or self._is_stored(delivery.ticker):
            return
        if self._closes is None:
            self._closes = self._load()
        others = self._closes.filter(pl.col("ticker") != delivery.ticker)
        twin = find_twin(delivery.frame.select("date", "close"), others)
        if twin is not None:
            raise BadInput(
                f"{delivery.origin}: its daily returns are those of {twin}, whose prices are "
                f"stored: it is probably not the file of {delivery.ticker}. Check the file and "
                f"--ticker; if {twin} was renamed, withdraw its batches first."
            )

    def _is_stored(self, ticker: str) -> bool:
        return not self._context.store.load(RAW_DAILY, [ticker]).is_empty()

    def _load(self) -> pl.DataFrame:
        store, exchange = self._context.store, exchange_of(self._context.tickers[0])
        tickers = [ticker for ticker in store.tickers() if exchange_of(ticker) == exchange]
        return store.load(RAW_DAILY, tickers).select("ticker", "source", "date", "close")


def find_twin(closes: pl.DataFrame, others: pl.DataFrame) -> str | None:
    """The ticker among ``others`` (ticker, source, date, close) that moves as ``closes`` do."""
    newest = closes.filter(pl.col("close") > 0).sort("date").tail(NEWEST_DAYS)
    common = others.filter(pl.col("close") > 0).join(newest, on="date", suffix="_new")
    series = ["ticker", "source"]
    moves = common.sort("date").with_columns(
        theirs=(pl.col("close") / pl.col("close").shift(1)).over(series) - 1,
        own=(pl.col("close_new") / pl.col("close_new").shift(1)).over(series) - 1,
    )
    moves = moves.filter(pl.col("own").abs() >= LEAST_MOVE)
    compared = moves.group_by(series).agg(
        days=pl.len(),
        difference=((pl.col("own") - pl.col("theirs")) / pl.col("own")).abs().quantile(MOST),
    )
    alike = compared.filter(pl.col("days") >= COMMON_DAYS, pl.col("difference") < SAME_SHARE)
    return None if alike.is_empty() else str(alike.sort("difference", "ticker")["ticker"][0])
