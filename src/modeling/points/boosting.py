"""Grow boosted trees on inputs that were put into bins once, by scikit-learn's own grower of trees.

What ``HistGradientBoostingRegressor`` does with squared loss, to the last bit up to ``EDGE_ROWS``
rows (a test compares them), without its copies: it takes rows in double precision alone, and keeps
them beside the bins. Its parts are private, and pinned with the library.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from src.core.arrays import Floats, Singles
from src.modeling.points.feature_rows import InputRows

# Rows that the edges of the bins are taken from: of more, every second, third, …
EDGE_ROWS = 200_000
# Of a byte's values the last stands for a missing input, of which there are none here.
BINS = 255
# Rows that are put into bins at a time.
CHUNK = 65_536


def grow_nodes(
    X: InputRows, y: Floats, *, trees: int, seed: int, options: Mapping[str, Any]
) -> tuple[float, list[np.ndarray]]:
    """Trees for squared loss, each for what those before it leave.

    Args:
        X: (rows, inputs), finite.
        y: (rows,).
        trees: How many.
        seed: Of the draws of inputs.
        options: Of scikit-learn's ``TreeGrower``.

    Returns:
        The mean of y, which the trees are added to, and the nodes of each tree.
    """
    from sklearn.ensemble._hist_gradient_boosting._gradient_boosting import _update_raw_predictions
    from sklearn.ensemble._hist_gradient_boosting.grower import TreeGrower
    from sklearn.utils._openmp_helpers import _openmp_effective_n_threads

    # Else gathered twice, for the edges and for the bins.
    X = X[:] if len(X) <= EDGE_ROWS else X
    edges = bin_edges(X)
    binned, counts = put_into_bins(X, edges), [len(inner) + 1 for inner in edges]
    base, draws, threads = float(y.mean()), _draws(seed), _openmp_effective_n_threads()
    predicted, constant = np.full(len(y), base), np.ones(1, dtype=np.float32)
    nodes = []
    for _ in range(trees):
        gradient = (predicted - y).astype(np.float32)
        grower = TreeGrower(
            binned, gradient, constant, n_bins_non_missing=counts, rng=draws, **options
        )
        grower.grow()
        _update_raw_predictions(predicted, grower, threads)
        nodes.append(grower.make_predictor(binning_thresholds=edges).nodes)
    return base, nodes


def bin_edges(X: InputRows) -> list[Floats]:
    """Inner edges of at most ``BINS`` bins for each input, which have about as many rows each.

    A bin reaches up to and including its upper edge. Few distinct values have a bin each.
    """
    sample = X[:: -(-max(len(X), 1) // EDGE_ROWS)]
    return [_edges(np.sort(column)) for column in sample.T]


def put_into_bins(X: InputRows, edges: Sequence[Floats]) -> np.ndarray:
    """The bin of each input; (rows, inputs), bytes, one input after the other in memory."""
    out = np.empty(X.shape, dtype=np.uint8, order="F")
    for start in range(0, len(X), CHUNK):
        rows = slice(start, start + CHUNK)
        for place, (column, inner) in enumerate(zip(X[rows].T, edges, strict=True)):
            out[rows, place] = np.searchsorted(inner, column.astype(np.float64))
    return out


def _edges(ordered: Floats | Singles) -> Floats:
    distinct = ordered[np.append(True, ordered[1:] != ordered[:-1])].astype(np.float64)
    if len(distinct) <= BINS:
        return np.asarray((distinct[1:] + distinct[:-1]) / 2)
    # Quantiles where the distribution's inverse jumps: the mean of both ends (Hyndman-Fan, type 2).
    levels = np.linspace(0, 100, BINS + 1)[1:-1]
    values = ordered.astype(np.float64)
    return np.unique(np.percentile(values, levels, method="averaged_inverted_cdf"))


def _draws(seed: int) -> np.random.Generator:
    """The generator that scikit-learn derives from a seed for the draws of inputs."""
    seeds = np.random.RandomState(seed)
    _, of_inputs = (seeds.randint(np.iinfo(np.uint32).max, dtype="u8") for _ in range(2))
    return np.random.default_rng(of_inputs)
