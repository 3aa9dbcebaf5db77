"""Changes of models and inputs are noticed by polling, and so is a database that is not there."""

import time

import pytest

from src.api.database import change_poller
from src.api.database.change_poller import INTERVAL, ChangePoller
from src.db.reconnect import Reconnector
from src.db.tables.model_events import EventLog
from src.db.tables.trials import TrialLog
from src.registry.lifecycle.publish import publish
from src.registry.storage.artifact_store import ArtifactStore
from tests.support.answers import at, put_inputs, put_live, put_price
from tests.support.models import make_artifact
from tests.support.services import eventually
from tests.support.splits import put_trial, split
from tests.support.trials import trial_event


class Changes:
    """Counts the changes that a poller reports."""

    count = 0

    def __call__(self, splits):
        self.count += 1
        self.shares = [split.share for split in splits]


@pytest.fixture
def polled(database_url, home):
    """A poller that has polled once, and the changes that it has reported since."""
    changes = Changes()
    poller = ChangePoller(Reconnector(database_url, home), changes)
    poller.start()
    assert poller.wait_for_first_poll(10)
    yield poller, changes
    poller.stop()


def test_new_inputs_and_new_models_are_changes_and_nothing_else_is(
    polled, connection, models, database_url
):
    _, changes = polled
    assert changes.count == 1
    put_live(connection, models, [make_artifact()])
    eventually(lambda: changes.count > 1)
    time.sleep(2 * INTERVAL)
    before = changes.count
    put_price(connection, "INFY.NS")
    time.sleep(2 * INTERVAL)
    assert changes.count == before

    put_inputs(connection, "TCS.NS", "short", last_close=3100.0)
    eventually(lambda: changes.count == before + 1, 2 * INTERVAL)
    publish(ArtifactStore(models), EventLog(connection), [make_artifact(trials=4)], at(1))
    eventually(lambda: changes.count > before + 1, 2 * INTERVAL)


def test_a_split_and_its_end_are_changes(polled, connection):
    _, changes = polled
    trial = put_trial(connection)
    split(connection, trial, 0.25)
    eventually(lambda: changes.shares == [0.25], 3 * INTERVAL)

    split(connection, trial, 0)
    eventually(lambda: changes.shares == [], 3 * INTERVAL)


def test_splits_that_cannot_be_read_are_none_and_the_poller_goes_on(polled, connection):
    poller, changes = polled
    trial = put_trial(connection)
    split(connection, trial, 0.25)
    eventually(lambda: changes.shares == [0.25], 3 * INTERVAL)
    event = trial_event(trial, "split", evidence={"share": "much"})
    TrialLog(connection).add_event(event)

    eventually(lambda: changes.shares == [], 3 * INTERVAL)
    assert poller.is_healthy()


def test_a_lost_connection_is_replaced_and_no_change_is_missed(polled, connection, models):
    poller, changes = polled
    connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = "
        "'tcsns-api' AND datname = current_database()"
    )
    put_live(connection, models, [make_artifact()])

    eventually(lambda: changes.count > 1)
    assert poller.failure is None


def test_a_database_that_cannot_be_reached_is_named(home):
    nowhere = Reconnector("postgresql://nobody@127.0.0.1:1/none", home)
    poller = ChangePoller(nowhere, Changes())
    assert "has not answered yet" in poller.failure
    poller.start()

    assert not poller.wait_for_first_poll(10)
    assert "127.0.0.1:1/none does not answer" in poller.failure
    poller.stop()


def test_an_overdue_poll_is_not_healthy(polled, connection, monkeypatch):
    poller, _ = polled
    monkeypatch.setattr(change_poller, "OVERDUE", 2 * INTERVAL)
    with connection.transaction():
        connection.execute("LOCK TABLE data_version")
        eventually(lambda: not poller.is_healthy())
        assert "has not answered for some seconds" in poller.failure

    eventually(poller.is_healthy)
