import psycopg
import pytest

from src.core.model_events import ModelEvent
from src.db.tables import live_inputs
from src.db.tables.model_events import EventLog
from src.registry.lifecycle.live_models import LiveModels
from src.registry.lifecycle.publish import publish
from src.registry.storage.artifact_store import ArtifactStore
from tests.support.answers import SERVING_ROW, at, put_inputs, put_live, put_price
from tests.support.models import both_horizons, make_artifact


@pytest.fixture
def connection(database_url):
    with psycopg.connect(database_url, autocommit=True) as opened:
        yield opened


TCS = ("TCS.NS", "short")


def test_reads_the_live_model_and_its_inputs_of_each_of_many(connection, home):
    short, long = put_live(connection, home / "models", both_horizons())

    found = live_inputs.read(connection, [TCS, ("TCS.NS", "long"), ("INFY.NS", "short")])

    assert {pair: one.digest for pair, one in found.items()} == {
        TCS: short.digest,
        ("TCS.NS", "long"): long.digest,
        ("INFY.NS", "short"): None,
    }
    row = found[TCS].row
    assert {name: row[name] for name in SERVING_ROW} == SERVING_ROW
    assert (row["ticker"], row["horizon"], row["digest"]) == (*TCS, short.digest)
    assert found["INFY.NS", "short"].row is None


def test_a_set_that_has_gone_live_since_does_not_get_the_inputs_of_the_one_before(connection, home):
    put_live(connection, home / "models", [make_artifact()])
    (new,) = publish(
        ArtifactStore(home / "models"), EventLog(connection), [make_artifact(trials=4)], at(1)
    )

    assert live_inputs.read(connection, [TCS])[TCS] == (new.digest, None, False, None)


def test_what_was_only_trained_is_not_live(connection):
    event = ModelEvent("trained", *TCS, "a" * 64, "a test", at().at)
    EventLog(connection).append([event])

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
    asked = [(ticker, "long") for ticker in ("TCS.NS", "INFY.NS", "ITC.NS")]

    assert [live_inputs.read(connection, asked)[pair].priced for pair in asked] == [
        False,
        True,
        True,
    ]


def test_nothing_is_found_of_nothing(connection):
    assert live_inputs.read(connection, []) == {}


def test_the_version_changes_with_inputs_and_with_models_and_with_nothing_else(connection, home):
    (live,) = put_live(connection, home / "models", [make_artifact()])
    seen = [live_inputs.fingerprint(connection)]
    put_price(connection, "INFY.NS")
    assert live_inputs.fingerprint(connection) == seen[0]

    put_inputs(connection, live)
    seen.append(live_inputs.fingerprint(connection))
    publish(ArtifactStore(home / "models"), EventLog(connection), [make_artifact(trials=4)], at(1))
    seen.append(live_inputs.fingerprint(connection))

    assert len(set(seen)) == 3


def pinned(connection, home):
    """A set that a rollback pinned, and a later training that judged otherwise."""
    (live,) = put_live(connection, home / "models", [make_artifact(reason="then")])
    events, fields = EventLog(connection), {"served": "zero", "version_tag": "v1"}
    events.append([ModelEvent("pinned", *TCS, live.digest, "a test", at(1).at, **fields)])
    now = make_artifact(
        verdict="worse",
        reason="by now",
        metrics=[{"name": "zero", "n": 500}],
        pool={"tickers": 7, "metrics": []},
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
    assert (pin.metrics, pin.pool) == (
        [{"name": "zero", "n": 500}],
        {"tickers": 7, "metrics": []},
    )
    # The service and a run read the same.
    models = LiveModels(ArtifactStore(home / "models"), EventLog(connection))
    assert models.pin(*TCS) == pin


@pytest.mark.parametrize("kind", ["unpinned", "rolled_back", "promoted"])
def test_a_pin_ends_when_it_is_taken_out_or_another_set_goes_live(connection, home, kind):
    live = pinned(connection, home)
    digest = live.digest if kind == "unpinned" else "f" * 64
    event = ModelEvent(kind, *TCS, digest, "a test", at(3).at, made_live=kind != "unpinned")
    EventLog(connection).append([event])

    assert live_inputs.read(connection, [TCS])[TCS].pin is None
    models = LiveModels(ArtifactStore(home / "models"), EventLog(connection))
    assert models.pin(*TCS) is None
