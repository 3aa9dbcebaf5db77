"""Versions of all live models: made, and gone back to; what was restored is pinned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from src.core.errors import BadInput
from src.registry.lifecycle.events import Author, after_rollback, after_unpin, versioned
from src.registry.lifecycle.publish import known_live, live_digests
from src.registry.lifecycle.state import standings
from src.registry.storage import files, pointer
from src.registry.storage.artifact_store import CorruptArtifact, NoModel
from src.registry.storage.signing import same
from src.registry.versions import archive
from src.registry.versions.manifest import Version, VersionExists, check_tag

if TYPE_CHECKING:
    from src.db.tables.model_events import EventLog
    from src.registry.storage.artifact import Artifact


@dataclass(frozen=True)
class Registry:
    """Where models and versions are, the audit of them, and the key that signs them."""

    models: Path
    archive: Path
    log: EventLog
    key: bytes | None = None


@dataclass(frozen=True)
class RolledBack:
    """What a rollback came to.

    Attributes:
        version: What is live again.
        changed: Whether anything had to change.
        left_alone: Tickers that it does not know.
        undone: What is still to be done for restored models to be asked; empty when nothing is.
    """

    version: Version
    changed: bool
    left_alone: list[str]
    undone: str = ""


def make_version(registry: Registry, tag: str, author: Author) -> Version:
    """Copy the live sets of all tickers into a version of that name.

    The events are committed before the version has its name: none is there that the audit
    does not know.

    Raises:
        UsageError: When ``tag`` cannot be one.
        VersionExists: When there is one of that name already.
        NoModel: When nothing is live.
        CorruptArtifact: When a live set is damaged.
    """
    check_tag(tag)
    for folder in (registry.models, registry.archive):
        files.make(folder)
    with files.alone(registry.models), files.alone(registry.archive):
        if (registry.archive / tag).exists():
            raise VersionExists(tag)
        audited = live_digests(standings(registry.log.decisive()))
        live = {**known_live(registry.models, registry.log), **audited}
        if not live:
            raise NoModel
        aside = archive.new_folder(registry.archive)
        copied = archive.gather(registry.models, live, aside, registry.key)
        version = archive.seal(aside, tag, author, registry.key)
        registry.log.append([versioned(one, author, tag, version.digest) for one in copied])
        archive.name_it(aside, tag)
    return version


def roll_back(
    registry: Registry,
    tag: str,
    author: Author,
    prepare: Callable[[Sequence[Artifact]], str] = lambda restored: "",
) -> RolledBack:
    """Make the sets of a version live again, all in one step, and pin them.

    Every byte is verified before anything changes. A kill at any instant leaves the old sets or
    the restored ones live; running again finishes what is left to do.

    Args:
        registry: Where they are.
        tag: Of the version.
        author: Who goes back, and when.
        prepare: Makes the sets ready to answer before they are live; returns ``undone``.

    Raises:
        UsageError: When ``tag`` cannot be one.
        NoVersion: When there is none of that name; the nearest names are told.
        CorruptArtifact: When the version is damaged, not signed, or not what the audit recorded.
    """
    version = archive.read(registry.archive, tag, registry.key)
    _check_audit(registry.log, version)
    undone = prepare(archive.check(registry.archive, version, registry.key))
    files.make(registry.models)
    with files.alone(registry.models):
        restored = archive.check(registry.archive, version, registry.key)
        archive.restore(registry.archive, version, registry.models, registry.key)
        with registry.log.alone():
            before = standings(registry.log.decisive())
            events = [
                event
                for one in restored
                for event in after_rollback(one, before.get((one.ticker, one.horizon)), author, tag)
            ]
            registry.log.append(events)
        was = known_live(registry.models, registry.log)
        now = {**was, **live_digests(before), **version.sets}
        if now != was:
            pointer.write(registry.models, now)
    others = sorted({ticker for ticker, _ in now} - set(version.tickers))
    return RolledBack(version, bool(events) or now != was, others, undone)


def unpin(registry: Registry, ticker: str, author: Author) -> list[str]:
    """Let training replace the live sets of a ticker again; returns the horizons.

    Raises:
        BadInput: When none of them is pinned.
    """
    with registry.log.alone():
        events = after_unpin(standings(registry.log.decisive([ticker])).values(), author)
        if not events:
            raise BadInput(f"{ticker} has no pinned model: there is nothing to unpin.")
        registry.log.append(events)
    return sorted(event.horizon for event in events)


def _check_audit(log: EventLog, version: Version) -> None:
    recorded = (str(one.evidence.get("version_manifest")) for one in log.tagged(version.tag))
    if not any(same(one, version.digest) for one in recorded):
        raise CorruptArtifact(
            f"Version {version.tag} is not the one that the audit recorded, so it is not used: "
            "choose another version."
        )
