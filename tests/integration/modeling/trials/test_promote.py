"""A challenger that was better is made live on a real PostgreSQL, once, and stays."""

import datetime as dt

import psycopg
import pytest

from src.core.model_events import trial_tag
from src.core.trials import TrialConflict, TrialRefused
from src.db.tables.model_events import EventLog
from src.db.tables.serving_inputs import ServingInputs
from src.db.tables.trials import TrialLog
from src.modeling.trials.promote import promote
from src.modeling.trials.register import register
from src.registry.lifecycle.events import Author
from src.registry.lifecycle.live_models import LiveModels
from src.registry.storage.artifact_store import ArtifactStore
from src.registry.versions.archive import VersionArchive
from src.registry.versions.rollback import Registry
from tests.support.answers import put_live
from tests.support.models import both_horizons, make_artifact, winner
from tests.support.registries import save
from tests.support.trials import registered_trial, trial_event

# Registered on 13 April, better on 1 December, promoted on the day after.
ENDED = dt.datetime(2026, 12, 1, 12, 30, tzinfo=dt.UTC)
LATER = ENDED + dt.timedelta(days=1)
PERSON = Author("A. Rao", LATER)
CRITERIA = [{"name": "p_mae", "value": 0.003, "limit": 0.05, "passed": True}]


@pytest.fixture
def connection(database_url):
    with psycopg.connect(database_url, autocommit=True) as opened:
        yield opened


@pytest.fixture
def models(connection, home):
    return LiveModels(ArtifactStore(home / "models"), EventLog(connection))


def on_trial(connection, models, **changes):
    """A stored set on trial where zero is served, unless another model was made live before."""
    if models.state("NSE", "short") is None:
        put_live(connection, models.store.root, both_horizons(), tickers=["INFY.NS", "TCS.NS"])
    digest = save(models.store.root, make_artifact(candidate="ridge", reason="another")).name
    stated = registered_trial(**{"challenger": digest, "reference": "live"} | changes)
    return register(connection, models.store, stated)


def end(connection, trial, kind="better"):
    event = trial_event(
        trial,
        kind,
        at=ENDED,
        session=ENDED.date(),
        reason="Better: its errors were 1.2 % smaller over 160 sessions.",
        evidence={"sessions": 160, "criteria": CRITERIA},
    )
    assert TrialLog(connection).add_event(event)


def make_live(connection, models, trial, author=PERSON):
    return promote(connection, models.store, trial, author, "as agreed")


def refusal(connection, models, trial):
    before = models.log.events()
    with pytest.raises(TrialConflict) as refused:
        make_live(connection, models, trial)
    assert models.log.events() == before
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_the_challenger_is_live_pinned_and_can_answer(connection, models):
    trial = on_trial(connection, models)
    end(connection, trial)

    artifact = make_live(connection, models, trial)

    state = models.state("NSE", "short")
    assert state.live.digest == artifact.digest != trial.challenger
    assert (state.live.kind, state.live.served, state.live.by_whom) == (
        *("promoted", "ridge"),
        "A. Rao",
    )
    assert state.live.reason == (
        f"trial {trial.hash[:12]}: Better: its errors were 1.2 % smaller over 160 sessions; as "
        "agreed"
    )
    assert state.pinned.version_tag == trial_tag(trial.hash)
    live = models.load("NSE", "short")
    assert (live.served, live.since, live.verdict) == ("ridge", "2026-12-01", "better")
    assert (list(live.evidence), live.trials) == (CRITERIA, 1)
    row = ServingInputs(connection).read_pool("NSE", "short", artifact.digest)
    assert row["written_at"] == LATER
    assert [event.kind for event in TrialLog(connection).events(trial.hash)] == [
        *("better", "promoted")
    ]


def test_it_is_promoted_once(connection, models):
    trial = on_trial(connection, models)
    end(connection, trial)
    make_live(connection, models, trial)
    assert refusal(connection, models, trial) == (
        f"The trial {trial.hash[:12]} was promoted already, on 2026-12-02 by A. Rao."
    )


def test_training_does_not_undo_it_also_with_a_win_over_zero(connection, models):
    trial = on_trial(connection, models)
    end(connection, trial)
    digest = make_live(connection, models, trial).digest
    trained = Author("run 9", LATER + dt.timedelta(days=30))

    won = winner(candidate="rank_tilt", served="rank_tilt", since="2027-01-01")
    models.publish([won], trained)
    assert models.state("NSE", "short").live.digest == digest
    assert models.load("NSE", "short").served == "ridge"

    archive = VersionArchive(models.store.root.parent / "mlops" / "model_archive")
    assert Registry(models, archive).unpin("NSE", trained) == ["short"]
    models.publish([won], trained)
    assert models.load("NSE", "short").served == "rank_tilt"


def test_a_later_trial_replaces_what_an_earlier_one_made_live(connection, models):
    first = on_trial(connection, models)
    end(connection, first)
    make_live(connection, models, first)
    digest = save(models.store.root, make_artifact(candidate="drift", reason="a later one")).name
    stated = registered_trial(challenger=digest, reference="live", registered_at=LATER)
    second = register(connection, models.store, stated)
    event = trial_event(
        second, "better", at=LATER + dt.timedelta(days=400), session=dt.date(2028, 1, 6)
    )
    TrialLog(connection).add_event(event)

    make_live(connection, models, second, Author("B. Iyer", LATER + dt.timedelta(days=401)))

    assert models.state("NSE", "short").pinned.version_tag == trial_tag(second.hash)
    kinds = [event.kind for event in models.log.events()][-3:]
    assert kinds == ["promoted", "demoted", "pinned"]


@pytest.mark.parametrize(
    ("kind", "words"),
    [("equivalent", "equivalent"), ("worse", "worse"), ("ran_out", "ran out")],
)
def test_only_a_trial_that_ended_better_is_promoted(connection, models, kind, words):
    trial = on_trial(connection, models)
    assert "is still running" in refusal(connection, models, trial)
    end(connection, trial, kind)
    assert refusal(connection, models, trial) == (
        f"The trial {trial.hash[:12]} has not ended better but {words} on 2026-12-01: its "
        "challenger is not promoted."
    )


def test_somebody_promotes_for_a_reason(connection, models):
    trial = on_trial(connection, models)
    end(connection, trial)
    with pytest.raises(TrialRefused, match="The reason is missing"):
        promote(connection, models.store, trial, PERSON, "")
    with pytest.raises(TrialRefused, match="The author is missing"):
        promote(connection, models.store, trial, Author("", LATER), "as agreed")


def test_a_model_that_was_promoted_since_was_not_compared_with_it(connection, models):
    trial = on_trial(connection, models)
    end(connection, trial)
    models.publish(
        [winner(candidate="drift", served="drift", since="2026-12-02")], Author("run 8", LATER)
    )
    assert refusal(connection, models, trial) == (
        f"drift was promoted at NSE short on 2026-12-02, after the trial {trial.hash[:12]} had "
        "ended: its challenger was never compared with it, so register a new trial."
    )


def test_a_trial_against_zero_replaces_zero_alone(connection, models):
    put_live(
        connection,
        models.store.root,
        [winner(candidate="drift", served="drift"), make_artifact(horizon="long", sessions=63)],
    )
    trial = on_trial(connection, models, reference="zero")
    end(connection, trial)
    assert "compared its challenger with zero, and drift is live at NSE short" in (
        refusal(connection, models, trial)
    )


def test_what_was_pinned_since_stays_until_it_is_unpinned(connection, models):
    trial = on_trial(connection, models)
    end(connection, trial)
    archive = VersionArchive(models.store.root.parent / "mlops" / "model_archive")
    registry = Registry(models, archive)
    registry.make_version("v1", Author("B. Iyer", LATER))
    registry.roll_back("v1", Author("B. Iyer", LATER))
    assert refusal(connection, models, trial) == (
        f"What is live at NSE short was pinned on 2026-12-02, after the trial {trial.hash[:12]} "
        "had ended: end the pin with `python -m mlops.monitoring unpin --ticker` and one of its "
        "tickers first."
    )
    registry.unpin("NSE", Author("B. Iyer", LATER))
    make_live(connection, models, trial)
    assert models.load("NSE", "short").served == "ridge"


def test_a_model_that_was_restored_since_was_not_compared_with_it(connection, models):
    put_live(
        connection,
        models.store.root,
        [winner(candidate="drift", served="drift"), make_artifact(horizon="long", sessions=63)],
    )
    archive = VersionArchive(models.store.root.parent / "mlops" / "model_archive")
    registry = Registry(models, archive)
    early = Author("B. Iyer", dt.datetime(2026, 4, 1, tzinfo=dt.UTC))
    registry.make_version("v1", early)
    models.publish([winner(candidate="rank_tilt", served="rank_tilt", since="2026-04-10")], early)
    trial = on_trial(connection, models)
    end(connection, trial)
    registry.roll_back("v1", Author("B. Iyer", LATER))
    registry.unpin("NSE", Author("B. Iyer", LATER))
    assert refusal(connection, models, trial) == (
        f"drift is live at NSE short since 2026-12-02, and rank_tilt was when the trial "
        f"{trial.hash[:12]} ended on 2026-12-01: its challenger was not compared with what it "
        "would replace, so register a new trial."
    )


def test_what_ended_more_than_a_year_ago_is_not_promoted(connection, models):
    trial = on_trial(connection, models)
    end(connection, trial)
    late = Author("A. Rao", ENDED + dt.timedelta(days=366))
    with pytest.raises(TrialConflict) as refused:
        make_live(connection, models, trial, late)
    assert str(refused.value) == (
        f"The trial {trial.hash[:12]} ended on 2026-12-01, more than a year ago: its challenger "
        "has not been fitted or compared since, so register a new trial."
    )
    make_live(connection, models, trial, Author("A. Rao", ENDED + dt.timedelta(days=365)))


def test_without_inputs_of_its_features_it_does_not_go_live(connection, models):
    trial = on_trial(connection, models)
    end(connection, trial)
    connection.execute("UPDATE serving_inputs SET features_version = 'v2'")
    assert refusal(connection, models, trial) == (
        "The short challenger was trained on features v1, of which no inputs of NSE are stored: "
        "it could not answer, so register a trial of a newer one."
    )
    assert [event.kind for event in TrialLog(connection).events(trial.hash)] == ["better"]
