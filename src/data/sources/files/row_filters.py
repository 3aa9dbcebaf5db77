"""Rows: cells and their layout come in; rows to keep and rows to reject, by named rules, go out.

Nothing is lost on the way: each step splits its rows into those that go on and those rejected.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl

from src.core.errors import BadInput, UsageError
from src.core.tickers import normalise_ticker
from src.data.sources.files.fields import nse_series
from src.data.sources.files.fields.actions import nonzero
from src.data.sources.files.fields.dates import too_many
from src.data.sources.files.fields.numbers import read_numbers
from src.data.sources.files.layouts import VALUES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from src.data.sources.files.layouts import Layout

REJECTED = {
    "ticker": pl.String,
    "line": pl.Int64,
    "at": pl.String,
    "rule": pl.String,
    "reason": pl.String,
    "key": pl.Null,
}
# A few broken rows are set aside in a file of any size; more than these say it is the file.
_FEW = 5
# Copies of one instrument repeat a few days; from half on it is several without a symbol.
_CONFLICTING_DAYS = 0.5

Split = tuple[pl.DataFrame, pl.DataFrame]


def symbols_inside(layout: Layout, cells: pl.DataFrame, suffix: str) -> dict[str, str]:
    """The tickers that the file states, by how it writes them."""
    if layout.symbol is not None:
        written = cells[f"c{layout.symbol}"].drop_nulls().unique(maintain_order=True).to_list()
    else:
        written = [text for text in layout.values if text is not None]
    return {text: ticker for text in written if (ticker := _ticker(text, suffix))}


def _ticker(text: str, suffix: str) -> str | None:
    try:
        return normalise_ticker(text, suffix)
    except UsageError:
        return None


def long_rows(
    layout: Layout, cells: pl.DataFrame, inside: dict[str, str], chosen: Sequence[str]
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """One row per ticker and line of the file, all text, for the chosen tickers; and notes.

    A row whose symbol cannot be read has a null ticker.
    """
    if None in layout.values:
        rows = _select(layout, cells, None)
        if rows["symbol"].null_count() < rows.height:
            return _by_symbol(rows, inside, chosen)
        return rows.with_columns(ticker=pl.lit(chosen[0])), ()
    wide = [(text, inside[text]) for text in layout.values if text and inside.get(text) in chosen]
    frames = [_select(layout, cells, text).with_columns(ticker=pl.lit(t)) for text, t in wide]
    rows = pl.concat(frames)
    if len(layout.values) == 1:
        return rows, ()
    # Tickers side by side share the dates of all: a row without any value is not this ticker's.
    says = [pl.col(VALUES).is_not_null(), *map(nonzero, layout.action_names)]
    own = rows.filter(pl.any_horizontal(says))
    left_out = rows.height - own.height
    return own, (f"{left_out} rows of other tickers' dates left out",) if left_out else ()


def _by_symbol(
    rows: pl.DataFrame, inside: dict[str, str], chosen: Sequence[str]
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    ticker = pl.col("symbol").replace_strict(inside, default=None, return_dtype=pl.String)
    named = rows.with_columns(ticker=ticker)
    own = named.filter(pl.col("ticker").is_null() | pl.col("ticker").is_in(list(chosen)))
    left_out = named.height - own.height
    return own, (f"{left_out} rows of other symbols left out",) if left_out else ()


def _select(layout: Layout, cells: pl.DataFrame, ticker: str | None) -> pl.DataFrame:
    columns = layout.values[ticker]
    values = [
        pl.col(f"c{columns[name]}").alias(name)
        if name in columns
        else pl.lit(None, dtype=pl.String).alias(name)
        for name in VALUES
    ]
    own = layout.actions.get(ticker, {})
    actions = [_optional(own.get(name)).alias(name) for name in layout.action_names]
    written = pl.concat_str([f"c{column}" for column in layout.dates], separator=" ")
    return cells.select(
        "line",
        "file_line",
        "torn",
        *values,
        *actions,
        at=written,
        symbol=_optional(layout.symbol),
        series=_optional(layout.series).str.to_uppercase(),
    )


def _optional(column: int | None) -> pl.Expr:
    return pl.lit(None, dtype=pl.String) if column is None else pl.col(f"c{column}")


def split_torn(rows: pl.DataFrame) -> Split:
    """Sets aside rows with more or fewer cells than the header: their values may be shifted."""
    reason = pl.lit("the line has more or fewer cells than the header")
    good, bad = _split(rows, pl.col("torn").is_not_null(), "wrong_cell_count", reason)
    _refuse_if_many(bad, rows, "have more or fewer cells than the header: save it again")
    return good, bad


def split_unnamed(rows: pl.DataFrame, chosen: Sequence[str]) -> Split:
    """Sets aside rows whose symbol is no ticker, under the first ticker taken from the file."""
    symbol = pl.col("symbol").fill_null("")
    reason = pl.format("the symbol '{}' is no ticker", symbol)
    good, bad = _split(rows, pl.col("ticker").is_null(), "unreadable_symbol", reason)
    _refuse_if_many(bad, rows, "have a symbol that is no ticker: correct them")
    return good, bad.with_columns(ticker=pl.lit(chosen[0]))


def split_undated(rows: pl.DataFrame) -> Split:
    """Sets aside rows without a readable date; how many may be is decided with the dates."""
    why = pl.when("far").then(pl.lit("lies outside the years")).otherwise(pl.lit("cannot be read"))
    reason = pl.format("the date '{}' {}", pl.col("at").fill_null(""), why)
    good, bad = _split(rows, pl.col("key").is_null(), "unreadable_date", reason)
    return good.drop("far"), bad


def split_numberless(rows: pl.DataFrame) -> Split:
    """Reads the numbers, and sets aside rows with a cell that is neither a number nor blank."""
    read, wrong = read_numbers(rows, list(VALUES))
    reason = pl.format("{} is no number", pl.col("wrong"))
    bad = pl.col("wrong").is_not_null()
    good, bad_rows = _split(read.with_columns(wrong), bad, "unreadable_number", reason)
    if too_many(bad_rows.height, rows.height, _FEW) and bad_rows.height:
        first = bad_rows.row(0, named=True)
        raise BadInput(
            f"{bad_rows.height} of {rows.height} rows hold text where a number belongs (first: "
            f"{first['reason']}, data row {first['line']}): correct the columns."
        )
    return good.drop("wrong"), bad_rows


def check_closes(rows: pl.DataFrame) -> None:
    """Refuses a file none of whose rows has a close, such as formulas without their values."""
    if rows["close"].null_count() == rows.height:
        raise BadInput(
            "no row has a price in its close column: if the cells are formulas, save them as "
            "values."
        )


def split_series(rows: pl.DataFrame) -> Split:
    """Keeps NSE's ordinary series of each day, and no bond or block of a share."""
    if rows["series"].null_count() == rows.height:
        return rows, _none(rows)
    rank = nse_series.rank()
    best = rank.min().over("ticker", "key")
    written = pl.col("series").fill_null("(blank)")
    day = pl.format(
        "series {} of a day that also has series {}",
        written,
        written.sort_by(rank).first().over("ticker", "key"),
    )
    whole = pl.format("series {} is not the share, which the file has in an equity series", written)
    reason = pl.when(rank > best).then(day).otherwise(whole)
    return _split(rows, (rank > best) | nse_series.is_no_share(rank), "other_series", reason)


def split_repeats(rows: pl.DataFrame) -> Split:
    """Keeps the last row of each key; earlier ones repeat it or contradict it."""
    if not rows.select("ticker", "key").is_duplicated().any():
        return rows, _none(rows)
    by = ("ticker", "key")
    as_last = pl.all_horizontal(pl.col(v).eq_missing(pl.col(v).last().over(by)) for v in VALUES)
    last = pl.col("line", "close").last().over(by).name.prefix("last_")
    marked = rows.with_columns(last, same=as_last)
    earlier = pl.col("line") != pl.col("last_line")
    identical = pl.format("data row {} repeats it", pl.col("last_line"))
    conflict = pl.format(
        "closes {} here, {} in the later data row {}",
        pl.col("close").cast(pl.String).fill_null("nothing"),
        pl.col("last_close").cast(pl.String).fill_null("nothing"),
        pl.col("last_line"),
    )
    good, same = _split(marked, earlier & pl.col("same"), "duplicate_identical", identical)
    good, other = _split(good, earlier, "duplicate_conflicting", conflict)
    days, conflicting = (part.select(by).n_unique() for part in (rows, other))
    if other.height > _FEW and conflicting >= _CONFLICTING_DAYS * days:
        raise BadInput(
            f"{other.height} of {rows.height} rows repeat a date with other values: if it holds "
            "several instruments, add a symbol column."
        )
    return good.drop("last_line", "last_close", "same"), pl.concat([same, other])


def as_json(layout: Layout, cells: pl.DataFrame, lines: pl.Series) -> pl.DataFrame:
    """The whole rows of these lines, as ``line`` and ``row`` (JSON by the file's column names)."""
    names = _unique_names(layout.names)
    columns = [f"c{i}" for i in range(len(names)) if f"c{i}" in cells.columns]
    wanted = cells.filter(pl.col("line").is_in(lines.unique().implode()))
    texts = [
        json.dumps({"as written": torn} if torn else dict(zip(names, row, strict=False)))
        for torn, *row in wanted.select("torn", *columns).iter_rows()
    ]
    return pl.DataFrame({"line": wanted["line"], "row": pl.Series(texts, dtype=pl.String)})


def _unique_names(names: Sequence[str]) -> list[str]:
    seen: list[str] = []
    for number, name in enumerate(names, start=1):
        seen.append(name if name and name not in seen else f"{name} {number}".strip())
    return seen


def _split(rows: pl.DataFrame, bad: pl.Expr, rule: str, reason: pl.Expr) -> Split:
    marked = rows.with_columns(_bad=bad)
    if not marked["_bad"].any():
        return rows, _none(rows)
    key = pl.col("key") if "key" in rows.columns else pl.lit(None).alias("key")
    rejected = (
        marked.with_columns(_reason=reason)
        .filter("_bad")
        .select(
            "ticker",
            "line",
            pl.col("at").fill_null(""),
            pl.lit(rule).alias("rule"),
            pl.col("_reason").alias("reason"),
            key,
        )
    )
    return marked.filter(~pl.col("_bad")).drop("_bad"), rejected


def _none(rows: pl.DataFrame) -> pl.DataFrame:
    key = rows.schema.get("key", pl.Null())
    return pl.DataFrame(schema={**REJECTED, "key": key})


def _refuse_if_many(bad: pl.DataFrame, rows: pl.DataFrame, what: str) -> None:
    if bad.height and too_many(bad.height, rows.height, _FEW):
        first = bad["line"][0]
        raise BadInput(f"{bad.height} of {rows.height} rows (first: data row {first}) {what}.")
