"""Find the sessions on which adjusted close and close part by more than dividends explain.

adj_close / close rises on an ex-date by the dividend, and stands still on every other session. A
leap of either series that the other does not share is an error of one of them, and labels rest on
adj_close: until a person has decided, none may cross that session.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from src.core.arrays import Bools, Floats, Ints
from src.data.corporate_actions.action import PRICE_KINDS, VALUE_KINDS, Action
from src.data.corporate_actions.adjust import divisors_after
from src.data.corporate_actions.ledger import deduplicate, to_actions

# In logs: a third of an ordinary day's move; and both prices may be rounded to a hundredth.
LEAST, TICK = 0.005, 0.01
# A vendor may take off this much more than the stated dividend: some divide by another close.
OF_DIVIDEND = 1.1
# Where no dividends are listed, adj_close is taken to state them: up to a tenth of the price,
# where the price fell by half of it at least, less an ordinary day's move. No fall is asked for up
# to 2.5 %; TCS's largest in 22 years was 2.2 %.
LARGEST, FELL, ORDINARY_MOVE = 0.105, 0.5, 0.0125


def find_partings(bars: pl.DataFrame, applied: pl.DataFrame) -> Bools:
    """The bars at which adj_close and close part unexplained from the bar before; (n,).

    Rights, demergers and events that a person accepted explain any parting of their date.

    Args:
        bars: one ticker in date order, split-adjusted: date, open, close, adj_close.
        applied: the applied rows of its ledger, inferred splits included.
    """
    if bars.height < 2:
        return np.zeros(bars.height, dtype=bool)
    close, adjusted = _column(bars, "close"), _column(bars, "adj_close")
    step = np.diff(np.log(adjusted / close))
    tolerance = LEAST + TICK / adjusted[:-1] + TICK / close[:-1]
    stated, is_listed = _stated_yields(bars, applied)
    explained = OF_DIVIDEND * stated
    unlisted = np.where(is_listed, 0.0, _own_dividends(bars, step))
    # A dividend that adj_close does not take off is no parting: the report names it.
    is_parting = (step > np.maximum(explained, unlisted) + tolerance) | (step < -tolerance)
    if applied.height:
        is_parting[_rows(bars, _accepted_days(applied)) - 1] = False
    return np.concatenate([[False], is_parting])


def _column(bars: pl.DataFrame, name: str) -> Floats:
    return bars[name].cast(pl.Float64).to_numpy()


def _own_dividends(bars: pl.DataFrame, step: Floats) -> Floats:
    """The steps that may be dividends that nobody lists, 0 for others; (n - 1,)."""
    close, open_ = _column(bars, "close"), _column(bars, "open")
    fall = -np.log(np.minimum(open_[1:], close[1:]) / close[:-1])
    needed = FELL * step - ORDINARY_MOVE
    is_plausible = (step <= LARGEST) & ((needed <= 0) | (fall >= needed))
    return np.where(is_plausible, step, 0.0)


def _stated_yields(bars: pl.DataFrame, applied: pl.DataFrame) -> tuple[Floats, Bools]:
    """Log yield of the stated dividends at each bar but the first, and where a source lists them.

    What a person enters explains its own date and is no list.
    """
    if applied.is_empty():
        none = np.zeros(bars.height - 1)
        return none, none.astype(bool)
    rows = deduplicate(applied).filter(kind="dividend")
    dividends, dividers = to_actions(rows), _dividers(applied)
    dates = np.array([action.date for action in dividends], dtype="datetime64[D]")
    cash = np.array([action.cash for action in dividends]) / divisors_after(dates - 1, dividers)
    at = bars["date"].to_numpy().searchsorted(dates)
    amounts = np.bincount(at, weights=cash, minlength=bars.height + 1)[1 : bars.height]
    yields = np.minimum(amounts / _column(bars, "close")[:-1], 0.99)
    listed = dates[(rows["origin"] == "stated").to_numpy()]
    days = bars["date"].to_numpy()[1:]
    is_listed = np.zeros(days.size, dtype=bool)
    if listed.size:
        is_listed = (days >= listed.min()) & (days <= listed.max())
    return -np.log1p(-yields), is_listed


def _dividers(applied: pl.DataFrame) -> list[Action]:
    return to_actions(deduplicate(applied.filter(pl.col("kind").is_in(PRICE_KINDS))))


def _accepted_days(applied: pl.DataFrame) -> pl.Series:
    return applied.filter(pl.col("kind").is_in(VALUE_KINDS), decided_by="person")["date"]


def _rows(bars: pl.DataFrame, days: pl.Series) -> Ints:
    """The bars on or first after these dates that have a bar before."""
    rows = bars["date"].to_numpy().searchsorted(days.to_numpy())
    return rows[(rows > 0) & (rows < bars.height)]
