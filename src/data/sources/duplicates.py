"""Keep the last of several rows with one key, and hash what a delivery contains."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from src.data.sources.delivery import Kind

REJECTED = {
    "line": pl.Int64,
    "at": pl.String,
    "rule": pl.String,
    "reason": pl.String,
    "row": pl.String,
}


def split_duplicates(
    rows: pl.DataFrame, key: Sequence[str], values: Sequence[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Separate all rows of a repeated key but the last, which counts as the source's correction.

    ``rows`` have their number in ``line``; rows of one ``key`` may differ in ``values``.

    Returns:
        The rows to keep, and the earlier ones with ``rule`` (duplicate_identical or
        duplicate_conflicting) and ``reason``.
    """
    if _rises(rows[key[-1]]) or not rows.select(key).is_duplicated().any():
        return rows, rows.clear().with_columns(rule=pl.lit(""), reason=pl.lit(""))
    # A line has two rows of one key where its columns name one ticker in two spellings.
    marked = rows.with_columns(
        pl.col("line", *values).last().over(key).name.prefix("last_"),
        is_last=pl.int_range(pl.len()).over(key) == pl.len().over(key) - 1,
    )
    is_earlier = ~pl.col("is_last")
    differences = pl.concat_str(
        [_difference(name) for name in values], separator=", ", ignore_nulls=True
    )
    same = pl.col("differences") == ""
    conflicting = pl.format("the later data row {} has {}", "last_line", "differences")
    earlier = (
        marked.filter(is_earlier)
        .with_columns(differences=differences)
        .with_columns(
            rule=pl.when(same)
            .then(pl.lit("duplicate_identical"))
            .otherwise(pl.lit("duplicate_conflicting")),
            reason=pl.when(same)
            .then(pl.format("identical to the later data row {}", "last_line"))
            .otherwise(conflicting),
        )
    )
    return marked.filter(~is_earlier).select(rows.columns), earlier.select(
        *rows.columns, "rule", "reason"
    )


def _rises(column: pl.Series) -> bool:
    """Whether each value is above the one before, so that no two rows have one key."""
    if column.null_count():
        return False
    values = column.to_numpy()
    return bool((values[1:] > values[:-1]).all())


def _difference(name: str) -> pl.Expr:
    """Both values of a field where they differ, else null."""
    here, later = pl.col(name), pl.col(f"last_{name}")
    texts = [value.cast(pl.String).fill_null("(blank)") for value in (later, here)]
    return pl.when(here.ne_missing(later)).then(
        pl.format("{} {} instead of {}", pl.lit(name), *texts)
    )


def keep_last(frame: pl.DataFrame, key: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The bars with one row a key, and the earlier rows as ``Delivery.rejected`` has them."""
    fields = [name for name in frame.columns if name != "line"]
    kept, earlier = split_duplicates(frame, [key], [name for name in fields if name != key])
    rejected = [
        {
            **{name: row[name] for name in ("line", "rule", "reason")},
            "at": row[key].isoformat(),
            "row": json.dumps({name: row[name] for name in fields}, default=str),
        }
        for row in earlier.rows(named=True)
    ]
    return kept, pl.DataFrame(rejected, schema=REJECTED)


def content_hash(ticker: str, kind: Kind, frame: pl.DataFrame) -> str:
    """SHA-256 of the rows as text: the same on every machine and for every polars version."""
    rows = json.dumps(frame.rows(), default=str, separators=(",", ":"))
    head = json.dumps([ticker, kind, frame.columns])
    return hashlib.sha256(f"{head}\n{rows}".encode()).hexdigest()
