"""A hash that says whether two runs saw the same rows."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


def frame_hash(frame: pl.DataFrame) -> str:
    """SHA-256 over column names and values as text, in the frame's row order."""
    return hashlib.sha256(frame.write_csv().encode()).hexdigest()
