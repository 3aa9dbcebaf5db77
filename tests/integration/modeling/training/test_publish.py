"""Who has been served so far in a pool, as the audit and the stored sets say it."""

import datetime as dt
import shutil

import pytest

from src.core.model_events import ModelEvent
from src.modeling.experiment.promotion import Champion
from src.modeling.training.publish import current_champion
from src.registry.versions.archive import VersionArchive
from src.registry.versions.rollback import Registry
from tests.support.models import make_artifact, winner
from tests.support.registries import DAY, author

PROMOTED, BACK = dt.date(2026, 4, 14), dt.date(2026, 4, 16)


@pytest.fixture
def registry(models, home):
    return Registry(models, VersionArchive(home / "archive"))


def champion(models, sessions=1):
    return current_champion(models, "NSE", "short", sessions)


def migrated(models, served, since):
    event = ModelEvent(
        *("migrated", "NSE", "short", "a" * 64, "migration", DAY),
        served=served,
        evidence={"since": since},
    )
    models.log.append([event])


def rolled_back_to_zero(registry):
    """Zero, then a promoted model, then zero again by a person on the 16th."""
    registry.models.publish([make_artifact(data_hash="one")], author())
    registry.make_version("v1", author())
    registry.models.publish([winner(data_hash="two")], author(1))
    registry.roll_back("v1", author(3))


def test_a_run_that_looks_back_and_a_pool_without_models_begin_with_zero(models):
    assert current_champion(None, "NSE", "short", 1) == (Champion(), [])
    assert champion(models) == (Champion(), [])


def test_who_is_live_is_the_champion(models):
    models.publish([winner()], author())

    assert champion(models) == (Champion("ridge", PROMOTED), [])


def test_the_champion_of_all_tickers_of_a_pool_is_carried_over_until_the_first_training(models):
    migrated(models, "drift", "2026-04-14")
    assert champion(models) == (Champion("drift", PROMOTED), [])

    models.publish([make_artifact()], author(1))

    assert champion(models) == (Champion("zero", None), [])


def test_a_demotion_that_was_carried_over_counts_like_one_of_the_pool(models):
    migrated(models, "zero", "2026-04-14")

    assert champion(models) == (Champion("zero", PROMOTED, counted_since=PROMOTED), [])


def test_a_way_back_to_zero_counts_while_it_is_pinned_and_ever_after(registry):
    models = registry.models
    rolled_back_to_zero(registry)
    found, (warning,) = champion(models)
    assert found == Champion("zero", None, counted_since=BACK)
    assert warning.startswith("NSE, short: version v1 is pinned since 2026-04-16 and answers")

    registry.unpin("NSE", author(4))
    assert champion(models) == (Champion("zero", None, counted_since=BACK), [])
    models.publish([make_artifact(data_hash="three")], author(5))
    assert champion(models) == (Champion("zero", None, counted_since=BACK), [])
    models.publish([winner(since="2026-04-20")], author(7))
    assert champion(models) == (Champion("ridge", dt.date(2026, 4, 20), counted_since=BACK), [])


def test_a_champion_that_cannot_be_read_gives_way_to_zero_with_a_warning(models):
    models.publish([winner()], author())
    shutil.rmtree(models.store.root)

    found, (warning,) = champion(models)

    assert found == Champion()
    assert warning.endswith("Zero is served until the gate promotes a model again.")


def test_another_horizon_begins_with_zero_and_keeps_what_counts(registry):
    rolled_back_to_zero(registry)
    registry.unpin("NSE", author(4))

    found, (warning,) = champion(registry.models, sessions=5)

    assert found == Champion(counted_since=BACK)
    assert "had horizon 1 so far: none has been promoted at 5 yet." in warning
