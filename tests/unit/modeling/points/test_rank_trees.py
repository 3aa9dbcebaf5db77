"""Grown trees beside the libraries that grew them: the same numbers, from arrays alone."""

import subprocess
import sys

import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from src.modeling.points import rank_trees
from src.modeling.points.rank_trees import grow, grow_lightgbm
from src.registry.formats.models import pack
from src.registry.formats.trees import CHUNK, Trees

ROWS, FEATURES = 1_600, 6


def rows(count=ROWS, features=FEATURES, seed=3):
    """Features in single precision, as they are stacked, some of few values; ranks for labels."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(count, features)).astype(np.float32).astype(np.float64)
    X[:, 1] = np.round(X[:, 1])
    X[:, 2] *= 1e-6
    signal = np.sin(X[:, 0]) + X[:, 1] * (X[:, 3] > 0)
    y = signal + random.normal(0, 2, count)
    return X, np.argsort(np.argsort(y)) / max(count - 1, 1) - 0.5


def of_sklearn(X, y, leaf):
    """The library's model by the very options that are promised, written out again."""
    return HistGradientBoostingRegressor(
        max_iter=150,
        learning_rate=0.05,
        max_depth=6,
        max_leaf_nodes=16,
        min_samples_leaf=leaf,
        max_features=0.5,
        l2_regularization=10.0,
        early_stopping=False,
        random_state=42,
    ).fit(X, y)


def of_lightgbm(X, y, leaf):
    options = {
        "objective": "l2",
        "learning_rate": 0.05,
        "max_depth": 6,
        "num_leaves": 16,
        "min_data_in_leaf": leaf,
        "feature_fraction": 0.5,
        "bagging_fraction": 0.5,
        "bagging_freq": 1,
        "lambda_l2": 10.0,
        "seed": 42,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    return lightgbm.train(options, lightgbm.Dataset(X, y), 150)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """Threads that spin beside a busy neighbour make growing small trees ten times slower."""
    with threadpool_limits(1, user_api="openmp"):
        yield


@pytest.fixture(scope="module")
def given_rows():
    return rows()


@pytest.fixture(scope="module")
def grown(given_rows):
    return grow(*given_rows, 1)


@pytest.fixture(scope="module")
def library(given_rows):
    # One row in eighty of 1,600.
    return of_sklearn(*given_rows, leaf=20)


@pytest.fixture(scope="module")
def boosters(given_rows):
    return grow_lightgbm(*given_rows, 1), of_lightgbm(*given_rows, leaf=20)


AT_A_TIME = CHUNK // 150


@pytest.mark.parametrize(
    "count", [0, 1, 2, 3, 7, AT_A_TIME - 1, AT_A_TIME, AT_A_TIME + 1, 2 * AT_A_TIME + 1]
)
def test_grown_trees_say_what_scikit_learn_says_to_the_last_bit(grown, library, count):
    X, _ = rows(max(count, 1), seed=8)
    X = 2 * X[:count]

    found = grown.predict(X)

    expected = library.predict(X) if count else np.empty(0)
    assert found.tobytes() == expected.tobytes()
    assert count < 10 or np.ptp(found) > 0.1


@settings(max_examples=40)
@given(st.lists(st.floats(-1e30, 1e30), min_size=FEATURES, max_size=FEATURES))
def test_any_row_is_what_scikit_learn_says_of_it(grown, library, row):
    X = np.array([row])

    assert grown.predict(X).tobytes() == library.predict(X).tobytes()


def test_a_row_on_a_threshold_goes_where_scikit_learn_sends_it(grown, library):
    asked = np.flatnonzero(grown.left != np.arange(len(grown.left)))
    X = np.zeros((len(asked), FEATURES))
    X[np.arange(len(asked)), grown.feature[asked]] = grown.threshold[asked]

    assert len(asked) > 1000
    assert grown.predict(X).tobytes() == library.predict(X).tobytes()


@pytest.mark.parametrize("count", [1, 2, 79, 80, 160, 161])
def test_few_rows_grow_what_scikit_learn_grows_of_them(count):
    X, y = rows(count)

    found = grow(X, y, 1)

    assert found.predict(X).tobytes() == of_sklearn(X, y, max(1, count // 80)).predict(X).tobytes()


def test_leaves_of_very_many_rows_hold_five_hundred():
    assert rank_trees._leaf(40_000) == rank_trees._leaf(900_000) == 500
    assert rank_trees._leaf(39_999) == 499


@pytest.mark.parametrize("count", [1, 2, 7, AT_A_TIME + 1])
def test_grown_trees_say_what_lightgbm_says(boosters, count):
    X, _ = rows(count, seed=8)
    ours, theirs = boosters

    found = ours.predict(2 * X)

    assert np.abs(found - theirs.predict(2 * X)).max() <= 1e-12
    assert count < 10 or np.ptp(found) > 0.1


def test_a_row_on_a_threshold_goes_where_lightgbm_sends_it(boosters):
    ours, theirs = boosters
    # What is no farther from zero than 1e-35 is zero to LightGBM.
    asks = (ours.left != np.arange(len(ours.left))) & (np.abs(ours.threshold) > 1e-30)
    asked = np.flatnonzero(asks)
    X = np.zeros((len(asked), FEATURES))
    X[np.arange(len(asked)), ours.feature[asked]] = ours.threshold[asked]

    assert np.abs(ours.predict(X) - theirs.predict(X)).max() <= 1e-12


@pytest.mark.parametrize("fit", [grow, grow_lightgbm])
def test_labels_that_never_differ_are_forecast_as_they_are(fit):
    X, _ = rows(200)

    found = fit(X, np.full(200, 0.25), 1).predict(X)

    assert found == pytest.approx(np.full(200, 0.25), abs=1e-12)


@pytest.mark.parametrize("fit", [grow, grow_lightgbm])
def test_inputs_that_never_differ_are_borne(fit):
    _, y = rows(200)

    found = fit(np.ones((200, 2)), y, 1).predict(np.ones((3, 2)))

    assert found == pytest.approx(np.full(3, y.mean()), abs=1e-9)


@pytest.mark.parametrize("fit", [grow, grow_lightgbm])
def test_the_same_rows_grow_the_same_trees(fit):
    X, y = rows(400)
    np.random.seed(1)
    once = fit(X, y, 1)
    np.random.seed(2)

    again = fit(np.asfortranarray(X), y.copy(), 63)

    assert pack(again) == pack(once)


def test_the_same_rows_grow_the_same_trees_in_processes_of_one_thread_and_of_two():
    code = (
        "import numpy as np; from src.modeling.points.rank_trees import grow;"
        "from src.registry.formats.models import pack;"
        "X = np.random.default_rng(1).normal(size=(1200, 4));"
        "print(pack(grow(X, np.sin(X[:, 0]), 1)).hex())"
    )

    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"OMP_NUM_THREADS": threads, "OMP_WAIT_POLICY": "passive", "PATH": ""},
        ).stdout
        for threads in ("1", "2")
    }

    assert len(told) == 1


def test_trees_are_no_deeper_than_six_questions(grown, boosters):
    for made in (grown, boosters[0]):
        assert isinstance(made, Trees)
        assert 4 < made.depth <= 6
        assert len(made.roots) == 150


def test_what_each_input_changed_adds_up_to_what_is_said(grown, boosters):
    X, _ = rows(30, seed=8)

    for made in (grown, boosters[0]):
        for x in X:
            common, inputs = made.contributions(x)
            assert common + inputs.sum() == pytest.approx(made.predict(x[None])[0], abs=1e-12)


def test_what_each_input_changed_goes_with_what_lightgbm_says_it_did(boosters):
    # Theirs are Shapley values, ours follow one path: alike for the two inputs that matter most.
    X, _ = rows(200, seed=8)
    ours = np.array([boosters[0].contributions(x)[1] for x in X])

    theirs = boosters[1].predict(X, pred_contrib=True)[:, :-1]

    for k in (0, 1):
        assert np.corrcoef(ours[:, k], theirs[:, k])[0, 1] > 0.95


def test_what_every_row_is_given_is_the_mean_of_the_rows_it_was_grown_on(grown, given_rows):
    X, _ = given_rows

    common, _ = grown.contributions(X[0])

    assert common == pytest.approx(grown.predict(X).mean(), abs=1e-9)
