"""Find the price files in a folder."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from src.core.errors import BadInput

if TYPE_CHECKING:
    from pathlib import Path

ENDINGS = (
    *(".csv", ".tsv", ".txt", ".json", ".gz", ".zip"),
    *(".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".parquet", ".feather", ".arrow"),
)
# Of text files those that lie beside data rather than being it.
_DOCUMENTS = re.compile(
    r"(read.?me|licen[cs]e|changelog|disclaimer|notice|terms)\b.*", re.IGNORECASE
)


def is_price_file(name: str) -> bool:
    """Whether a file of this name, in a folder or a zip archive, may be one with prices."""
    lower = name.lower()
    return (
        lower.endswith(ENDINGS)
        and not lower.endswith(".tar.gz")
        and not name.startswith((".", "~$"))
        and not _DOCUMENTS.fullmatch(name)
    )


def files_in(folder: Path) -> list[Path]:
    """The folder's price files by name; raises BadInput when there is none."""
    paths = sorted(path for path in folder.iterdir() if is_price_file(path.name) and path.is_file())
    if not paths:
        endings = f"*{', *'.join(ENDINGS[:-1])} or *{ENDINGS[-1]}"
        raise BadInput(f"{folder}: the folder has no price file ({endings}).")
    return paths
