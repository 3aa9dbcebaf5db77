"""Predict with boosted regression trees that are stored as plain arrays.

A library grows them; they are only evaluated here, so that a forecast needs neither that library
nor trust in a pickled object, and costs a few lookups a tree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from src.core.arrays import Floats, Ints, Singles

# Rows times trees that are evaluated together: what fits a processor's cache.
CHUNK = 200_000


@dataclass(frozen=True, eq=False)
class Trees:
    """Nodes of all trees, one tree after the other.

    Attributes:
        feature: Position of the input that a node compares; (nodes,).
        threshold: The left child follows when the input is not above it; (nodes,).
        left, right: Positions of the children; a leaf is its own child; (nodes,).
        value: What a leaf adds; of inner nodes the mean of what is added below them; (nodes,).
        roots: Positions of the trees' first nodes; (trees,).
        base: Sum before any tree.
        depth: Comparisons from a root to the farthest leaf.

    Raises:
        ValueError: For arrays that are not trees: of other lengths or types, pointing outside,
            with a value that is not finite, or deeper than they have nodes.
    """

    feature: Ints
    threshold: Floats
    left: Ints
    right: Ints
    value: Floats
    roots: Ints
    base: float
    depth: int

    def __post_init__(self) -> None:
        nodes = len(self.value)
        integers = (self.feature, self.left, self.right, self.roots)
        floats = (self.threshold, self.value)
        if any(array.dtype != np.int64 for array in integers) or any(
            array.dtype != np.float64 for array in floats
        ):
            raise ValueError("trees consist of 64-bit integers and floats")
        shapes = {array.shape for array in (self.feature, self.threshold, self.left, self.right)}
        finite = isinstance(self.base, int | float) and np.isfinite([*self.value, self.base]).all()
        if shapes != {(nodes,)} or not finite:
            raise ValueError("trees need one finite value for each node")
        pointers = np.concatenate([self.left, self.right, self.roots])
        if pointers.size and not 0 <= pointers.min() <= pointers.max() < nodes:
            raise ValueError("a tree points to a node that does not exist")
        if type(self.depth) is not int or not 0 <= self.depth <= max(nodes - 1, 0):
            raise ValueError(f"{nodes} nodes cannot be trees of depth {self.depth!r}")
        if self.feature.min(initial=0) < 0:
            raise ValueError("the position of an input cannot be negative")

    @property
    def inputs(self) -> int:
        """How many inputs a row must have at least."""
        return int(self.feature.max(initial=-1)) + 1

    def predict(self, X: Floats | Singles) -> Floats:
        """One sum a row, of (rows, inputs); (rows,).

        A row's sum does not depend on the rows beside it: it runs over the trees in order.

        Raises:
            ValueError: For rows with fewer inputs than the trees use.
        """
        if X.shape[1] < self.inputs:
            raise ValueError(f"the trees use {self.inputs} inputs, a row has {X.shape[1]}")
        step = max(1, CHUNK // max(len(self.roots), 1))
        sums = [self._sum(X[start : start + step]) for start in range(0, len(X), step)]
        return np.concatenate(sums) if sums else np.empty(0)

    def contributions(self, x: Floats) -> tuple[float, Floats]:
        """Split one row's sum into the part that all rows share and the part of each input.

        On the way from a root to a leaf the mean of what lies below changes with each comparison;
        the change is attributed to the input that was compared (Saabas 2014).

        Args:
            x: One row, (inputs,).

        Returns:
            The shared part, and one number for each input; they add up to ``predict``.
        """
        parts, node = np.zeros(len(x)), self.roots
        for _ in range(self.depth):
            feature = self.feature[node]
            child = np.where(x[feature] <= self.threshold[node], self.left[node], self.right[node])
            np.add.at(parts, feature, self.value[child] - self.value[node])
            node = child
        return self.base + float(self.value[self.roots].sum()), parts

    def _sum(self, X: Floats | Singles) -> Floats:
        rows, flat = np.arange(len(X))[:, None] * X.shape[1], np.ascontiguousarray(X).ravel()
        node = np.broadcast_to(self.roots, (len(X), len(self.roots)))
        for _ in range(self.depth):
            go_left = flat[rows + self.feature[node]] <= self.threshold[node]
            node = np.where(go_left, self.left[node], self.right[node])
        added = np.concatenate([np.full((len(X), 1), self.base), self.value[node]], axis=1)
        return np.asarray(np.cumsum(added, axis=1)[:, -1])
