"""Which of two deliveries of one series is the newer, and what a newer one would replace; pure.

Two vintages of a ``total`` series, or of two price bases, stand on different levels and cannot be
spliced: the newer one replaces the older as a whole. So their order must be right. Split-adjusted
deliveries go on with one another until a split restates history: then a part is no help.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from src.core.errors import BadInput
from src.data.sources.delivery import Delivery

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar

# A vintage that covers less than this share of the one before is a part, not a new whole.
PART = 0.5
# A stated delivery may lack as many of the replaced rows before that is worth a warning.
FEW = 5
# Of so many of the first common rows, so many with one factor tell that history was restated; the
# last ones may be a partial bar, or come from after the split.
FIRST, ENOUGH = 5, 3
# Factors are one within this (relative), or within a share of the step that rounded prices blur.
EQUAL, BLUR = 1e-4, 0.01


@dataclass(frozen=True)
class Ordered:
    """The delivery with its place among the vintages, and what a person should know of it."""

    delivery: Delivery
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Restated:
    """How a delivery's values differ from those stored: ``factor`` times, on ``days`` rows."""

    field: str
    factor: float
    days: int


def in_order(delivery: Delivery, stored: pl.DataFrame, key: str) -> Ordered:
    """Place a delivery that would replace a series, or that restates it.

    One whose time is not stated and that ends earlier than the series is an older vintage.

    Args:
        delivery: what came.
        stored: raw rows of the same source with ``price_basis, batch_id, batch_fetched_at``.
        key: ``date`` or ``ts``.

    Raises:
        BadInput: when it would replace a series by a part of it, and its time is not stated; or
            when it would leave rows of a restated series beside it on another level.
    """
    series = _in_force(stored)
    if series.is_empty():
        return Ordered(delivery)
    if not _replaces(delivery, series):
        return _continued(delivery, series, key)
    if delivery.fetched_at_stated:
        return Ordered(delivery, _lost_by(delivery, series, key))
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


def restated_by(frame: pl.DataFrame, series: pl.DataFrame) -> Restated | None:
    """By which one factor the first common closes, or adjusted closes, differ; None when by none.

    Args:
        frame: daily bars that came.
        series: those stored, on the same price basis.
    """
    common = frame.join(series, on="date", suffix="_old").sort("date")
    for field in ("close", "adj_close"):
        ratios = common.select(ratio=pl.col(field) / pl.col(f"{field}_old"))["ratio"].drop_nulls()
        ratios = ratios.filter(ratios.is_finite())
        factor = ratios.head(FIRST).median()
        if not isinstance(factor, float) or abs(factor - 1) <= EQUAL:
            continue
        alike = (ratios - factor).abs() <= max(EQUAL * factor, BLUR * abs(factor - 1))
        if alike.head(FIRST).sum() >= ENOUGH:
            return Restated(field, factor, int(alike.sum()))
    return None


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


def _continued(delivery: Delivery, series: pl.DataFrame, key: str) -> Ordered:
    """A delivery beside rows on the same basis; hourly bars are read only around each session."""
    restated = restated_by(delivery.frame, series) if key == "date" else None
    if restated is None:
        return Ordered(delivery)
    ends, ended = _last_day(delivery.frame, key), _last_day(series, key)
    ordered = Ordered(delivery)
    if ends < ended and not delivery.fetched_at_stated:
        ordered = _older(delivery, series, f"it ends {ends}, the stored prices {ended}")
    _refuse_splice(ordered.delivery, series, restated)
    return ordered


def _refuse_splice(delivery: Delivery, series: pl.DataFrame, restated: Restated) -> None:
    """Rows of the older of two vintages before the first row of the newer would stay beside it."""
    rows = (delivery.frame, series) if _is_older(delivery, series) else (series, delivery.frame)
    first: dt.date = rows[1]["date"].min()  # type: ignore[assignment]
    left = rows[0].filter(pl.col("date") < first).height
    if left:
        name = {"close": "closes", "adj_close": "adjusted closes"}[restated.field]
        raise BadInput(
            f"{delivery.origin}: its {name} are {restated.factor:.6g} times those stored from "
            f"{delivery.vendor} on {restated.days} days, so history was restated, and {left} rows "
            f"before {first} would stay on another level: bring the whole series of "
            f"{delivery.ticker} in one file."
        )


def _is_older(delivery: Delivery, series: pl.DataFrame) -> bool:
    newest: dt.datetime = series["batch_fetched_at"].max()  # type: ignore[assignment]
    return delivery.fetched_at < newest


def _lost_by(delivery: Delivery, series: pl.DataFrame, key: str) -> tuple[str, ...]:
    """What a stated delivery leaves out of the series that it replaces, when it is much."""
    lost = series.join(delivery.frame, on=key, how="anti").height
    if lost <= FEW or _is_older(delivery, series):
        return ()
    return (
        f"{delivery.ticker}: {delivery.origin} brings {delivery.frame.height} rows that replace "
        f"{series.height} from {delivery.vendor}, on another price level: {lost} of these are not "
        "in it and are left out of the clean prices (--vendor keeps both).",
    )


def _older(delivery: Delivery, series: pl.DataFrame, why: str) -> Ordered:
    before: dt.datetime = series["batch_fetched_at"].min()  # type: ignore[assignment]
    said = (
        f"{delivery.origin} was taken for an older vintage of {delivery.ticker}, since {why}: say "
        "--fetched-at TIME if it is not."
    )
    placed = min(before - dt.timedelta(microseconds=1), delivery.fetched_at)
    return Ordered(replace(delivery, fetched_at=placed, notes=(*delivery.notes, said)), (said,))
