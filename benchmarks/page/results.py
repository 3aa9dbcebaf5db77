"""Keep the results of parts as JSON files, one a part."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.page.catalogue import LARGE, PARTS, Part

FOLDER = Path(__file__).resolve().parents[1] / "results"


def keep(folder: Path, part: Part, result: Mapping[str, Any]) -> None:
    """Write a part's result."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{part.name}.json").write_text(json.dumps(result, indent=1) + "\n")


def load(folder: Path) -> dict[str, dict[str, Any]]:
    """The results that are there, by part, in the order of the page."""
    paths = {part.name: folder / f"{part.name}.json" for part in (*PARTS, LARGE)}
    return {name: json.loads(path.read_text()) for name, path in paths.items() if path.exists()}
