"""Boosted trees small enough to be read, and parts of them to be bent."""

from __future__ import annotations

from typing import Any

import numpy as np

from src.registry.formats.trees import Trees


def parts(**bent: Any) -> dict[str, Any]:
    """Two trees over three inputs, before them .5.

    The first asks whether input 2 is at most 1 and adds 10, else whether input 0 is at most -3
    and adds 20 or 30. The second is one leaf that adds 100.
    """
    usual = {
        "feature": np.array([2, 0, 0, 0, 0, 0]),
        "threshold": np.array([1.0, 0.0, -3.0, 0.0, 0.0, 0.0]),
        "left": np.array([1, 1, 3, 3, 4, 5]),
        "right": np.array([2, 1, 4, 3, 4, 5]),
        "value": np.array([0.0, 10.0, 0.0, 20.0, 30.0, 100.0]),
        "roots": np.array([0, 5]),
        "base": 0.5,
        "depth": 2,
    }
    return usual | bent


def small(**bent: Any) -> Trees:
    return Trees(**parts(**bent))


def stump(feature: int, low: float, high: float) -> Trees:
    """One question: is this input above 0? Then ``high``, else ``low``."""
    return Trees(
        feature=np.array([feature, 0, 0]),
        threshold=np.array([0.0, 0.0, 0.0]),
        left=np.array([1, 1, 2]),
        right=np.array([2, 1, 2]),
        value=np.array([0.0, low, high]),
        roots=np.array([0]),
        base=0.0,
        depth=1,
    )
