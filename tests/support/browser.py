"""A real browser that can reach nothing but this machine."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-background-networking --no-first-run "
    "--virtual-time-budget=10000 --dump-dom"
)


def dump_dom(url: str, profile: Path) -> str:
    """What stands on a page when its scripts have run; the test is skipped without Chromium."""
    browser = next(filter(None, map(shutil.which, NAMES)), None)
    if browser is None:
        pytest.skip("there is no Chromium on this machine")
    done = subprocess.run(
        [
            browser,
            *FLAGS.split(),
            f"--user-data-dir={profile}",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            url,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout
