"""Hash the rows of a frame, to tell whether two runs used the same ones."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


def frame_hash(frame: pl.DataFrame) -> str:
    """SHA-256 over column names and values as text, in the frame's row order."""
    return hashlib.sha256(frame.write_csv().encode()).hexdigest()
