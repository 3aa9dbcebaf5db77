"""Take what a person accepts, rejects or adds, held against the stored prices."""

from __future__ import annotations

import argparse
import datetime as dt
from math import inf, prod

import polars as pl

from src.core.errors import BadInput, UsageError
from src.core.tables import CLEAN_DAILY, INGEST_BATCHES, RAW_DAILY
from src.data.corporate_actions.action import PRICE_KINDS
from src.data.corporate_actions.decisions.leftover import jump_left
from src.data.corporate_actions.decisions.manual import (
    check_jump_date,
    decided_rows,
    entered_row,
    with_proposed_ratios,
)
from src.data.corporate_actions.ledger import KEY, active_actions
from src.data.corporate_actions.price_checks.rights import close_before
from src.db.store import Store

DECIDED = {"accept": "applied", "reject": "rejected"}


def decided(args: argparse.Namespace, store: Store, ledger: pl.DataFrame) -> pl.DataFrame:
    """The rows of one ticker's ledger that ``accept`` or ``reject`` changes.

    Raises:
        BadInput: there is no such row, its ratio is open, it would leave a jump in the prices, or
            they have no room for its amount.
    """
    ratio = args.ratio if args.action == "accept" else None
    rows = decided_rows(ledger, args.date, args.kind, DECIDED[args.action], ratio)
    if args.action == "reject" or rows.is_empty():
        return rows
    check_jump_date(rows)
    check_amounts(store, ledger, rows)
    rows = rows if ratio is not None else with_proposed_ratios(rows)
    has_ratio = rows["kind"].is_in(PRICE_KINDS).any()
    if has_ratio and (move := move_left(store, ledger, rows)):
        ratios = prod(rows.unique("kind")["ratio"].drop_nulls())
        raise BadInput(
            f"{rows['ticker'][0]}: with a ratio of {ratios:g} the price still {move} on "
            f"{args.date} from the close before: give the ratio that explains the move with "
            "--ratio, reject the action if it did not happen, or enter it with `add` if it is "
            "right all the same."
        )
    return rows


def added(args: argparse.Namespace, ticker: str, at: dt.datetime) -> pl.DataFrame:
    """The row that ``add`` enters.

    Raises:
        UsageError: without the value that its kind has.
        BadAction: for an impossible value.
    """
    option, value = ("amount", args.amount) if args.kind == "dividend" else ("ratio", args.ratio)
    if value is None:
        raise UsageError(f"A {args.kind} needs --{option}.")
    return entered_row(ticker, args.date, args.kind, float(value), at)


def move_left(store: Store, ledger: pl.DataFrame, rows: pl.DataFrame) -> str | None:
    """The jump that the stored prices still have on the rows' date if these are in the ledger."""
    day = rows["date"][0]
    bars = _across(_stored_series(store, rows["ticker"][0]), day)
    return None if bars is None else jump_left(bars, _changed(ledger, rows), day)


def check_amounts(store: Store, ledger: pl.DataFrame, rows: pl.DataFrame, where: str = "") -> None:
    """Refuse dividends that are not below the stored close before them; others are not judged.

    Raises:
        BadInput: names the first, after ``where`` it is from.
    """
    dividends = rows.filter(pl.col("amount") > 0, kind="dividend").sort("date")
    if dividends.is_empty():
        return
    ticker = dividends["ticker"][0]
    series, actions = _stored_series(store, ticker), active_actions(_changed(ledger, rows))
    for day, amount in dividends.select("date", "amount").iter_rows():
        bars = _across(series, day)
        before = None if bars is None else close_before(day, bars, actions)
        if before is not None and amount >= before["close_before"]:
            raise BadInput(
                f"{where}{ticker}: a dividend of {amount:g} a share on {day} cannot be, since the "
                f"close before it was {before['close_before']:.6g} on {before['prev_date']}: give "
                "the amount that one share was paid."
            )


def _changed(ledger: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The ledger with the rows in it."""
    return pl.concat([ledger.join(rows, on=KEY, how="anti"), rows.select(ledger.columns)])


def _stored_series(store: Store, ticker: str) -> list[pl.DataFrame]:
    """Raw bars of a ticker: first those that clean prices are made of, then each source's.

    What cleaning refused is left out of the first; what it has not seen yet counts.
    """
    prices = [pl.col(name).is_between(0, inf, closed="none") for name in ("open", "close")]
    identities = store.identities()
    symbols = identities.symbols_of([ticker])
    basis = store.load(INGEST_BATCHES, symbols).select("batch_id", "price_basis")
    raw = store.load(RAW_DAILY, symbols).filter(*prices)
    raw = identities.rows_of(raw, [ticker], RAW_DAILY.key)
    raw = raw.join(basis, on="batch_id", how="inner").sort("source", "date")
    clean = store.load(CLEAN_DAILY, [ticker], columns=("ticker", "date", "source", "repaired_by"))
    clean = clean.filter(pl.col("repaired_by").is_null())
    chosen = raw.join(clean, on="source", how="semi")
    is_new = pl.col("date") > pl.lit(clean["date"].max(), pl.Date)
    seen = chosen.filter(pl.col("date").is_in(clean["date"].to_list()) | is_new)
    return [seen, *raw.partition_by("source", maintain_order=True)]


def _across(series: list[pl.DataFrame], day: dt.date) -> pl.DataFrame | None:
    """The first of the series with bars on both sides of a date."""
    return next(
        (bars for bars in series if 0 < bars["date"].search_sorted(day) < bars.height), None
    )
