"""What is marked on charts over time."""

import datetime as dt

import psycopg
import pytest

from src.core.model_events import ModelEvent
from src.db.pages.marks import Mark, marks
from src.db.tables.model_events import EventLog
from tests.support.answers import put_member

FIRST, LAST = dt.date(2026, 1, 1), dt.date(2026, 4, 30)
EVENING = dt.datetime(2026, 3, 2, 20, 0, tzinfo=dt.UTC)  # the 3rd in India

BATCH = """
INSERT INTO ingest_batches (ticker, kind, source, layout, price_basis, content_hash, fetched_at,
    fetched_at_stated, origin, rows_delivered, rows_rejected, notes)
VALUES ('TCS.NS', 'daily', 'yahoo', 'x', 'split', 'x', now(), true, 'x', 1, 0, '')
"""


def event(kind, horizon="short", pool="NSE", **more):
    return ModelEvent(
        kind, pool, horizon, "a" * 64, "a run", EVENING, served="ridge", made_live=True, **more
    )


@pytest.fixture
def connection(database_url):
    with psycopg.connect(database_url, autocommit=True) as opened:
        put_member(opened, "TCS.NS")
        opened.execute(BATCH)
        yield opened


def put_action(connection, day, kind, status, source="yahoo", ratio=2.0):
    connection.execute(
        "INSERT INTO corporate_actions (ticker, date, kind, source, origin, ratio, status, "
        "decided_by, evidence, known_at) VALUES ('TCS.NS', %s, %s, %s, 'stated', %s, %s, 'rule', "
        "'{}', now())",
        (day, kind, source, ratio, status),
    )


def put_held_back(connection, at, action="rejected", kind="daily", line=0):
    connection.execute(
        "INSERT INTO quarantine (ticker, stage, kind, source, at, line, rule, reason, action, row, "
        "batch_id) SELECT 'TCS.NS', 'data_cleaning', %s, 'yahoo', %s, %s, 'null_bar', "
        "'null prices', %s, '{}', batch_id FROM ingest_batches",
        (kind, at, line, action),
    )


def marked(connection, ticker="TCS.NS"):
    return marks(connection, ticker, FIRST, LAST, "Asia/Kolkata")


def test_models_of_the_pool_are_marked_on_their_day_in_india(connection):
    EventLog(connection).append(
        [
            event("promoted"),
            event("rolled_back", "long", version_tag="v7"),
            event("trained"),
            event("promoted", pool="BSE"),
        ]
    )
    day = dt.date(2026, 3, 3)
    assert marked(connection) == [
        Mark(day, "rolled_back", "long", "v7"),
        Mark(day, "promoted", "short", "ridge"),
    ]


def test_a_split_is_marked_once_and_no_dividend_nor_what_was_rejected(connection):
    put_action(connection, "2026-02-10", "split", "applied")
    put_action(connection, "2026-02-10", "split", "applied", source="nse")
    put_action(connection, "2026-02-11", "bonus", "rejected")
    put_action(connection, "2025-12-31", "bonus", "applied")
    assert marked(connection) == [
        Mark(dt.date(2026, 2, 10), "split", "", "2 for 1, applied"),
    ]


def test_days_that_were_held_back_are_marked_but_no_text_that_is_no_date(connection):
    for at in ("2026-01-15", "2026-02-30", "15 January", "2026-05-02"):
        put_held_back(connection, at)
    put_held_back(connection, "2026-01-16", "repaired")
    put_held_back(connection, "2026-01-19 09:15", kind="hourly")
    assert marked(connection) == [
        Mark(dt.date(2026, 1, 15), "rejected", "", "null prices"),
        Mark(dt.date(2026, 1, 16), "repaired", "", "null prices"),
    ]
    assert marked(connection, "INFY.NS") == []
