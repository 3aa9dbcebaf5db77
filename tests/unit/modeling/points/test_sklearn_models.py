"""Learners beside the libraries' own, and what must not change their forecasts."""

import numpy as np
import pytest
from sklearn.linear_model import ElasticNet, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from src.modeling.points.rank_trees import grow
from src.modeling.points.ridge import ridge
from src.modeling.points.sklearn_models import elastic_net, hist_gradient_boosting, random_forest

ROWS, FEATURES = 400, 6
LEARNERS = {
    fit.__name__: fit for fit in (ridge, grow, elastic_net, hist_gradient_boosting, random_forest)
}


def given(rows=ROWS, features=FEATURES, seed=3):
    random = np.random.default_rng(seed)
    X = random.normal(size=(rows, features)) * np.logspace(-3, 3, features) + np.arange(features)
    y = 0.002 * random.standard_t(4, rows) + 0.0008 * (X[:, 0] / 0.001) - 0.0004 * X[:, -1] / 1000
    return X, y


@pytest.mark.parametrize("horizon", [1, 63])
def test_ridge_equals_the_librarys_on_standardised_inputs(horizon):
    X, y = given()
    # Noise over prior variance of a weight: 6 features that explain half a percent together.
    alpha = 6 * horizon / 0.005
    library = make_pipeline(StandardScaler(), Ridge(alpha=alpha)).fit(X, y)

    found = ridge(X, y, horizon).predict(X)

    assert np.abs(found - library.predict(X)).max() < 1e-10
    assert np.ptp(found) > 1e-5


def test_elastic_net_equals_the_librarys_at_a_tenth_of_the_strongest_penalty():
    X, y = given()
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    moved = (y - y.mean()) / y.std()
    strongest = max(abs(Z[:, k] @ moved) for k in range(FEATURES)) / (ROWS * 0.5)
    library = make_pipeline(StandardScaler(), ElasticNet(alpha=strongest / 10, l1_ratio=0.5))
    library.fit(X, moved)

    found = elastic_net(X, y, 1)

    expected = y.mean() + y.std() * library.predict(X)
    assert np.abs(found.predict(X) - expected).max() < 1e-10
    used = np.abs(found.coef) > 0
    assert used[0]
    assert used.sum() < FEATURES


def test_an_elastic_net_does_not_depend_on_the_scale_of_the_target():
    X, y = given()

    assert elastic_net(X, 20 * y, 63).coef == pytest.approx(20 * elastic_net(X, y, 1).coef)


@pytest.mark.parametrize("name", LEARNERS)
def test_the_same_rows_give_the_same_forecasts(name):
    X, y = given()
    np.random.seed(1)
    once = LEARNERS[name](X, y, 1).predict(X)
    np.random.seed(2)

    again = LEARNERS[name](X.copy(), y.copy(), 1).predict(X)

    assert np.array_equal(once, again)
    assert np.ptp(once) > 0


@pytest.mark.parametrize("name", LEARNERS)
def test_a_forecast_does_not_change_with_the_rows_forecast_beside_it(name):
    X, y = given(features=79)
    model = LEARNERS[name](X, y, 1)
    together = model.predict(X)

    for rows in (1, 2, 3, 7, 141, 399):
        assert np.array_equal(model.predict(X[:rows]), together[:rows]), rows


@pytest.mark.parametrize("name", LEARNERS)
def test_targets_that_never_move_are_forecast_not_to_move(name):
    X, _ = given()

    assert LEARNERS[name](X, np.zeros(ROWS), 1).predict(X) == pytest.approx(np.zeros(ROWS))


@pytest.mark.parametrize("name", LEARNERS)
def test_a_constant_input_is_borne(name):
    X, y = given()
    X[:, 2] = 0.1

    assert np.isfinite(LEARNERS[name](X, y, 1).predict(X)).all()


@pytest.mark.parametrize("fit", [hist_gradient_boosting, random_forest])
def test_trees_are_grown_on_the_newest_rows_alone(fit):
    random = np.random.default_rng(1)
    X = random.normal(size=(40_300, 1))
    y = 0.01 * X[:, 0] + random.normal(size=len(X))
    other = y.copy()
    other[:300] += 50

    assert np.array_equal(fit(X, y, 1).predict(X[:50]), fit(X, other, 1).predict(X[:50]))


def test_a_forest_spreads_its_rows_evenly_over_the_newest():
    X = np.zeros((40_000, 1))
    y = np.where(np.arange(40_000) < 20_000, 1.0, 0.0)

    model = random_forest(X, y, 1)

    # A constant input cannot split: every tree says the mean of the rows drawn for it.
    assert len(model.estimators_) == 50
    assert {int(one.tree_.weighted_n_node_samples[0]) for one in model.estimators_} == {5000}
    assert model.predict(X[:1])[0] == pytest.approx(0.5, abs=0.01)
