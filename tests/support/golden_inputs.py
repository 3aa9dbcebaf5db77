"""All model inputs of a fixed pool, and the file that keeps what they were at a features_version.

After a formula was changed on purpose: raise ``FORMULAS`` in ``src/features/catalogue.py``, run
`python -m tests.support.golden_inputs` and commit the file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from src.features.catalogue import model_features, version
from src.features.market import matrices
from tests.support.pools import Prices, pool_of_prices

FILE = Path(__file__).with_name("golden_inputs.json")
SESSIONS, TICKERS = 420, 7
# Two tickers on two sessions, one of them next to a bar that is missing.
CELLS = ((SESSIONS - 1, 0), (SESSIONS - 1, 5), (391, 0), (391, 3))


def fixed_prices() -> Prices:
    """Prices of formulas alone, so that no library decides them."""
    t, n = np.arange(SESSIONS)[:, None], np.arange(TICKERS)[None, :]
    moves = 0.012 * np.sin(1.7 * t) + 0.02 * np.sin(2.3 * t + n) * np.cos(0.11 * t * (n + 1))
    close = (50.0 + 100.0 * n) * np.exp(np.cumsum(moves, axis=0))
    opened = close * np.exp(-0.6 * moves + 0.002 * np.cos(3.1 * t + n))
    room = 0.004 * (1.5 + np.sin(0.9 * t + 2 * n))
    prices = Prices(
        open=opened,
        high=np.maximum(opened, close) * (1 + room),
        low=np.minimum(opened, close) * (1 - 0.7 * room),
        close=close,
        volume=np.round(1e5 * np.exp(0.4 * np.sin(0.7 * t + n) + 0.2 * np.cos(0.05 * t))),
    )
    missing = np.zeros(close.shape, dtype=bool)
    missing[390, 3] = True
    return prices.without(missing)


def inputs() -> dict[str, list[float]]:
    """Each input at ``CELLS``."""
    pool = pool_of_prices(fixed_prices())
    return {
        name: [float(values[cell]) for cell in CELLS]
        for name, values in matrices(pool, model_features())
    }


def main() -> int:
    """Write the file."""
    kept = json.loads(FILE.read_text()) if FILE.exists() else {"features_version": ""}
    if kept["features_version"] == version() and "--force" not in sys.argv:
        sys.stderr.write("features_version is the same: raise FORMULAS first.\n")
        return 1
    document = {"features_version": version(), "cells": CELLS, "inputs": inputs()}
    FILE.write_text(json.dumps(document, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
