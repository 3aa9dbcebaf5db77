"""Say where NSE has the file of a session and its corporate actions."""

from __future__ import annotations

import datetime as dt
import tomllib
from functools import cache
from importlib import resources
from typing import Any

from src.core.errors import SourceUnavailable

ARCHIVE = "https://nsearchives.nseindia.com"


def session_path(day: dt.date) -> str:
    """The path of a session's file.

    Raises:
        SourceUnavailable: The archive has no files of that time.
    """
    month = f"{day:%b}".upper()
    files = _places()["files"]
    for entry in files:
        if day >= entry["since"]:
            path: str = entry["path"].format(day=day, month=month)
            return path
    raise SourceUnavailable(
        f"NSE's archive is read from {files[-1]['since']} on: bring in {day} from a file"
    )


def actions_path(first: dt.date, last: dt.date) -> str:
    """The path of the corporate actions with ex-dates from one day to another."""
    path: str = _places()["actions"]["path"].format(first=first, last=last)
    return path


@cache
def _places() -> dict[str, Any]:
    """Since when there is which file, the newest first, and where actions are."""
    text = resources.files("src.data.sources.nse").joinpath("files.toml").read_text("utf-8")
    return tomllib.loads(text)
