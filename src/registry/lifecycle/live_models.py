"""Load and replace the models that are live, as the audit says which they are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from src.core.errors import UnwritableFolder
from src.core.model_events import Pin
from src.registry.lifecycle.events import Author
from src.registry.lifecycle.publish import publish
from src.registry.lifecycle.state import LiveState, back_to_zero, live_states
from src.registry.storage.artifact import Artifact, NoModel
from src.registry.storage.artifact_store import ArtifactStore

if TYPE_CHECKING:
    from src.core.model_events import ModelEvent
    from src.db.tables.model_events import EventLog


@dataclass(frozen=True)
class LiveModels:
    """The stored sets and the audit, which says which of them are live."""

    store: ArtifactStore
    log: EventLog

    def state(self, pool: str, horizon: str) -> LiveState | None:
        """What is live for a pool at ``short`` or ``long``; None before its first model."""
        return live_states(self.log.decisive([pool])).get((pool, horizon))

    def load(self, pool: str, horizon: str) -> Artifact:
        """The set that the audit says is live.

        Raises:
            NoModel: There is none yet.
            CorruptArtifact: It is damaged or missing.
        """
        state = self.state(pool, horizon)
        if state is None:
            raise NoModel(pool, horizon)
        return self.store.load(pool, horizon, state.live.digest)

    def pin(self, pool: str, horizon: str) -> Pin | None:
        """That the live set is pinned, with the newest verdict; None where training may replace it.

        The set's own verdict is of the day it was trained.
        """
        state = self.state(pool, horizon)
        if state is None or state.pinned is None:
            return None
        pinned, trained = state.pinned, self.newest(pool, horizon)
        if trained is None:
            return Pin(pinned.version_tag, pinned.at, pinned.verdict, pinned.reason)
        return Pin(
            pinned.version_tag,
            pinned.at,
            trained.verdict,
            trained.reason,
            trained.evidence.get("metrics", ()),
            trained.evidence.get("tickers", 1),
        )

    def newest(self, pool: str, horizon: str) -> ModelEvent | None:
        """The event of the newest training, live or not; its evidence says of what it was made."""
        return self.log.last((pool, horizon), "trained")

    def migrated_champion(self, pool: str, horizon: str) -> ModelEvent | None:
        """The event that carried the decision on all tickers of a pool over to the pool, if any.

        ``served`` names who was served; ``since`` in the evidence is the session of the decision.
        """
        event = self.log.last((pool, horizon), "migrated")
        return event if event is not None and event.evidence.get("since") else None

    def back_to_zero_since(self, pool: str, horizon: str) -> dt.date | None:
        """The last day on which a promoted model gave way to zero; None if it never did.

        Only forecasts made later count for a promotion, whoever decided it, and whatever was
        trained, promoted or unpinned since.
        """
        events = [event for event in self.log.events([pool]) if event.horizon == horizon]
        return back_to_zero(events)

    def publish(
        self,
        artifacts: Sequence[Artifact],
        author: Author,
        also: Callable[[Sequence[Artifact]], None] | None = None,
    ) -> list[Artifact]:
        """Store sets and make them live, unless what is live is pinned; returned with digests.

        Args:
            artifacts: One a pool and horizon.
            author: Who publishes, and when.
            also: Writes, in the same transaction, what those need that are live from then on.

        Raises:
            UnwritableFolder: The folder of models cannot be written.
        """
        try:
            return publish(self.store, self.log, artifacts, author, also)
        except OSError as error:
            raise UnwritableFolder(self.store.root, error) from error
