"""The models that answer: where they lie, what the audit says of them, and how one is replaced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from src.core.errors import UnwritableFolder
from src.registry.lifecycle.events import Author
from src.registry.lifecycle.publish import publish
from src.registry.lifecycle.state import Standing, standings
from src.registry.storage import artifact_store
from src.registry.storage.artifact import Artifact
from src.registry.storage.artifact_store import NoModel

if TYPE_CHECKING:
    from src.core.model_events import ModelEvent
    from src.db.tables.model_events import EventLog

MODELS = Path("models")


@dataclass(frozen=True)
class LiveModels:
    """The live sets below ``root`` and the audit of them; ``key`` signs, or None."""

    root: Path
    log: EventLog
    key: bytes | None = None

    def standing(self, ticker: str, horizon: str) -> Standing | None:
        """What is live for a ticker at ``short`` or ``long``; None before its first model."""
        return standings(self.log.decisive([ticker])).get((ticker, horizon))

    def load(self, ticker: str, horizon: str) -> Artifact:
        """The set that the audit says is live.

        Raises:
            NoModel: There is none yet.
            CorruptArtifact: It is damaged or missing.
        """
        standing = self.standing(ticker, horizon)
        if standing is None:
            raise NoModel.of(ticker, horizon)
        expected = standing.live.digest
        return artifact_store.load(self.root, ticker, horizon, expected=expected, key=self.key)

    def left_for(self, pin: ModelEvent) -> bool:
        """Whether the rollback behind a pin left a served model, rather than zero."""
        before = [
            one
            for one in self.log.events([pin.ticker])
            if one.pair == pin.pair and one.made_live and one.event_id < pin.event_id
        ]
        # The last of them is the restored set itself.
        return len(before) > 1 and before[-2].served not in ("", "zero")

    def publish(self, made: Sequence[Artifact], author: Author) -> list[Artifact]:
        """Store sets and make them live, unless what is live is pinned; returned with digests.

        Raises:
            UnwritableFolder: The folder of models cannot be written.
        """
        try:
            return publish(self.root, self.log, made, author, key=self.key)
        except OSError as error:
            raise UnwritableFolder(self.root, error) from error
