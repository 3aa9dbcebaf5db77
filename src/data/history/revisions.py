"""Compare a new delivery with the stored raw rows: what to store, what changed, what is refused."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from src.core.tables import OHLCV
from src.data.sources.delivery import NOISE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from src.data.sources.delivery import Basis

UTC = pl.Datetime("us", "UTC")
REVISIONS = pl.Schema(
    {
        "at": UTC,
        "field": pl.String(),
        "previous_batch_id": pl.Int64(),
        "old_value": pl.Float64(),
        "new_value": pl.Float64(),
        "noise": pl.Boolean(),
    }
)
# Rules by which a row is refused in favour of a stored one, by its outcome.
COMPARISON_RULES = {"emptied": "null_over_value", "older": "older_vintage"}


@dataclass(frozen=True)
class Batch:
    """What a comparison needs to know of a delivery, as stored in ``ingest_batches``."""

    batch_id: int
    price_basis: Basis
    fetched_at: dt.datetime


@dataclass(frozen=True)
class RevisionResult:
    """Rows to store (values and batch), values that changed, and rows that were refused.

    ``rows`` has the key, the fields, ``batch_id`` and ``first_seen``; ``revisions`` the columns
    ``at, field, previous_batch_id, old_value, new_value, noise``; ``rejected`` the delivered row
    with ``rule`` and ``reason``.
    """

    rows: pl.DataFrame
    revisions: pl.DataFrame
    rejected: pl.DataFrame


def revise(
    stored: pl.DataFrame, delivered: pl.DataFrame, *, key: str, batch: Batch
) -> RevisionResult:
    """Compare a delivery with the rows stored under the same source.

    ``stored`` are raw rows of one ticker and source with ``batch_id, first_seen`` and, of their
    batch, ``fetched_at, price_basis``; ``delivered`` has one row per key (``date`` or ``ts``):
    ``line``, the key and the price fields.

    A delivery older than the stored row fills its nulls but never overwrites it, so that any order
    of arrival leaves the same values. A null never overwrites a value on the same basis; a row
    without a close is refused where the stored row has one. Differences below ``NOISE`` leave the
    stored value, but a ``total`` series with any real change is taken whole: its level moved, and
    two vintages must not be spliced.
    """
    fields = [name for name in delivered.columns if name not in ("line", key)]
    if stored.is_empty():
        return _all_new(delivered, key, fields, batch)
    before = stored.select(key, *fields, "batch_id", "first_seen", "fetched_at", "price_basis")
    joined = delivered.join(before, on=key, how="left", suffix="_old", maintain_order="left")
    joined = _classify(_compare(joined, fields, batch), fields, batch)
    return RevisionResult(
        rows=_rows_to_store(joined, key, fields, batch),
        revisions=_revisions(joined, key, fields),
        rejected=_rejected(joined, key, fields),
    )


def _all_new(
    delivered: pl.DataFrame, key: str, fields: Sequence[str], batch: Batch
) -> RevisionResult:
    """The result for a series of which nothing is stored."""
    rows = delivered.select(
        key,
        *fields,
        batch_id=pl.lit(batch.batch_id, dtype=pl.Int64),
        first_seen=pl.lit(batch.fetched_at).cast(UTC),
    )
    rejected = delivered.clear().with_columns(rule=pl.lit(""), reason=pl.lit(""))
    return RevisionResult(rows, pl.DataFrame(schema=REVISIONS), rejected)


def _rejected(joined: pl.DataFrame, key: str, fields: Sequence[str]) -> pl.DataFrame:
    return joined.filter(pl.col("outcome").is_in(list(COMPARISON_RULES))).select(
        "line",
        key,
        *fields,
        rule=pl.col("outcome").replace_strict(COMPARISON_RULES, return_dtype=pl.String),
        reason=pl.format("a later or fuller delivery has close {}", pl.col("close_old")),
    )


def differences(before: pl.DataFrame, after: pl.DataFrame, key: str) -> pl.DataFrame:
    """Values that a rebuild changed in rows that were stored before, as in ``RevisionResult``.

    Both are raw rows of one ticker and source with ``batch_id``; a row that is gone has no values.
    """
    fields = [name for name in (*OHLCV, "adj_close") if name in before.columns]
    joined = before.join(after.select(key, *fields), on=key, how="left", suffix="_new")
    joined = joined.rename({f: f"{f}_old" for f in fields} | {f"{f}_new": f for f in fields})
    noise = joined.with_columns(**{f"{f}_noise": _is_noise(f) for f in fields})
    parts = [
        noise.filter(pl.col(f).ne_missing(pl.col(f"{f}_old"))).select(
            at=_instant(key),
            field=pl.lit(f),
            previous_batch_id=pl.col("batch_id"),
            old_value=pl.col(f"{f}_old"),
            new_value=pl.col(f),
            noise=pl.col(f"{f}_noise"),
        )
        for f in fields
    ]
    return pl.concat(parts)


def _instant(key: str) -> pl.Expr:
    if key == "date":
        return pl.col(key).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return pl.col(key)


def _compare(joined: pl.DataFrame, fields: list[str], batch: Batch) -> pl.DataFrame:
    """Whether each row is stored and on another basis, and what happened to each field."""
    return joined.with_columns(
        stored=pl.col("batch_id").is_not_null(),
        rebased=(pl.col("price_basis") != batch.price_basis).fill_null(value=False),
    ).with_columns(
        **{f"{field}_changed": _is_changed(field) for field in fields},
        **{f"{field}_noise": _is_noise(field) for field in fields},
        **{f"{field}_fills": _is_filling(field) for field in fields},
    )


def _is_changed(field: str) -> pl.Expr:
    """Whether the value differs; a null changes nothing, unless the row's basis changes."""
    has_value = pl.col(field).is_not_null() | pl.col("rebased")
    return has_value & pl.col(field).ne_missing(pl.col(f"{field}_old"))


def _is_filling(field: str) -> pl.Expr:
    is_gap = pl.col("stored") & ~pl.col("rebased") & pl.col(f"{field}_old").is_null()
    return is_gap & pl.col(field).is_not_null()


def _is_noise(field: str) -> pl.Expr:
    new, old = pl.col(field), pl.col(f"{field}_old")
    scale = pl.max_horizontal(new.abs(), old.abs())
    return ((new - old).abs() < NOISE * scale).fill_null(value=False)


def _classify(joined: pl.DataFrame, fields: list[str], batch: Batch) -> pl.DataFrame:
    """The outcome of each row: whether and how it changes the stored one."""
    changed = pl.any_horizontal(f"{f}_changed" for f in fields)
    only_noise = pl.all_horizontal(pl.col(f"{f}_noise") | ~pl.col(f"{f}_changed") for f in fields)
    older = pl.col("fetched_at") > pl.lit(batch.fetched_at).cast(UTC)
    is_emptied = pl.col("stored") & pl.col("close").is_null() & pl.col("close_old").is_not_null()
    brings_close = pl.col("close").is_not_null() & pl.col("close_old").is_null()
    fills = pl.any_horizontal(f"{f}_fills" for f in fields)
    classified = joined.with_columns(
        outcome=pl.when(~pl.col("stored"))
        .then(pl.lit("new"))
        .when(is_emptied)
        .then(pl.lit("emptied"))
        .when(~changed)
        .then(pl.when(older).then(pl.lit("kept")).otherwise(pl.lit("same")))
        .when(older & ~brings_close & fills)
        .then(pl.lit("filled"))
        .when(older & ~brings_close)
        .then(pl.when(only_noise).then(pl.lit("kept")).otherwise(pl.lit("older")))
        .when(only_noise)
        .then(pl.lit("noise"))
        .otherwise(pl.lit("restated"))
    )
    if batch.price_basis == "total" and (classified["outcome"] == "restated").any():
        classified = classified.with_columns(pl.col("outcome").replace("noise", "restated"))
    return classified


def _rows_to_store(joined: pl.DataFrame, key: str, fields: list[str], batch: Batch) -> pl.DataFrame:
    is_replaced = pl.col("outcome").is_in(["new", "restated"])
    fills = pl.col("outcome") == "filled"
    to_store = joined.filter(
        pl.col("outcome").is_in(["new", "restated", "noise", "same", "filled"])
    )
    return to_store.select(
        key,
        *(
            pl.when(
                (is_replaced & (pl.col(f).is_not_null() | pl.col("rebased")))
                | (fills & pl.col(f"{f}_fills"))
            )
            .then(pl.col(f))
            .otherwise(pl.col(f"{f}_old"))
            .alias(f)
            for f in fields
        ),
        # A row that was only filled still belongs to the later batch.
        batch_id=pl.when(fills).then("batch_id").otherwise(pl.lit(batch.batch_id, dtype=pl.Int64)),
        first_seen=pl.col("first_seen").fill_null(pl.lit(batch.fetched_at).cast(UTC)),
    )


def _revisions(joined: pl.DataFrame, key: str, fields: list[str]) -> pl.DataFrame:
    revised = joined.filter(pl.col("outcome").is_in(["restated", "noise", "filled"]))
    if revised.is_empty():
        return pl.DataFrame(schema=REVISIONS)
    is_revised = {
        f: pl.when(pl.col("outcome") == "filled").then(f"{f}_fills").otherwise(f"{f}_changed")
        for f in fields
    }
    parts = [
        revised.filter(is_revised[f]).select(
            at=_instant(key),
            field=pl.lit(f),
            previous_batch_id=pl.col("batch_id"),
            old_value=pl.col(f"{f}_old"),
            new_value=pl.col(f),
            noise=pl.col("outcome") == "noise",
        )
        for f in fields
    ]
    return pl.concat(parts)
