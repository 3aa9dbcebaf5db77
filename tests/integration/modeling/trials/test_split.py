"""The share of a split on a real PostgreSQL: who may have one, and when it is off."""

import psycopg
import pytest

from src.core.trials import TrialConflict, TrialRefused
from src.db.tables import traffic_splits
from src.db.tables.live_inputs import data_version
from src.db.tables.trials import TrialLog
from src.modeling.trials.split import set_share
from tests.support.splits import put_trial, split
from tests.support.trials import AT, trial_event


@pytest.fixture
def connection(database_url):
    with psycopg.connect(database_url, autocommit=True) as opened:
        yield opened


def shares(connection):
    return {each.trial: each.share for each in traffic_splits.in_force(connection)}


def test_a_trial_has_no_split_until_a_share_is_set(connection):
    trial = put_trial(connection)
    assert shares(connection) == {}

    split(connection, trial, 0.1)

    (in_force,) = traffic_splits.in_force(connection)
    assert (in_force.trial, in_force.share) == (trial.hash, 0.1)
    assert (in_force.pool, in_force.horizon, in_force.challenger) == ("NSE", "short", "ridge")


def test_the_newest_share_counts_and_none_of_it_is_forgotten(connection):
    trial = put_trial(connection, tickers=("TCS.NS",))
    for share in (0.1, 0.3, 0.0):
        split(connection, trial, share)

    assert shares(connection) == {}
    events = TrialLog(connection).events(trial.hash)
    assert [event.evidence for event in events] == [{"share": 0.1}, {"share": 0.3}, {"share": 0.0}]
    split(connection, trial, 0.2)
    assert shares(connection) == {trial.hash: 0.2}
    assert traffic_splits.in_force(connection)[0].tickers == {"TCS.NS"}


@pytest.mark.parametrize("kind", ["stopped", "better", "worse", "equivalent", "ran_out"])
def test_a_trial_that_has_ended_has_no_split_and_gets_none(connection, kind):
    trial = put_trial(connection)
    split(connection, trial, 0.1)
    TrialLog(connection).add_event(trial_event(trial, kind, session=AT.date()))

    assert shares(connection) == {}
    with pytest.raises(TrialConflict, match=f"The trial {trial.hash[:12]} has ended"):
        split(connection, trial, 0.2)


@pytest.mark.parametrize("kind", ["looked", "failed"])
def test_what_does_not_end_a_trial_leaves_its_split(connection, kind):
    trial = put_trial(connection)
    split(connection, trial, 0.1)
    TrialLog(connection).add_event(trial_event(trial, kind, session=AT.date()))

    assert shares(connection) == {trial.hash: 0.1}


def test_one_trial_of_a_pool_and_horizon_splits_at_a_time(connection):
    first, second = put_trial(connection), put_trial(connection, challenger="drift")
    elsewhere = put_trial(connection, horizon="long", sessions=63)
    split(connection, first, 0.1)
    split(connection, elsewhere, 0.4)

    with pytest.raises(TrialConflict, match=f"{first.hash[:12]} splits the short forecasts"):
        split(connection, second, 0.2)
    split(connection, second, 0.0)
    split(connection, first, 0.0)
    split(connection, second, 0.2)

    assert shares(connection) == {elsewhere.hash: 0.4, second.hash: 0.2}


@pytest.mark.parametrize(
    ("share", "author", "reason", "sentence"),
    [
        (1.5, "A. Rao", "why", "The share 1.5 is out of range"),
        (0.1, "", "why", "The author is missing"),
        (0.1, "A. Rao", " ", "The reason is missing"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    connection, share, author, reason, sentence
):
    trial = put_trial(connection)

    with pytest.raises(TrialRefused, match=sentence):
        set_share(connection, trial, share, author, reason, AT)

    assert TrialLog(connection).events(trial.hash) == []


def test_a_share_and_an_ending_are_changes_that_services_see(connection):
    trial = put_trial(connection)
    versions = [data_version(connection)]
    split(connection, trial, 0.1)
    versions.append(data_version(connection))
    TrialLog(connection).add_event(trial_event(trial, "stopped"))
    versions.append(data_version(connection))

    assert versions == sorted(set(versions))
