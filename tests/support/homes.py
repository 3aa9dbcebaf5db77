"""A home as a command has left it: made once, and copied for every test that begins with it."""

from __future__ import annotations

import shutil
from pathlib import Path


def copy_home(made: Path, home: Path) -> None:
    """Copy a home whose server does not run into one that is empty."""
    shutil.copytree(made, home, symlinks=True, dirs_exist_ok=True)
