"""Prices under an earlier symbol count for the ticker of today, on real tables."""

import datetime as dt

import polars as pl
import pytest

from src.core.tables import (
    CLEAN_DAILY,
    CORPORATE_ACTIONS,
    INGEST_BATCHES,
    RAW_DAILY,
    SYMBOL_CHANGES,
)
from src.data.cleaning import stage as cleaning
from src.data.corporate_actions.decisions.manual import entered_row
from src.data.corporate_actions.recording.history import record_rows
from src.data.history import as_known
from src.data.ingest import stage as ingest
from src.data.ingest.withdraw import withdraw
from src.data.instruments.lists.stated import SymbolChange
from src.data.instruments.renames import change_rows
from src.data.report.row_counts import count_rows
from src.data.report.ticker_data import load_ticker_data
from tests.support.prices import NOW, StubSource, bar, context, delivery, rows, run, utc

OLD, NEW, OTHER = "OLDNAME.NS", "NEWNAME.NS", "OTHER.NS"
DAYS = [dt.date(2026, 4, day) for day in (6, 7, 8, 9, 10)]
CHANGED = DAYS[2]
FIRST, SECOND = utc(2026, 4, 11), utc(2026, 4, 12)
LATER = NOW + dt.timedelta(hours=1)


@pytest.fixture
def bring(store, home):
    """Store bars of a ticker, fetched at a time."""

    def bringing(ticker, *bars, fetched_at=FIRST, **facts):
        given = delivery(list(bars), ticker=ticker, fetched_at=fetched_at, **facts)
        return run(
            ingest.stage(StubSource([given])), context(store, home, tickers=(ticker,), now=LATER)
        )

    return bringing


@pytest.fixture
def rename(store):
    def renaming(old=OLD, new=NEW, date=CHANGED, *, at=SECOND, undone=False):
        change = change_rows([SymbolChange(old, new, date)], "a test", at, undone=undone)
        with store.transaction():
            store.insert(SYMBOL_CHANGES, change)

    return renaming


@pytest.fixture
def clean(store, home):
    """Clean a ticker; dates and closes."""

    def cleaning_of(ticker=NEW):
        run(cleaning.STAGE, context(store, home, tickers=(ticker,), now=LATER))
        return dict(rows(store, CLEAN_DAILY, ticker).select("date", "close").iter_rows())

    return cleaning_of


def closes(prices):
    return dict(prices.select("date", "close").iter_rows())


def test_rows_from_before_the_change_are_the_new_tickers(bring, rename, clean, store):
    bring(OLD, *(bar(day, 100 + place) for place, day in enumerate(DAYS[:2])))
    bring(NEW, *(bar(day, 102 + place) for place, day in enumerate(DAYS[2:])))

    rename()

    assert store.tickers() == [NEW]
    assert clean() == dict(zip(DAYS, (100.0, 101.0, 102.0, 103.0, 104.0), strict=True))


def test_a_ticker_that_has_nothing_of_its_own_lives_on_the_earlier_symbol(bring, rename, clean):
    bring(OLD, bar(DAYS[0], 100), bar(DAYS[1], 101))

    rename()

    assert clean() == {DAYS[0]: 100.0, DAYS[1]: 101.0}


def test_what_comes_under_the_symbol_later_is_another_companys(bring, rename, clean, store):
    bring(OLD, *(bar(day, 100 + place) for place, day in enumerate(DAYS)))

    rename()

    assert store.tickers() == [NEW, OLD]
    assert clean(NEW) == {DAYS[0]: 100.0, DAYS[1]: 101.0}
    assert clean(OLD) == {DAYS[2]: 102.0, DAYS[3]: 103.0, DAYS[4]: 104.0}


def test_where_both_have_a_bar_there_is_one_and_it_is_the_tickers_own(bring, rename, clean):
    bring(OLD, bar(DAYS[0], 100), bar(DAYS[1], 101))
    bring(NEW, bar(DAYS[1], 101.5), bar(DAYS[2], 102))

    rename()

    assert clean() == {DAYS[0]: 100.0, DAYS[1]: 101.5, DAYS[2]: 102.0}


def test_a_chain_is_followed_to_its_end(bring, rename, clean, store):
    bring(OLD, bar(DAYS[0], 100))
    bring(OTHER, bar(DAYS[1], 101))
    bring(NEW, bar(DAYS[2], 102))

    rename(OLD, OTHER, DAYS[1])
    rename(OTHER, NEW, DAYS[2])

    assert store.tickers() == [NEW]
    assert clean() == {DAYS[0]: 100.0, DAYS[1]: 101.0, DAYS[2]: 102.0}


def test_an_undone_change_parts_them_again(bring, rename, clean, store):
    bring(OLD, bar(DAYS[0], 100))
    bring(NEW, bar(DAYS[2], 102))
    rename()
    rename(at=LATER, undone=True)

    assert store.tickers() == [NEW, OLD]
    assert clean(NEW) == {DAYS[2]: 102.0}
    assert clean(OLD) == {DAYS[0]: 100.0}


def test_a_replay_knows_the_change_only_from_when_it_was_entered(bring, rename, store, home):
    bring(OLD, bar(DAYS[0], 100))
    bring(NEW, bar(DAYS[2], 102))
    rename(at=SECOND)

    def known(ticker, at):
        then = context(store, home, tickers=(ticker,), now=LATER, known_at=at, write=False)
        return closes(as_known.raw_prices(then, RAW_DAILY))

    assert known(NEW, FIRST) == {DAYS[2]: 102.0}
    assert known(OLD, FIRST) == {DAYS[0]: 100.0}
    assert known(NEW, SECOND) == {DAYS[0]: 100.0, DAYS[2]: 102.0}
    assert known(OLD, SECOND) == {}


def test_a_withdrawn_batch_of_the_earlier_symbol_is_gone_for_the_new_one(
    bring, rename, clean, store
):
    bring(OLD, bar(DAYS[0], 100))
    bring(NEW, bar(DAYS[2], 102))
    rename()
    batch = rows(store, INGEST_BATCHES, OLD).row(0, named=True)

    with store.transaction():
        withdraw(store, batch, LATER)

    assert clean() == {DAYS[2]: 102.0}


def test_actions_of_the_earlier_symbol_count(bring, rename, clean, store):
    bring(OLD, bar(DAYS[0], 200), bar(DAYS[1], 100), vendor="nse", price_basis="unadjusted")
    bring(NEW, bar(DAYS[2], 101), vendor="nse", price_basis="unadjusted")
    with store.transaction():
        record_rows(store, entered_row(OLD, DAYS[1], "split", 2.0, SECOND), SECOND)
    rename()

    assert clean() == {DAYS[0]: 100.0, DAYS[1]: 100.0, DAYS[2]: 101.0}
    inferred = rows(store, CORPORATE_ACTIONS, NEW)
    assert inferred.filter(pl.col("status") == "pending").is_empty()


def test_the_report_accounts_for_rows_of_both_symbols(bring, rename, clean, store, home):
    bring(OLD, bar(DAYS[0], 100), bar(DAYS[1], 101))
    bring(NEW, bar(DAYS[1], 101.5), bar(DAYS[2], 102))
    rename()
    clean()

    counts = count_rows(load_ticker_data(context(store, home, tickers=(NEW,), now=LATER)))

    assert counts["holds"].to_list() == [True, True]
