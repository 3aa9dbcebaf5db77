"""Stored series that NSE's daily files continue: which sessions are asked for, and when."""

import datetime as dt

import psycopg
import pytest

from src.config.settings import Settings
from src.core.calendars.nse import nse
from src.core.pace import PaceRules
from src.core.tables import CLEAN_DAILY, CORPORATE_ACTIONS, PRICE_REVISIONS, RAW_DAILY
from src.data.cleaning import stage as cleaning
from src.data.ingest import stage as ingest
from src.data.sources.nse.source import open_nse
from src.data.sources.pace import Pace
from src.db.tables.source_pace import SourcePace
from tests.support.nse_archive import action, nse_archive
from tests.support.prices import NOW, StubSource, bar, context, delivery, rows, run, sessions

DAYS = sessions(dt.date(2026, 3, 23), 13)
CLOSES = dict(zip(DAYS, range(100, 113), strict=True))
TICKERS = ("INFY.NS", "TCS.NS")


@pytest.fixture
def archive():
    with nse_archive() as server:
        for day in DAYS:
            bars = (day, CLOSES[day])
            server.publish(day, [row("INFY", *bars), row("TCS", *bars), row("TCS", *bars, "N1")])
        yield server


def row(symbol, _day, close, series="EQ"):
    return (symbol, series, close * 0.99, close * 1.02, close * 0.98, close, 1000)


@pytest.fixture
def given(store, home):
    return context(store, home, tickers=TICKERS)


@pytest.fixture
def stored(given):
    """Both by Yahoo up to the session before the last two, fetched after it had closed."""
    bars = [bar(day, CLOSES[day]) for day in DAYS[:-2]]
    fetched_at = dt.datetime.combine(DAYS[-3], dt.time(12, 30), dt.UTC)
    deliveries = [delivery(bars, ticker=ticker, fetched_at=fetched_at) for ticker in TICKERS]
    run(ingest.stage(StubSource(deliveries)), given)


@pytest.fixture
def source(archive, tmp_path):
    """A source on the same disk as the one before it."""

    def make(now=NOW):
        settings = Settings(home=tmp_path, nse_url=archive.url)
        return open_nse(settings, calendar=nse(), now=now, tickers=None)

    return make


def asked(archive):
    dates = [path.rpartition("_F_")[0][-8:] for path in archive.requests]
    archive.requests.clear()
    return [dt.datetime.strptime(text, "%Y%m%d").date() for text in dates]  # noqa: DTZ007


def test_the_first_run_asks_for_three_stored_sessions_too_to_compare_them(
    stored, given, archive, source
):
    report = run(ingest.stage(source()), given)
    run(cleaning.STAGE, given)

    assert asked(archive) == DAYS[-5:]
    assert (report.warnings, report.failures) == ((), ())
    for ticker in TICKERS:
        clean = rows(given.store, CLEAN_DAILY, ticker)
        assert clean["date"].to_list() == DAYS
        assert clean["source"].to_list()[-2:] == ["nse", "nse"]
        assert clean["close"].to_list() == [float(CLOSES[day]) for day in DAYS]


def test_later_runs_ask_for_what_is_missing_and_for_nothing_where_all_is_there(
    stored, given, archive, store, home, source
):
    yesterday = NOW - dt.timedelta(days=3)  # Friday evening
    before = context(store, home, tickers=TICKERS, now=yesterday)
    run(ingest.stage(source(yesterday)), before)
    assert asked(archive) == DAYS[-5:-1]

    run(ingest.stage(source()), given)
    # The last ones may have been corrected since.
    assert asked(archive) == DAYS[-4:]
    run(ingest.stage(source()), given)
    assert asked(archive) == []


def test_a_bar_of_a_session_under_way_is_asked_for_again(given, archive, source):
    bars = [bar(day, CLOSES[day]) for day in DAYS[:-1]] + [bar(DAYS[-1], 99.0)]
    noon = dt.datetime.combine(DAYS[-1], dt.time(6, 30), dt.UTC)
    deliveries = [delivery(bars, ticker=ticker, fetched_at=noon) for ticker in TICKERS]
    run(ingest.stage(StubSource(deliveries)), given)

    run(ingest.stage(source()), given)
    run(cleaning.STAGE, given)

    assert asked(archive) == DAYS[-3:]
    assert rows(given.store, CLEAN_DAILY, "TCS.NS")["close"].to_list()[-1] == 112.0


def test_a_file_that_is_not_there_yet_is_one_sentence_for_all_tickers(
    stored, given, archive, source
):
    archive.files.clear()
    for day in DAYS[:-1]:
        archive.publish(day, [row(name, day, CLOSES[day]) for name in ("INFY", "TCS")])

    report = run(ingest.stage(source()), given)

    assert report.warnings == (
        "NSE has not delivered its file of 2026-04-13 yet: the next run asks for it again.",
    )
    assert (report.failures, report.not_fetched) == ((), {})
    assert rows(given.store, RAW_DAILY, "TCS.NS").filter(source="nse")["date"].max() == DAYS[-2]


def test_a_ban_keeps_what_had_come_and_tells_of_all_tickers_at_once(
    stored, given, archive, database_url, source
):
    archive.patience = 0
    rules = PaceRules(
        burst=10, seconds_per_request=3, longest_wait=30, first_pause=900, longest_pause=3600
    )
    with psycopg.connect(database_url, autocommit=True) as connection:
        banned = source()
        banned.pace = Pace(
            SourcePace(connection, "nse", 10), rules, "NSE", on_wait=lambda _title, _seconds: None
        )
        report = run(ingest.stage(banned), given)

    assert len(archive.requests) == 1
    assert list(report.not_fetched) == list(TICKERS)
    assert "NSE refuses requests (HTTP 429 Too Many Requests)" in str(report.not_fetched["TCS.NS"])
    assert (report.warnings, report.failures) == ((), ())


def test_a_ticker_of_which_nothing_is_stored_is_told_where_its_past_comes_from(
    given, archive, source
):
    report = run(ingest.stage(source()), given)

    assert archive.requests == []
    assert all("only continue what is stored" in failure for failure in report.failures)
    assert set(report.failed) == set(TICKERS)


def test_a_day_corrected_later_is_a_revision_and_what_is_equal_is_not_stored_again(
    stored, given, archive, source, store, home
):
    run(ingest.stage(source()), given)
    tomorrow = NOW + dt.timedelta(days=2)  # the 14th is a holiday
    archive.publish(dt.date(2026, 4, 15), [row(each, None, 113) for each in ("INFY", "TCS")])
    archive.publish(
        DAYS[-1], [("TCS", "EQ", 110.0, 115.0, 109.0, 112.5, 1100), row("INFY", 0, 112)]
    )

    later = context(store, home, tickers=TICKERS, now=tomorrow)
    report = run(ingest.stage(source(tomorrow)), later)
    run(cleaning.STAGE, later)

    changed = rows(store, PRICE_REVISIONS, "TCS.NS").filter(
        ~rows(store, PRICE_REVISIONS, "TCS.NS")["noise"]
    )
    assert changed.sort("field").select("field", "old_value", "new_value").rows() == [
        ("close", 112.0, 112.5),
        ("high", 114.24, 115.0),
        ("low", 109.76, 109.0),
        ("open", 110.88, 110.0),
        ("volume", 1000.0, 1100.0),
    ]
    assert rows(store, PRICE_REVISIONS, "INFY.NS").is_empty()
    # One bar of INFY, two of TCS.
    assert (report.rows, report.details["delivered"]) == (3, 3)
    assert rows(store, CLEAN_DAILY, "TCS.NS")["close"].to_list()[-2:] == [112.5, 113.0]


def test_the_actions_of_these_dates_are_in_the_ledger_once(
    stored, given, archive, source, store, home
):
    archive.actions = [
        action("TCS", "Interim Dividend - Rs 11 Per Share", "10-Apr-2026"),
        action("INFY", "Bonus 1:1", "27-Mar-2026"),
        action("WIPRO", "Dividend - Rs 5 Per Share", "10-Apr-2026"),
    ]
    report = run(ingest.stage(source()), given)

    listed = [
        rows(store, CORPORATE_ACTIONS, each).select("date", "kind", "ratio", "amount", "source")
        for each in (*TICKERS, "WIPRO.NS")
    ]
    assert [each.rows() for each in listed] == [
        [(dt.date(2026, 3, 27), "bonus", 2.0, None, "nse")],
        [(dt.date(2026, 4, 10), "dividend", None, 11.0, "nse")],
        [],
    ]
    assert report.warnings == ()
    before = rows(store, CORPORATE_ACTIONS, "TCS.NS")
    tomorrow = NOW + dt.timedelta(days=2)
    archive.publish(dt.date(2026, 4, 15), [row(each, None, 113) for each in ("INFY", "TCS")])
    run(ingest.stage(source(tomorrow)), context(store, home, tickers=TICKERS, now=tomorrow))
    assert rows(store, CORPORATE_ACTIONS, "TCS.NS").equals(before)


def test_a_split_that_nse_states_is_continued_over(given, archive, source, store):
    """Yahoo's bars end before the split of 10 April, NSE's go on after it."""
    fetched_at = dt.datetime.combine(DAYS[-3], dt.time(12, 30), dt.UTC)
    bars = [bar(day, CLOSES[day]) for day in DAYS[:-2]]
    parts = [delivery(bars, ticker=ticker, fetched_at=fetched_at) for ticker in TICKERS]
    run(ingest.stage(StubSource(parts)), given)
    for day in DAYS[-2:]:
        archive.publish(day, [row("TCS", day, CLOSES[day] / 2), row("INFY", day, CLOSES[day])])
    archive.actions = [
        action("TCS", "Face Value Split (Sub-Division) - From Rs 10/- To Rs 5/-", "10-Apr-2026")
    ]
    run(ingest.stage(source()), given)
    run(cleaning.STAGE, given)

    clean = rows(store, CLEAN_DAILY, "TCS.NS")
    assert clean["date"].to_list() == DAYS
    assert clean["close"].to_list() == [CLOSES[day] / 2 for day in DAYS]


def test_a_share_is_continued_under_its_new_symbol(archive, source, store, home, database_url):
    """It left the symbol OLD on the last of these sessions."""
    fetched_at = dt.datetime.combine(DAYS[-3], dt.time(12, 30), dt.UTC)
    bars = [bar(day, CLOSES[day]) for day in DAYS[:-2]]
    run(
        ingest.stage(StubSource([delivery(bars, ticker="OLD.NS", fetched_at=fetched_at)])),
        context(store, home, tickers=("OLD.NS",)),
    )
    for day in DAYS:
        archive.publish(day, [row("NEW" if day == DAYS[-1] else "OLD", day, CLOSES[day])])
    archive.actions = [action("OLD", "Dividend - Rs 2 Per Share", f"{DAYS[-2]:%d-%b-%Y}")]
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO symbol_changes VALUES ('OLD.NS', %s, 'NEW.NS', false, 'a test', %s)",
            (DAYS[-1], NOW),
        )

    today = context(store, home, tickers=("NEW.NS",))
    report = run(ingest.stage(source()), today)
    run(cleaning.STAGE, today)

    assert (report.warnings, report.failures) == ((), ())
    clean = rows(store, CLEAN_DAILY, "NEW.NS")
    assert clean["date"].to_list() == DAYS
    assert clean["close"].to_list() == [float(CLOSES[day]) for day in DAYS]
    (dividend,) = rows(store, CORPORATE_ACTIONS, "NEW.NS").rows(named=True)
    assert (dividend["date"], dividend["amount"]) == (DAYS[-2], 2.0)
