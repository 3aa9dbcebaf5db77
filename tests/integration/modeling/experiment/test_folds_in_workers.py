"""Folds that processes of this machine fit: the same to the last bit as in one process."""

import os

import numpy as np
import pytest

from src.config.settings import Settings
from src.core.tables import HORIZONS
from src.modeling.backtest.__main__ import walk_forwards
from src.modeling.experiment.run import feature_rows
from src.modeling.points.fit_cache import DiskFitCache
from src.modeling.points.folds import Fitting
from src.modeling.points.splits import Schedule
from src.modeling.points.walk_forward import WalkInputs, begin_all
from src.registry.formats.models import pack
from src.stages.engine.engine import IN_PROCESS
from src.stages.engine.open_engine import open_engine
from tests.support import tasks
from tests.support.pools import panel_of_prices, trained_on, wandering, with_holes

NAMES = ("zero", "drift", "ridge", "elastic_net", "rank_tilt", "random_forest")


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return Settings(
        _env_file=None,
        home=tmp_path_factory.mktemp("home"),
        training={"min_train_rows": 60, "refit_every": 60, "horizons": {"short": 1, "long": 5}},
    )


@pytest.fixture(scope="module")
def panel():
    return panel_of_prices(with_holes(wandering(560, 22)))


@pytest.fixture(scope="module")
def engine():
    with open_engine(2) as opened:
        yield opened


def contents(result):
    """All that a walk-forward gave, as bytes."""
    points = {name: values.tobytes() for name, values in result.series().items()}
    models = {name: pack(model) for name, model in result.models.items()}
    distributions = result.distributions.sigma.tobytes(), result.distributions.scores.tobytes()
    return points, models, dict(result.fitted_through), distributions


@pytest.mark.long
def test_a_backtest_is_the_same_in_two_processes(panel, settings, engine):
    here, there = (
        list(walk_forwards(panel, panel, settings, NAMES, None, each))
        for each in (IN_PROCESS, engine)
    )

    assert [contents(result) for result in there] == [contents(result) for result in here]
    for result in here:
        assert all(np.isfinite(result.points[name][-1]).any() for name in NAMES)


def test_training_is_the_same_in_two_processes_and_fits_once(panel, settings, engine, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    first = trained_on(panel.select(), settings, DiskFitCache(here))
    second = trained_on(panel.select(), settings, DiskFitCache(there), engine)
    files = {path.name: path.read_bytes() for path in here.iterdir()}

    assert len(files) > 4
    assert {path.name: path.read_bytes() for path in there.iterdir()} == files
    for horizon in HORIZONS:
        assert contents(second.results[horizon]) == contents(first.results[horizon])


def test_what_is_cached_is_not_sent_to_workers(panel, settings, tmp_path):
    class Idle:
        workers = 2
        is_remote = False

        def submit(self, function, *args):
            raise AssertionError("fitted again")

        def share(self, value):
            return value

    first = trained_on(panel.select(), settings, DiskFitCache(tmp_path))

    again = trained_on(panel.select(), settings, DiskFitCache(tmp_path), Idle())

    assert contents(again.results["short"]) == contents(first.results["short"])


def test_the_fold_of_a_lost_worker_is_fitted_again(panel, tmp_path, monkeypatch):
    mark = tmp_path / "lost"
    monkeypatch.setenv("TEST_LOSS_MARK", str(mark))
    features = feature_rows(panel)

    def walked(engine):
        inputs = WalkInputs(
            features, engine.share(features), 1, Schedule(20, 60, 2, 60), engine=engine
        )
        fitting = Fitting(tasks.fit_after_a_loss)
        return begin_all(inputs, fitting, panel.targets(1))()

    with open_engine(2) as engine:
        there = walked(engine)
    assert mark.exists()
    here = walked(IN_PROCESS)

    assert np.isfinite(here.points[-1]).sum() > 15
    assert there.points.tobytes() == here.points.tobytes()
    assert there.model.coef.tobytes() == here.model.coef.tobytes()
    assert there[2:] == here[2:]


def test_an_error_of_a_fit_in_a_worker_is_the_runs(panel, engine):
    features = feature_rows(panel)
    inputs = WalkInputs(features, engine.share(features), 1, Schedule(20, 60, 2, 60), engine=engine)

    finish = begin_all(inputs, Fitting(failing), panel.targets(1))

    with pytest.raises(ValueError, match=f"^not in {os.getpid()}$"):
        finish()


def failing(X, y, horizon):
    raise ValueError(f"not in {os.getppid()}")
