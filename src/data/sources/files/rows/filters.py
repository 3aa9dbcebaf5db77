"""Separate rows that can be stored from rows that cannot, by named rules.

No row is lost: each step splits its rows into those that go on and those rejected, with the columns
``ticker, line, at, rule, reason, key``.
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl

from src.core.errors import BadInput
from src.core.tables import DAILY_VALUES
from src.data.sources.duplicates import split_duplicates
from src.data.sources.files.fields import nse_series
from src.data.sources.files.fields.dates.parse import too_many
from src.data.sources.files.fields.numbers.parse import parse_numbers
from src.data.sources.files.rows.facts import is_not_share, what_rows_are
from src.data.sources.files.rows.repeats import KEY, split_repeats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from src.data.sources.delivery import Kind

# A few broken rows are rejected in a file of any size; with more, the file is refused.
_FEW = 5
# Copies of one instrument repeat a few days; from half on it is several without a symbol.
_CONFLICTING_DAYS = 0.5

Split = tuple[pl.DataFrame, pl.DataFrame]


def split_ragged(rows: pl.DataFrame) -> Split:
    """Reject rows with more or fewer cells than the header: their values may be shifted."""
    reason = pl.lit("the line has more or fewer cells than the header")
    if rows["ragged"].null_count() == rows.height:
        return rows, _no_rejections(rows)
    good, bad = _split(rows, pl.col("ragged").is_not_null(), "wrong_cell_count", reason)
    _refuse_if_many(bad, rows, "have more or fewer cells than the header: save the file again")
    return good, bad


def split_unknown_symbols(rows: pl.DataFrame, selected: Sequence[str]) -> Split:
    """Reject rows whose symbol is not a ticker, under the first ticker taken from the file."""
    if not rows["ticker"].null_count():
        return rows, _no_rejections(rows)
    symbol = pl.col("symbol").str.replace(r"^.*\x1f", "").fill_null("")
    reason = pl.format("the symbol '{}' is not a ticker", symbol)
    good, bad = _split(rows, pl.col("ticker").is_null(), "unreadable_symbol", reason)
    shares = rows.filter(~nse_series.never_the_share())  # debt has names of all kinds
    unnamed = bad.filter(pl.col("line").is_in(shares["line"].implode()))
    _refuse_if_many(unnamed, shares, "have a symbol that is not a ticker: correct them")
    return good, bad.with_columns(ticker=pl.lit(selected[0]))


def split_undated(rows: pl.DataFrame) -> Split:
    """Reject rows without a readable date; whether they are too many is decided with the dates."""
    if not rows["key"].null_count():
        return rows, _no_rejections(rows)
    problem = (
        pl.when("outside_years")
        .then(pl.lit("is outside the allowed years"))
        .otherwise(pl.lit("cannot be read"))
    )
    reason = pl.format("the date '{}' {}", pl.col("at").fill_null(""), problem)
    return _split(rows, pl.col("key").is_null(), "unreadable_date", reason)


def split_future(rows: pl.DataFrame, read_at: dt.datetime, zone: str) -> Split:
    """Reject bars of days, or hours, after the time at which the file was read or downloaded.

    ``zone`` is the exchange's. Of the day itself cleaning decides whether its session had closed.
    """
    limit = read_at.astimezone(dt.UTC)
    day = limit.astimezone(ZoneInfo(zone)).date()
    is_daily = rows["key"].dtype == pl.Date
    last = pl.lit(day) if is_daily else pl.lit(limit).cast(rows["key"].dtype)
    shown = pl.col("key").dt.strftime("%Y-%m-%d" if is_daily else "%Y-%m-%d %H:%M UTC")
    reason = pl.format("its time {} is after {}, when the file was read", shown, pl.lit(str(day)))
    good, bad = _split(rows, pl.col("key") > last, "future_bar", reason)
    if bad.height and too_many(bad.height, rows.height, _FEW):
        raise BadInput(
            f"{bad.height} of {rows.height} rows (first: data row {bad['line'][0]}) are of times "
            f"after {day}, when it was read or, by --fetched-at, downloaded: correct the dates."
        )
    return good, bad


def split_invalid_numbers(rows: pl.DataFrame, delimiter: str) -> Split:
    """Parse the numbers, and reject rows with a cell that is neither a number nor blank."""
    parsed, invalid = parse_numbers(rows, list(DAILY_VALUES), delimiter)
    if invalid is None:
        return parsed, _no_rejections(rows)
    reason = pl.format("{} is not a number", "invalid")
    is_bad = pl.col("invalid").is_not_null()
    good, bad = _split(parsed.with_columns(invalid), is_bad, "unreadable_number", reason)
    if bad.height and too_many(bad.height, rows.height, _FEW):
        first = bad.row(0, named=True)
        raise BadInput(
            f"{bad.height} of {rows.height} rows have text where a number belongs (first: "
            f"{first['reason']}, data row {first['line']}): correct the columns."
        )
    return good, bad


def check_closes(rows: pl.DataFrame) -> None:
    """Refuse a file none of whose rows has a close, such as formulas without their values."""
    if rows["close"].null_count() == rows.height:
        raise BadInput(
            "no row has a price in its close column: if the cells are formulas, save them as "
            "values."
        )


def split_other_instruments(rows: pl.DataFrame) -> Split:
    """Reject futures, options, indices and debt, where the file has columns that tell them.

    Raises:
        BadInput: where no row is of a share.
    """
    is_other = is_not_share(rows)
    if is_other is None or not rows.select(is_other.any()).item():
        return rows, _no_rejections(rows)
    what = what_rows_are(rows)
    if rows.select(is_other.all()).item():
        names = rows.select(what.alias("what")).to_series().unique(maintain_order=True)
        raise BadInput(
            f"it has no shares, only {', '.join(names[:3])}: give the file of the cash market "
            "(such as BhavCopy_NSE_CM_…)."
        )
    reason = pl.format("{}, not a share", what)
    return _split(rows, is_other, "other_instrument", reason)


def split_other_series(rows: pl.DataFrame) -> Split:
    """Keep NSE's ordinary series of each day, and reject bonds and blocks of a share.

    Where the file has no equity series, rows without a series are of the share.
    """
    if rows["series"].null_count() == rows.height and not rows["has_equity"].any():
        return rows, _no_rejections(rows)
    if rows.select(nse_series.never_the_share().all()).item():
        series = ", ".join(rows["series"].unique(maintain_order=True)[:3])
        raise BadInput(
            f"it has no shares, only rows of series {series} (blocks or debt): give the rows of an "
            "equity series, such as EQ."
        )
    rank = nse_series.series_rank()
    best = rank.min().over("ticker", "key")
    written = pl.col("series").fill_null("(blank)")
    of_the_day = pl.format(
        "series {} of a day that also has series {}",
        written,
        written.sort_by(rank).first().over("ticker", "key"),
    )
    of_the_file = pl.format(
        "series {} is not the share: the file has shares in an equity series", written
    )
    debt = pl.format("series {} is not the share, but a block or debt", written)
    reason = (
        pl.when(rank > best)
        .then(of_the_day)
        .when(nse_series.never_the_share() & ~pl.col("has_equity"))
        .then(debt)
        .otherwise(of_the_file)
    )
    is_bad = (rank > best) | nse_series.is_other_security(rank)
    return _split(rows, is_bad, "other_series", reason)


def split_repeated(rows: pl.DataFrame, kind: Kind, delimiter: str) -> Split:
    """Keep one row of each ticker and date or time, and reject the others.

    Of a session the bar is kept where that can be told (see ``split_repeats``), of an hour the
    last row.

    Raises:
        BadInput: where many days, or all, have rows of which none can be told to be the bar.
    """
    keys = rows["key"].to_numpy()
    # What only rises is nowhere twice.
    if (keys[1:] > keys[:-1]).all():
        return rows, _no_rejections(rows)
    if not rows.select(pl.struct(KEY).is_duplicated().any()).item():
        return rows, _no_rejections(rows)
    if kind == "hourly":
        good, others = split_duplicates(rows, KEY, DAILY_VALUES)
        conflicting = others.filter(rule="duplicate_conflicting")
    else:
        good, others = split_repeats(_with_previous_closes(rows, delimiter))
        undecided = others.filter(rule="duplicate_undecided")
        # One row of each such day would be the bar.
        conflicting = undecided.filter(
            ~undecided.select(pl.struct(KEY).is_first_distinct()).to_series()
        )
    days, conflicting_days = (part.select(KEY).n_unique() for part in (rows, conflicting))
    is_many = conflicting.height > _FEW and conflicting_days >= _CONFLICTING_DAYS * days
    if is_many or (kind == "daily" and conflicting_days == days):
        raise BadInput(
            f"{conflicting.height} of {rows.height} rows repeat a date with other values: keep one "
            "row of each, or, if the file has several instruments, add a symbol column."
        )
    # Of three spellings of a ticker in one line, the quarantine keeps one refused row a rule.
    return good, _rejections(others.unique(["ticker", "line", "rule"], maintain_order=True))


def _with_previous_closes(rows: pl.DataFrame, delimiter: str) -> pl.DataFrame:
    if "prev_close" not in rows.columns:
        return rows
    return parse_numbers(rows, ["prev_close"], delimiter)[0]


def _split(rows: pl.DataFrame, is_bad: pl.Expr, rule: str, reason: pl.Expr) -> Split:
    if not rows.select(is_bad.any()).item():
        return rows, _no_rejections(rows)
    marked = rows.with_columns(_bad=is_bad)
    bad = marked.with_columns(rule=pl.lit(rule), reason=reason).filter("_bad")
    return marked.filter(~pl.col("_bad")).drop("_bad"), _rejections(bad)


def _rejections(rows: pl.DataFrame) -> pl.DataFrame:
    key = pl.col("key") if "key" in rows.columns else pl.lit(None).alias("key")
    return rows.select("ticker", "line", pl.col("at").fill_null(""), "rule", "reason", key)


def _no_rejections(rows: pl.DataFrame) -> pl.DataFrame:
    return _empty(rows.schema.get("key", pl.Null()))


@cache
def _empty(key: pl.DataType) -> pl.DataFrame:
    texts = dict.fromkeys(("at", "rule", "reason"), pl.String())
    return pl.DataFrame(schema={"ticker": pl.String(), "line": pl.Int64(), **texts, "key": key})


def _refuse_if_many(bad: pl.DataFrame, rows: pl.DataFrame, problem: str) -> None:
    if bad.height and too_many(bad.height, rows.height, _FEW):
        first = bad["line"][0]
        raise BadInput(f"{bad.height} of {rows.height} rows (first: data row {first}) {problem}.")
