"""Boosted regression trees as plain arrays: inputs in, the sum of the trees' leaves out; pure.

They are grown by a library and only read here, so that a forecast needs neither that library nor
the trust in a pickled object, and costs a few lookups a tree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Rows times trees that are walked at once: what fits a processor's cache.
AT_ONCE = 200_000


@dataclass(frozen=True, eq=False)
class Trees:
    """Nodes of all trees behind one another.

    Attributes:
        feature: Position of the input that a node asks; (nodes,).
        threshold: Left when the input is not above it; (nodes,).
        left, right: Where to go on, as positions of nodes. A leaf goes on to itself; (nodes,).
        value: What a leaf adds; of other nodes the mean of what is added below them; (nodes,).
        roots: Where each tree begins; (trees,).
        base: What is said before any tree.
        depth: Questions from a root to the farthest leaf.

    Raises:
        ValueError: For arrays that are no trees: of other lengths or types, pointing outside,
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
        whole = (self.feature, self.left, self.right, self.roots)
        real = (self.threshold, self.value)
        if any(one.dtype != np.int64 for one in whole) or any(
            one.dtype != np.float64 for one in real
        ):
            raise ValueError("trees are made of 64-bit integers and floats")
        lengths = {one.shape for one in (self.feature, self.threshold, self.left, self.right)}
        known = isinstance(self.base, int | float) and np.isfinite([*self.value, self.base]).all()
        if lengths != {(nodes,)} or not known:
            raise ValueError("trees need one finite value for each node")
        pointers = np.concatenate([self.left, self.right, self.roots])
        if pointers.size and not 0 <= pointers.min() <= pointers.max() < nodes:
            raise ValueError("a tree points to a node that is not there")
        if type(self.depth) is not int or not 0 <= self.depth <= max(nodes - 1, 0):
            raise ValueError(f"{nodes} nodes make no trees of depth {self.depth!r}")
        if self.feature.min(initial=0) < 0:
            raise ValueError("a tree's inputs are counted from 0")

    @property
    def inputs(self) -> int:
        """How many inputs a row must have at least."""
        return int(self.feature.max(initial=-1)) + 1

    def predict(self, X: Floats) -> Floats:
        """One sum a row, of (rows, inputs); (rows,).

        A row's sum does not depend on the rows beside it: it runs over the trees in order.

        Raises:
            ValueError: For rows with fewer inputs than the trees ask for.
        """
        if X.shape[1] < self.inputs:
            raise ValueError(f"the trees ask for {self.inputs} inputs, a row has {X.shape[1]}")
        step = max(1, AT_ONCE // max(len(self.roots), 1))
        parts = [self._some(X[at : at + step]) for at in range(0, len(X), step)]
        return np.concatenate(parts) if parts else np.empty(0)

    def contributions(self, x: Floats) -> tuple[float, Floats]:
        """What one row's sum is made of: what every row is given, and what each input changed.

        On the way from a root to a leaf the mean of what lies below changes with each question;
        the change is put down to the input that was asked (Saabas 2014).

        Args:
            x: One row, (inputs,).

        Returns:
            The common part, and one number an input; together they are ``predict``.
        """
        found, node = np.zeros(len(x)), self.roots
        for _ in range(self.depth):
            asked = self.feature[node]
            after = np.where(x[asked] <= self.threshold[node], self.left[node], self.right[node])
            np.add.at(found, asked, self.value[after] - self.value[node])
            node = after
        return self.base + float(self.value[self.roots].sum()), found

    def _some(self, X: Floats) -> Floats:
        rows, flat = np.arange(len(X))[:, None] * X.shape[1], np.ascontiguousarray(X).ravel()
        node = np.broadcast_to(self.roots, (len(X), len(self.roots)))
        for _ in range(self.depth):
            below = flat[rows + self.feature[node]] <= self.threshold[node]
            node = np.where(below, self.left[node], self.right[node])
        added = np.concatenate([np.full((len(X), 1), self.base), self.value[node]], axis=1)
        return np.asarray(np.cumsum(added, axis=1)[:, -1])
