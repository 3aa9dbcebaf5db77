"""Cleaning over the real store: what is refused, why, and what becomes of it later."""

import datetime as dt
import json
from dataclasses import replace

import polars as pl
import pytest

from src.core.tables import CLEAN_DAILY, CLEAN_HOURLY, QUARANTINE
from src.data.cleaning import stage as cleaning
from src.data.ingest import stage as ingest
from src.features import features_daily
from tests.support.prices import (
    NOW,
    TCS,
    StubSource,
    bar,
    checksums,
    context,
    delivery,
    features_of,
    rows,
    run,
    sessions,
    utc,
)

DAYS = [dt.date(2026, 4, day) for day in (6, 7, 8, 9, 10)]
SATURDAY = dt.date(2026, 4, 11)
NOTHING = {"open": None, "high": None, "low": None, "close": None, "volume": None}


@pytest.fixture
def run_context(store, home):
    return context(store, home)


@pytest.fixture
def cleaned(run_context):
    """Ingest some bars and clean them; the report of the cleaning."""

    def ingest_and_clean(*bars, context=run_context, **facts):
        run(ingest.stage(StubSource([delivery(list(bars), **facts)])), context)
        return run(cleaning.STAGE, context)

    return ingest_and_clean


def refused(store):
    quarantine = rows(store, QUARANTINE).filter(stage="data_cleaning")
    return quarantine.select("at", "rule").rows()


def test_a_clean_bar_is_the_raw_one_with_its_basis(store, cleaned):
    cleaned(bar(DAYS[0], 100.0, adj_close=95.0), bar(DAYS[1], 101.0, adj_close=96.0))

    assert rows(store, CLEAN_DAILY).row(0, named=True) == {
        "ticker": TCS,
        "date": DAYS[0],
        "open": 99.0,
        "high": 102.0,
        "low": 98.0,
        "close": 100.0,
        "volume": 1000.0,
        "adj_close": 95.0,
        "source": "yahoo",
        "return_basis": "total",
        "action_pending": False,
        "repaired_by": None,
    }


def test_rows_set_aside_are_counted_over_all_tickers(store, home):
    tickers = tuple(f"T{number}.NS" for number in range(10, 50))
    bars = [bar(DAYS[0], 100.0), bar(SATURDAY, 101.0)]
    source = StubSource([delivery(bars, ticker=ticker) for ticker in tickers])
    forty = context(store, home, tickers=tickers)
    run(ingest.stage(source), forty)

    details = run(cleaning.STAGE, forty).details

    assert details["notes"] == ["40 rows set aside in quarantine: non_session 40"]
    assert details["sources"] == ["yahoo"]


def test_without_adjusted_closes_returns_are_of_the_price(store, cleaned):
    cleaned(bar(DAYS[0], 100.0, adj_close=None), bar(DAYS[1], 101.0, adj_close=None))

    clean = rows(store, CLEAN_DAILY)
    assert clean["adj_close"].to_list() == [100.0, 101.0]
    assert clean["return_basis"].to_list() == ["price", "price"]


def test_closes_that_are_adjusted_throughout_are_a_total_basis(store, cleaned):
    cleaned(bar(DAYS[0], 100.0, adj_close=None), price_basis="total")

    assert rows(store, CLEAN_DAILY)["return_basis"].to_list() == ["total"]


def test_phantom_null_and_flat_rows_are_refused_each_by_its_rule(store, cleaned):
    flat = {"open": 101.0, "high": 101.0, "low": 101.0, "volume": 0.0}

    report = cleaned(
        bar(DAYS[0], 100.0),
        bar(DAYS[1], 101.0, **flat),
        {**bar(DAYS[2], None), **NOTHING},
        bar(DAYS[4], 103.0),
        bar(SATURDAY, 104.0),
    )

    assert rows(store, CLEAN_DAILY)["date"].to_list() == [DAYS[0], DAYS[4]]
    assert refused(store) == [
        ("2026-04-07", "flat_no_trade"),
        ("2026-04-08", "null_bar"),
        ("2026-04-11", "non_session"),
    ]
    assert report.details["quarantined"] == {"flat_no_trade": 1, "non_session": 1, "null_bar": 1}
    # The 7th, 8th and 9th had sessions and have no bar.
    assert report.details["missing_sessions"] == 3


def test_a_refused_row_is_kept_whole_with_its_reason(store, cleaned):
    cleaned(bar(DAYS[0], 100.0), bar(SATURDAY, 104.0))

    (row,) = rows(store, QUARANTINE).rows(named=True)
    assert (row["action"], row["line"], row["kind"]) == ("rejected", 0, "daily")
    assert row["reason"] == "the exchange was closed on this day"
    whole = json.loads(row["row"])
    assert (whole["close"], whole["volume"], whole["adj_close"]) == (104.0, 1000.0, 104.0)


def test_a_last_bar_fetched_before_the_close_waits_for_the_next_fetch(store, home, cleaned):
    # 14:00 in India, with the session of the 10th still open.
    during = utc(2026, 4, 10, 8, 30)
    cleaned(
        bar(DAYS[3], 100.0),
        bar(DAYS[4], 101.0),
        context=context(store, home, now=during),
        fetched_at=during,
    )
    assert rows(store, CLEAN_DAILY)["date"].to_list() == [DAYS[3]]
    assert refused(store) == [("2026-04-10", "partial_bar")]

    cleaned(bar(DAYS[3], 100.0), bar(DAYS[4], 105.0))

    assert rows(store, CLEAN_DAILY)["close"].to_list() == [100, 105]
    assert refused(store) == []


def test_a_file_brought_in_before_the_close_was_downloaded_before_it(store, cleaned):
    cleaned(
        bar(DAYS[3], 100.0),
        bar(DAYS[4], 101.0),
        fetched_at=utc(2026, 4, 10, 8, 30),
        fetched_at_stated=False,
    )

    assert rows(store, CLEAN_DAILY)["date"].to_list() == [DAYS[3]]


def test_a_row_found_to_be_a_phantom_vanishes_from_clean_prices_and_features(
    store, run_context, cleaned
):
    cleaned(*(bar(day, 100.0 + k) for k, day in enumerate(DAYS)))
    run(features_daily.STAGE, run_context)
    assert features_of(store)["date"].to_list() == DAYS

    # The vendor takes Wednesday back: neither moved nor traded.
    flat = {"open": 101.0, "high": 101.0, "low": 101.0, "volume": 0.0}
    cleaned(bar(DAYS[2], 101.0, **flat), fetched_at=NOW + dt.timedelta(hours=1))
    run(features_daily.STAGE, run_context)

    left = [DAYS[0], DAYS[1], DAYS[3], DAYS[4]]
    assert rows(store, CLEAN_DAILY)["date"].to_list() == left
    assert features_of(store)["date"].to_list() == left
    # Thursday's return is now over Tuesday's close.
    assert features_of(store)["return_lag1"].to_list() == pytest.approx(
        [None, 101 / 100 - 1, 103 / 101 - 1, 104 / 103 - 1], nan_ok=True
    )


def test_cleaning_twice_writes_nothing(run_context, cleaned, database_url):
    cleaned(bar(DAYS[0], 100.0), bar(SATURDAY, 104.0), bar(DAYS[1], None))
    before = checksums(database_url)

    run(cleaning.STAGE, run_context)

    assert checksums(database_url) == before


def test_a_jump_is_marked_with_a_warning(store, cleaned):
    report = cleaned(bar(DAYS[0], 100.0), bar(DAYS[1], 50.0), bar(DAYS[2], 51.0))

    assert rows(store, CLEAN_DAILY)["action_pending"].to_list() == [False, True, False]
    assert report.details["action_pending"] == 1
    assert report.warnings == (
        "TCS.NS: the close of 2026-04-07 is 0.5 times the one before, and no stated corporate "
        "action explains it (if it was a split, of 2 for 1: see `python -m "
        "src.data.corporate_actions accept`, `add`, `reject`): labels across it are left out.",
    )


def test_a_second_source_settles_a_jump_that_prices_alone_cannot(store, cleaned):
    raw = [bar(day, close) for day, close in zip(DAYS, (100.0, 101.0, 54.0, 55.0), strict=False)]
    cleaned(*raw, vendor="nse", price_basis="unadjusted")
    assert rows(store, CLEAN_DAILY)["action_pending"].to_list() == [False, False, True, False]

    adjusted = [bar(day, close) for day, close in zip(DAYS, (50.0, 50.5, 54.0), strict=False)]
    cleaned(*adjusted, vendor="other", price_basis="split")

    clean = rows(store, CLEAN_DAILY)
    assert set(clean["source"]) == {"nse"}
    assert clean["close"].to_list() == [50.0, 50.5, 54.0, 55.0]
    assert not clean["action_pending"].any()


def test_a_leap_of_the_adjusted_close_alone_is_marked_with_a_warning(store, cleaned):
    report = cleaned(
        bar(DAYS[0], 99.0, adj_close=49.5),
        bar(DAYS[1], 100.0, adj_close=50.0),
        bar(DAYS[2], 94.0, adj_close=100.3),
        bar(DAYS[3], 95.0, adj_close=101.4),
    )

    assert rows(store, CLEAN_DAILY)["action_pending"].to_list() == [False, False, True, False]
    assert report.warnings == (
        "TCS.NS: the adjusted close of 2026-04-08 is 2.01 times the one before and the close 0.94 "
        "times, and no stated dividend explains the difference (correct the prices, or enter what "
        "explains it with `python -m src.data.corporate_actions add`): labels across it are left "
        "out.",
    )


def test_several_tickers_are_cleaned_beside_each_other(store, home):
    tickers = (TCS, "INFY.NS")
    both = context(store, home, tickers=tickers)
    bars = {TCS: [100.0, 101.0], "INFY.NS": [10.0, 11.0, 12.0]}
    deliveries = [
        delivery(
            [bar(day, c) for day, c in zip(DAYS, closes, strict=False)],
            ticker=ticker,
            vendor="yahoo" if ticker == TCS else "nse",
        )
        for ticker, closes in bars.items()
    ]

    run(ingest.stage(StubSource(deliveries)), both)
    report = run(cleaning.STAGE, both)

    clean = rows(store, CLEAN_DAILY, *tickers)
    assert clean.filter(ticker=TCS)["close"].to_list() == [100, 101]
    assert clean.filter(ticker="INFY.NS")["close"].to_list() == [10, 11, 12]
    # A ticker's first close is no jump from another's last.
    assert report.warnings == ()
    assert report.details["sources"] == ["nse", "yahoo"]


def test_a_ticker_without_prices_has_no_clean_rows(store, run_context):
    report = run(cleaning.STAGE, run_context)

    assert report.rows == 0
    assert rows(store, CLEAN_DAILY).is_empty()


# --- hourly


def test_hourly_bars_are_instants_in_the_clean_table(store, cleaned, database_url):
    starts = [utc(2026, 4, 10, 3, 45), utc(2026, 4, 10, 9, 45)]

    cleaned(*(bar(ts, 100.0) for ts in starts))

    clean = rows(store, CLEAN_HOURLY)
    assert clean.schema["ts"] == pl.Datetime("us", "UTC")
    assert clean["ts"].to_list() == starts


def test_hourly_bars_outside_the_session_are_refused(store, cleaned):
    cleaned(
        bar(utc(2026, 4, 10, 3, 15), 99.0),
        bar(utc(2026, 4, 10, 3, 45), 100.0),
        bar(utc(2026, 4, 10, 10, 0), 101.0),
        bar(utc(2026, 4, 11, 4, 45), 102.0),
    )

    assert rows(store, CLEAN_HOURLY)["close"].to_list() == [100.0]
    quarantine = rows(store, QUARANTINE)
    assert sorted(quarantine["rule"]) == ["non_session", "outside_hours", "outside_hours"]
    assert set(quarantine["kind"]) == {"hourly"}


def test_an_hour_fetched_before_its_end_waits_until_it_is_fetched_again(store, cleaned):
    # On Friday, 10 April 2026, at 10:20 in India: the bar of 09:15 is whole, that of 10:15 is not.
    hours = [bar(utc(2026, 4, 10, 3, 45), 100.0), bar(utc(2026, 4, 10, 4, 45), 101.0)]

    cleaned(*hours, fetched_at=utc(2026, 4, 10, 4, 50))
    assert rows(store, CLEAN_HOURLY)["close"].to_list() == [100.0]
    assert refused(store) == [("2026-04-10 04:45:00.000000+00:00", "partial_hour")]

    cleaned(*hours, fetched_at=utc(2026, 4, 10, 5, 45))
    assert rows(store, CLEAN_HOURLY)["close"].to_list() == [100.0, 101.0]
    assert refused(store) == []


def test_the_first_hour_of_a_day_belongs_to_its_indian_date(store, home, cleaned):
    early = bar(utc(2026, 4, 9, 3, 45), 100.0)
    late = bar(utc(2026, 4, 10, 3, 45), 101.0)
    cleaned(early, late)
    past = context(store, home, as_of=DAYS[3])

    run(cleaning.STAGE, past)

    assert rows(past.store, CLEAN_HOURLY)["close"].to_list() == [100.0]
    assert rows(store, CLEAN_HOURLY)["close"].to_list() == [100.0, 101.0]


# --- looking back


def test_cleaning_up_to_a_past_session_sees_no_later_row(store, home, cleaned, database_url):
    days = sessions(dt.date(2026, 3, 2), 10)
    cleaned(*(bar(day, 100.0) for day in days))
    past = context(store, home, as_of=days[4])
    before = checksums(database_url)

    report = run(cleaning.STAGE, past)

    assert report.rows == 5
    assert rows(past.store, CLEAN_DAILY)["date"].to_list() == days[:5]
    assert checksums(database_url) == before


def test_two_sources_that_move_apart_give_a_warning(store, home):
    both = context(store, home)
    days = sessions(dt.date(2026, 1, 5), 30)
    calm = [100.0 + n % 3 for n in range(30)]
    wild = [100.0 + 4 * (n % 5) for n in range(30)]
    for vendor, closes in (("yahoo", calm), ("nse", wild)):
        delivered = delivery([bar(day, close) for day, close in zip(days, closes, strict=True)])
        run(ingest.stage(StubSource([replace(delivered, vendor=vendor)])), both)

    report = run(cleaning.STAGE, both)

    (sentence,) = [text for text in report.warnings if "differ on" in text]
    assert sentence.startswith("TCS.NS: the closes from nse differ on ")
