"""Bins beside those of scikit-learn; the trees grown on them are compared in test_rank_trees."""

import numpy as np
import pytest
from sklearn.ensemble._hist_gradient_boosting.binning import _BinMapper

from src.modeling.points.boosting import EDGE_ROWS, bin_edges, put_into_bins
from src.modeling.points.rank_trees import grow
from src.registry.formats.models import pack


def inputs(rows, seed=5):
    """Smooth, of few values, nearly constant, constant, and heavy-tailed with ties."""
    random = np.random.default_rng(seed)
    columns = [
        random.normal(size=rows),
        random.integers(-3, 4, rows),
        np.where(random.random(rows) < 0.99, 0.0, random.normal(size=rows)),
        np.full(rows, 2.5),
        np.round(random.standard_t(2, rows), 2),
    ]
    return np.stack(columns, axis=1).astype(np.float32)


@pytest.mark.parametrize("rows", [1, 2, 255, 256, 257, 5_000, 70_000])
def test_bins_are_those_of_scikit_learn(rows):
    X = inputs(rows)
    theirs = _BinMapper(n_bins=256, random_state=1).fit(X.astype(np.float64))

    edges = bin_edges(X)

    for ours, expected in zip(edges, theirs.bin_thresholds_, strict=True):
        assert ours.tobytes() == expected.tobytes()
    assert np.array_equal(put_into_bins(X, edges), theirs.transform(X.astype(np.float64)))


def test_of_very_many_rows_every_second_says_where_bins_end():
    X = np.zeros((EDGE_ROWS + 1, 1), dtype=np.float32)
    # Rows at odd places are not asked.
    X[::2, 0], X[1::2, 0] = np.arange(EDGE_ROWS // 2 + 1) % 2, 9.0

    edges = bin_edges(X)

    assert [inner.tolist() for inner in edges] == [[0.5]]
    assert set(put_into_bins(X, edges)[1::2, 0]) == {1}


def test_single_and_double_precision_grow_the_same_trees():
    X = inputs(900)
    y = np.sin(X[:, 0]) + X[:, 1]

    assert pack(grow(X, y, 1)) == pack(grow(X.astype(np.float64), y, 1))
