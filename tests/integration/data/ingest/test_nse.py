"""Stored series that NSE's daily files continue: which sessions are asked for, and when."""

import datetime as dt

import psycopg
import pytest

from src.core.calendars.nse import nse
from src.core.pace import PaceRules
from src.core.tables import CLEAN_DAILY, RAW_DAILY
from src.data.cleaning import stage as cleaning
from src.data.ingest import stage as ingest
from src.data.sources.nse.cache import Cache
from src.data.sources.nse.source import NseSource
from src.data.sources.nse.web import Web
from src.data.sources.pace import Pace
from src.db.tables.source_pace import SourcePace
from tests.support.nse_archive import nse_archive
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
        web = Web(archive.url, "", sleep=lambda _: None)
        return NseSource(calendar=nse(), now=now, archive=web, cache=Cache(tmp_path / "nse"))

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
