"""What a fault is."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.chaos.world.world import World

# Tables in which a delivery that was another leaves rows, whatever is delivered after it.
OF_DELIVERIES = frozenset(
    ("ingest_batches", "batch_contents", "bundle_files", "confirmed_series", "quarantine")
)
# Those that a session leaves rows in which not all stocks had for some time.
OF_SESSIONS = OF_DELIVERIES | {
    *("predictions", "prediction_outcomes", "quality_scores", "drift_measures", "feature_means"),
    # Of a trial that was decided on other evidence, or by another clock.
    *("model_events", "pool_inputs", "trial_challengers"),
}
# And those that a changed price leaves rows in, besides.
OF_PRICES = OF_SESSIONS | {"price_revisions", "raw_series"}


class Fault:
    """Something that goes wrong, and is put right again.

    Attributes:
        name: In the table of faults.
        kind: The kind of episodes that it is drawn in.
        at_start: Whether it is there before the run begins.
        needs: What the world must be like: ``relay``, ``embedded``, ``disk``, ``worker`` or
            ``yahoo``; a run by hand where it is ``hand``.
        excuses: Tables that may differ afterwards from those of an undisturbed evening.
        spoils_answers: Whether answers of the evening may come from other prices, or be zero
            because not all stocks have the session.
    """

    name = kind = ""
    at_start = False
    needs: frozenset[str] = frozenset()
    excuses: frozenset[str] = frozenset()
    spoils_answers = False

    def begin(self, world: World, chance: random.Random) -> None:
        """Let it go wrong; ``chance`` draws what exactly."""
        raise NotImplementedError

    def end(self, world: World) -> None:
        """Put it right, as a person or a keeper of processes would; may be called twice."""
