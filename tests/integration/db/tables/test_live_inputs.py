"""The live models and their inputs on a real PostgreSQL, all in one snapshot."""

import psycopg
import pytest

from src.core.model_events import ModelEvent
from src.db.tables import live_inputs
from src.db.tables.model_events import EventLog
from src.registry.lifecycle.live_models import LiveModels
from src.registry.lifecycle.publish import publish
from src.registry.storage.artifact_store import ArtifactStore
from tests.support.answers import (
    SERVING_ROW,
    at,
    put_inputs,
    put_live,
    put_member,
    put_pool_inputs,
    put_price,
)
from tests.support.models import both_horizons, make_artifact

TCS, INFY = ("TCS.NS", "short"), ("INFY.NS", "short")
NSE = ("NSE", "short")


@pytest.fixture
def connection(database_url):
    with psycopg.connect(database_url, autocommit=True) as opened:
        yield opened


def test_reads_the_pools_live_model_and_the_tickers_inputs_of_each_of_many(connection, home):
    short, long = put_live(connection, home / "models", both_horizons(), tickers=["TCS.NS"])
    put_member(connection, "INFY.NS")

    pairs = [TCS, ("TCS.NS", "long"), INFY, ("ITC.NS", "short")]
    found = live_inputs.read(connection, pairs)

    assert [(found[pair].pool, found[pair].digest) for pair in pairs] == [
        ("NSE", short.digest),
        ("NSE", long.digest),
        ("NSE", short.digest),
        (None, None),
    ]
    row = found[TCS].row
    assert {name: row[name] for name in SERVING_ROW} == SERVING_ROW
    assert (row["ticker"], row["horizon"], row["pool"]) == (*TCS, "NSE")
    assert [found[INFY].row, found["ITC.NS", "short"].row] == [None, None]


def test_a_new_model_gets_its_own_inputs_of_the_pool(connection, home):
    (old,) = put_live(connection, home / "models", [make_artifact()])
    put_pool_inputs(connection, old, rank_mean=0.25)
    assert live_inputs.read(connection, [TCS])[TCS].pool_row["inputs"] == {"rank_mean": 0.25}

    store = ArtifactStore(home / "models")
    (new,) = publish(store, EventLog(connection), [make_artifact(trials=4)], at(1))

    found = live_inputs.read(connection, [TCS])[TCS]
    assert (found.digest, found.pool_row) == (new.digest, None)
    assert found.row["ticker"] == "TCS.NS"


def test_inputs_of_another_pool_are_not_read(connection, home):
    put_live(connection, home / "models", [make_artifact()])
    put_live(connection, home / "models", [make_artifact(pool="SAMPLE")], tickers=[])
    connection.execute("UPDATE pool_members SET pool = 'SAMPLE'")

    assert live_inputs.read(connection, [TCS])[TCS].row is None


def test_what_was_only_trained_is_not_live_and_neither_is_a_model_of_a_ticker(connection):
    put_member(connection, "TCS.NS")
    events = EventLog(connection)
    events.append([ModelEvent("trained", *NSE, "a" * 64, "a test", at().at)])
    old = ModelEvent(
        *("trained", "", "short", "a" * 64, "a test", at().at), made_live=True, ticker="TCS.NS"
    )
    events.append([old])

    assert live_inputs.read(connection, [TCS])[TCS].digest is None


RAW_PRICE = """
WITH batch AS (
    INSERT INTO ingest_batches (ticker, kind, source, layout, price_basis, content_hash,
        fetched_at, fetched_at_stated, origin, rows_delivered, rows_rejected, notes)
    VALUES ('ITC.NS', 'daily', 'yahoo', 'plain', 'split', 'hash', now(), false, 'a test', 1, 0, '')
    RETURNING batch_id)
INSERT INTO raw_daily_prices (ticker, date, source, batch_id, first_seen)
SELECT 'ITC.NS', '2026-04-13', 'yahoo', batch_id, now() FROM batch
"""


def test_knows_whether_a_ticker_without_a_model_has_a_price_raw_or_clean(connection):
    put_price(connection, "INFY.NS")
    connection.execute(RAW_PRICE)
    pairs = [(ticker, "long") for ticker in ("TCS.NS", "INFY.NS", "ITC.NS")]

    assert [live_inputs.read(connection, pairs)[pair].priced for pair in pairs] == [
        False,
        True,
        True,
    ]


def test_nothing_is_found_of_nothing(connection):
    assert live_inputs.read(connection, []) == {}


def test_the_version_rises_with_inputs_members_and_models_and_with_nothing_else(connection, home):
    (live,) = put_live(connection, home / "models", [make_artifact()])
    seen = [live_inputs.data_version(connection)]
    put_price(connection, "INFY.NS")
    put_member(connection, "TCS.NS")
    assert live_inputs.data_version(connection) == seen[0]

    put_inputs(connection, "TCS.NS", "short", last_close=3100.0)
    seen.append(live_inputs.data_version(connection))
    put_pool_inputs(connection, live, rank_mean=0.5)
    seen.append(live_inputs.data_version(connection))
    put_member(connection, "INFY.NS")
    seen.append(live_inputs.data_version(connection))
    publish(ArtifactStore(home / "models"), EventLog(connection), [make_artifact(trials=4)], at(1))
    seen.append(live_inputs.data_version(connection))

    assert len(set(seen)) == 5
    assert seen == sorted(seen)


def pinned(connection, home):
    """A set that a rollback pinned, and a later training that judged otherwise."""
    (live,) = put_live(connection, home / "models", [make_artifact(reason="then")])
    events, fields = EventLog(connection), {"served": "zero", "version_tag": "v1"}
    events.append([ModelEvent("pinned", *NSE, live.digest, "a test", at(1).at, **fields)])
    now = make_artifact(
        verdict="worse",
        reason="by now",
        metrics=[{"name": "zero", "n": 500}],
        tickers=7,
    )
    publish(ArtifactStore(home / "models"), events, [now], at(2))
    return live


def test_a_pinned_model_comes_with_the_verdict_of_the_newest_training(connection, home):
    live = pinned(connection, home)

    found = live_inputs.read(connection, [TCS, ("TCS.NS", "long")])

    assert (found[TCS].digest, found["TCS.NS", "long"].pin) == (live.digest, None)
    pin = found[TCS].pin
    assert (pin.version_tag, pin.since, pin.verdict) == ("v1", at(1).at, "worse")
    assert pin.reason == "by now; the live model is pinned"
    assert (pin.metrics, pin.tickers) == ([{"name": "zero", "n": 500}], 7)
    # The service and a run read the same.
    models = LiveModels(ArtifactStore(home / "models"), EventLog(connection))
    assert models.pin(*NSE) == pin


@pytest.mark.parametrize("kind", ["unpinned", "rolled_back", "promoted"])
def test_a_pin_ends_when_it_is_taken_out_or_another_set_goes_live(connection, home, kind):
    live = pinned(connection, home)
    digest = live.digest if kind == "unpinned" else "f" * 64
    event = ModelEvent(kind, *NSE, digest, "a test", at(3).at, made_live=kind != "unpinned")
    EventLog(connection).append([event])

    assert live_inputs.read(connection, [TCS])[TCS].pin is None
    models = LiveModels(ArtifactStore(home / "models"), EventLog(connection))
    assert models.pin(*NSE) is None
