"""Carry out what is entered of shares: in one transaction, with the locks of what it changes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from src.core.errors import BadInput
from src.core.tables import (
    INSTRUMENT_HISTORY,
    INSTRUMENT_STATES,
    INSTRUMENTS,
    SYMBOL_CHANGES,
    Table,
)
from src.data.history.rebuild import valid_batches
from src.data.instruments.contradictions import KnownSymbols
from src.data.instruments.facts import Comparison, compare, store_facts
from src.data.instruments.lists.columns import Refusal
from src.data.instruments.lists.stated import StatedList, read_list
from src.data.instruments.renames import (
    ChangeIndex,
    active_changes,
    change_rows,
    forget_derived,
    overlap,
    row_counts,
)
from src.data.instruments.states import (
    StateSince,
    check_state,
    current_states,
    new_states,
    newest_bar,
    store_states,
)
from src.data.next_step import rebuild_step

if TYPE_CHECKING:
    from pathlib import Path

    from src.data.instruments.lists.stated import SymbolChange
    from src.db.database import Database
    from src.db.store import Store

COMMAND = "python -m src.data.instruments"
# Sentences of a kind that are printed; the others are in the history.
SHOWN = 40


@dataclass(frozen=True)
class ImportResult:
    """What an import prints, and the rows that were not taken."""

    lines: list[str]
    refused: list[Refusal]


def import_list(database: Database, path: Path, today: dt.date, now: dt.datetime) -> ImportResult:
    """Take a list of an exchange; ``today`` by its clock, ``now`` in UTC.

    Raises:
        BadInput: It cannot be read, or is none of the known lists.
    """
    stated = read_list(path, today)
    if stated.changes:
        return _import_changes(database, stated, path, today, now)
    store = database.store
    tickers = [facts.ticker for facts in stated.facts]
    with store.transaction():
        at = _after(store, INSTRUMENT_HISTORY, tickers, now)
        comparison = compare(stated.facts, store.load(INSTRUMENTS, tickers), path.name, at)
        store_facts(store, comparison)
        states = new_states(stated.states, current_states(store, tickers), path.name, today)
        store_states(store, states, _after(store, INSTRUMENT_STATES, list(states), now))
    lines = [_summary(path, comparison, len(stated.refused)), *_shown(comparison.sentences)]
    by_list = [f"{ticker}: {since.state} by the list." for ticker, since in sorted(states.items())]
    return ImportResult([*lines, *_shown(by_list)], stated.refused)


def rename(
    database: Database, change: SymbolChange, person: str, today: dt.date, now: dt.datetime
) -> list[str]:
    """Enter that a symbol became another; raises BadInput where that cannot be."""
    with _changing(database, [change.old, change.new]) as store:
        if not ChangeIndex(active_changes(store)).is_new(change, today):
            return [f"{change.old} became {change.new} on {change.date}: that is stored already."]
        known = KnownSymbols(store, [change.old, change.new])
        known.check(change)
        at = _after(store, SYMBOL_CHANGES, [change.old], now)
        store.insert(SYMBOL_CHANGES, change_rows([change], person, at))
        forget_derived(store, [change.old])
        return [_joined_text(store, change), *overlap(store, change), *_unknown(known, change)]


def undo(
    database: Database, change: SymbolChange, person: str, _today: dt.date, now: dt.datetime
) -> list[str]:
    """Take back a change that was entered wrongly; raises BadInput where there is none."""
    with _changing(database, [change.old, change.new]) as store:
        key = {"ticker": change.old, "new_ticker": change.new, "date": change.date}
        if active_changes(store).filter(**key).is_empty():
            raise BadInput(
                f"Nothing to undo: that {change.old} became {change.new} on {change.date} is not "
                f"stored; `{COMMAND} list --ticker {change.new}` shows what is."
            )
        at = _after(store, SYMBOL_CHANGES, [change.old], now)
        store.insert(SYMBOL_CHANGES, change_rows([change], person, at, undone=True))
        forget_derived(store, [change.old, change.new])
        batches = _batches_of_files(store, change)
    step = rebuild_step(change.old, change.new)
    lines = [f"{change.old} and {change.new} are two shares again; {step}."]
    if batches:
        lines.append(
            f"Files that were read meanwhile left rows of {change.old} with {change.new}: withdraw "
            f"{'batch' if len(batches) == 1 else 'batches'} {', '.join(map(str, batches))} "
            "(`python -m src.data.ingest withdraw --batch N`), then bring the files again."
        )
    return lines


def state(
    database: Database, ticker: str, since: StateSince, today: dt.date, now: dt.datetime
) -> str:
    """Enter a share's state; raises BadInput for one that cannot be (``check_state``)."""
    store = database.store
    with store.transaction():
        check_state(since, today, newest_bar(store, ticker))
        before = current_states(store, [ticker]).get(ticker)
        if before == since:
            return f"{ticker}: that is stored already."
        at = _after(store, INSTRUMENT_STATES, [ticker], now)
        store_states(store, {ticker: since}, at)
    meaning = {
        "active": "it is fetched and run again",
        "suspended": "it is not fetched, and no alert is sent for its age",
        "delisted": "runs of all and the worker leave it out, and its history stays",
    }[since.state]
    instead = f" It was stated to be {before.state} since {before.date}." if before else ""
    return f"{ticker} is {since.state} since {since.date}: {meaning}.{instead}"


def _import_changes(
    database: Database, stated: StatedList, path: Path, today: dt.date, now: dt.datetime
) -> ImportResult:
    symbols = {symbol for _, change in stated.changes for symbol in (change.old, change.new)}
    with database.store.transaction():
        stored = sorted(symbols & set(database.store.tickers()))
    with _changing(database, stored) as store:
        known = KnownSymbols(store, sorted(symbols))
        new, refused = _new_changes(stated, ChangeIndex(active_changes(store)), known, today)
        at = _after(store, SYMBOL_CHANGES, [change.old for change in new], now)
        store.insert(SYMBOL_CHANGES, change_rows(new, path.name, at))
        joined = [change for change in new if change.old in stored]
        forget_derived(store, [change.old for change in joined])
        lines = [_joined_text(store, change) for change in joined]
    stored_before = len(stated.changes) - len(new) - len(refused)
    refused = sorted([*stated.refused, *refused], key=lambda refusal: refusal.line)
    summary = (
        f"{path.name}: {len(new):,} changes of symbols are new, {stored_before:,} known, "
        f"{len(refused):,} rows not taken."
    )
    return ImportResult([summary, *_shown(lines)], refused)


def _new_changes(
    stated: StatedList, active: ChangeIndex, known: KnownSymbols, today: dt.date
) -> tuple[list[SymbolChange], list[Refusal]]:
    """The changes of a file that are not stored yet, in the order of their dates."""
    new: list[SymbolChange] = []
    refused = []
    for line, change in sorted(stated.changes, key=lambda numbered: numbered[1].date):
        try:
            if active.is_new(change, today):
                known.check(change)
                new.append(change)
                active.add(change.old, change.new, change.date, f"line {line}")
        except BadInput as error:
            refused.append(Refusal(line, str(error).rstrip(".")))
    return new, refused


@contextmanager
def _changing(database: Database, tickers: Sequence[str]) -> Iterator[Store]:
    """A transaction in which no run works on the tickers."""
    from src.db.tables.locks import ticker_locks

    with ticker_locks(database.control, tickers), database.store.transaction():
        yield database.store


def _after(store: Store, table: Table, tickers: Sequence[str], now: dt.datetime) -> dt.datetime:
    """The time of a new statement: later than the newest that is stored, whatever the clock says.

    The statement of the latest time counts, and the clock may stand still or go back.
    """
    newest = store.load(table, tickers, columns=("ticker", "stated_at"))["stated_at"].max()
    if not isinstance(newest, dt.datetime):
        return now
    return max(now, newest + dt.timedelta(microseconds=1))


def _unknown(known: KnownSymbols, change: SymbolChange) -> list[str]:
    """That nothing is known of one of the symbols: it may be misspelled."""
    return [
        f"{symbol} is in no list of shares and has no stored prices: if it is misspelled, take "
        "this back with --undo."
        for symbol in known.unknown(change)
    ]


def _joined_text(store: Store, change: SymbolChange) -> str:
    before, later = row_counts(store, change)
    text = f"{change.old} is {change.new} from {change.date} on"
    if not before and not later:
        return f"{text}; no prices of {change.old} are stored."
    stay = f", {later:,} from then on stay with {change.old}" if later else ""
    return (
        f"{text}: {before:,} daily rows from before that day count for {change.new}{stay}; "
        f"{rebuild_step(change.new)}."
    )


def _batches_of_files(store: Store, change: SymbolChange) -> list[int]:
    """The batches of the new ticker that say that rows came under the old symbol."""
    mark = f"earlier symbol {change.old}"
    batches = valid_batches(store, [change.new])
    marked = batches.filter(pl.col("notes").str.contains(mark, literal=True))
    return marked["batch_id"].sort().to_list()


def _summary(path: Path, comparison: Comparison, refused: int) -> str:
    total = len(comparison.new) + len(comparison.changed) + comparison.unchanged
    return (
        f"{path.name}: {total:,} instruments: {len(comparison.new):,} new, "
        f"{len(comparison.changed):,} changed, {comparison.unchanged:,} unchanged; "
        f"{refused:,} rows not taken."
    )


def _shown(sentences: Sequence[str]) -> list[str]:
    left = len(sentences) - SHOWN
    more = [f"… and {left:,} more: `{COMMAND} list --ticker T` has them."]
    return [*sentences[:SHOWN], *(more if left > 0 else [])]
