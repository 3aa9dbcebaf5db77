"""Decide whether a delivery is newer or older than the stored series, and what it would replace.

Two vintages of a ``total`` series, or of two price bases, are on different price levels and cannot
be spliced: the newer one replaces the older as a whole. So their order must be right.
Split-adjusted deliveries continue one another until a split restates history: then a part cannot be
added.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from src.core.errors import BadInput
from src.data.history.vintage import is_newest_vintage
from src.data.sources.delivery import Delivery

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar

# A delivery that leaves out more than this share of a series is a part of it, not a new whole.
MAX_LOST_SHARE = 0.5
# A delivery with a stated time may leave out as many of the replaced rows without a warning.
FEW_ROWS = 5
# History was restated when so many of the first common rows share one factor; the last ones may
# be a partial bar, or come from after the split.
FIRST_ROWS, MIN_ALIKE = 5, 3
# Factors are equal within this (relative), or within a share of the step that rounded prices blur.
EQUAL, BLUR = 1e-4, 0.01
HOUR = dt.timedelta(hours=1)


@dataclass(frozen=True)
class PlacedDelivery:
    """The delivery with its place among the vintages, and warnings about it."""

    delivery: Delivery
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Restatement:
    """How a delivery's values differ from those stored: ``factor`` times, on ``days`` rows."""

    field: str
    factor: float
    days: int


def place_delivery(delivery: Delivery, stored: pl.DataFrame) -> PlacedDelivery:
    """Place a delivery that would replace a series, or that restates it.

    One whose time is not stated and that ends earlier than the series is an older vintage.
    ``stored`` are raw rows of the same source with ``price_basis, batch_id, fetched_at``.

    Raises:
        BadInput: when it would replace a series by a part of it, and its time is not stated; or
            when it would leave rows of a restated series beside it on another level.
    """
    if stored.is_empty():
        return PlacedDelivery(delivery)
    series = stored.filter(is_newest_vintage())
    if delivery.price_basis != "total" and not _changes_basis(delivery, series):
        return _placed_beside(delivery, series)
    if delivery.fetched_at_stated:
        return PlacedDelivery(delivery, _large_loss(delivery, series))
    if _ends_earlier(delivery, series):
        return _placed_before(delivery, series)
    lost = _lost_rows(delivery, series)
    if not lost:
        return PlacedDelivery(delivery)
    if lost > MAX_LOST_SHARE * series.height and not _changes_basis(delivery, series):
        raise BadInput(
            f"{delivery.origin}: it would replace {series.height} dividend-adjusted rows of "
            f"{delivery.ticker} by {delivery.frame.height}. Give the whole series, or add "
            "--fetched-at TIME to replace them anyway."
        )
    warning = (
        f"{delivery.ticker}: {lost} earlier rows from {delivery.vendor} are on another price "
        "level than the new ones and are left out of the clean prices (another --vendor keeps "
        "both)."
    )
    return PlacedDelivery(delivery, (warning,))


def find_restatement(frame: pl.DataFrame, series: pl.DataFrame) -> Restatement | None:
    """The one factor by which the first common closes, or adjusted closes, differ, if there is one.

    Both are daily bars on the same price basis, the delivered and the stored ones.
    """
    common = frame.join(series, on="date", suffix="_old").sort("date")
    for field in ("close", "adj_close"):
        ratios = common.select(ratio=pl.col(field) / pl.col(f"{field}_old"))["ratio"].drop_nulls()
        ratios = ratios.filter(ratios.is_finite())
        factor = ratios.head(FIRST_ROWS).median()
        if not isinstance(factor, float) or abs(factor - 1) <= EQUAL:
            continue
        alike = (ratios - factor).abs() <= max(EQUAL * factor, BLUR * abs(factor - 1))
        if alike.head(FIRST_ROWS).sum() >= MIN_ALIKE:
            return Restatement(field, factor, int(alike.sum()))
    return None


def completes_last_bar(delivery: Delivery, fetched_before: dt.datetime, calendar: Calendar) -> bool:
    """Whether the last bar was partial when the same content was fetched before, but is not now."""
    last = delivery.frame[delivery.key].max()
    if isinstance(last, dt.datetime):
        return fetched_before < last + HOUR <= delivery.fetched_at
    if not isinstance(last, dt.date):
        return False
    return calendar.last_closed(fetched_before) < last <= calendar.last_closed(delivery.fetched_at)


def _changes_basis(delivery: Delivery, series: pl.DataFrame) -> bool:
    return bool(delivery.price_basis != series["price_basis"][0])


def _last_day(rows: pl.DataFrame, key: str) -> dt.date:
    last = rows[key].dt.date().max()
    return last if isinstance(last, dt.date) else dt.date.min


def _ends_earlier(delivery: Delivery, series: pl.DataFrame) -> bool:
    return _last_day(delivery.frame, delivery.key) < _last_day(series, delivery.key)


def _lost_rows(delivery: Delivery, series: pl.DataFrame) -> int:
    return series.join(delivery.frame, on=delivery.key, how="anti").height


def _placed_beside(delivery: Delivery, series: pl.DataFrame) -> PlacedDelivery:
    """A delivery beside rows on the same basis; hourly bars are read only around each session."""
    restatement = find_restatement(delivery.frame, series) if delivery.kind == "daily" else None
    placed = PlacedDelivery(delivery)
    if restatement is None:
        return placed
    if _ends_earlier(delivery, series) and not delivery.fetched_at_stated:
        placed = _placed_before(delivery, series)
    _refuse_splice(placed.delivery, series, restatement)
    return placed


def _refuse_splice(delivery: Delivery, series: pl.DataFrame, restatement: Restatement) -> None:
    """Refuse if rows of the older vintage, before the first row of the newer, would remain."""
    rows = (delivery.frame, series) if _is_older(delivery, series) else (series, delivery.frame)
    first: dt.date = rows[1]["date"].min()  # type: ignore[assignment]
    left = rows[0].filter(pl.col("date") < first).height
    if left:
        name = {"close": "closes", "adj_close": "adjusted closes"}[restatement.field]
        raise BadInput(
            f"{delivery.origin}: its {name} are {restatement.factor:.6g} times those stored from "
            f"{delivery.vendor} on {restatement.days} days, so history was restated, and {left} "
            f"rows before {first} would remain on another price level. Give the whole series of "
            f"{delivery.ticker} in one file."
        )


def _is_older(delivery: Delivery, series: pl.DataFrame) -> bool:
    newest: dt.datetime = series["fetched_at"].max()  # type: ignore[assignment]
    return delivery.fetched_at < newest


def _large_loss(delivery: Delivery, series: pl.DataFrame) -> tuple[str, ...]:
    """A warning when a delivery with a stated time leaves out much of the series it replaces."""
    lost = _lost_rows(delivery, series)
    if lost <= FEW_ROWS or _is_older(delivery, series):
        return ()
    return (
        f"{delivery.ticker}: {delivery.origin} has {delivery.frame.height} rows that replace "
        f"{series.height} from {delivery.vendor} on another price level: {lost} of these are not "
        "in it and are left out of the clean prices (another --vendor keeps both).",
    )


def _placed_before(delivery: Delivery, series: pl.DataFrame) -> PlacedDelivery:
    """The delivery dated just before the series, as it ends earlier, and a warning of that."""
    first_fetch: dt.datetime = series["fetched_at"].min()  # type: ignore[assignment]
    ends, series_ends = _last_day(delivery.frame, delivery.key), _last_day(series, delivery.key)
    warning = (
        f"{delivery.origin} was taken as an older vintage of {delivery.ticker}, because it ends on "
        f"{ends} and the stored prices on {series_ends}: give --fetched-at TIME if that is wrong."
    )
    fetched_at = min(first_fetch - dt.timedelta(microseconds=1), delivery.fetched_at)
    dated = replace(delivery, fetched_at=fetched_at, notes=(*delivery.notes, warning))
    return PlacedDelivery(dated, (warning,))
