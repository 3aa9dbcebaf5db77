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
from src.data.corporate_actions.ledger import KEY
from src.db.store import Store

DECIDED = {"accept": "applied", "reject": "rejected"}


def decided(args: argparse.Namespace, store: Store, ledger: pl.DataFrame) -> pl.DataFrame:
    """The rows of one ticker's ledger that ``accept`` or ``reject`` changes.

    Raises:
        BadInput: there is no such row, its ratio is open, or it would leave a jump in the prices.
    """
    ratio = args.ratio if args.action == "accept" else None
    rows = decided_rows(ledger, args.date, args.kind, DECIDED[args.action], ratio)
    if args.action == "reject" or rows.is_empty():
        return rows
    check_jump_date(rows)
    rows = rows if ratio is not None else with_proposed_ratios(rows)
    if move := move_left(store, ledger, rows):
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
    if rows.filter(pl.col("kind").is_in(PRICE_KINDS)).is_empty():
        return None
    ticker, day = rows["ticker"][0], rows["date"][0]
    after = pl.concat([ledger.join(rows, on=KEY, how="anti"), rows.select(ledger.columns)])
    bars = _bars_across(store, ticker, day)
    return None if bars is None else jump_left(bars, after, day)


def _bars_across(store: Store, ticker: str, day: dt.date) -> pl.DataFrame | None:
    """Raw bars of one source with both sides of a date, where clean prices are of several of these.

    What cleaning refused is left out; what it has not seen yet counts.
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
    series = [seen, *raw.partition_by("source", maintain_order=True)]
    return next(
        (bars for bars in series if 0 < bars["date"].search_sorted(day) < bars.height), None
    )
