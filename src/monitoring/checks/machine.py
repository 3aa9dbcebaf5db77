"""Check this machine, and monitoring itself: disks, folders, backups, channels, and the watch."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from src.backup import folder as backups
from src.config.logs import LOG_FILE
from src.core.errors import UnreadableFolder
from src.monitoring.observation import Observation

if TYPE_CHECKING:
    from src.config.settings import Settings

# Folders below home that runs write to.
WRITTEN = ("mlops", "models", "var", "var/alerts")
GIGABYTE = 1e9
# When the watch last evaluated the rules, and how long it may be silent.
WATCHED = Path("var") / "alerts" / "watched"
SILENT = dt.timedelta(minutes=10)


def check(settings: Settings, now: dt.datetime) -> list[Observation]:
    """All observations that need no database."""
    return [
        *_disks(settings),
        *(_folder(settings.home / name) for name in WRITTEN),
        _log(settings.home / LOG_FILE),
        backup_age(settings, now),
        _channels(settings),
        watch_age(last_watch(settings.home), now),
    ]


def _disks(settings: Settings) -> Iterator[Observation]:
    """The disk of the home folder, and that of the embedded database if it is another."""
    places = {"home": settings.home}
    data = settings.home / "var" / "postgres"
    if settings.server is None and data.is_dir():
        places["database"] = data
    seen = set()
    for name, place in places.items():
        if place.exists() and place.stat().st_dev not in seen:
            seen.add(place.stat().st_dev)
            yield disk(name, place, settings.monitoring.min_free_disk_share)


def disk(name: str, place: Path, limit: float) -> Observation:
    """Whether a smaller share than ``limit`` of a disk is free."""
    usage = shutil.disk_usage(place)
    share = usage.free / usage.total
    sentence = (
        f"{share:.1%} of the disk of {place} is free ({usage.free / GIGABYTE:.1f} GB); "
        f"{limit:.1%} should be."
    )
    return Observation("disk_nearly_full", name, share < limit, sentence, share)


def _folder(folder: Path) -> Observation:
    """Whether runs can write to a folder, or create it."""
    bad = not _is_writable(folder)
    sentence = f"The folder {folder} cannot be written by this user." if bad else ""
    return Observation("folder_unwritable", folder.name, bad, sentence)


def _log(path: Path) -> Observation:
    is_file = not path.exists() or (path.is_file() and os.access(path, os.W_OK))
    bad = not (is_file and _is_writable(path.parent))
    sentence = f"The log {path} cannot be written by this user." if bad else ""
    return Observation("log_unwritable", "", bad, sentence)


def backup_age(settings: Settings, now: dt.datetime) -> Observation:
    """Whether the newest archive is too old; none is needed where none was made or configured."""
    folder = backups.folder_of(settings)
    try:
        made = [backups.made_at(path) for path in backups.archives(folder)[:1]]
    except UnreadableFolder as error:
        return Observation("backup_old", "", True, str(error))
    if not made or made[0] is None:
        bad = settings.backup.folder is not None
        return Observation("backup_old", "", bad, f"There is no archive in {folder} yet." * bad)
    hours, limit = (now - made[0]).total_seconds() / 3600, settings.backup.alert_after_hours
    sentence = f"The newest archive in {folder} is {hours:.0f} hours old; {limit:g} are allowed."
    return Observation("backup_old", "", hours > limit, sentence, hours)


def _is_writable(folder: Path) -> bool:
    """Whether files can be made in a folder, or it and its parents can be created."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _channels(settings: Settings) -> Observation:
    bad = not settings.monitoring.alert_urls
    sentence = "No channel for alerts is configured (FORECAST_MONITORING__ALERT_URLS)."
    return Observation("no_channel", "", bad, sentence if bad else "")


def last_watch(home: Path) -> dt.datetime | None:
    """When the watch last evaluated the rules; None where it never did."""
    try:
        return dt.datetime.fromisoformat((home / WATCHED).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def note_watch(home: Path, now: dt.datetime) -> None:
    """Note that the watch evaluates the rules; raises OSError where that cannot be written."""
    path = home / WATCHED
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    temporary.write_text(now.isoformat(), encoding="ascii")
    temporary.replace(path)


def watch_age(last: dt.datetime | None, now: dt.datetime) -> Observation:
    """Whether the watch has been silent for too long; not measured where it never ran."""
    if last is None:
        return Observation("watch_silent", "", None, "The watch has never run here.")
    if last - now > SILENT:
        sentence = f"The watch noted {last:%Y-%m-%d %H:%M} UTC, which is to come by the clock."
        return Observation("watch_silent", "", None, sentence)
    minutes = (now - last).total_seconds() / 60
    sentence = f"The watch last evaluated the rules {minutes:.0f} minutes ago."
    return Observation("watch_silent", "", now - last > SILENT, sentence, minutes)
