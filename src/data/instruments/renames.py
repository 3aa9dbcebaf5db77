"""Change the ledger of identities: under which symbol a company goes on, and from which day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from src.core.errors import BadInput
from src.core.tables import (
    CLEAN_DAILY,
    CLEAN_HOURLY,
    CLEAN_SERIES,
    CORPORATE_ACTIONS,
    DATASETS,
    FEATURES_DAILY,
    POOL_MEMBERS,
    PREPARED_TICKERS,
    QUARANTINE,
    RAW_DAILY,
    SYMBOL_CHANGES,
)

if TYPE_CHECKING:
    from src.data.instruments.lists.stated import SymbolChange
    from src.db.store import Store

SCHEMA = pl.Schema(
    {
        "ticker": pl.String(),
        "date": pl.Date(),
        "new_ticker": pl.String(),
        "is_undone": pl.Boolean(),
        "source": pl.String(),
        "stated_at": pl.Datetime("us", "UTC"),
    }
)
# What every cleaning infers anew from the prices.
_INFERRED = {"origin": "inferred", "decided_by": "rule"}
FIRST_DAY = dt.date(1990, 1, 1)
# What is made of a ticker's prices; all of it is made anew by the next run.
_DERIVED = (
    *(CLEAN_DAILY, CLEAN_HOURLY, FEATURES_DAILY, *DATASETS.values()),
    *(CLEAN_SERIES, POOL_MEMBERS, PREPARED_TICKERS),
)


def active_changes(store: Store) -> pl.DataFrame:
    """The changes that count today, as rows of ``symbol_changes`` in the order of their dates."""
    symbols = sorted({span.symbol for span in store.identities().spans})
    rows = store.load(SYMBOL_CHANGES, symbols).sort("stated_at")
    newest = rows.unique(["ticker", "date"], keep="last", maintain_order=True)
    return newest.filter(~pl.col("is_undone")).sort("date", "ticker")


class ChangeIndex:
    """The changes that count, by their day and by their two symbols, with who stated them."""

    def __init__(self, active: pl.DataFrame) -> None:
        self._by_day: dict[dt.date, list[tuple[str, str, str]]] = {}
        self._days: dict[tuple[str, str], list[dt.date]] = {}
        columns = ("ticker", "new_ticker", "date", "source")
        for old, new, day, source in active.select(columns).iter_rows():
            self.add(old, new, day, source)

    def add(self, old: str, new: str, day: dt.date, source: str) -> None:
        """Let one more count."""
        self._by_day.setdefault(day, []).append((old, new, source))
        self._days.setdefault((old, new), []).append(day)

    def is_new(self, change: SymbolChange, today: dt.date) -> bool:
        """Whether a change is new beside those that count.

        Raises:
            BadInput: It cannot be, or contradicts one of these.
        """
        _check_alone(change, today)
        old, new, day = change.old, change.new, change.date
        same_day = self._by_day.get(day, ())
        for other_old, other_new, source in same_day:
            if (other_old, other_new) == (old, new):
                return False
            if other_old == old:
                raise BadInput(
                    f"{old} became {other_new} on {day} by what is stored ({source}): undo that "
                    "first."
                )
            if {other_old, other_new} & {old, new}:
                raise BadInput(
                    f"{other_old} became {other_new} on the same day, {day}: which of the two came "
                    "first cannot be told, so give the day of each."
                )
        self._check_other_days(change)
        return True

    def _check_other_days(self, change: SymbolChange) -> None:
        """Refuse a change that is stored with another day, unless the symbol came back between."""
        back = self._days.get((change.new, change.old), ())
        for day in self._days.get((change.old, change.new), ()):
            first, last = sorted((day, change.date))
            if not any(first < between < last for between in back):
                raise BadInput(
                    f"{change.old} became {change.new} on {day} by what is stored, not on "
                    f"{change.date}: undo that first (--undo --date {day})."
                )


def _check_alone(change: SymbolChange, today: dt.date) -> None:
    old, new, day = change.old, change.new, change.date
    if old == new:
        raise BadInput(f"{old} cannot be renamed to itself: give two symbols.")
    if _suffix(old) != _suffix(new):
        raise BadInput(f"{old} and {new} are of two exchanges: a change of symbol is within one.")
    if not FIRST_DAY <= day <= today:
        which = "lies in the future" if day > today else f"is before {FIRST_DAY}"
        raise BadInput(f"{day} {which}: give the first day on which {old} was {new}.")


def change_rows(
    changes: Sequence[SymbolChange], source: str, at: dt.datetime, *, undone: bool = False
) -> pl.DataFrame:
    """Rows of ``symbol_changes``, stated by a source ``at`` a time in UTC."""
    rows = [(change.old, change.date, change.new, undone, source, at) for change in changes]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def forget_derived(store: Store, tickers: Sequence[str]) -> None:
    """Take out what was made of prices that are another ticker's now."""
    for table in _DERIVED:
        if not store.load(table, tickers).is_empty():
            store.replace(table, tickers, store.load(table, []))
    store.replace(CORPORATE_ACTIONS, tickers, store.load(CORPORATE_ACTIONS, []), within=_INFERRED)
    cleaning = store.load(QUARANTINE, tickers).filter(stage="data_ingest")
    store.replace(QUARANTINE, tickers, cleaning)


def row_counts(store: Store, change: SymbolChange) -> tuple[int, int]:
    """The daily rows stored under the old symbol before the day of the change, and since then."""
    days = store.load(RAW_DAILY, [change.old], columns=("ticker", "date"))["date"]
    before = int((days < change.date).sum())
    return before, days.len() - before


def overlap(store: Store, change: SymbolChange) -> list[str]:
    """A sentence for each source that has bars of both symbols on days before the change."""
    columns = ("ticker", "date", "source", "close")
    rows = store.load(RAW_DAILY, [change.old, change.new], columns=columns)
    rows = rows.filter(pl.col("date") < change.date)
    old, new = (rows.filter(ticker=ticker) for ticker in (change.old, change.new))
    both = old.join(new, on=["date", "source"], suffix="_new")
    apart = ((pl.col("close") / pl.col("close_new")) - 1).abs() > 0.01
    counts = both.group_by("source").agg(days=pl.len(), apart=apart.sum()).sort("source")
    return [
        f"On {days} days before {change.date} {source} has a bar under both symbols, with another "
        f"close on {differing} of them: that of {change.new} is used."
        for source, days, differing in counts.iter_rows()
    ]


def _suffix(ticker: str) -> str:
    return ticker.partition(".")[2]
