"""Store new artifacts, record them in the audit, and make them live unless a pin forbids it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from src.registry.lifecycle.events import Author, after_training
from src.registry.lifecycle.state import live_states
from src.registry.storage.artifact import Artifact
from src.registry.storage.artifact_store import ArtifactStore
from src.registry.storage.files import only_writer
from src.registry.storage.model_set import folder_of

if TYPE_CHECKING:
    from src.db.tables.model_events import EventLog


def publish(
    store: ArtifactStore, log: EventLog, artifacts: Sequence[Artifact], author: Author
) -> list[Artifact]:
    """Store artifacts and make live those that may be, in one step; returned with digests.

    Sets are complete on the disk before one transaction of the audit makes them live. After a
    kill before its commit the sets of before are live, and the new ones, which no event names,
    are removed by the next publication. A pinned set stays live until a later win of the gate.
    The set that was live before is kept for readers who are just opening it.

    Raises:
        BadInput: For a ticker that cannot be a folder name; nothing is stored then.
    """
    for artifact in artifacts:
        folder_of(store.root, *artifact.pair)
    tickers = sorted({artifact.ticker for artifact in artifacts})
    with only_writer(store.root):
        stored = [store.write(artifact) for artifact in artifacts]
        with log.exclusive():
            before = live_states(log.decisive(tickers))
            for artifact in stored:
                log.append(after_training(artifact, before.get(artifact.pair), author))
        for artifact in stored:
            state = before.get(artifact.pair)
            keep = {artifact.digest} | ({state.live.digest} if state else set())
            store.remove_except(artifact.pair, keep)
    return stored
