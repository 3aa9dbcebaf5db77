"""Store new artifacts, record them in the audit, and make them live unless a pin forbids it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from src.registry.lifecycle.events import Author, after_training
from src.registry.lifecycle.state import LiveState, live_states
from src.registry.storage.artifact import Artifact
from src.registry.storage.artifact_store import ArtifactStore
from src.registry.storage.files import only_writer
from src.registry.storage.model_set import folder_of

if TYPE_CHECKING:
    from src.db.tables.model_events import EventLog


def publish(
    store: ArtifactStore,
    log: EventLog,
    artifacts: Sequence[Artifact],
    author: Author,
    also: Callable[[Sequence[Artifact]], None] | None = None,
) -> list[Artifact]:
    """Store artifacts and make live those that may be, in one step; returned with digests.

    Sets are complete on the disk before one transaction of the audit makes them live. After a
    kill before its commit the sets of before are live, and the new ones, which no event names,
    are removed by the next publication. A pinned set stays live until a later win of the gate.
    The set that was live before is kept for readers who are just opening it, and so are those of
    trials.

    Args:
        store: Of the sets.
        log: The audit.
        artifacts: One a pool and horizon.
        author: Who publishes, and when.
        also: Called in that transaction with what is live then at the same pools and horizons:
            what it writes over the same connection is committed with the change, or not at all.

    Raises:
        BadInput: For a pool that cannot be a folder name; nothing is stored then.
        CorruptArtifact: A pinned set, which stays live, cannot be read.
    """
    for artifact in artifacts:
        folder_of(store.root, *artifact.pair)
    pools = sorted({artifact.pool for artifact in artifacts})
    with only_writer(store.root):
        stored = [store.write(artifact) for artifact in artifacts]
        with log.exclusive():
            before = live_states(log.decisive(pools))
            for artifact in stored:
                newest = log.last(artifact.pair, "trained")
                log.append(after_training(artifact, before.get(artifact.pair), newest, author))
            if also is not None:
                after = live_states(log.decisive(pools))
                also([_live(store, artifact, after[artifact.pair]) for artifact in stored])
        for artifact in stored:
            state = before.get(artifact.pair)
            keep = {artifact.digest} | ({state.live.digest} if state else set())
            keep |= log.needed_by_trials(artifact.pair)
            store.remove_except(artifact.pair, keep)
    return stored


def _live(store: ArtifactStore, artifact: Artifact, state: LiveState) -> Artifact:
    """The artifact, or the pinned one that is live in its place."""
    digest = state.live.digest
    return artifact if digest == artifact.digest else store.load(*artifact.pair, digest)
