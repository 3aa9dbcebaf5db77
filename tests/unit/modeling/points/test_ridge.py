import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from src.modeling.points.ridge import default_alpha, ridge


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


@pytest.mark.parametrize("alpha", [1e-3, 1.0, 400.0, 1e5])
def test_ridge_equals_scikit_learn(X, y, alpha):
    oracle = make_pipeline(StandardScaler(), Ridge(alpha=alpha, solver="svd")).fit(X, y)

    fitted = ridge(X, y, 1, alpha=alpha)

    scale = oracle[0].scale_
    assert fitted.coef * scale == pytest.approx(oracle[1].coef_, rel=1e-10, abs=1e-12)
    assert fitted.predict(X) == pytest.approx(oracle.predict(X), rel=0, abs=1e-10)


def test_ridge_worked_by_hand():
    # One column, -1 and 1, so standardised already: b = 2 x 0.03 / (2 + 4), mean(y) = 0.01.
    fitted = ridge(np.array([[-1.0], [1.0]]), np.array([-0.02, 0.04]), 1, alpha=4.0)

    assert fitted.coef == pytest.approx([0.01])
    assert fitted.intercept == pytest.approx(0.01)


def test_ridge_does_not_notice_the_unit_of_a_column(X, y):
    other = X.copy()
    other[:, 4] = other[:, 4] * 1000 + 7

    assert ridge(other, y, 1).predict(other) == pytest.approx(ridge(X, y, 1).predict(X), abs=1e-10)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e9])
def test_ridge_gives_no_weight_to_a_constant_column(X, y, constant):
    X[:, 6] = constant

    fitted = ridge(X, y, 1, alpha=1.0)

    others = np.delete(np.arange(12), 6)
    oracle = make_pipeline(StandardScaler(), Ridge(alpha=1.0)).fit(X[:, others], y)
    assert fitted.coef[6] == 0
    assert fitted.predict(X) == pytest.approx(oracle.predict(X[:, others]), abs=1e-10)


def test_ridge_with_one_row_is_its_target():
    fitted = ridge(np.array([[3.0, 4.0]]), np.array([0.02]), 1)

    assert fitted.coef.tolist() == [0.0, 0.0]
    assert fitted.intercept == 0.02


def test_penalty_is_a_prior_that_overlapping_labels_cannot_outvote():
    assert default_alpha(25, 1) == pytest.approx(5_000)
    assert default_alpha(25, 63) == pytest.approx(315_000)
    explicit = ridge(np.eye(3), np.arange(3.0), 1, alpha=1200.0)
    assert ridge(np.eye(3), np.arange(3.0), 2).coef == pytest.approx(explicit.coef, rel=1e-12)


def test_shuffling_rows_changes_no_ridge_beyond_rounding(X, y, rng):
    order = rng.permutation(400)

    assert ridge(X[order], y[order], 1).predict(X) == pytest.approx(
        ridge(X, y, 1).predict(X), abs=1e-10
    )


@pytest.mark.parametrize(
    ("X", "y"),
    [
        (np.empty((0, 2)), np.empty(0)),
        (np.array([[1.0, np.nan]]), np.array([0.1])),
        (np.array([[1.0, 2.0]]), np.array([np.inf])),
        (np.array([[1.0, 2.0]]), np.array([0.1, 0.2])),
    ],
)
def test_refuses_no_rows_and_values_that_are_not_finite(X, y):
    with pytest.raises(ValueError, match=r"at least one row|finite"):
        ridge(X, y, 1)
