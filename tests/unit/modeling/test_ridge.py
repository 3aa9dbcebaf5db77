import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from src.modeling import candidates
from src.modeling.candidates import CANDIDATES, default_alpha, mean, ridge, zero


@pytest.fixture
def rng():
    return np.random.default_rng(11)


@pytest.fixture
def X(rng):
    """Correlated columns of very different level and scale, the hardest for a folded model."""
    mixed = rng.normal(size=(400, 12)) @ rng.normal(size=(12, 12))
    return mixed * np.logspace(-4, 3, 12) + np.linspace(-500, 500, 12)


@pytest.fixture
def y(rng, X):
    standard = (X - X.mean(axis=0)) / X.std(axis=0)
    return 0.001 + standard @ rng.normal(size=12) * 0.01 + rng.normal(size=400) * 0.02


@pytest.mark.parametrize("name", CANDIDATES)
class TestEveryCandidate:
    def test_forecasts_one_finite_return_per_row(self, name, X, y):
        forecast = CANDIDATES[name](X, y, columns=[0, 3], horizon=63).predict(X[:7])

        assert forecast.shape == (7,)
        assert np.isfinite(forecast).all()

    def test_gives_the_same_model_twice_and_leaves_its_input_alone(self, name, X, y):
        before = X.copy(), y.copy()

        one, two = CANDIDATES[name](X, y), CANDIDATES[name](X, y)

        assert (one.coef == two.coef).all()
        assert one.intercept == two.intercept
        assert np.array_equal(X, before[0])
        assert np.array_equal(y, before[1])

    def test_keeps_its_forecasts_under_the_features_names(self, name, X, y):
        fitted = CANDIDATES[name](X, y)

        stored = fitted.named([f"x{k}" for k in range(12)])

        assert stored.features[11] == "x11"
        assert stored.predict(X[5]) == pytest.approx(fitted.predict(X)[5], abs=1e-10)


def test_zero_forecasts_no_change(X, y):
    assert zero(X, y).predict(X).tolist() == [0.0] * 400


def test_mean_forecasts_the_mean_of_the_training_targets():
    fitted = mean(np.ones((3, 2)), np.array([0.01, 0.02, -0.06]))

    assert fitted.predict(np.full((2, 2), 9.0)) == pytest.approx([-0.01, -0.01])


@pytest.mark.parametrize("alpha", [1e-3, 1.0, 400.0, 1e5])
def test_ridge_equals_scikit_learn(X, y, alpha):
    oracle = make_pipeline(StandardScaler(), Ridge(alpha=alpha, solver="svd")).fit(X, y)

    fitted = ridge(X, y, alpha=alpha)

    scale = oracle[0].scale_
    assert fitted.coef * scale == pytest.approx(oracle[1].coef_, rel=1e-10, abs=1e-12)
    assert fitted.predict(X) == pytest.approx(oracle.predict(X), rel=0, abs=1e-10)


def test_ridge_worked_by_hand():
    # One column, -1 and 1, so standardised already: b = 2 x 0.03 / (2 + 4), mean(y) = 0.01.
    fitted = ridge(np.array([[-1.0], [1.0]]), np.array([-0.02, 0.04]), alpha=4.0)

    assert fitted.coef == pytest.approx([0.01])
    assert fitted.intercept == pytest.approx(0.01)


def test_ridge_does_not_notice_the_unit_of_a_column(X, y):
    other = X.copy()
    other[:, 4] = other[:, 4] * 1000 + 7

    assert ridge(other, y).predict(other) == pytest.approx(ridge(X, y).predict(X), abs=1e-10)


def test_ridge_uses_only_the_columns_it_was_given(X, y):
    fitted = ridge(X, y, columns=[2, 9], alpha=1.0)
    oracle = make_pipeline(StandardScaler(), Ridge(alpha=1.0)).fit(X[:, [2, 9]], y)

    assert np.flatnonzero(fitted.coef).tolist() == [2, 9]
    assert fitted.predict(X) == pytest.approx(oracle.predict(X[:, [2, 9]]), abs=1e-12)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e9])
def test_ridge_gives_no_weight_to_a_constant_column(X, y, constant):
    X[:, 6] = constant

    fitted = ridge(X, y, alpha=1.0)

    others = np.delete(np.arange(12), 6)
    oracle = make_pipeline(StandardScaler(), Ridge(alpha=1.0)).fit(X[:, others], y)
    assert fitted.coef[6] == 0
    assert fitted.predict(X) == pytest.approx(oracle.predict(X[:, others]), abs=1e-10)


def test_ridge_with_one_row_is_its_target():
    fitted = ridge(np.array([[3.0, 4.0]]), np.array([0.02]))

    assert fitted.coef.tolist() == [0.0, 0.0]
    assert fitted.intercept == 0.02


def test_penalty_is_a_prior_that_overlapping_labels_cannot_outvote():
    assert default_alpha(25, 1) == pytest.approx(5_000)
    assert default_alpha(25, 63) == pytest.approx(315_000)
    assert ridge(np.eye(3), np.arange(3.0), horizon=2).options == {"alpha": pytest.approx(1200.0)}


def test_shuffling_rows_changes_no_ridge_beyond_rounding(X, y, rng):
    order = rng.permutation(400)

    assert ridge(X[order], y[order]).predict(X) == pytest.approx(ridge(X, y).predict(X), abs=1e-10)


@pytest.mark.parametrize("fit", [mean, ridge])
@pytest.mark.parametrize(
    ("X", "y"),
    [
        (np.empty((0, 2)), np.empty(0)),
        (np.array([[1.0, np.nan]]), np.array([0.1])),
        (np.array([[1.0, 2.0]]), np.array([np.inf])),
        (np.array([[1.0, 2.0]]), np.array([0.1, 0.2])),
    ],
)
def test_refuses_no_rows_and_values_that_are_not_finite(fit, X, y):
    with pytest.raises(ValueError, match=r"at least one row|finite"):
        fit(X, y)


def test_zero_is_among_the_candidates_and_each_is_found_by_its_own_name():
    assert all(fit.__name__ == name for name, fit in CANDIDATES.items())
    assert candidates.CANDIDATES["zero"] is zero
