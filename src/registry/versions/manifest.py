"""Write and read the manifest of a version: who made it when, and the digest of every file."""

from __future__ import annotations

import datetime as dt
import difflib
import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from src.config.version import VERSION
from src.core.errors import BadInput, UsageError
from src.core.model_events import Pair
from src.core.tickers import quoted
from src.registry.lifecycle.events import Author
from src.registry.storage.artifact import CorruptArtifact
from src.registry.storage.model_set import DIGEST, canonical_json, folder_of
from src.registry.storage.signing import digests_equal, sha256

MANIFEST, SIGNATURE = "version.json", "version.sig"

_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")


class NoVersion(BadInput):
    """There is no such version."""

    def __init__(self, tag: str, tags: list[str]) -> None:
        near = difflib.get_close_matches(tag, tags, n=3, cutoff=0.5)
        hint = "make one with `python -m mlops.monitoring version --version-tag TAG`."
        if near:
            hint = f"did you mean {' or '.join(near)}?"
        elif tags:
            hint = f"the newest are {', '.join(tags[:3])}."
        super().__init__(f"There is no version {quoted(tag)}: {hint}")


class VersionExists(BadInput):
    """There is a version of that name already."""

    def __init__(self, tag: str) -> None:
        super().__init__(f"Version {tag} exists already and is never overwritten: choose another.")


class TagUsed(BadInput):
    """There was a version of that name, of other models, whose folder is gone."""

    def __init__(self, tag: str, made_at: dt.datetime) -> None:
        super().__init__(
            f"Version {tag} was made of other models on {made_at.astimezone(dt.UTC):%Y-%m-%d} and "
            "a tag is never used again: choose another, or put the folder of that version back."
        )


class UnusableVersion(CorruptArtifact):
    """A version that a rollback refuses; ``why`` is the reason alone."""

    def __init__(self, tag: str, why: str, advice: str = "choose another version") -> None:
        self.why = why
        super().__init__(f"Version {tag} cannot be used ({why}): nothing was changed, {advice}.")


@dataclass(frozen=True)
class Version:
    """A version as its manifest describes it.

    Attributes:
        sets: The digest of the set of each pool and horizon.
        files: SHA-256 and size of every file, by its path in the version.
        digest: SHA-256 of the manifest.
    """

    tag: str
    made_at: dt.datetime
    sets: Mapping[Pair, str]
    files: Mapping[str, Mapping[str, Any]]
    digest: str

    @property
    def pools(self) -> list[str]:
        """The pools that it holds a model of."""
        return sorted({pool for pool, _ in self.sets})


def is_tag(text: str) -> bool:
    """Whether a text can name a version: one that means nothing more in a path."""
    return bool(_TAG.fullmatch(text)) and ".." not in text


def check_tag(text: str) -> None:
    """Raise UsageError unless the text can name a version."""
    if not is_tag(text):
        raise UsageError(
            f"{quoted(text)} is not a version tag: give up to 64 letters, digits and . _ + -, such "
            "as v1.0-2025-01-15."
        )


def render(tag: str, author: Author, files: Mapping[str, Mapping[str, Any]]) -> bytes:
    """The manifest as bytes."""
    return canonical_json(
        {
            "tag": tag,
            "made_at": author.at.astimezone(dt.UTC).isoformat(timespec="seconds"),
            "made_by": author.by_whom,
            "code_version": VERSION,
            "files": files,
        }
    )


def parse(tag: str, body: bytes) -> Version:
    """Read the manifest of the version ``tag``; whatever is not one raises some error."""
    fields = json.loads(body)
    if fields["tag"] != tag:
        raise ValueError(f"it was made as {quoted(str(fields['tag']))}")
    made_at = dt.datetime.fromisoformat(fields["made_at"])
    if made_at.tzinfo is None:
        raise ValueError("its time has no zone")
    files = fields["files"]
    return Version(tag, made_at, _sets(files), files, sha256(body))


def list_files(folder: Path) -> dict[str, dict[str, Any]]:
    """Size and digest of every file below a version's folder; raises ValueError for a link."""
    files = {}
    for place, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(place) / name
            mode, relative = path.lstat().st_mode, path.relative_to(folder).as_posix()
            if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
                raise ValueError(f"{relative} is not a regular file")
            if stat.S_ISREG(mode) and relative not in (MANIFEST, SIGNATURE):
                data = path.read_bytes()
                files[relative] = {"sha256": sha256(data), "size": len(data)}
    return files


def compare(stated: Mapping[str, Any], stored: Mapping[str, Any]) -> None:
    """Raise ValueError for a file that is missing, one too many, or changed."""
    for name in sorted({*stated, *stored}):
        if name not in stored:
            raise ValueError(f"{name} is missing")
        if name not in stated:
            raise ValueError(f"{name} does not belong to it")
        if not digests_equal(stored[name]["sha256"], str(stated[name]["sha256"])):
            raise ValueError(f"{name} was changed")


def _sets(files: Mapping[str, Any]) -> dict[Pair, str]:
    sets: dict[Pair, str] = {}
    for path in files:
        pool, horizon, digest, _ = path.split("/")
        folder_of(Path(), pool, horizon)
        if not DIGEST.fullmatch(digest):
            raise ValueError(f"{path} belongs to no set")
        if sets.setdefault((pool, horizon), digest) != digest:
            raise ValueError(f"it holds two sets of {pool}, {horizon}")
    return sets
