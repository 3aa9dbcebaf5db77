"""Let people who ask for runs name files of one folder only, whoever they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from src.core.errors import BadInput, UsageError
from src.data.sources.files.reader import find_files

if TYPE_CHECKING:
    from pathlib import Path

    from src.config.settings import Settings

VARIABLE = "FORECAST_DASHBOARD__PRICES_FOLDER"


def price_folder(settings: Settings) -> Path:
    """The folder whose files may be named; a relative one is below ``home``."""
    return settings.home / settings.dashboard.prices_folder


def path_inside(typed: str, settings: Settings) -> Path:
    """The path of what was typed, relative to the folder or in full, without links and ``..``.

    Nothing is said of what lies outside, also not whether it is there.

    Raises:
        UsageError: It is outside the folder, or no path.
    """
    folder = price_folder(settings).resolve()
    try:
        path = (folder / typed.strip()).resolve()
    except (OSError, RuntimeError, ValueError):  # links in a circle, or no name of a file
        raise _outside(settings) from None
    if not path.is_relative_to(folder):
        raise _outside(settings)
    return path


def files_inside(typed: str, settings: Settings) -> Path:
    """As ``path_inside``, where also no file of a folder is a link that leads out of it.

    Raises:
        UsageError: As there, or one is.
        BadInput: It has no price file, or the folder itself is not there.
    """
    path, folder = path_inside(typed, settings), price_folder(settings).resolve()
    if not folder.exists():
        raise BadInput(f"The folder {folder} is not there: make it, and put price files into it.")
    for file in find_files([path]):
        if not file.path.resolve().is_relative_to(folder):
            raise UsageError(
                f"{file.path.name} is a link that leads out of {price_folder(settings)}: put the "
                "file itself there."
            )
    return path


def _outside(settings: Settings) -> UsageError:
    return UsageError(
        f"Only files in {price_folder(settings)} can be taken: put prices there, or name another "
        f"folder in {VARIABLE}."
    )
