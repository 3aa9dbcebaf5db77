"""New artifacts in: stored, written to the audit, and made live unless what is live stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from src.registry.lifecycle.events import Author, after_training
from src.registry.lifecycle.state import Standing, standings
from src.registry.storage import files, pointer
from src.registry.storage.artifact import Artifact
from src.registry.storage.artifact_store import (
    CorruptArtifact,
    place,
    pointed,
    remove_sets,
)
from src.registry.storage.model_set import folder_of
from src.registry.storage.pointer import Pair

if TYPE_CHECKING:
    from src.db.tables.model_events import EventLog


def publish(
    root: Path,
    log: EventLog,
    artifacts: Sequence[Artifact],
    author: Author,
    *,
    key: bytes | None = None,
) -> list[Artifact]:
    """Store artifacts and make live those that may be, all in one step; returned with digests.

    A pinned set stays live until a later win of the gate. The events are committed first: whoever
    asks the audit sees the new sets from then on, CURRENT follows, and after a kill in between it
    is put right by the next publication or rollback. The set that was live before is kept for
    readers who are just opening it.

    Raises:
        BadInput: For a ticker that cannot be a directory name; nothing is stored then.
    """
    for one in artifacts:
        folder_of(root, one.ticker, one.horizon)
    tickers = sorted({one.ticker for one in artifacts})
    files.make(root)
    with files.alone(root):
        stored = [replace(one, digest=place(root, one, key)) for one in artifacts]
        with log.alone():
            before = standings(log.decisive(tickers))
            for one in stored:
                log.append(after_training(one, before.get((one.ticker, one.horizon)), author))
            after = standings(log.decisive(tickers))
        was = known_live(root, log)
        pointer.write(root, {**was, **live_digests(after)})
        _prune(root, stored, was, before)
    return stored


def known_live(root: Path, log: EventLog) -> dict[Pair, str]:
    """What CURRENT names; where it is damaged, what the audit says."""
    try:
        return pointed(root)
    except CorruptArtifact:
        return live_digests(standings(log.decisive()))


def live_digests(found: dict[Pair, Standing]) -> dict[Pair, str]:
    """The digest of the live set of each ticker and horizon."""
    return {pair: standing.live.digest for pair, standing in found.items()}


def _prune(
    root: Path,
    stored: Sequence[Artifact],
    was: dict[Pair, str],
    before: dict[Pair, Standing],
) -> None:
    for one in stored:
        pair = (one.ticker, one.horizon)
        audited = live_digests(before).get(pair, "")
        remove_sets(root, pair, keep={one.digest, audited, was.get(pair, "")})
