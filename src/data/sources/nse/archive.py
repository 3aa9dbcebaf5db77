"""Say where NSE's archive has the file of a session."""

from __future__ import annotations

import datetime as dt
import tomllib
from functools import cache
from importlib import resources

from src.core.errors import SourceUnavailable

ARCHIVE = "https://nsearchives.nseindia.com"


def session_path(day: dt.date) -> str:
    """The path of a session's file.

    Raises:
        SourceUnavailable: The archive has no files of that time.
    """
    month = f"{day:%b}".upper()
    for since, path in _files():
        if day >= since:
            return path.format(day=day, month=month)
    raise SourceUnavailable(
        f"NSE's archive is read from {_files()[-1][0]} on: bring in {day} from a file"
    )


@cache
def _files() -> list[tuple[dt.date, str]]:
    """Since when there is which file, the newest first."""
    text = resources.files("src.data.sources.nse").joinpath("files.toml").read_text("utf-8")
    return [(entry["since"], entry["path"]) for entry in tomllib.loads(text)["files"]]
