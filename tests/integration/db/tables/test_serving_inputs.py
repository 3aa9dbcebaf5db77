"""What live models are asked with, on a real PostgreSQL: exact, unchanged where equal, tidied."""

import datetime as dt
import math

import psycopg
import pytest

from src.core.tables import SERVING_INPUTS
from src.db.tables import live_inputs
from src.db.tables.model_events import EventLog
from src.db.tables.serving_inputs import ServingInputs
from src.registry.lifecycle.events import after_training, versioned
from tests.support.models import make_artifact
from tests.support.registries import author

WRITTEN = dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)
LATER = WRITTEN + dt.timedelta(days=2)
OLD, LIVE, OTHER = "a" * 64, "b" * 64, "c" * 64


def row(**changes):
    usual = {
        "ticker": "TCS.NS",
        "horizon": "short",
        "digest": LIVE,
        "feature_date": dt.date(2026, 4, 13),
        "features_version": "v1",
        "last_close": 3500.1,
        "inputs": {"mom_5": 0.1 + 0.2},
        "levels": [0.05, 0.5, 0.95],
        "quantiles": [-0.02, 0.0, 0.1 + 0.2],
        "sigma": 0.012,
        "data_source": "yahoo",
        "return_basis": "total",
        "data_hash": "d" * 64,
        "written_at": WRITTEN,
    }
    return usual | changes


@pytest.fixture
def connection(database_url):
    with psycopg.connect(database_url, autocommit=True) as opened:
        yield opened


@pytest.fixture
def serving(connection):
    return ServingInputs(connection)


def went_live(connection, digest):
    artifact = make_artifact(digest=digest)
    EventLog(connection).append(after_training(artifact, None, author()))
    return artifact


def stored(connection):
    return {
        digest for (digest,) in connection.execute("SELECT digest FROM serving_inputs").fetchall()
    }


def test_a_row_comes_back_as_it_went_in(serving):
    serving.write([row()])

    assert serving.read("TCS.NS", "short", LIVE) == row()
    assert list(row()) == list(SERVING_INPUTS.columns)


@pytest.mark.parametrize(
    "value",
    [0.1, 1 / 3, math.pi * 1e-300, 5e-324, 1.7976931348623157e308, 1e22, -2.0, 123456789.0, 0.0],
)
def test_a_float_survives_to_the_last_bit(serving, value):
    serving.write([row(inputs={"x": value, "y": -value})])

    found = serving.read("TCS.NS", "short", LIVE)["inputs"]

    assert found["x"].hex() == value.hex()
    assert found["y"] == -value
    assert {type(one) for one in found.values()} == {float}


def test_a_distribution_that_is_not_known_is_empty(serving):
    serving.write([row(levels=[], quantiles=[], sigma=None, inputs={})])

    found = serving.read("TCS.NS", "short", LIVE)
    assert (found["levels"], found["quantiles"], found["sigma"], found["inputs"]) == (
        *([], [], None, {}),
    )


def test_an_unchanged_row_is_not_written_again(serving, connection):
    serving.write([row()])
    before = connection.execute("SELECT xmin::text FROM serving_inputs").fetchall()

    assert serving.write([row(written_at=LATER)]) == 0

    assert connection.execute("SELECT xmin::text FROM serving_inputs").fetchall() == before
    assert serving.read("TCS.NS", "short", LIVE)["written_at"] == WRITTEN


@pytest.mark.parametrize(
    "change",
    [
        {"feature_date": dt.date(2026, 4, 15)},
        {"inputs": {"mom_5": 0.3}},
        {"quantiles": [-0.02, 0.0, 0.3]},
        {"sigma": None},
        {"data_hash": "e" * 64},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_row_takes_the_place_of_the_old_one(serving, change):
    serving.write([row()])

    assert serving.write([row(**change, written_at=LATER)]) == 1

    assert serving.read("TCS.NS", "short", LIVE) == row(**change, written_at=LATER)


@pytest.fixture
def three_sets(serving, connection):
    """Rows of a versioned set and of one that is neither versioned nor live any more."""
    archived = went_live(connection, OLD)
    EventLog(connection).append([versioned(archived, author(), "v1", "f" * 64)])
    went_live(connection, OTHER)
    serving.write([row(digest=OLD), row(digest=OTHER), row(ticker="INFY.NS", digest=OTHER)])
    went_live(connection, LIVE)
    return serving


def test_only_rows_of_live_and_archived_sets_are_kept(three_sets, connection):
    three_sets.write([row()])

    assert stored(connection) == {OLD, LIVE, OTHER}
    assert three_sets.read("TCS.NS", "short", OTHER) is None
    # Nothing was written of the other ticker, so nothing of it is touched.
    assert three_sets.read("INFY.NS", "short", OTHER) is not None


@pytest.mark.parametrize("day", [10, 15])
def test_inputs_of_an_archived_set_at_another_session_are_not_kept(three_sets, day):
    three_sets.write([row(feature_date=dt.date(2026, 4, day))])

    assert three_sets.read("TCS.NS", "short", OLD) is None


def test_the_live_sets_row_stays_when_another_one_is_written(serving, connection):
    went_live(connection, LIVE)
    serving.write([row()])

    serving.write([row(digest=OTHER)])

    assert stored(connection) == {LIVE, OTHER}


def test_all_rows_are_written_or_none(serving, connection):
    with pytest.raises(psycopg.errors.CheckViolation):
        serving.write([row(), row(horizon="long", last_close=0.0)])

    assert stored(connection) == set()


def test_the_newest_row_is_that_of_the_latest_session(serving):
    newer = row(digest=OTHER, feature_date=dt.date(2026, 4, 15), written_at=LATER)
    serving.write([newer, row(), row(horizon="long")])

    assert serving.newest("TCS.NS", "short") == newer
    assert serving.newest("INFY.NS", "short") is None


def test_the_version_differs_after_a_change_and_after_nothing_else(serving, connection):
    versions = []
    for changes in ({}, {"written_at": LATER}, {"last_close": 3501.0}):
        serving.write([row(**changes)])
        versions.append(live_inputs.fingerprint(connection))

    assert versions[0] == versions[1] != versions[2]
