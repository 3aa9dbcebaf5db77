"""Say which jump in the prices of an ex-date the actions of a ledger leave."""

from __future__ import annotations

import datetime as dt
from math import log, prod

import numpy as np
import polars as pl

from src.data.corporate_actions.adjust import divisors_after
from src.data.corporate_actions.ledger import active_actions
from src.data.corporate_actions.price_checks.jumps import (
    JUMP_DOWN,
    JUMP_UP,
    LEAST_JUMP,
    is_ordinary,
)


def jump_left(bars: pl.DataFrame, ledger: pl.DataFrame, day: dt.date) -> str | None:
    """What is left of the move across that date, as ``opens -34.1% and closes -30.2%``.

    None where it is an ordinary move, where adjusted prices show no jump, and where no prices are
    on both sides of the date. ``bars`` are the raw ones of one source, in date order: date, open,
    close, price_basis.
    """
    row = int(bars["date"].search_sorted(day))
    if not 0 < row < bars.height or bars["price_basis"][row - 1] != bars["price_basis"][row]:
        return None
    before, opened, closed = bars["close"][row - 1], bars["open"][row], bars["close"][row]
    if bars["price_basis"][row] != "unadjusted" and not _is_jump(opened / before, closed / before):
        return None
    expected = _expected(before, bars["date"][row - 1], bars["date"][row], ledger)
    left = opened / expected, closed / expected
    if is_ordinary(*left) or not (_is_jump(*left) or _is_jump(opened / before, closed / before)):
        return None
    return f"opens {left[0] - 1:+.1%} and closes {left[1] - 1:+.1%}"


def _expected(close: float, previous: dt.date, day: dt.date, ledger: pl.DataFrame) -> float:
    """What a close becomes by the actions after its day, up to another.

    Amounts that it does not have are left out: they are refused elsewhere, and hide no jump.
    """
    between = [action for action in active_actions(ledger) if previous < action.date <= day]
    evenings = np.array([action.date for action in between], dtype="datetime64[D]") - 1
    cash = np.array([action.cash for action in between]) / divisors_after(evenings, between)
    whole, paid = close / prod(action.divisor for action in between), float(cash.sum())
    return whole - paid if paid < whole else whole


def _is_jump(opened: float, closed: float) -> bool:
    is_gap = min(abs(log(opened)), abs(log(closed))) > LEAST_JUMP
    return is_gap or not JUMP_DOWN <= closed <= JUMP_UP
