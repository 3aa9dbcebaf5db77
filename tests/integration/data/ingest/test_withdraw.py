"""A wrong batch taken out again: what counts is rebuilt without it, and it stays in the history."""

import datetime as dt

import polars as pl
import pytest

from src.core.errors import BadInput
from src.core.tables import (
    ACTION_HISTORY,
    CLEAN_DAILY,
    CLEAN_SERIES,
    CORPORATE_ACTIONS,
    FEATURES_DAILY,
    INGEST_BATCHES,
    POOL_MEMBERS,
    PRICE_REVISIONS,
    QUARANTINE,
    RAW_DAILY,
    RAW_SERIES,
)
from src.data.cleaning import stage as cleaning
from src.data.corporate_actions.decisions.manual import decided_rows
from src.data.corporate_actions.recording.history import ledger_known_at, record_rows
from src.data.history import as_known
from src.data.ingest import stage as ingest
from src.data.ingest.withdraw import withdraw
from src.data.report.row_counts import count_rows
from src.data.report.sections import report_sections
from src.data.report.ticker_data import load_ticker_data
from src.features import features_daily
from tests.support.prices import NOW, TCS, StubSource, bar, context, delivery, rows, run, utc

DAYS = [dt.date(2026, 4, day) for day in (6, 7, 8, 9, 10)]
FIRST, SECOND, THIRD = utc(2026, 4, 11), utc(2026, 4, 12), utc(2026, 4, 13)
WITHDRAWN = NOW + dt.timedelta(hours=1)
LATER = NOW + dt.timedelta(hours=2)
SCHEMA = {"date": pl.Date, "kind": pl.String, "ratio": pl.Float64, "amount": pl.Float64}


@pytest.fixture
def bring(store, home):
    """Ingest bars as fetched at a time."""

    def brought(fetched_at, *bars, stated=(), **facts):
        actions = pl.DataFrame(list(stated), schema=SCHEMA, orient="row")
        made = delivery(list(bars), fetched_at=fetched_at, actions=actions, **facts)
        return run(ingest.stage(StubSource([made])), context(store, home, now=LATER))

    return brought


@pytest.fixture
def take_out(store):
    """Withdraw the batch that was fetched at a time."""

    def taken(fetched_at):
        batches = rows(store, INGEST_BATCHES).filter(pl.col("fetched_at") == fetched_at)
        with store.transaction():
            return withdraw(store, batches.row(-1, named=True), WITHDRAWN)

    return taken


@pytest.fixture
def closes(store, home):
    def known(known_at=None):
        given = context(store, home, now=LATER, known_at=known_at)
        return as_known.raw_prices(given, RAW_DAILY).select("date", "close").rows()

    return known


def test_prices_are_as_if_the_batch_had_never_come(store, bring, closes, take_out):
    bring(FIRST, bar(DAYS[0], 100.0), bar(DAYS[1], 101.0))
    bring(SECOND, bar(DAYS[1], 55.0), bar(DAYS[2], 56.0))
    bring(THIRD, bar(DAYS[2], 102.0))

    assert take_out(SECOND) == 2

    right = [(DAYS[0], 100.0), (DAYS[1], 101.0), (DAYS[2], 102.0)]
    assert closes() == right
    assert rows(store, RAW_DAILY)["first_seen"].to_list() == [FIRST, FIRST, THIRD]
    assert closes(LATER) == right
    # Until it was taken out, it was believed.
    assert closes(WITHDRAWN - dt.timedelta(seconds=1))[1] == (DAYS[1], 55.0)
    changed = rows(store, PRICE_REVISIONS).filter(known_at=WITHDRAWN, field="close")
    assert changed.select("old_value", "new_value").rows() == [(55.0, 101.0)]


def test_the_only_batch_leaves_nothing_behind(store, home, bring, closes, take_out):
    days = [*DAYS, dt.date(2026, 4, 5)]  # the last is a Sunday, which cleaning refuses
    bring(FIRST, *(bar(day, 100.0) for day in days), stated=[(DAYS[2], "split", 1.1, None)])
    for stage in (cleaning.STAGE, features_daily.STAGE):
        run(stage, context(store, home, now=LATER))
    assert rows(store, QUARANTINE)["rule"].to_list() == ["non_session"]
    assert not rows(store, POOL_MEMBERS).is_empty()

    take_out(FIRST)

    assert closes() == []
    derived = (CLEAN_DAILY, CLEAN_SERIES, QUARANTINE, FEATURES_DAILY, POOL_MEMBERS)
    for table in (RAW_SERIES, CORPORATE_ACTIONS, *derived):
        assert rows(store, table).is_empty()
    data = load_ticker_data(context(store, home, now=LATER))
    assert report_sections(data)
    assert count_rows(data)["holds"].all()
    history = rows(store, ACTION_HISTORY)
    assert ledger_known_at(history, LATER).is_empty()
    assert ledger_known_at(history, NOW)["ratio"].to_list() == [1.1]


def test_its_actions_go_with_it_and_what_it_withdrew_or_restated_comes_back(store, bring, take_out):
    week = [bar(day, 100.0) for day in DAYS]
    right = [(DAYS[1], "dividend", None, 1.0), (DAYS[2], "dividend", None, 5.0)]
    bring(FIRST, *week, stated=right)
    wrong = [(DAYS[2], "dividend", None, 7.0), (DAYS[3], "split", 1.1, None)]
    bring(SECOND, *(bar(day, 55.0) for day in DAYS), stated=wrong)

    take_out(SECOND)

    ledger = rows(store, CORPORATE_ACTIONS)
    assert ledger.select("date", "amount", "status", "known_at").rows() == [
        (DAYS[1], 1.0, "applied", FIRST),
        (DAYS[2], 5.0, "applied", FIRST),
    ]
    known = ledger_known_at(rows(store, ACTION_HISTORY), NOW)
    # A split divides the amounts stated with it: 7 rupees before it were 7.7.
    assert known.select("date", "status").rows() == [
        (DAYS[1], "pending"),
        (DAYS[2], "applied"),
        (DAYS[3], "applied"),
    ]


def test_what_a_person_decided_stands(store, bring, take_out):
    bring(FIRST, *(bar(day, 100.0) for day in DAYS), stated=[(DAYS[2], "split", 1.1, None)])
    with store.transaction():
        decided = decided_rows(rows(store, CORPORATE_ACTIONS), DAYS[2], None, "rejected")
        record_rows(store, decided, NOW)

    take_out(FIRST)

    assert rows(store, CORPORATE_ACTIONS)["status"].to_list() == ["rejected"]


def test_a_row_that_was_refused_because_of_it_counts_again(store, home, bring, closes, take_out):
    bring(SECOND, bar(DAYS[0], 55.0), bar(DAYS[1], 101.0))
    bring(FIRST, bar(DAYS[0], 100.0), bar(DAYS[1], 101.0))
    assert rows(store, QUARANTINE)["rule"].to_list() == ["older_vintage"]

    take_out(SECOND)

    assert closes() == [(DAYS[0], 100.0), (DAYS[1], 101.0)]
    assert rows(store, QUARANTINE).is_empty()
    run(cleaning.STAGE, context(store, home, now=LATER))
    counts = count_rows(load_ticker_data(context(store, home, now=LATER)))
    assert counts["holds"].to_list() == [True, True]


def test_refused_rows_of_other_batches_stay(store, bring, take_out):
    block = (2, DAYS[0].isoformat(), "duplicate_of_bar", "no bar: a block deal", "{}")
    bring(FIRST, bar(DAYS[0], 100.0), rejected=[block])
    bring(SECOND, bar(DAYS[1], 55.0), rejected=[(9, "?", "bad_date", "'?' is no date", "{}")])
    before = rows(store, QUARANTINE).filter(rule="duplicate_of_bar")

    take_out(SECOND)

    assert before.height == 1
    assert rows(store, QUARANTINE).equals(before)


def test_refused_rows_come_back_with_their_batch(store, bring, take_out):
    block = (2, DAYS[0].isoformat(), "duplicate_of_bar", "no bar: a block deal", "{}")
    bring(FIRST, bar(DAYS[0], 100.0), rejected=[block])
    take_out(FIRST)
    assert rows(store, QUARANTINE).is_empty()

    bring(FIRST, bar(DAYS[0], 100.0), rejected=[block])

    assert rows(store, QUARANTINE)["rule"].to_list() == ["duplicate_of_bar"]


def test_the_same_file_can_be_brought_in_again(bring, closes, take_out):
    bring(FIRST, bar(DAYS[0], 100.0))
    take_out(FIRST)

    bring(FIRST, bar(DAYS[0], 100.0))

    assert closes() == [(DAYS[0], 100.0)]


def test_a_batch_is_withdrawn_once(store, bring, take_out):
    bring(FIRST, bar(DAYS[0], 100.0))
    take_out(FIRST)

    with pytest.raises(BadInput, match="is withdrawn already"):
        take_out(FIRST)


def test_the_archive_and_the_withdrawal_are_kept(store, bring, take_out):
    bring(FIRST, bar(DAYS[0], 100.0))

    take_out(FIRST)

    assert rows(store, INGEST_BATCHES).height == 1
    assert TCS in store.tickers()
