"""What a new delivery changes in the raw rows: a frame in, rows and revisions out; pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from src.data.sources.delivery import Basis

# A relative difference below this is floating-point noise between two downloads.
NOISE = 1e-5
PRICES = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class Batch:
    """The delivery that is being compared, as stored in ``ingest_batches``."""

    batch_id: int
    price_basis: Basis
    fetched_at: dt.datetime


@dataclass(frozen=True)
class Revised:
    """Rows to store (values and batch), values that changed, and rows that were refused.

    ``rows`` has the key, the fields, ``batch_id`` and ``first_seen``; ``revisions`` the columns
    ``at, field, previous_batch_id, old_value, new_value, noise``; ``rejected`` the delivered row
    with ``rule`` and ``reason``.
    """

    rows: pl.DataFrame
    revisions: pl.DataFrame
    rejected: pl.DataFrame


def revise(stored: pl.DataFrame, delivered: pl.DataFrame, *, key: str, batch: Batch) -> Revised:
    """Compare a delivery with the rows stored under the same source.

    Args:
        stored: raw rows of one ticker and source with ``batch_id, first_seen`` and, of their
            batch, ``batch_fetched_at`` and ``price_basis``.
        delivered: one row per key: ``line``, the key and the price fields.
        key: ``date`` or ``ts``.
        batch: the delivery's own batch.

    A delivery older than the stored row fills its nulls but never overwrites it, so that any order
    of arrival leaves the same values. A null never
    overwrites a value on the same basis; a row without a close over one that has it is refused.
    Differences below ``NOISE`` leave the stored value, but a ``total`` series with any real
    change is taken whole: its level moved, and two vintages must not be spliced.
    """
    fields = [name for name in delivered.columns if name not in ("line", key)]
    joined = (
        delivered.join(
            stored.select(
                key, *fields, "batch_id", "first_seen", "batch_fetched_at", "price_basis"
            ),
            on=key,
            how="left",
            suffix="_old",
            maintain_order="left",
        )
        .with_columns(
            known=pl.col("batch_id").is_not_null(),
            rebased=(pl.col("price_basis") != batch.price_basis).fill_null(value=False),
        )
        .with_columns(
            **{f"{f}_changed": _is_changed(f) for f in fields},
            **{f"{f}_noise": _is_noise(f) for f in fields},
            **{f"{f}_fills": _is_filling(f) for f in fields},
        )
    )
    joined = _classified(joined, fields, batch)
    return Revised(
        rows=_rows(joined, key, fields, batch),
        revisions=_revisions(joined, key, fields),
        rejected=joined.filter(pl.col("fate").is_in(["emptied", "older"])).select(
            "line",
            key,
            *fields,
            rule=pl.col("fate").replace_strict(
                {"emptied": "null_over_value", "older": "older_vintage"}
            ),
            reason=pl.format("a later or fuller fetch holds close {}", pl.col("close_old")),
        ),
    )


def _is_changed(field: str) -> pl.Expr:
    """Another value; a null is none and changes nothing, unless the row's basis changes."""
    said = pl.col(field).is_not_null() | pl.col("rebased")
    return said & pl.col(field).ne_missing(pl.col(f"{field}_old"))


def _is_filling(field: str) -> pl.Expr:
    hole = pl.col("known") & ~pl.col("rebased") & pl.col(f"{field}_old").is_null()
    return hole & pl.col(field).is_not_null()


def _is_noise(field: str) -> pl.Expr:
    new, old = pl.col(field), pl.col(f"{field}_old")
    scale = pl.max_horizontal(new.abs(), old.abs())
    return ((new - old).abs() < NOISE * scale).fill_null(value=False)


def _classified(joined: pl.DataFrame, fields: list[str], batch: Batch) -> pl.DataFrame:
    changed = pl.any_horizontal(f"{f}_changed" for f in fields)
    only_noise = pl.all_horizontal(pl.col(f"{f}_noise") | ~pl.col(f"{f}_changed") for f in fields)
    older = pl.col("batch_fetched_at") > pl.lit(batch.fetched_at).cast(pl.Datetime("us", "UTC"))
    emptied = pl.col("known") & pl.col("close").is_null() & pl.col("close_old").is_not_null()
    whole = pl.col("close").is_not_null() & pl.col("close_old").is_null()
    fills = pl.any_horizontal(f"{f}_fills" for f in fields)
    fated = joined.with_columns(
        fate=pl.when(~pl.col("known"))
        .then(pl.lit("new"))
        .when(emptied)
        .then(pl.lit("emptied"))
        .when(~changed)
        .then(pl.when(older).then(pl.lit("kept")).otherwise(pl.lit("same")))
        .when(older & ~whole & fills)
        .then(pl.lit("filled"))
        .when(older & ~whole)
        .then(pl.when(only_noise).then(pl.lit("kept")).otherwise(pl.lit("older")))
        .when(only_noise)
        .then(pl.lit("noise"))
        .otherwise(pl.lit("restated"))
    )
    if batch.price_basis == "total" and (fated["fate"] == "restated").any():
        fated = fated.with_columns(pl.col("fate").replace("noise", "restated"))
    return fated


def _rows(joined: pl.DataFrame, key: str, fields: list[str], batch: Batch) -> pl.DataFrame:
    takes_new = pl.col("fate").is_in(["new", "restated"])
    fills = pl.col("fate") == "filled"
    stored_now = joined.filter(pl.col("fate").is_in(["new", "restated", "noise", "same", "filled"]))
    return stored_now.select(
        key,
        *(
            pl.when(
                (takes_new & (pl.col(f).is_not_null() | pl.col("rebased")))
                | (fills & pl.col(f"{f}_fills"))
            )
            .then(pl.col(f))
            .otherwise(pl.col(f"{f}_old"))
            .alias(f)
            for f in fields
        ),
        # A row that was only filled is still as the later fetch has it.
        batch_id=pl.when(fills).then("batch_id").otherwise(pl.lit(batch.batch_id, dtype=pl.Int64)),
        first_seen=pl.col("first_seen").fill_null(
            pl.lit(batch.fetched_at).cast(pl.Datetime("us", "UTC"))
        ),
    )


def _revisions(joined: pl.DataFrame, key: str, fields: list[str]) -> pl.DataFrame:
    touched = joined.filter(pl.col("fate").is_in(["restated", "noise", "filled"]))
    told = {
        f: pl.when(pl.col("fate") == "filled").then(f"{f}_fills").otherwise(f"{f}_changed")
        for f in fields
    }
    parts = [
        touched.filter(told[f]).select(
            at=pl.col(key).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
            if key == "date"
            else pl.col(key),
            field=pl.lit(f),
            previous_batch_id=pl.col("batch_id"),
            old_value=pl.col(f"{f}_old"),
            new_value=pl.col(f),
            noise=pl.col("fate") == "noise",
        )
        for f in fields
    ]
    return pl.concat(parts)
