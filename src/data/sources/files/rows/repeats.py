"""Decide which of several rows of one session is its bar, or that none can be told.

A block deal, or a correction, may stand beside the bar of a day without any mark.
"""

from __future__ import annotations

import polars as pl

from src.core.tables import DAILY_VALUES, OHLC

KEY = ("ticker", "key")
# Prices have two decimals; a previous close is that of the session before to the last of them.
_SAME = 0.00501
_SHOWN = 3


def split_repeats(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Keep one row of each ticker and session, where it can be told which is the bar.

    It is the row that agrees with the previous closes (``prev_close``, where the file has it) of
    its neighbours and of its own; or, beside trades at one price inside its range, the one row
    with a range. Of a day that neither decides no row is kept.

    Returns:
        The rows to keep, and the others with ``rule`` (duplicate_identical, duplicate_of_bar or
        duplicate_undecided) and ``reason``.
    """
    single, identical = split_identical(rows)
    repeated = pl.struct(KEY).is_duplicated()
    open_rows = single.filter(repeated)
    if open_rows.is_empty():
        return single, identical
    judged = _judged(single, open_rows)
    bars = judged.filter("is_bar")
    others = judged.filter(~pl.col("is_bar")).select(*rows.columns, "rule", "reason")
    kept = pl.concat([single.filter(~repeated), bars.select(rows.columns)]).sort(
        "line", maintain_order=True
    )
    return kept, pl.concat([identical, others], how="vertical_relaxed")


def split_identical(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Keep the last of the rows of one ticker and session that have the same values."""
    same = [*KEY, *DAILY_VALUES]
    if not rows.select(pl.struct(same).is_duplicated().any()).item():
        return rows, rows.clear().with_columns(rule=pl.lit(""), reason=pl.lit(""))
    last = pl.col("line").last().over(same)
    reason = pl.format("identical to the later data row {}", last)
    earlier = rows.filter(~pl.struct(same).is_last_distinct()).select("line")
    marked = rows.with_columns(rule=pl.lit("duplicate_identical"), reason=reason)
    return rows.unique(same, keep="last", maintain_order=True), marked.join(
        earlier, on="line", how="semi", maintain_order="left"
    )


def _judged(single: pl.DataFrame, open_rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of repeated days with ``is_bar``, and ``rule`` and ``reason`` for all others."""
    scored = open_rows.with_columns(
        score=_agreements(single, open_rows),
        has_range=pl.col("high") > pl.col("low"),
    )
    best = pl.col("score") == pl.col("score").max().over(KEY)
    by_close = best & (pl.col("score") > 0) & (best.sum().over(KEY) == 1)
    scored = scored.with_columns(by_close=by_close, by_range=_only_with_range())
    scored = scored.with_columns(
        is_bar=pl.when(pl.col("by_close").any().over(KEY)).then("by_close").otherwise("by_range")
    )
    decided = pl.col("is_bar").any().over(KEY)
    bar_line = pl.col("line").filter(pl.col("is_bar")).first().over(KEY)
    how = (
        pl.when(pl.col("by_close").any().over(KEY))
        .then(pl.lit("agrees with the previous closes"))
        .otherwise(pl.lit("has the range that these prices lie in"))
    )
    return scored.with_columns(
        rule=pl.when(decided)
        .then(pl.lit("duplicate_of_bar"))
        .otherwise(pl.lit("duplicate_undecided")),
        reason=pl.when(decided)
        .then(pl.format("data row {} of that day {}: it is the bar", bar_line, how))
        .otherwise(_undecided()),
    )


def _agreements(single: pl.DataFrame, open_rows: pl.DataFrame) -> pl.Series:
    """How many of its two neighbours a row's close and previous close agree with."""
    if "prev_close" not in single.columns or single["prev_close"].null_count() == single.height:
        return pl.Series("score", [0], dtype=pl.Int64).new_from_index(0, open_rows.height)
    days = single.group_by(KEY).agg("close", "prev_close").sort(*KEY)
    neighbours = days.select(
        *KEY,
        closes_before=pl.col("close").shift(1).over("ticker"),
        bases_after=pl.col("prev_close").shift(-1).over("ticker"),
    )
    joined = open_rows.with_row_index("row").join(neighbours, on=KEY, how="left")
    agreements = [
        _with_agreement(joined, "prev_close", "closes_before"),
        _with_agreement(joined, "close", "bases_after"),
    ]
    rows = pl.concat(agreements)["row"].value_counts()
    counted = joined.select("row").join(rows, on="row", how="left").sort("row")
    return counted["count"].fill_null(0).cast(pl.Int64)


def _with_agreement(joined: pl.DataFrame, value: str, neighbours: str) -> pl.DataFrame:
    """The rows whose value is one of the neighbouring day's, to the last decimal."""
    pairs = joined.select("row", value, neighbours).explode(neighbours)
    return pairs.filter((pl.col(value) - pl.col(neighbours)).abs() <= _SAME).select("row").unique()


def _only_with_range() -> pl.Expr:
    """The one row of a day with a range, where all others are one price inside it."""
    is_flat = pl.all_horizontal(pl.col(name) == pl.col("close") for name in OHLC)
    has_range = pl.col("has_range").fill_null(value=False)
    low = pl.col("low").filter(has_range).first().over(KEY)
    high = pl.col("high").filter(has_range).first().over(KEY)
    inside = is_flat & pl.col("close").is_between(low, high)
    others_inside = (has_range | inside).all().over(KEY)
    return has_range & (has_range.sum().over(KEY) == 1) & others_inside


def _undecided() -> pl.Expr:
    closes = pl.col("close").cast(pl.String).fill_null("(blank)")
    volumes = pl.col("volume").cast(pl.String).fill_null("(blank)")
    each = pl.format("data row {} (close {}, volume {})", "line", closes, volumes)
    listed = each.head(_SHOWN).str.join(" and ").over(KEY)
    return pl.format("which is the bar of that day cannot be told: {}", listed)
