"""The file CURRENT: which set of each ticker and horizon is live, replaced as one.

    {"TCS.NS": {"long": "<digest>", "short": "<digest>"}, …}

One file for all, so that whoever reads it sees every ticker before a change or after it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from pathlib import Path

from src.registry.formats.models import canonical_json
from src.registry.storage import files
from src.registry.storage.model_set import DIGEST, HORIZONS

CURRENT = "CURRENT"

Pair = tuple[str, str]


def read(root: Path) -> dict[Pair, str]:
    """The digest of the live set of each ticker and horizon; none before the first.

    Raises:
        ValueError: When the file is damaged.
        OSError: When it cannot be read.
    """
    try:
        text = (root / CURRENT).read_bytes()
    except FileNotFoundError:
        return {}
    try:
        live = {
            (ticker, horizon): digest
            for ticker, both in json.loads(text).items()
            for horizon, digest in both.items()
        }
        whole = all(h in HORIZONS and DIGEST.fullmatch(d) for (_, h), d in live.items())
    except (AttributeError, TypeError, ValueError):
        whole = False
    if not whole:
        raise ValueError(f"{CURRENT} names no set")
    return live


def write(root: Path, live: Mapping[Pair, str]) -> None:
    """Make these the live sets, all in one step; the caller keeps other writers out."""
    tree: dict[str, dict[str, str]] = {}
    for (ticker, horizon), digest in live.items():
        tree.setdefault(ticker, {})[horizon] = digest
    aside = root / f"{files.ASIDE}{uuid.uuid4().hex}"
    files.write(aside, canonical_json(tree))
    aside.replace(root / CURRENT)
    files.sync(root)
