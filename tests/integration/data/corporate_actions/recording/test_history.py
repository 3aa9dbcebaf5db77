"""Actions that come with prices, from ingest to the ledger and its history in the real store."""

import datetime as dt
import json

import polars as pl
import psycopg
import pytest

from src.core.calendars.nse import nse
from src.core.tables import ACTION_HISTORY, CORPORATE_ACTIONS, SYMBOL_CHANGES
from src.data.cleaning import stage as cleaning
from src.data.corporate_actions.ledger import as_contradicted
from src.data.corporate_actions.recording.history import ledger_known_at, record_rows
from src.data.corporate_actions.recording.joined import joined_actions
from src.data.ingest import stage as ingest
from src.data.instruments.lists.stated import SymbolChange
from src.data.instruments.renames import change_rows
from src.data.sources.files.source import FileSource
from src.data.sources.yahoo.source import YahooSource
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
)
from tests.support.yahoo_replay import chart, yahoo_replay

DAYS = [dt.date(2026, 4, day) for day in (6, 7, 8, 9, 10)]
EARLIER = NOW - dt.timedelta(days=1)
SCHEMA = {"date": pl.Date, "kind": pl.String, "ratio": pl.Float64, "amount": pl.Float64}


@pytest.fixture
def ingest_all(store, home):
    def ingest_deliveries(*deliveries):
        return run(ingest.stage(StubSource(list(deliveries))), context(store, home)).warnings

    return ingest_deliveries


def week(*stated, closes=(100.0,) * 5, **facts):
    actions = pl.DataFrame(list(stated), schema=SCHEMA, orient="row")
    bars = [bar(day, close) for day, close in zip(DAYS, closes, strict=True)]
    return delivery(bars, actions=actions, **facts)


def dividend(amount, day=DAYS[2]):
    return (day, "dividend", None, amount)


def ledger(store):
    stored = rows(store, CORPORATE_ACTIONS).rows(named=True)
    return [(r["date"], r["ratio"] or r["amount"], r["status"]) for r in stored]


def states(store):
    stored = rows(store, ACTION_HISTORY).sort("changed_at").rows(named=True)
    return [(r["changed_at"], r["ratio"] or r["amount"], r["status"]) for r in stored]


def decide(store, status, at):
    changed = rows(store, CORPORATE_ACTIONS).with_columns(
        status=pl.lit(status), decided_by=pl.lit("person")
    )
    with store.transaction():
        record_rows(store, changed, at)


def test_what_comes_with_prices_is_in_the_ledger_and_its_history(store, ingest_all):
    ingest_all(week(dividend(6.0), (DAYS[3], "split", 2.0, None), fetched_at=EARLIER))

    expected = {
        "ticker": TCS,
        "date": DAYS[2],
        "kind": "dividend",
        "source": "yahoo",
        "origin": "stated",
        "ratio": None,
        "amount": 12.0,
        "status": "applied",
        "decided_by": "rule",
        "evidence": "{}",
        "known_at": EARLIER,
    }
    assert rows(store, CORPORATE_ACTIONS).row(0, named=True) == expected
    assert rows(store, ACTION_HISTORY).row(0, named=True) == {**expected, "changed_at": EARLIER}
    assert ledger(store)[1] == (DAYS[3], 2.0, "applied")


def test_the_same_delivery_again_changes_no_row(database_url, ingest_all):
    ingest_all(week(dividend(12.0)))
    before = checksums(database_url)

    assert ingest_all(week(dividend(12.0))) == ()
    assert checksums(database_url) == before


def test_actions_are_taken_when_the_prices_were_stored_already(store, ingest_all):
    ingest_all(week(fetched_at=EARLIER))
    ingest_all(week(dividend(12.0)))

    assert ledger(store) == [(DAYS[2], 12.0, "applied")]


def test_a_restated_amount_is_a_second_state(store, ingest_all):
    ingest_all(week(dividend(12.0), fetched_at=EARLIER))
    (warning,) = ingest_all(week(dividend(11.0)))

    assert "restated" in warning
    assert ledger(store) == [(DAYS[2], 11.0, "applied")]
    assert states(store) == [(EARLIER, 12.0, "applied"), (NOW, 11.0, "applied")]
    then = ledger_known_at(rows(store, ACTION_HISTORY), EARLIER)
    assert then["amount"].to_list() == [12.0]


def test_an_earlier_delivery_that_comes_later_overwrites_nothing(store, ingest_all):
    middle = EARLIER + dt.timedelta(hours=1)
    ingest_all(week(dividend(12.0), fetched_at=EARLIER))
    ingest_all(week(dividend(12.0), closes=(100.0, 101.0, 102.0, 103.0, 104.0)))

    # The row was known before this one was fetched, but its value was stated again after that.
    ingest_all(week(dividend(11.0), closes=(99.0,) * 5, fetched_at=middle))

    assert ledger(store) == [(DAYS[2], 12.0, "applied")]


def test_what_the_source_withdrew_waits_until_it_is_stated_again(store, ingest_all):
    ingest_all(week(dividend(12.0), fetched_at=EARLIER))
    (warning,) = ingest_all(week())

    assert "no longer states the dividend of 12 on 2026-04-08" in warning
    assert ledger(store) == [(DAYS[2], 12.0, "pending")]
    evidence = rows(store, CORPORATE_ACTIONS)["evidence"][0]
    assert json.loads(evidence) == {"withdrawn_at": NOW.isoformat()}
    assert ingest_all(week()) == ()
    later = NOW + dt.timedelta(days=1)
    ingest_all(week(dividend(12.0), fetched_at=later))
    assert states(store) == [
        (EARLIER, 12.0, "applied"),
        (NOW, 12.0, "pending"),
        (later, 12.0, "applied"),
    ]


def test_a_decision_stands_against_a_later_delivery_and_is_in_the_history(store, ingest_all):
    ingest_all(week(dividend(12.0), fetched_at=EARLIER))
    decided = EARLIER + dt.timedelta(hours=1)
    decide(store, "rejected", decided)

    (warning,) = ingest_all(week(dividend(11.0)))

    assert "now states 11" in warning
    assert "12 is kept" in warning
    assert ledger(store) == [(DAYS[2], 12.0, "rejected")]
    assert states(store) == [(EARLIER, 12.0, "applied"), (decided, 12.0, "rejected")]


def test_decisions_of_one_instant_do_not_collide(store, ingest_all):
    ingest_all(week(dividend(12.0)))
    decide(store, "rejected", NOW)
    decide(store, "applied", NOW)
    decide(store, "applied", NOW)
    tick = dt.timedelta(microseconds=1)

    assert states(store) == [
        (NOW, 12.0, "applied"),
        (NOW + tick, 12.0, "rejected"),
        (NOW + 2 * tick, 12.0, "applied"),
    ]


def test_the_history_lets_nothing_be_changed(database_url, ingest_all):
    ingest_all(week(dividend(12.0)))

    with (
        psycopg.connect(database_url) as connection,
        pytest.raises(psycopg.errors.RaiseException, match="append-only"),
    ):
        connection.execute("UPDATE corporate_action_history SET amount = 1")


def test_two_files_of_one_fetch_leave_the_later_ones_word(store, ingest_all):
    ingest_all(week(dividend(12.0)), week(dividend(11.0), closes=(101.0,) * 5))

    assert ledger(store) == [(DAYS[2], 11.0, "applied")]
    assert [amount for _, amount, _ in states(store)] == [12.0, 11.0]


def test_a_run_that_may_not_write_leaves_the_ledger_alone(store, home):
    run_context = context(store, home, write=False)

    run(ingest.stage(StubSource([week(dividend(12.0))])), run_context)

    assert ledger(store) == []


def test_a_doubted_dividend_waits_through_ingest_and_cleaning_again_and_again(
    store, home, database_url
):
    walk = clean_walk(TCS, sessions(dt.date(2025, 1, 1), 60), seed=3).rename({"date": "at"})
    bars = walk.with_columns(adj_close=None).rows(named=True)
    # A third of the price, of which the price did not fall.
    stated = dividend(round(bars[39]["close"] / 3), bars[40]["at"])

    def ingest_and_clean(count, fetched_at):
        actions = pl.DataFrame([stated], schema=SCHEMA, orient="row")
        made = delivery(bars[:count], actions=actions, fetched_at=fetched_at)
        given = context(store, home)
        run(ingest.stage(StubSource([made])), given)
        ingested = checksums(database_url)
        run(cleaning.STAGE, given)
        return ingested

    ingest_and_clean(59, EARLIER)
    doubted = rows(store, CORPORATE_ACTIONS), rows(store, ACTION_HISTORY)
    once = checksums(database_url)
    assert ingest_and_clean(59, EARLIER) == once == checksums(database_url)
    ingest_and_clean(60, NOW)

    assert doubted[0]["status"].to_list() == ["pending"]
    again = rows(store, CORPORATE_ACTIONS), rows(store, ACTION_HISTORY)
    assert all(one.equals(other) for one, other in zip(again, doubted, strict=True))


def test_a_doubted_dividend_that_its_source_withdraws_stays_withdrawn(store, home, ingest_all):
    ingest_all(week(dividend(12.0), fetched_at=EARLIER))
    doubted = as_contradicted(rows(store, CORPORATE_ACTIONS), pl.lit("it is doubted"))
    with store.transaction():
        record_rows(store, doubted, EARLIER)

    ingest_all(week())

    evidence = json.loads(rows(store, CORPORATE_ACTIONS)["evidence"][0])
    assert list(evidence) == ["withdrawn_at"]


# --- sources


def opened(day):
    return dt.datetime.combine(day, dt.time(3, 45), dt.UTC)


def answer(days, **events):
    return chart(
        TCS, [(opened(day), 99.0, 102.0, 98.0, 100.0, 1000, 100.0) for day in days], **events
    )


def from_yahoo(store, home, reply, now):
    with yahoo_replay({(TCS, "1d"): reply}) as server:
        source = YahooSource(now=now, base_url=server.url, sleep=lambda _: None)
        report = run(ingest.stage(source), context(store, home, now=now))
        requests = [each for each in server.chart_requests() if "interval=1d" in each]
    return report.warnings, len(requests)


def test_yahoos_actions_come_in_one_request_with_its_bars(store, home):
    days = nse().sessions(dt.date(2026, 1, 1), DAYS[-1])
    reply = answer(days, dividends={opened(DAYS[0]): 6.0}, splits={opened(DAYS[3]): (2, 1)})

    warnings, requests = from_yahoo(store, home, reply, NOW)

    assert (warnings, requests) == ((), 1)
    assert ledger(store) == [(DAYS[0], 12.0, "applied"), (DAYS[3], 2.0, "applied")]


def test_the_twin_of_a_stored_dividend_waits_though_yahoo_was_asked_for_three_weeks(store, home):
    stated, doubled = dt.date(2026, 3, 9), dt.date(2026, 3, 17)
    days = nse().sessions(dt.date(2026, 1, 1), dt.date(2026, 4, 2))
    first = dt.datetime(2026, 4, 2, 12, 30, tzinfo=dt.UTC)
    from_yahoo(store, home, answer(days, dividends={opened(stated): 12.0}), first)

    # Asked for since 13 March, the server's answer has the second date of the dividend only.
    recent = nse().sessions(dt.date(2026, 3, 12), DAYS[-1])
    warnings, _ = from_yahoo(store, home, answer(recent, dividends={opened(doubled): 12.0}), NOW)

    assert ledger(store) == [(stated, 12.0, "applied"), (doubled, 12.0, "pending")]
    assert any("looks like a duplicate of the one on 2026-03-09" in warning for warning in warnings)


def from_csv(store, home, path, now=NOW, **options):
    facts = {"vendor": None, "basis": None, "fetched_at": None, **options}
    source = FileSource([path], calendar=nse(), ticker=TCS, now=now, **facts)
    return run(ingest.stage(source), context(store, home, now=now))


def test_a_real_files_seventy_three_actions_are_taken_and_its_doubled_dividend_waits(
    store, home, data, database_url
):
    path = data / "tcs_daily/yahoo_adjusted_2021-09-30.csv"
    report = from_csv(store, home, path)

    stored = ledger(store)
    assert len(stored) == 73
    assert [each for each in stored if each[2] == "pending"] == [
        (dt.date(2015, 10, 21), 11.0, "pending")
    ]
    # 3 rupees before three bonuses; 29 on the date of the third.
    assert stored[0] == (dt.date(2004, 10, 28), 3.0, "applied")
    assert (dt.date(2018, 5, 31), 29.0, "applied") in stored
    assert any("2015-10-23" in warning for warning in report.warnings)
    before = checksums(database_url)
    from_csv(store, home, path, now=NOW + dt.timedelta(days=1))
    assert checksums(database_url) == before


def test_a_file_read_again_is_no_newer_than_it_was(store, home, tmp_path):
    head = "Date,Open,High,Low,Close,Adj Close,Volume,Dividends,Stock Splits\n"
    text = "".join(
        f"{day},99,102,98,100,100,1000,{12 if day == DAYS[2] else 0},0\n" for day in DAYS
    )
    path = tmp_path / "TCS.csv"
    path.write_text(head + text)
    from_csv(store, home, path, now=EARLIER)
    run(ingest.stage(StubSource([week(dividend(11.0), closes=(101.0,) * 5)])), context(store, home))

    from_csv(store, home, path, now=NOW + dt.timedelta(days=1))

    assert ledger(store) == [(DAYS[2], 11.0, "applied")]


def test_a_decision_under_an_earlier_symbol_stands_against_a_delivery_under_the_new_one(
    store, home, ingest_all
):
    ingest_all(week(dividend(12.0), fetched_at=EARLIER))
    decide(store, "rejected", EARLIER + dt.timedelta(hours=1))
    new = "NEWNAME.NS"
    with store.transaction():
        change = SymbolChange(TCS, new, DAYS[-1] + dt.timedelta(days=1))
        store.insert(SYMBOL_CHANGES, change_rows([change], "a test", NOW))

    source = StubSource([week(dividend(12.0), ticker=new)])
    run(ingest.stage(source), context(store, home, tickers=(new,)))

    joined = joined_actions(store, CORPORATE_ACTIONS, [new], store.identities())
    assert joined.select("ticker", "date", "amount", "status").rows() == [
        (new, DAYS[2], 12.0, "rejected")
    ]
