"""What had been fetched by a time, rebuilt from what was delivered by then."""

import datetime as dt

import psycopg
import pytest

from src.core.errors import BadInput, SourceUnavailable, UsageError
from src.core.tables import CLEAN_DAILY, CORPORATE_ACTIONS, FEATURES_DAILY, RAW_DAILY, RAW_HOURLY
from src.data.cleaning import stage as cleaning
from src.data.corporate_actions.decisions.manual import decided_rows, entered_row
from src.data.corporate_actions.recording.history import record_rows
from src.data.history import as_known
from src.data.ingest import stage as ingest
from src.features import features_daily
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

DAYS = [dt.date(2026, 4, day) for day in (6, 7, 8, 9, 10)]
FIRST, SECOND, THIRD = utc(2026, 4, 9), utc(2026, 4, 10), utc(2026, 4, 11)
LATER = utc(2026, 4, 12)


@pytest.fixture
def bring(store, home):
    """Ingest bars as fetched at a time."""

    def brought(fetched_at, *bars, **facts):
        given = context(store, home, now=LATER)
        made = delivery(list(bars), fetched_at=fetched_at, **facts)
        return run(ingest.stage(StubSource([made])), given)

    return brought


@pytest.fixture
def closes(store, home):
    """The clean closes as they were known at a time, or are now."""

    def known_then(known_at=None):
        given = context(store, home, now=LATER, known_at=known_at)
        run(cleaning.STAGE, given)
        clean = given.store.load(CLEAN_DAILY, [TCS])
        return dict(clean.select("date", "close").iter_rows())

    return known_then


def test_a_later_bar_was_not_known_before_it_was_fetched(bring, closes):
    bring(FIRST, bar(DAYS[0], 100.0), bar(DAYS[1], 101.0))
    bring(SECOND, bar(DAYS[1], 101.0), bar(DAYS[2], 102.0))

    assert closes(FIRST) == {DAYS[0]: 100.0, DAYS[1]: 101.0}
    assert closes(SECOND) == closes() == {DAYS[0]: 100.0, DAYS[1]: 101.0, DAYS[2]: 102.0}


def test_a_value_that_was_changed_is_seen_as_it_was(bring, closes):
    bring(FIRST, bar(DAYS[0], 100.0), bar(DAYS[1], 101.0))
    bring(SECOND, bar(DAYS[1], 105.0))
    bring(THIRD, bar(DAYS[1], 103.0))

    just_before = SECOND - dt.timedelta(microseconds=1)
    assert [closes(at)[DAYS[1]] for at in (FIRST, just_before, SECOND, THIRD)] == [
        *(101.0, 101.0, 105.0, 103.0),
    ]


def test_noise_is_not_seen_at_any_time(bring, closes):
    bring(FIRST, bar(DAYS[0], 100.0))
    bring(SECOND, bar(DAYS[0], 100.00001))

    assert closes(FIRST) == closes(SECOND) == closes() == {DAYS[0]: 100.0}


def test_a_delivery_fetched_earlier_and_brought_later_was_known_earlier(bring, closes):
    bring(SECOND, bar(DAYS[0], 105.0), bar(DAYS[1], 101.0))
    bring(FIRST, bar(DAYS[0], 100.0), bar(DAYS[2], 102.0))

    assert closes(FIRST) == {DAYS[0]: 100.0, DAYS[2]: 102.0}
    assert closes(SECOND) == {DAYS[0]: 105.0, DAYS[1]: 101.0, DAYS[2]: 102.0}


def test_a_hole_that_an_earlier_fetch_fills_was_filled_then_and_is_now(bring, store, home):
    bring(SECOND, bar(DAYS[0], 105.0, volume=None), bar(DAYS[1], 101.0, open=None))
    bring(FIRST, bar(DAYS[0], 100.0, volume=700.0), bar(DAYS[1], 101.0, open=100.5))

    then = as_known.raw_prices(context(store, home, now=LATER, known_at=SECOND), RAW_DAILY)

    values = ["date", "open", "high", "low", "close", "volume", "adj_close"]
    assert then.select(values).equals(rows(store, RAW_DAILY).select(values))
    assert then.select("close", "volume").rows() == [(105.0, 700.0), (101.0, 1000.0)]
    assert then["open"][1] == 100.5


def test_a_dry_run_puts_a_late_delivery_into_its_place_too(bring, store, home):
    bring(SECOND, bar(DAYS[0], 100.0004), bar(DAYS[1], 101.0))
    dry = context(store, home, now=LATER, write=False)
    late = delivery([bar(DAYS[0], 100.0), bar(DAYS[2], 102.0)], fetched_at=FIRST)

    run(ingest.stage(StubSource([late])), dry)

    # The later fetch differs by noise alone, which leaves the value of the earlier one.
    assert dry.store.load(RAW_DAILY, [TCS])["close"].to_list() == [100.0, 101.0, 102.0]
    assert rows(store, RAW_DAILY)["close"].to_list() == [100.0004, 101.0]


def test_a_bar_was_partial_until_it_was_fetched_after_the_close(bring, closes):
    # 08:30 in India, and in the evening.
    during, after = utc(2026, 4, 10, 8, 30), utc(2026, 4, 10, 14, 0)
    bring(during, bar(DAYS[3], 103.0), bar(DAYS[4], 104.0))
    bring(after, bar(DAYS[4], 104.0))

    assert closes(during) == {DAYS[3]: 103.0}
    assert closes(after) == {DAYS[3]: 103.0, DAYS[4]: 104.0}


def test_a_vintage_of_a_total_series_is_seen_whole_as_it_was(bring, closes):
    total = {"price_basis": "total"}
    bring(FIRST, *(bar(day, 100.0) for day in DAYS[:3]), **total)
    bring(SECOND, *(bar(day, 98.0) for day in DAYS[1:4]), **total)

    assert closes(FIRST) == dict.fromkeys(DAYS[:3], 100.0)
    assert closes(SECOND) == closes() == dict.fromkeys(DAYS[1:4], 98.0)


def test_hourly_bars_are_seen_as_they_were(bring, store, home):
    at = [dt.datetime(2026, 4, 6, hour, 45, tzinfo=dt.UTC) for hour in (3, 4)]
    bring(FIRST, bar(at[0], 100.0))
    bring(SECOND, bar(at[0], 90.0), bar(at[1], 101.0))

    def seen(known_at):
        given = context(store, home, now=LATER, known_at=known_at)
        return as_known.raw_prices(given, RAW_HOURLY)["close"].to_list()

    assert (seen(FIRST), seen(SECOND)) == ([100.0], [90.0, 101.0])


def test_all_deliveries_replayed_are_the_stored_rows(bring, store, home):
    walk = clean_walk(TCS, sessions(dt.date(2025, 1, 1), 120), seed=3)
    bars = walk.rename({"date": "at"}).rows(named=True)
    bring(FIRST, *bars[:80])
    bring(SECOND, *bars[60:100])
    # Every second close was corrected.
    last = enumerate(bars[90:120])
    bring(THIRD, *(one | {"close": one["close"] * (1 + n % 2 / 1000)} for n, one in last))

    replayed = as_known.raw_prices(context(store, home, now=LATER, known_at=THIRD), RAW_DAILY)

    assert replayed.equals(rows(store, RAW_DAILY))


def test_a_run_that_looks_back_writes_nothing(bring, store, home, database_url, closes):
    bring(FIRST, bar(DAYS[0], 100.0))
    closes()
    before = checksums(database_url)

    closes(FIRST)

    assert checksums(database_url) == before


def test_before_the_first_fetch_nothing_was_known(bring, store, home):
    bring(SECOND, bar(DAYS[0], 100.0))

    with pytest.raises(SourceUnavailable, match=r"No prices of TCS\.NS that were known at 2026-04"):
        run(ingest.stage(None), context(store, home, now=LATER, known_at=FIRST))


def test_prices_from_before_deliveries_were_kept_are_said(bring, store, home, database_url):
    bring(FIRST, bar(DAYS[0], 100.0))
    with psycopg.connect(database_url) as connection:
        connection.execute("ALTER TABLE batch_contents DISABLE TRIGGER USER")
        connection.execute("DELETE FROM batch_contents")

    with pytest.raises(BadInput, match=r"TCS\.NS: some prices were stored before"):
        as_known.raw_prices(context(store, home, now=LATER, known_at=FIRST), RAW_DAILY)


def test_the_future_is_not_known(store, home):
    with pytest.raises(UsageError, match="--known-at 2026-04-13 13:30 UTC lies in the future"):
        context(store, home, now=NOW, known_at=NOW + dt.timedelta(hours=1))


def test_what_a_person_decided_later_was_not_known(store, home, bring, closes):
    walk = clean_walk(TCS, sessions(dt.date(2025, 1, 1), 60), seed=3)
    bring(FIRST, *walk.rename({"date": "at"}).rows(named=True), price_basis="unadjusted")
    first, day = walk["date"][0], walk["date"][30]
    plain = closes(FIRST)[first]
    with store.transaction():
        record_rows(store, entered_row(TCS, day, "split", 2.0, SECOND), SECOND)
    entered_then = closes(SECOND)[first]
    with store.transaction():
        ledger = rows(store, CORPORATE_ACTIONS)
        record_rows(store, decided_rows(ledger, day, "split", "rejected"), THIRD)

    assert entered_then == plain / 2
    assert [closes(at)[first] for at in (FIRST, SECOND, THIRD, None)] == [
        *(plain, plain / 2, plain, plain),
    ]


def trained(given):
    for stage in (cleaning.STAGE, features_daily.STAGE):
        run(stage, given)
    return [given.store.load(table, [TCS]) for table in (CLEAN_DAILY, FEATURES_DAILY)]


def test_yesterdays_rows_are_rebuilt_bit_for_bit(bring, store, home):
    walk = clean_walk(TCS, sessions(dt.date(2024, 1, 1), 400), seed=3)
    bars = walk.rename({"date": "at"}).rows(named=True)
    bring(FIRST, *bars[:398])
    yesterday = trained(context(store, home, now=FIRST))
    # A new split and two new days: every earlier price is halved.
    halved = [one | {f: one[f] / 2 for f in ("open", "high", "low", "close")} for one in bars]
    bring(SECOND, *halved)
    today = trained(context(store, home, now=SECOND))

    again = trained(context(store, home, now=THIRD, known_at=FIRST))

    assert not again[0].equals(today[0])
    assert all(one.equals(other) for one, other in zip(again, yesterday, strict=True))
