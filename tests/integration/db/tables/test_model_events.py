"""The audit of models on a real PostgreSQL: what is written stays, in the order of writing."""

import datetime as dt
import threading
from random import Random

import psycopg
import pytest

from src.core.model_events import KINDS, ModelEvent
from src.db.tables.model_events import EventLog
from src.registry.lifecycle.state import live_states
from tests.support.registries import put_member

AT = dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)
APPEND_ONLY = ("model_events", "predictions", "prediction_outcomes")


def event(kind="trained", digest="a", **changes):
    fields = {
        "pool": "NSE",
        "horizon": "short",
        "digest": digest * 64,
        "by_whom": "a test",
        "at": AT,
    }
    return ModelEvent(kind, **fields | changes)


@pytest.fixture
def connection(database_url):
    with psycopg.connect(database_url, autocommit=True) as opened:
        yield opened


@pytest.fixture
def log(connection):
    return EventLog(connection)


def test_an_event_comes_back_as_it_was_written(log):
    written = event(
        "promoted",
        made_live=True,
        served="ridge",
        verdict="better",
        reason="p = .004",
        evidence={"n": 500, "rows": [{"mae": 0.01, "r2": None}]},
        version_tag="v1",
    )

    log.append([written])

    (back,) = log.events()
    assert back == ModelEvent(**vars(written) | {"event_id": back.event_id})
    assert back.event_id > 0
    assert back.at.utcoffset() == dt.timedelta(0)


def test_events_are_chosen_by_pool_time_and_number(log):
    day = dt.timedelta(days=1)
    log.append([event(digest="a"), event(digest="b", pool="BSE", at=AT + day)])
    log.append([event(digest="c", at=AT + 2 * day)])

    def digests(**asked):
        return "".join(one.digest[0] for one in log.events(**asked))

    assert digests() == "abc"
    assert digests(pools=["NSE"]) == "ac"
    assert digests(until=AT + day) == "ab"
    assert digests(newest=2) == "bc"
    assert digests(pools=[]) == ""


def test_the_decisive_events_are_the_last_that_made_a_set_live_and_the_last_about_a_pin(log):
    log.append(
        [
            event("trained", "a", made_live=True),
            event("trained", "b", made_live=True),
            event("pinned", "b"),
            event("trained", "c"),
            event("promoted", "c"),
            event("versioned", "b"),
            event("trained", "d", horizon="long", made_live=True),
        ]
    )

    assert [(one.kind, one.digest[0]) for one in log.decisive()] == [
        ("trained", "b"),
        ("pinned", "b"),
        ("trained", "d"),
    ]


OWNERS = (
    {"pool": "NSE"},
    {"pool": "BSE"},
    {"pool": "", "ticker": "TCS.NS"},
    {"pool": "", "ticker": "NSE"},
)


@pytest.mark.parametrize("seed", range(8))
def test_the_decisive_events_tell_the_same_as_all_events(log, seed):
    random = Random(seed)  # noqa: S311 a story, no secret
    days = [AT + dt.timedelta(days=n) for n in range(6)]
    log.append(
        [
            event(
                kind := random.choice(KINDS),
                random.choice("abc"),
                **random.choice(OWNERS),
                at=random.choice(days),
                made_live=kind in ("promoted", "rolled_back", "undecided")
                and random.random() < 0.7,
            )
            for _ in range(40)
        ]
    )

    for until in (None, *days):
        for chosen in ({}, {"pools": ["NSE"]}, {"pools": ["BSE"], "tickers": ["TCS.NS"]}):
            events = {event.event_id: event for event in log.events(**chosen)}
            events |= {e.event_id: e for e in log.events() if e.kind == "migrated"}
            decisive = log.decisive(**chosen, until=until)
            assert live_states(decisive) == live_states(events.values(), until)


def test_events_of_before_pools_are_found_by_their_ticker(log):
    log.append([event(digest="a", pool="", ticker="TCS.NS"), event(digest="b")])
    log.append([event(digest="c", pool="", ticker="INFY.NS")])

    both = log.events(["NSE"], tickers=["TCS.NS"])

    assert [(one.digest[0], one.pool, one.ticker) for one in both] == [
        ("a", "", "TCS.NS"),
        ("b", "NSE", ""),
    ]
    assert [one.digest[0] for one in log.events(["NSE"])] == ["b"]
    assert [one.digest[0] for one in log.events([], tickers=["INFY.NS"])] == ["c"]


def test_an_event_is_about_a_pool_or_a_ticker(log):
    with pytest.raises(psycopg.errors.CheckViolation):
        log.append([event(pool="")])


def test_the_newest_event_of_a_kind(log):
    log.append([event(digest="a"), event(digest="b"), event("versioned", "c")])
    log.append([event(digest="d", horizon="long"), event(digest="e", pool="", ticker="NSE")])

    assert log.last(("NSE", "short"), "trained").digest[0] == "b"
    assert log.last(("BSE", "short"), "trained") is None


def test_a_ticker_is_a_member_of_a_pool_from_its_first_features_on(log, connection):
    assert log.pool_of("TCS.NS") is None

    put_member(connection, "TCS.NS", "NSE")

    assert log.pool_of("TCS.NS") == "NSE"


def test_all_events_of_one_call_are_stored_or_none(log):
    with pytest.raises(psycopg.errors.CheckViolation):
        log.append([event(), event(digest="x")])

    assert log.events() == []


def test_ids_rise_in_the_order_of_commits_though_two_write_at_once(log, database_url):
    with psycopg.connect(database_url, autocommit=True) as second:
        other = EventLog(second)
        waiting = threading.Thread(target=other.append, args=([event(digest="b")],))
        with log.exclusive():
            waiting.start()
            log.append([event(digest="a")])
            # The other has asked for its turn before this one commits.
            assert any(_waits(log) for _ in range(5000))
        waiting.join()

    assert [one.digest[0] for one in log.events()] == ["a", "b"]


def _waits(log):
    sql = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    return log._connection.execute(sql).fetchone()[0]


def test_tagged_finds_what_names_a_version(log):
    log.append([event(), event("versioned", version_tag="v1"), event("pinned", version_tag="v2")])

    assert [one.kind for one in log.tagged("v1")] == ["versioned"]


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("operation", ["UPDATE", "DELETE", "TRUNCATE"])
@pytest.mark.parametrize("who", ["superuser", "owner", "replica"])
def test_what_was_written_is_refused_to_every_change(connection, table, operation, who):
    statement = {
        "UPDATE": f"UPDATE {table} SET ticker = 'X'",
        "DELETE": f"DELETE FROM {table}",
        "TRUNCATE": f"TRUNCATE {table} CASCADE",
    }[operation]
    if who == "owner":
        owner = f"owner_{connection.info.dbname}"
        connection.execute(f"CREATE ROLE {owner}")
        for each in APPEND_ONLY:
            connection.execute(f"ALTER TABLE {each} OWNER TO {owner}")
        connection.execute(f"SET ROLE {owner}")
    if who == "replica":
        connection.execute("SET session_replication_role = replica")

    try:
        with pytest.raises(psycopg.errors.RaiseException, match=f"append-only: {operation}"):
            connection.execute(statement)
    finally:
        if who == "owner":
            connection.execute("RESET ROLE")
            connection.execute(f"REASSIGN OWNED BY {owner} TO postgres")
            connection.execute(f"DROP ROLE {owner}")


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_an_upsert_is_a_change(connection, table):
    with pytest.raises(psycopg.errors.RaiseException, match="append-only: UPDATE"):
        connection.execute(
            f"MERGE INTO {table} t USING (SELECT 1) s ON false "
            "WHEN MATCHED THEN UPDATE SET ticker = 'X'"
        )
