"""What the analytics page reads of models and their events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from src.db.tables.model_events import EventLog

if TYPE_CHECKING:
    import psycopg

    from src.core.model_events import ModelEvent

# Events of a pool that a chart marks, counted from the newest.
MARKED = 200


def newest_training(
    connection: psycopg.Connection[Any], pool: str, horizon: str
) -> ModelEvent | None:
    """The newest training of a pool at a horizon, with what it measured; None before the first."""
    return EventLog(connection).last((pool, horizon), "trained")


def changes_of_models(
    connection: psycopg.Connection[Any], pool: str, horizon: str
) -> list[ModelEvent]:
    """The newest promotions, demotions and rollbacks of a pool at a horizon, by time."""
    events = EventLog(connection).events([pool], newest=MARKED)
    kinds = ("promoted", "demoted", "rolled_back")
    return [e for e in events if e.horizon == horizon and e.kind in kinds and e.made_live]
