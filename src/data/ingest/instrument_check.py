"""Whether a delivery is of the instrument that its ticker names: refused before it is stored; pure.

A foreign file under a ticker would stay in its history for good.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from src.core.calendars.exchanges import exchange_of
from src.core.errors import BadInput

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar
    from src.data.sources.delivery import Delivery

# Measured: genuine files have up to 1.15 % of their rows on days when NSE was closed, those of
# other exchanges 4.5 % and more.
CLOSED_SHARE, CLOSED_ROWS = 0.02, 5
# Measured: two vintages of one share move alike whatever their price basis (median difference of
# daily moves 0.00 %); two shares of NSE over 20 days differ by 0.3 % and more in 9996 of 10000.
COMMON_ROWS, APART = 20, 0.003


def check_sessions(delivery: Delivery, calendar: Calendar) -> None:
    """Refuse daily bars of which too many lie on days when the ticker's exchange was closed.

    Rows without a close and rows before the calendar begins tell nothing.

    Raises:
        BadInput: for more than 2 % of the rows, and at least 5.
    """
    if delivery.kind != "daily":
        return
    days = delivery.frame.filter(
        pl.col("close").is_not_null(), pl.col("date") >= calendar.covered_from
    )["date"]
    closed = int((calendar.session_ids(days.to_numpy().astype("datetime64[D]")) < 0).sum())
    if closed < CLOSED_ROWS or closed <= CLOSED_SHARE * days.len():
        return
    raise BadInput(
        f"{delivery.origin}: {closed} of {days.len()} rows ({closed / days.len():.1%}) lie on days "
        f"when {exchange_of(delivery.ticker).name} was closed: these look like another exchange's "
        f"prices and not {delivery.ticker}'s; check the file and --ticker."
    )


def check_moves(delivery: Delivery, stored: pl.DataFrame, key: str) -> None:
    """Refuse bars that do not move as those stored from the same source do.

    Levels may differ, as between price bases or before and after a split; moves do not. Compared
    are the closes' moves from each common row to the next.

    Args:
        delivery: what came.
        stored: raw rows of the same ticker and source.
        key: ``date`` or ``ts``.

    Raises:
        BadInput: when the moves of at least 20 common rows differ by more than 0.3 % (median).
    """
    priced = (rows.filter(pl.col("close") > 0) for rows in (delivery.frame, stored))
    new, old = (rows.select(key, "close") for rows in priced)
    common = new.join(old, on=key, suffix="_old").sort(key)
    if common.height < COMMON_ROWS:
        return
    ratio = common["close"] / common["close_old"]
    apart = (ratio / ratio.shift(1) - 1).abs().median()
    if isinstance(apart, float) and apart > APART:
        raise BadInput(
            f"{delivery.origin}: on {common.height} days that are stored from {delivery.vendor} "
            f"its closes move otherwise (by {apart:.1%} a row): it looks like another instrument "
            f"than {delivery.ticker}; check the file and --ticker, or name another --vendor."
        )
