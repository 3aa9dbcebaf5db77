"""Refuse the file of one stored instrument under the ticker of another that has no prices yet.

A ticker with stored prices is compared with these alone: see ``instrument_check``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from src.core.calendars.exchanges import exchange_of
from src.core.errors import BadInput
from src.core.tables import RAW_DAILY
from src.data.ingest.checks.same_bars import StoredBars

if TYPE_CHECKING:
    from src.core.arrays import Floats
    from src.data.sources.delivery import Delivery
    from src.db.store import Store

# Days on which the delivered price hardly moves tell no two instruments apart: funds that stay at
# 1,000 rupees move alike. Measured on 149 series of NSE: each is found under another name, 16 of 16
# in the file of another vendor too, and none is taken for another share.
LEAST_MOVE, COMMON_DAYS, SAME_SHARE, MOST = 0.003, 20, 0.03, 0.9
# This many of the newest common days are enough.
NEWEST_DAYS = 250
# These are compared with all series first, which few pass.
SIFTED_DAYS = 50
# Rows of the matrix: days since this one.
FIRST_DAY, DAYS_KEPT = np.datetime64("1980-01-01", "D"), 366 * 120


class StoredReturns:
    """The closes of all stored series of an exchange, read when they are first needed.

    A matrix of a row a day and a column a series, 0 where there is no bar.

    Attributes:
        bars: Those that short files are compared with, which have too few returns.
    """

    def __init__(self) -> None:
        self.bars = StoredBars()
        self._columns: dict[tuple[str, str], int] = {}
        self._closes: npt.NDArray[np.float32] | None = None

    def add(self, delivery: Delivery) -> None:
        """Compare later deliveries of this run with this one too."""
        if self._closes is not None and delivery.kind == "daily":
            self._put(delivery.ticker, delivery.vendor, delivery.frame)

    def check(self, delivery: Delivery, store: Store) -> None:
        """Refuse a delivery of a ticker without prices that moves as another ticker.

        Raises:
            BadInput: on nine in ten of at least 20 common days its returns are the other's, within
                3 % of its moves.
        """
        if delivery.kind != "daily":
            return
        if self._closes is None:
            self._load(store, delivery.ticker)
        twin = self._twin(delivery)
        if twin is not None:
            raise BadInput(
                f"{delivery.origin}: its daily returns are those of {twin}, whose prices are "
                f"stored: it is probably not the file of {delivery.ticker}. Check the file and "
                f"--ticker; if {twin} was renamed, enter that first: `python -m "
                f"src.data.instruments rename --from {twin} --to {delivery.ticker} --date D`."
            )

    def _twin(self, delivery: Delivery) -> str | None:
        """The ticker that moves most like the delivery, if one moves alike."""
        priced = delivery.frame.filter(pl.col("close") > 0).sort("date").tail(NEWEST_DAYS)
        if self._closes is None or priced.height < COMMON_DAYS:
            return None
        own, days = priced["close"].to_numpy(), _rows(priced["date"])
        closes = self._closes[:, : len(self._columns)]
        keys = list(self._columns)
        places = np.flatnonzero(may_be_alike(own, closes[days[-SIFTED_DAYS:]]))
        places = places[[keys[place][0] != delivery.ticker for place in places.tolist()]]
        if not places.size:
            return None
        others = closes[days][:, places]
        alike = [
            (difference, keys[place][0])
            for place, difference in zip(places, differences(own, others), strict=True)
            if difference < SAME_SHARE
        ]
        return min(alike)[1] if alike else None

    def _load(self, store: Store, ticker: str) -> None:
        exchange = exchange_of(ticker)
        self._closes = np.zeros((DAYS_KEPT, 1), dtype=np.float32)
        tickers = [other for other in store.tickers() if exchange_of(other) == exchange]
        stored = store.load(RAW_DAILY, tickers, columns=("ticker", "source", "date", "close"))
        for (of, source), rows in stored.partition_by("ticker", "source", as_dict=True).items():
            self._put(str(of), str(source), rows)

    def _put(self, ticker: str, source: str, rows: pl.DataFrame) -> None:
        assert self._closes is not None  # noqa: S101 nothing is put in before it is read
        priced = rows.filter(pl.col("close") > 0)
        column = self._columns.setdefault((ticker, source), len(self._columns))
        if column == self._closes.shape[1]:
            # Zeros that nobody has written to take no memory.
            wider = np.zeros((DAYS_KEPT, 2 * column), dtype=np.float32)
            used = np.flatnonzero(self._closes.any(axis=1))
            wider[used, :column] = self._closes[used]
            self._closes = wider
        self._closes[_rows(priced["date"]), column] = priced["close"].to_numpy()


def may_be_alike(own: Floats, newest: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.bool_]:
    """Whether ``differences`` of each series can be below ``SAME_SHARE``; mostly it cannot.

    ``newest`` are the closes of the others (k, m) on the last days of ``own`` (n,). More returns
    differ on these than the tenth of all that may.
    """
    last = own[own.size - newest.shape[0] :, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        theirs = newest[1:] / newest[:-1] - 1
        moves = last[1:] / last[:-1] - 1
        differs = np.abs((moves - theirs) / moves) >= SAME_SHARE
    differs &= (newest[1:] > 0) & (newest[:-1] > 0) & (np.abs(moves) >= LEAST_MOVE)
    result: npt.NDArray[np.bool_] = differs.sum(axis=0) <= (1 - MOST) * own.size + 1
    return result


def differences(own: Floats, others: npt.NDArray[np.floating[Any]]) -> Floats:
    """How far each series' returns are from ``own``, relative, on all but a tenth of the days.

    ``own`` are closes on some days (n,), ``others`` those of other series (n, m), 0 where they have
    none. Returns are from each common day to the next. Infinite for fewer than ``COMMON_DAYS``.
    """
    is_common = others > 0
    days = np.arange(own.size)[:, None]
    last = np.maximum.accumulate(np.where(is_common, days, -1), axis=0)
    before = np.vstack([np.full((1, others.shape[1]), -1), last[:-1]])
    series = np.arange(others.shape[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        theirs = others / others[before, series] - 1
        moves = own[:, None] / own[before] - 1
        relative = np.abs((moves - theirs) / moves)
    is_compared = is_common & (before >= 0) & (np.abs(moves) >= LEAST_MOVE)
    relative = np.where(is_compared, relative, np.inf)
    compared = is_compared.sum(axis=0)
    place = np.rint(MOST * (compared - 1)).astype(np.int64).clip(0)
    result = np.sort(relative, axis=0)[place, series]
    return np.where(compared >= COMMON_DAYS, result, np.inf)


def _rows(days: pl.Series) -> npt.NDArray[np.int64]:
    return (days.to_numpy() - FIRST_DAY).astype(np.int64)
