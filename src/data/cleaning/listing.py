"""Decide from which day on a ticker's prices count: its listing, unless that is contradicted.

NSE's list has the day of the newest listing: of a share that NSE let be traded before, or that was
listed anew after a scheme, that is later than its first trade.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from src.core.identities import Identities

# What NSE itself says of a share's trading: its price files and its corporate actions.
NSE = "nse"
# Further back the symbol may have been another company's.
NEAR = dt.timedelta(days=731)
COMMAND = "python -m src.data.instruments"


@dataclass(frozen=True)
class Listings:
    """The first days of tickers.

    Attributes:
        first_days: ``ticker, listed_on``, null where it is not known or is contradicted.
        facts: ``ticker, first_day, source, is_confirmed`` of those that are known, and whether a
            person has said it.
        warnings: A sentence for each that is contradicted.
    """

    first_days: pl.DataFrame
    facts: pl.DataFrame
    warnings: tuple[str, ...] = ()


def find_first_days(
    facts: pl.DataFrame,
    raw: pl.DataFrame,
    ledger: pl.DataFrame,
    states: pl.DataFrame,
    identities: Identities,
) -> Listings:
    """The first day of each ticker.

    Args:
        facts: Rows of ``instruments``.
        raw: Daily rows of all sources under the tickers of today.
        ledger: Their corporate actions.
        states: Rows of ``instrument_states``: a person's word that a share was traded.
        identities: Whose the rows under changed symbols are.
    """
    listed = facts.select("ticker", "listed_on", "source").drop_nulls("listed_on")
    stated = states.filter(state="active").group_by("ticker").agg(since=pl.col("date").min())
    evidence = _evidence(listed, raw, ledger, identities)
    active: dict[str, dt.date] = dict(stated.iter_rows())
    rows: list[tuple[str, dt.date | None, str | None, bool]] = []
    warnings = []
    for ticker, day, source in listed.iter_rows():
        # Said of a day after the listing it is that trading went on again.
        is_confirmed = active.get(ticker, dt.date.max) <= day
        is_contradicted = ticker in evidence and not is_confirmed
        if is_contradicted:
            warnings.append(_contradiction(ticker, day, source, evidence[ticker]))
        first = None if is_contradicted else min(day, active.get(ticker, day))
        rows.append((ticker, first, source, is_confirmed))
    schema = {
        **{"ticker": pl.String, "listed_on": pl.Date},
        **{"source": pl.String, "is_confirmed": pl.Boolean},
    }
    confirmed = pl.DataFrame(rows, schema=schema, orient="row")
    first_days = confirmed.select("ticker", "listed_on")
    return Listings(first_days, confirmed.rename({"listed_on": "first_day"}), tuple(warnings))


def _contradiction(ticker: str, day: dt.date, source: str | None, reason: str) -> str:
    return (
        f"{ticker}: {source or 'what is stored'} says that it was listed on {day}, but {reason}: "
        "its prices from before that day are kept. State from when it was traded with "
        f"`{COMMAND} state --ticker {ticker} --state active --date D --because …`."
    )


def left_out_warnings(refused: pl.DataFrame, listings: Listings) -> Iterator[str]:
    """How many rows of each ticker were refused because of a listing that a list alone states."""
    rows = refused.filter(rule="before_listing").group_by("ticker").len("rows")
    stated = listings.facts.filter(~pl.col("is_confirmed"), pl.col("source").is_not_null())
    for row in stated.join(rows, on="ticker").sort("ticker").iter_rows(named=True):
        yield (
            f"{row['ticker']}: {row['rows']} rows from before its listing on {row['first_day']} "
            f"({row['source']}) are left out; if it was traded before, say since when with "
            f"`{COMMAND} state --ticker {row['ticker']} --state active --date D --because …`, if "
            f"not, confirm it with --date {row['first_day']}."
        )


def _evidence(
    listed: pl.DataFrame, raw: pl.DataFrame, ledger: pl.DataFrame, identities: Identities
) -> dict[str, str]:
    """Why a listing was not the first, by ticker; the strongest reason."""
    actions = ledger.filter(source=NSE, origin="stated")
    trades = raw.filter(pl.col("source") == NSE, pl.col("close") > 0, pl.col("volume") > 0)
    reasons = {
        ticker: f"NSE has published its corporate actions since {first}"
        for ticker, first in _before(listed, actions)
    }
    for ticker, day, _ in listed.iter_rows():
        for span in identities.predecessors(ticker):
            if span.until is not None and span.until <= day:
                reasons[ticker] = f"it was {span.symbol} until {span.until}"
    for ticker, first in _before(listed, trades):
        reasons[ticker] = f"NSE's own files have its trades since {first}"
    return reasons


def _before(listed: pl.DataFrame, rows: pl.DataFrame) -> Iterator[tuple[str, dt.date]]:
    """The tickers with rows not long before their listing, and the date of the first of all."""
    early = (
        rows.select("ticker", "date")
        .join(listed, on="ticker")
        .filter(pl.col("date") < pl.col("listed_on"))
    )
    spans = early.group_by("ticker").agg(
        first=pl.col("date").min(),
        last=pl.col("date").max(),
        day=pl.col("listed_on").first(),
    )
    for ticker, first, last, day in spans.iter_rows():
        if day - last <= NEAR:
            yield ticker, first
