"""The folder of archives: how they are named, which is the newest, and how many are kept."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import TYPE_CHECKING

from src.core.errors import BadInput, UnreadableFolder

if TYPE_CHECKING:
    from src.config.settings import Settings

DEFAULT_FOLDER = Path("backups")
SETTING = "FORECAST_BACKUP__FOLDER"

_NAME = re.compile(r"backup-(\d{8}T\d{6})Z\.zip")
_TIME = "%Y%m%dT%H%M%S"


def folder_of(settings: Settings) -> Path:
    """Where archives are; the setting, below ``home`` where it is relative."""
    return settings.home / (settings.backup.folder or DEFAULT_FOLDER)


def name_at(at: dt.datetime) -> str:
    """The name of an archive made at an aware time."""
    return f"backup-{at.astimezone(dt.UTC):{_TIME}}Z.zip"


def made_at(path: Path) -> dt.datetime | None:
    """When an archive was made, by its name, in UTC; None for another file."""
    match = _NAME.fullmatch(path.name)
    try:
        return dt.datetime.strptime(match[1], _TIME).replace(tzinfo=dt.UTC) if match else None
    except ValueError:
        return None


def archives(folder: Path) -> list[Path]:
    """The archives in a folder, the newest first; none where there is no folder.

    Raises:
        UnreadableFolder: It is a file, or this user may not read it.
    """
    try:
        return sorted((path for path in folder.iterdir() if made_at(path)), reverse=True)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UnreadableFolder(folder, error, SETTING) from error


def locate(path: Path, folder: Path) -> Path:
    """The file at a path; one that is named as `list` names it may also be in the folder."""
    is_name = path == Path(path.name) and not path.exists()
    return folder / path if is_name and folder / path in archives(folder) else path


def newest(folder: Path) -> Path:
    """The newest archive; raises BadInput where there is none."""
    for path in archives(folder):
        return path
    raise BadInput(f"There is no archive in {folder}: run `python -m mlops.backup create`.")


def remove_old(folder: Path, keep: int) -> list[Path]:
    """Remove all archives but the newest ``keep``; returned are those removed."""
    old = archives(folder)[keep:]
    for path in old:
        path.unlink()
    return old
