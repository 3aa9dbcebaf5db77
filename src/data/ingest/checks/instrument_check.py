"""Refuse a delivery that is probably not of its ticker's instrument, before it is stored.

A file of another instrument, once stored under a ticker, would stay in its history for good.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from src.core.calendars.closed_days import are_from_another_exchange, closed_days_message
from src.core.errors import BadInput

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar
    from src.data.sources.delivery import Delivery

# Measured: two vintages of one share have the same daily returns whatever their price basis (median
# difference 0.00 %); those of two shares of NSE over 20 days differ by 0.3 % and more in 9996 of
# 10000 pairs.
COMMON_ROWS, MAX_DIFFERENCE = 20, 0.003
# Fewer rows prove it where each close is on another level, too: what corrects prices leaves some of
# them about where they were, or moves all of them alike.
FEW_ROWS, OTHER_LEVEL = 5, 0.05


def check_sessions(delivery: Delivery, calendar: Calendar) -> None:
    """Refuse daily bars of which too many lie on days when the ticker's exchange was closed.

    Rows without a close and rows before the calendar begins are not counted.

    Raises:
        BadInput: for more than 2 % of the rows, and at least 5.
    """
    if delivery.kind != "daily":
        return
    days = delivery.frame.filter(
        pl.col("close").is_not_null(), pl.col("date") >= calendar.covered_from
    )["date"]
    closed = int((calendar.session_ids(days.to_numpy()) < 0).sum())
    if are_from_another_exchange(closed, days.len()):
        message = closed_days_message(delivery.ticker, closed, days.len())
        raise BadInput(f"{delivery.origin}: {message}")


def check_returns(delivery: Delivery, stored: pl.DataFrame) -> None:
    """Refuse bars whose returns are not those of the bars stored from the same source.

    Levels may differ, as between price bases or before and after a split; returns do not. Compared
    are the closes' returns from each common row to the next.

    Raises:
        BadInput: when the returns of at least 20 common rows differ by more than 0.3 % (median);
            also of at least 5 whose closes all differ by more than 5 %.
    """
    key = delivery.key
    new, old = (
        rows.filter(pl.col("close") > 0).select(key, "close") for rows in (delivery.frame, stored)
    )
    common = new.join(old, on=key, suffix="_old").sort(key)
    ratio = common["close"] / common["close_old"]
    is_elsewhere = ratio.len() >= FEW_ROWS and ((ratio - 1).abs() > OTHER_LEVEL).all()
    if ratio.len() < COMMON_ROWS and not is_elsewhere:
        return
    difference = (ratio / ratio.shift(1) - 1).abs().median()
    if isinstance(difference, float) and difference > MAX_DIFFERENCE:
        raise BadInput(
            f"{delivery.origin}: its returns differ from those stored from {delivery.vendor} by "
            f"{difference:.1%} (median of {common.height} common bars): the file probably belongs "
            f"to another instrument than {delivery.ticker}. Check the file and --ticker, or give "
            "another --vendor."
        )
