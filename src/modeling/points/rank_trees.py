"""Grow boosted trees that rank the tickers of a session, stored as plain arrays.

Grown with scikit-learn, or by LightGBM where it is installed. Seeds are fixed and rows are never
drawn at random, so the same rows give the same trees.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from src.core.arrays import Floats, Ints
from src.modeling.points import boosting
from src.modeling.points.feature_rows import InputRows
from src.registry.formats.trees import Trees

SEED = 42
# Weak signals want slow learning and large leaves: of forty thousand rows or fewer a leaf must
# contain at least one in eighty.
TREES, RATE = 150, 0.05
DEPTH, LEAVES = 6, 16
LEAF, LEAF_SHARE = 500, 80
INPUTS_SHARE, PENALTY = 0.5, 10.0


def grow(X: InputRows, y: Floats, horizon: int) -> Trees:
    """Trees as of scikit-learn's histogram boosting, squared loss.

    Args:
        X: (rows, features), finite.
        y: Rank of the return among the tickers of its session, -.5 to .5; (rows,).
        horizon: Not used: overlapping labels only make the leaves' rows less independent.
    """
    options = {
        "shrinkage": RATE,
        "max_depth": DEPTH,
        "max_leaf_nodes": LEAVES,
        "min_samples_leaf": _leaf(len(y)),
        "feature_fraction_per_split": INPUTS_SHARE,
        "l2_regularization": PENALTY,
    }
    base, trees = boosting.grow_nodes(X, y, trees=TREES, seed=SEED, options=options)
    return _joined([_of_sklearn(nodes) for nodes in trees], base)


def grow_lightgbm(X: InputRows, y: Floats, horizon: int) -> Trees:
    """The same by LightGBM, on half of the rows and of the features for each tree.

    Raises:
        ModuleNotFoundError: LightGBM is not installed (the extra ``boosting``).
    """
    import lightgbm

    options = {
        "objective": "l2",
        "learning_rate": RATE,
        "max_depth": DEPTH,
        "num_leaves": LEAVES,
        "min_data_in_leaf": _leaf(len(y)),
        "feature_fraction": INPUTS_SHARE,
        "bagging_fraction": 0.5,
        "bagging_freq": 1,
        "lambda_l2": PENALTY,
        "seed": SEED,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    model = lightgbm.train(options, lightgbm.Dataset(X[:], y), TREES).dump_model()
    return _joined([_of_lightgbm(tree["tree_structure"]) for tree in model["tree_info"]], 0.0)


def _leaf(rows: int) -> int:
    return max(1, min(LEAF, rows // LEAF_SHARE))


def _of_sklearn(nodes: np.ndarray) -> dict[str, np.ndarray]:
    leaf, position = nodes["is_leaf"].astype(bool), np.arange(len(nodes))
    value = np.where(leaf, nodes["value"], 0.0)
    # Nodes follow their parents.
    for at in position[~leaf][::-1]:
        below = [nodes["left"][at], nodes["right"][at]]
        value[at] = np.average(value[below], weights=nodes["count"][below])
    return {
        "feature": np.where(leaf, 0, nodes["feature_idx"]),
        "threshold": np.where(leaf, 0.0, nodes["num_threshold"]),
        "left": np.where(leaf, position, nodes["left"]),
        "right": np.where(leaf, position, nodes["right"]),
        "value": value,
        "depth": nodes["depth"],
    }


def _of_lightgbm(root: Mapping[str, Any]) -> dict[str, np.ndarray]:
    rows: list[list[float]] = []

    def add(node: Mapping[str, Any], depth: int) -> int:
        at = len(rows)
        rows.append([0, 0.0, at, at, node.get("leaf_value", node.get("internal_value")), depth])
        if "split_feature" in node:
            split = [node["split_feature"], node["threshold"]]
            below = [add(node[side], depth + 1) for side in ("left_child", "right_child")]
            rows[at][:4] = split + below
        return at

    add(root, 0)
    names = ("feature", "threshold", "left", "right", "value", "depth")
    return dict(zip(names, np.array(rows).T, strict=True))


def _joined(trees: list[dict[str, np.ndarray]], base: float) -> Trees:
    starts = np.cumsum([0, *(len(tree["value"]) for tree in trees)])[:-1].astype(np.int64)

    def joined(name: str) -> Iterator[np.ndarray]:
        for start, tree in zip(starts, trees, strict=True):
            yield tree[name] + (start if name in ("left", "right") else 0)

    def whole(name: str) -> Ints:
        return np.concatenate([*joined(name), []]).astype(np.int64)

    def real(name: str) -> Floats:
        return np.concatenate([*joined(name), []]).astype(np.float64)

    depth = max((int(tree["depth"].max()) for tree in trees), default=0)
    return Trees(
        feature=whole("feature"),
        threshold=real("threshold"),
        left=whole("left"),
        right=whole("right"),
        value=real("value"),
        roots=starts,
        base=base,
        depth=depth,
    )
