"""Which of two deliveries of one series is the newer, and what a newer one would replace; pure.

Two vintages of a ``total`` series, or of two price bases, stand on different levels and cannot be
spliced: the newer one replaces the older as a whole. So their order must be right.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from src.core.errors import BadInput
from src.data.sources.base import Delivery

if TYPE_CHECKING:
    from src.core.sessions import Calendar

# A vintage that covers less than this share of the one before is a part, not a new whole.
PART = 0.5


@dataclass(frozen=True)
class Ordered:
    """The delivery with its place among the vintages, and what a person should know of it."""

    delivery: Delivery
    warnings: tuple[str, ...] = ()


def in_order(delivery: Delivery, stored: pl.DataFrame, key: str) -> Ordered:
    """Place a delivery that would replace a series.

    One whose time is not stated and that ends earlier than the series is an older vintage.

    Args:
        delivery: what came.
        stored: raw rows of the same source with ``price_basis, batch_id, batch_fetched_at``.
        key: ``date`` or ``ts``.

    Raises:
        BadInput: when it would replace a series by a part of it, and its time is not stated.
    """
    series = _in_force(stored)
    if delivery.fetched_at_stated or series.is_empty() or not _replaces(delivery, series):
        return Ordered(delivery)
    ends, ended = _last_day(delivery.frame, key), _last_day(series, key)
    if ends < ended:
        return _older(delivery, series, f"it ends {ends}, the stored prices {ended}")
    lost = series.join(delivery.frame, on=key, how="anti").height
    if not lost:
        return Ordered(delivery)
    if lost > PART * series.height and delivery.price_basis == series["price_basis"][0]:
        raise BadInput(
            f"{delivery.origin}: it would replace {series.height} dividend-adjusted rows of "
            f"{delivery.ticker} by {delivery.frame.height}: bring the whole series, or say "
            "--fetched-at TIME to replace them all the same."
        )
    said = (
        f"{delivery.ticker}: {lost} earlier rows from {delivery.vendor} stand on another price "
        "level than the new ones and are left out of the clean prices (--vendor keeps both)."
    )
    return Ordered(delivery, (said,))


def brings_the_last_session(
    delivery: Delivery, fetched_before: dt.datetime, calendar: Calendar
) -> bool:
    """Whether the same content, fetched later, has its last bar whole at last."""
    last = delivery.frame["date"].max() if "date" in delivery.frame.columns else None
    if not isinstance(last, dt.date):
        return False
    return calendar.last_closed(fetched_before) < last <= calendar.last_closed(delivery.fetched_at)


def _last_day(rows: pl.DataFrame, key: str) -> dt.date:
    last = rows[key].dt.date().max()
    return last if isinstance(last, dt.date) else dt.date.min


def _in_force(stored: pl.DataFrame) -> pl.DataFrame:
    if stored.is_empty():
        return stored
    newest = stored.sort("batch_fetched_at", "batch_id").row(-1, named=True)
    same = stored.filter(price_basis=newest["price_basis"])
    is_total = newest["price_basis"] == "total"
    return same.filter(batch_id=newest["batch_id"]) if is_total else same


def _replaces(delivery: Delivery, series: pl.DataFrame) -> bool:
    return delivery.price_basis == "total" or delivery.price_basis != series["price_basis"][0]


def _older(delivery: Delivery, series: pl.DataFrame, why: str) -> Ordered:
    before: dt.datetime = series["batch_fetched_at"].min()  # type: ignore[assignment]
    said = (
        f"{delivery.origin} was taken for an older vintage of {delivery.ticker}, since {why}: say "
        "--fetched-at TIME if it is not."
    )
    placed = min(before - dt.timedelta(microseconds=1), delivery.fetched_at)
    return Ordered(replace(delivery, fetched_at=placed, notes=(*delivery.notes, said)), (said,))
