"""Ingest over the real store: deliveries of a few rows, worked out by hand."""

import datetime as dt
import json
from dataclasses import replace

import polars as pl
import psycopg
import pytest

from src.core.calendars.nse import nse
from src.core.errors import BadInput, SourceUnavailable
from src.core.tables import (
    CLEAN_DAILY,
    INGEST_BATCHES,
    PRICE_REVISIONS,
    QUARANTINE,
    RAW_DAILY,
    RAW_HOURLY,
)
from src.data.cleaning import stage as cleaning
from src.data.history.raw_rows import load_raw
from src.data.ingest import stage as ingest
from src.data.sources.files.source import FileSource
from src.data.sources.pace import Pace
from src.data.sources.yahoo.source import YahooSource
from src.db.tables.source_pace import SourcePace
from tests.support.prices import (
    NOW,
    TCS,
    StubSource,
    bar,
    checksums,
    clean_walk,
    context,
    delivery,
    rows,
    run,
    sessions,
    utc,
)
from tests.support.yahoo_replay import Reply, chart, yahoo_replay

DAYS = [dt.date(2026, 4, day) for day in (6, 7, 8, 9, 10)]
EARLIER = NOW - dt.timedelta(days=2)
HEADER = "Date,Open,High,Low,Close,Volume"


@pytest.fixture
def given(store, home):
    return context(store, home)


@pytest.fixture
def bring(given):
    """Ingest deliveries, one source a call."""

    def brought(*deliveries, context=given):
        return run(ingest.stage(StubSource(list(deliveries))), context)

    return brought


def week(*closes, **facts):
    return delivery([bar(day, close) for day, close in zip(DAYS, closes, strict=False)], **facts)


def closes(store, *sources):
    raw = rows(store, RAW_DAILY)
    return raw.filter(raw["source"].is_in(sources or ("yahoo",)))["close"].to_list()


# --- what is stored


def test_rows_are_stored_as_received_under_their_batch(store, bring):
    report = bring(week(100, 101, origin="tcs.csv"))

    (batch,) = rows(store, INGEST_BATCHES).rows(named=True)
    assert (batch["source"], batch["price_basis"], batch["origin"]) == ("yahoo", "split", "tcs.csv")
    assert (batch["rows_delivered"], batch["rows_rejected"]) == (2, 0)
    first = rows(store, RAW_DAILY).row(0, named=True)
    assert first == {
        "ticker": TCS,
        "date": DAYS[0],
        "source": "yahoo",
        "open": 99.0,
        "high": 102.0,
        "low": 98.0,
        "close": 100.0,
        "volume": 1000.0,
        "adj_close": 100.0,
        "batch_id": batch["batch_id"],
        "first_seen": NOW,
    }
    assert report.rows == 2


def test_hourly_bars_are_stored_by_their_instant(store, bring):
    starts = [utc(2026, 4, 10, 3, 45), utc(2026, 4, 10, 4, 45)]

    bring(delivery([bar(ts, 100.0) for ts in starts]))

    assert rows(store, RAW_HOURLY)["ts"].to_list() == starts
    assert rows(store, RAW_DAILY).is_empty()


def test_a_second_run_with_the_same_delivery_changes_no_row(database_url, bring):
    one = [week(100, 101), delivery([bar(utc(2026, 4, 10, 3, 45), 100.0)])]
    bring(*one)
    before = checksums(database_url)

    report = bring(*one)

    assert checksums(database_url) == before
    assert (report.rows, report.details["repeated"]) == (0, 2)


@pytest.mark.parametrize("basis", ["split", "total"])
@pytest.mark.parametrize("dry", [False, True])
def test_a_delivery_that_continues_the_stored_one_writes_only_its_newer_rows(
    store, home, bring, basis, dry
):
    bring(week(100, 101, price_basis=basis, fetched_at=EARLIER))
    again = context(store, home, write=not dry)

    report = bring(week(100, 101, 102, price_basis=basis), context=again)

    target = again.store
    first, second = rows(target, INGEST_BATCHES)["batch_id"]
    assert rows(target, RAW_DAILY)["batch_id"].to_list() == [first, first, second]
    assert load_raw(target, RAW_DAILY, [TCS])["batch_id"].to_list() == [second] * 3
    assert load_raw(target, RAW_DAILY, [TCS])["first_seen"].to_list() == [EARLIER, EARLIER, NOW]
    assert (report.rows, report.details["restated"]) == (3, 0)


def test_a_row_that_a_later_delivery_leaves_out_stays_with_the_last_that_had_it(store, bring):
    for count, hours in ((2, 3), (3, 2)):
        bring(week(*(100, 101, 102)[:count], fetched_at=NOW - dt.timedelta(hours=hours)))
    bring(delivery([bar(DAYS[0], 100)], content_hash="a part"))

    _, second, third = rows(store, INGEST_BATCHES)["batch_id"]
    assert load_raw(store, RAW_DAILY, [TCS])["batch_id"].to_list() == [third, second, second]


def test_a_file_read_again_on_another_day_changes_no_row(store, home, tmp_path, database_url):
    path = tmp_path / "TCS.csv"
    path.write_text(f"{HEADER}\n2026-04-06,99,102,98,100,1000\n2026-04-07,99,102,98,101,1000\n")

    def read(now):
        source = FileSource(
            [path],
            calendar=nse(),
            ticker=TCS,
            vendor="nse",
            basis="split",
            fetched_at=None,
            now=now,
        )
        return run(ingest.stage(source), context(store, home, now=now))

    assert read(NOW).rows == 2
    before = checksums(database_url)
    assert read(NOW + dt.timedelta(days=1)).rows == 0
    assert checksums(database_url) == before


# --- what is asked of the database, and when


LOCKS = (
    "SELECT relation::regclass::text, mode FROM pg_locks JOIN pg_database d ON d.oid = database "
    "WHERE datname = current_database() AND relation IS NOT NULL AND pid <> pg_backend_pid()"
)


class WatchingSource(StubSource):
    """A source that notes the locks that others hold while it is asked."""

    def fetch(self, kind, ticker, since, until):
        with psycopg.connect(self.url, autocommit=True) as other:
            self.locks += other.execute(LOCKS).fetchall()
        return super().fetch(kind, ticker, since, until)


@pytest.mark.parametrize("write", [True, False])
def test_no_transaction_is_open_while_a_source_is_asked(store, home, database_url, write):
    tickers = (TCS, "INFY.NS")
    source = WatchingSource([week(100, 101, ticker=ticker) for ticker in tickers], "yahoo")
    source.url, source.locks = database_url, []

    report = run(ingest.stage(source), context(store, home, tickers=tickers, write=write))

    assert source.locks == []
    assert report.rows == 4


# --- later deliveries


def test_a_restatement_is_taken_and_the_old_value_is_recorded(store, bring):
    bring(week(100, 101, fetched_at=EARLIER))

    report = bring(week(100, 90))

    assert closes(store) == [100, 90]
    revision = rows(store, PRICE_REVISIONS).filter(field="close").row(0, named=True)
    assert (revision["old_value"], revision["new_value"], revision["noise"]) == (
        101.0,
        90.0,
        False,
    )
    assert (revision["known_at"], revision["kind"]) == (NOW, "daily")
    assert revision["at"] == dt.datetime(2026, 4, 7, tzinfo=dt.UTC)
    assert revision["previous_batch_id"] < revision["batch_id"]
    # open, high, low, close and adj_close moved, the volume did not.
    assert report.details["restated"] == 5


def test_noise_is_noted_and_changes_no_value(store, bring):
    bring(week(100, fetched_at=EARLIER))
    almost = delivery([{**bar(DAYS[0], 100.0), "close": 100.0001}])

    report = bring(almost)

    assert closes(store) == [100]
    assert rows(store, PRICE_REVISIONS)["noise"].to_list() == [True]
    assert (report.details["noise"], report.details["restated"]) == (1, 0)


def test_a_null_over_a_value_goes_to_quarantine(store, bring):
    bring(week(100, 101, fetched_at=EARLIER))
    nothing = {**bar(DAYS[1], None), "open": None, "high": None, "low": None, "volume": None}

    bring(delivery([bar(DAYS[0], 100), nothing]))

    assert closes(store) == [100, 101]
    (refused,) = rows(store, QUARANTINE).rows(named=True)
    assert (refused["rule"], refused["stage"]) == ("null_over_value", "data_ingest")
    assert (refused["action"], refused["at"], refused["line"]) == ("rejected", "2026-04-07", 2)
    assert json.loads(refused["row"])["close"] is None


def test_an_older_file_fills_holes_but_overwrites_nothing(store, bring):
    bring(week(100, 101))

    bring(week(80, 101, 102, fetched_at=EARLIER))

    assert closes(store) == [100, 101, 102]
    assert rows(store, QUARANTINE).select("rule", "line").rows() == [("older_vintage", 1)]


def test_a_later_total_vintage_supersedes_the_one_before(store, given, bring):
    bring(week(100, 101, 102, price_basis="total", fetched_at=EARLIER))
    # A dividend moved the whole history: the later vintage has no Monday any more.
    later = delivery(
        [bar(day, close) for day, close in zip(DAYS[1:4], (90, 91, 95), strict=True)],
        price_basis="total",
    )

    bring(later)
    run(cleaning.STAGE, given)

    clean = rows(store, CLEAN_DAILY)
    assert clean.select("date", "close").rows() == [
        (DAYS[1], 90.0),
        (DAYS[2], 91.0),
        (DAYS[3], 95.0),
    ]
    assert rows(store, QUARANTINE).select("rule", "at").rows() == [
        ("superseded_vintage", "2026-04-06")
    ]


# --- what cannot stand beside what is stored


def walk(start, count, *, seed=1, level=1.0):
    """A share's bars of so many sessions from the ``start``-th on, on a level."""
    made = clean_walk(TCS, sessions(dt.date(2025, 1, 1), 300), seed=seed)
    prices = ("open", "high", "low", "close", "adj_close")
    made = made.with_columns(pl.col(name) * level for name in prices)
    return made.rename({"date": "at"})[start : start + count].rows(named=True)


def refused(bring, database_url, late, match):
    before = checksums(database_url)
    with pytest.raises(BadInput, match=match):
        bring(late)
    assert checksums(database_url) == before


@pytest.mark.parametrize("stated", [True, False])
def test_a_part_after_a_split_is_refused_and_the_whole_is_taken(store, bring, database_url, stated):
    bring(delivery(walk(0, 200), fetched_at=EARLIER))
    part = delivery(walk(150, 100, level=0.5), fetched_at_stated=stated)

    refused(bring, database_url, part, "closes are 0.5 times .* on 50 days")
    bring(delivery(walk(0, 250, level=0.5), fetched_at_stated=stated))

    whole = [one["close"] for one in walk(0, 250, level=0.5)]
    assert closes(store) == pytest.approx(whole, rel=1e-12)


def test_another_share_under_the_ticker_is_refused(bring, database_url):
    bring(delivery(walk(0, 200), fetched_at=EARLIER))

    other = delivery(walk(100, 150, seed=2))

    refused(bring, database_url, other, "its returns differ from those stored")


def test_another_exchanges_days_are_refused_before_anything_is_stored(bring, database_url):
    first = dt.date(2025, 1, 1)
    weekdays = [first + dt.timedelta(n) for n in range(400)]
    foreign = [bar(day, 100.0) for day in weekdays if day.weekday() < 5]

    refused(bring, database_url, delivery(foreign), "lie on days when NSE was closed")


def test_rows_that_a_stated_delivery_leaves_out_are_a_warning(bring):
    total = {"price_basis": "total"}
    bring(delivery(walk(0, 200), fetched_at=EARLIER, **total))

    report = bring(delivery(walk(150, 60, level=0.99), **total))

    (warning,) = report.warnings
    assert "has 60 rows that replace 200 from yahoo" in warning
    assert "150 of these are not in it and are left out" in warning


# --- nothing vanishes


def test_rows_of_a_file_are_raw_rows_or_rejected_and_raw_rows_are_clean_or_refused(
    store, home, tmp_path
):
    path = tmp_path / "TCS.csv"
    path.write_text(
        f"{HEADER}\n"
        "2026-04-06,99,102,98,100,1000\n"
        "2026-04-06,99,102,98,100,1000\n"  # a repeat
        "2026-04-07,99,102,98,100,1000\n"
        "never,99,102,98,100,1000\n"  # no date
        "2026-04-08,,,,,\n"  # no prices
        "2026-04-11,99,102,98,100,1000\n"  # a Saturday
        "2026-04-13,100,100,100,100,0\n"  # not traded
    )
    source = FileSource(
        [path],
        calendar=nse(),
        ticker=TCS,
        vendor="nse",
        basis="split",
        fetched_at=None,
        now=NOW,
    )
    given = context(store, home)

    run(ingest.stage(source), given)
    run(cleaning.STAGE, given)

    quarantine = rows(store, QUARANTINE)
    raw, clean = rows(store, RAW_DAILY), rows(store, CLEAN_DAILY)
    at_ingest = quarantine.filter(stage="data_ingest")
    at_cleaning = quarantine.filter(stage="data_cleaning")
    assert raw.height + at_ingest.height == 7
    assert at_ingest.height == 2
    assert raw.height == clean.height + at_cleaning.height
    assert clean["date"].to_list() == DAYS[:2]
    assert sorted(at_cleaning["rule"]) == ["flat_no_trade", "non_session", "null_bar"]


def test_rows_that_the_source_itself_rejected_are_kept_whole(store, bring):
    whole = '{"date": "never", "close": "5"}'
    bring(week(100, rejected=[(2, "never", "unreadable_date", "no date: never", whole)]))

    (refused,) = rows(store, QUARANTINE).rows(named=True)
    assert (refused["at"], refused["line"], refused["rule"]) == ("never", 2, "unreadable_date")
    assert json.loads(refused["row"]) == {"date": "never", "close": "5"}
    assert rows(store, INGEST_BATCHES)["rows_rejected"].to_list() == [1]


# --- which source counts


def test_sources_lie_beside_each_other_and_the_preferred_one_is_cleaned(store, given, bring):
    bring(week(50, 51, vendor="upstox"), week(200, 201, 202, vendor="nse"))
    bring(week(100, 101))

    run(cleaning.STAGE, given)

    assert rows(store, RAW_DAILY).height == 7
    assert rows(store, CLEAN_DAILY)["source"].unique().to_list() == ["yahoo"]
    assert rows(store, CLEAN_DAILY)["close"].to_list() == [100, 101]


def test_the_precedence_is_the_configurations(store, home, bring):
    bring(week(200, 201, vendor="nse"), week(100, 101))
    nse_first = context(store, home, data={"source_precedence": ["nse", "yahoo"]})

    run(cleaning.STAGE, nse_first)

    assert rows(store, CLEAN_DAILY)["close"].to_list() == [200, 201]


def test_a_source_outside_the_precedence_is_better_than_none(store, given, bring):
    bring(week(7, vendor="zeta"), week(5, vendor="beta"))

    run(cleaning.STAGE, given)

    assert rows(store, CLEAN_DAILY)["close"].to_list() == [5]


# --- nothing to bring


def test_without_a_source_and_without_prices_it_says_how_to_bring_some(given):
    with pytest.raises(SourceUnavailable) as refused:
        run(ingest.stage(None), given)

    assert str(refused.value) == (
        "No prices of TCS.NS are stored: fetch some with --source yahoo, or with --source csv "
        "--path FILE."
    )


def test_without_a_source_it_goes_on_from_what_is_stored(given, bring, database_url):
    bring(week(100))
    before = checksums(database_url)

    report = run(ingest.stage(None), given)

    assert (report.rows, report.warnings, report.details["source"]) == (0, (), "stored")
    assert checksums(database_url) == before


# --- Yahoo


@pytest.fixture
def yahoo():
    nothing = {"chart": {"result": [], "error": None}}
    with yahoo_replay({(TCS, "1h"): nothing}) as server:
        yield server


def answer(*bars, interval="1d"):
    """Yahoo's answer: (day, close) pairs, each bar at the opening."""
    return chart(
        TCS,
        [
            (utc(*day.timetuple()[:3], 3, 45), close, close + 2, close - 2, close, 1000, close)
            for day, close in bars
        ],
        interval=interval,
    )


def requested(server):
    """The daily ranges that were requested, as dates."""
    found = []
    for request in server.chart_requests():
        query = dict(part.split("=") for part in request.partition("?")[2].split("&"))
        if query["interval"] == "1d":
            first, last = (int(query[name]) for name in ("period1", "period2"))
            found.append(dt.datetime.fromtimestamp(first, dt.UTC).date())
            assert last > first
    return found


def fetch(server, given):
    source = YahooSource(now=given.now, base_url=server.url, sleep=lambda _: None)
    return run(ingest.stage(source), given)


def test_yahoo_out_of_reach_is_a_warning_where_prices_are_stored(yahoo, given, bring, database_url):
    bring(week(100, 101))
    before = checksums(database_url)

    # Nothing listens there any more, as on a day without a network.
    report = fetch(replace(yahoo, url="http://127.0.0.1:1"), given)

    (warning,) = report.warnings
    assert warning.startswith("Yahoo did not answer for TCS.NS")
    # The sessions of 8, 9, 10 and 13 April have closed since.
    assert warning.endswith("Using stored prices up to 2026-04-07, 4 sessions old.")
    assert checksums(database_url) == before


def test_a_ticker_that_yahoo_may_not_be_asked_for_goes_on_with_stored_prices(
    yahoo, given, bring, database_url
):
    bring(week(100, 101))
    before = checksums(database_url)
    yahoo.every_reply = Reply(429, "Too Many Requests")
    source = YahooSource(now=given.now, base_url=yahoo.url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        rules = given.settings.sources.rules("yahoo")
        source.pace = Pace(
            SourcePace(connection, "yahoo", rules.burst),
            rules,
            "Yahoo",
            on_wait=lambda _title, _seconds: None,
        )
        report = run(ingest.stage(source), given)

    assert (report.warnings, report.failures) == ((), ())
    assert str(report.not_fetched[TCS]).startswith(
        "Yahoo refuses requests (HTTP 429 Too Many Requests) and may be asked again at "
    )
    after = checksums(database_url)
    assert after.pop("source_pace") != before.pop("source_pace")
    assert after == before


def test_yahoo_out_of_reach_stops_the_run_where_nothing_is_stored(yahoo, given, database_url):
    before = checksums(database_url)

    with pytest.raises(SourceUnavailable) as refused:
        fetch(replace(yahoo, url="http://127.0.0.1:1"), given)

    message = str(refused.value)
    assert message.startswith("Yahoo did not answer for TCS.NS")
    assert "no prices of TCS.NS are stored either: bring some in with `python -m" in message
    assert checksums(database_url) == before


def test_the_first_fetch_asks_for_everything_and_the_next_for_an_overlap(yahoo, store, given):
    days = sessions(dt.date(2026, 2, 2), 40)
    yahoo.charts[TCS, "1d"] = answer(*((day, 100.0) for day in days))
    fetch(yahoo, given)

    fetch(yahoo, given)

    first, second = requested(yahoo)
    assert first <= dt.date(1970, 1, 2)
    # Ten sessions of overlap: 20 days before the last bar, less the day that the zone needs.
    assert second == days[-1] - dt.timedelta(days=21)
    assert len(nse().sessions(second, days[-1])) > 10
    assert rows(store, RAW_DAILY).height == 40


def test_a_new_session_is_added_to_those_stored(yahoo, store, home):
    bars = [(day, 100.0 + k) for k, day in enumerate(DAYS)]
    yahoo.charts[TCS, "1d"] = answer(*bars[:4])
    fetch(yahoo, context(store, home, now=utc(2026, 4, 9)))

    yahoo.charts[TCS, "1d"] = answer(*bars)
    fetch(yahoo, context(store, home, now=utc(2026, 4, 10)))

    assert closes(store) == [100, 101, 102, 103, 104]
    assert rows(store, PRICE_REVISIONS).is_empty()
    assert len(requested(yahoo)) == 2


def test_a_restated_last_bar_is_no_reason_to_fetch_everything(yahoo, store, home):
    yahoo.charts[TCS, "1d"] = answer((DAYS[0], 100.0), (DAYS[1], 101.0))
    fetch(yahoo, context(store, home, now=utc(2026, 4, 7, 6)))

    # The bar of the 7th was still moving when it was fetched.
    yahoo.charts[TCS, "1d"] = answer((DAYS[0], 100.0), (DAYS[1], 105.0))
    fetch(yahoo, context(store, home, now=utc(2026, 4, 7)))

    assert len(requested(yahoo)) == 2
    assert closes(store) == [100, 105]


def test_restated_history_is_fetched_from_its_beginning(yahoo, store, home):
    yahoo.charts[TCS, "1d"] = answer((DAYS[0], 100.0), (DAYS[1], 102.0), (DAYS[2], 104.0))
    fetch(yahoo, context(store, home, now=utc(2026, 4, 8)))

    # A 2:1 split halves every price before it.
    yahoo.charts[TCS, "1d"] = answer(*zip(DAYS[:4], (50.0, 51.0, 52.0, 53.0), strict=True))
    fetch(yahoo, context(store, home, now=utc(2026, 4, 9)))

    ranges = requested(yahoo)
    assert len(ranges) == 3
    assert ranges[2] == ranges[0] < ranges[1]
    assert closes(store) == [50, 51, 52, 53]
    revisions = rows(store, PRICE_REVISIONS).filter(field="close").sort("at")
    assert revisions["old_value"].to_list() == [100, 102, 104]
    assert revisions["new_value"].to_list() == [50, 51, 52]


def test_daily_prices_come_in_although_yahoo_has_no_hourly_ones(yahoo, store, given):
    yahoo.charts[TCS, "1d"] = answer((DAYS[0], 100.0))

    fetch(yahoo, given)

    assert closes(store) == [100]
    assert rows(store, RAW_HOURLY).is_empty()


# --- looking back


def test_a_run_up_to_a_past_session_writes_nothing(store, home, bring, database_url):
    bring(week(100, 101, 102))
    past = context(store, home, as_of=DAYS[1])
    before = checksums(database_url)

    report = run(ingest.stage(StubSource([week(90, 91, 92, 93)])), past)
    run(cleaning.STAGE, past)

    assert checksums(database_url) == before
    assert report.rows > 0
    # What it would have written is what its later stages see.
    assert rows(past.store, CLEAN_DAILY)["close"].to_list() == [90, 91]


def test_a_run_without_writing_writes_nothing(store, home, database_url):
    aside = context(store, home, write=False)
    before = checksums(database_url)

    report = run(ingest.stage(StubSource([week(100, 101)])), aside)

    assert checksums(database_url) == before
    assert report.rows == 2
    assert rows(aside.store, RAW_DAILY)["close"].to_list() == [100, 101]


def test_a_delivery_that_fails_leaves_nothing_of_those_before_it(given, database_url):
    before = checksums(database_url)
    broken = week(101, vendor="nse", price_basis="guessed")

    with pytest.raises(Exception, match="price_basis"):
        run(ingest.stage(StubSource([week(100), broken])), given)

    assert checksums(database_url) == before


def test_nothing_is_requested_from_yahoo_after_a_past_session(yahoo, store, home, given):
    stored = [
        (day, 100.0 + i) for i, day in enumerate(nse().sessions(dt.date(2026, 1, 1), DAYS[4]))
    ]
    yahoo.charts[TCS, "1d"] = answer(*stored)
    fetch(yahoo, given)
    past = context(store, home, as_of=dt.date(2026, 2, 10))

    report = fetch(yahoo, past)

    assert report.warnings == ()
    assert requested(yahoo)[-1] < dt.date(2026, 2, 10)


def test_hourly_bars_that_yahoo_does_not_know_are_noted(yahoo, store, given):
    yahoo.charts[TCS, "1d"] = answer((DAYS[0], 100.0))
    yahoo.charts[TCS, "1h"] = {
        "chart": {"result": None, "error": {"code": "Not Found", "description": "No data found"}}
    }

    report = fetch(yahoo, given)

    assert closes(store) == [100]
    assert any("no hourly bars" in note for note in report.details["notes"])


def test_a_changed_last_hourly_bar_is_no_restated_history(yahoo, store, home, given):
    def hours(last):
        times = [(utc(2026, 4, 10, hour, 45), close) for hour, close in ((3, 100), (4, last))]
        bars = [(at, close, close + 1, close - 1, close, 10) for at, close in times]
        return chart(TCS, bars, interval="1h")

    yahoo.charts[TCS, "1d"] = answer((DAYS[4], 100.0))
    yahoo.charts[TCS, "1h"] = hours(101.0)
    fetch(yahoo, given)
    yahoo.charts[TCS, "1h"] = hours(102.0)

    fetch(yahoo, given)

    hourly = [one for one in yahoo.chart_requests() if "interval=1h" in one]
    assert len(hourly) == 2
