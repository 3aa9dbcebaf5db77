"""Write lines on a terminal that may be closed meanwhile."""

from __future__ import annotations

import contextlib
import os
import sys


def write_line(line: str) -> None:
    """Write a line at once, or nothing where nobody can read it any more."""
    with contextlib.suppress(OSError):
        sys.stdout.write(f"{line}\n")
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            # Also what is left in its buffer, which Python would fail to write as it ends.
            with open(os.devnull, "w") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())
