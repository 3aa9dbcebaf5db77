"""Load and replace the models that are live, as the audit says which they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from src.core.errors import UnwritableFolder
from src.core.model_events import Pin
from src.registry.lifecycle.events import BASELINE, Author
from src.registry.lifecycle.publish import publish
from src.registry.lifecycle.state import LiveState, live_states
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

    def state(self, ticker: str, horizon: str) -> LiveState | None:
        """What is live for a ticker at ``short`` or ``long``; None before its first model."""
        return live_states(self.log.decisive([ticker])).get((ticker, horizon))

    def load(self, ticker: str, horizon: str) -> Artifact:
        """The set that the audit says is live.

        Raises:
            NoModel: There is none yet.
            CorruptArtifact: It is damaged or missing.
        """
        state = self.state(ticker, horizon)
        if state is None:
            raise NoModel(ticker, horizon)
        return self.store.load(ticker, horizon, state.live.digest)

    def pin(self, ticker: str, horizon: str) -> Pin | None:
        """That the live set is pinned, with the newest verdict; None where training may replace it.

        The set's own verdict is of the day it was trained.
        """
        state = self.state(ticker, horizon)
        if state is None or state.pinned is None:
            return None
        pinned, trained = state.pinned, self.log.last_trained((ticker, horizon))
        if trained is None:
            return Pin(pinned.version_tag, pinned.at, pinned.verdict, pinned.reason)
        return Pin(
            pinned.version_tag,
            pinned.at,
            trained.verdict,
            trained.reason,
            trained.evidence.get("metrics", ()),
            trained.evidence.get("pool", {}),
        )

    def replaced_promoted_model(self, pin: ModelEvent) -> bool:
        """Whether the rollback behind a pin took a promoted model, rather than zero, out."""
        live = [
            event
            for event in self.log.events([pin.ticker])
            if event.pair == pin.pair and event.made_live and event.event_id < pin.event_id
        ]
        # The last of them is the restored set itself.
        return len(live) > 1 and live[-2].served not in ("", BASELINE)

    def publish(self, artifacts: Sequence[Artifact], author: Author) -> list[Artifact]:
        """Store sets and make them live, unless what is live is pinned; returned with digests.

        Raises:
            UnwritableFolder: The folder of models cannot be written.
        """
        try:
            return publish(self.store, self.log, artifacts, author)
        except OSError as error:
            raise UnwritableFolder(self.store.root, error) from error
