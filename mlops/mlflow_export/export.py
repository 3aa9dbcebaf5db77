"""Bring a tracking server up to date with the log of model events."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlops.mlflow_export.store import open_store
from mlops.mlflow_export.training import describe
from src.core.model_events import BASELINE
from src.registry.lifecycle.state import LiveState, live_states
from src.registry.storage.artifact_store import MODELS

if TYPE_CHECKING:
    from pathlib import Path

    from mlops.mlflow_export.store import TrackingStore
    from src.config.settings import Settings
    from src.core.model_events import ModelEvent

APPLICATION = "tcsns-mlflow"


@dataclass(frozen=True)
class Exported:
    """What was brought up to date.

    Attributes:
        trainings: Names of those that were logged.
        champions: Pool and horizon of aliases that were set or taken away.
    """

    trainings: Sequence[str]
    champions: Sequence[str]


def export(settings: Settings) -> Exported | None:
    """Log every training that the tracking server lacks, then who is champion and who is pinned.

    Looked at again until nothing is missing, as what came meanwhile would be.
    The database is closed again before the server is spoken to, however long that takes.

    Returns:
        What was done; None where another process is at it.

    Raises:
        TrackingUnavailable: The server does not answer: what it has got by then, it keeps.
        DatabaseUnavailable: One sentence.
    """
    with _alone(settings.home) as is_alone:
        if not is_alone:
            return None
        done = Exported([], [])
        while step := _export_once(settings):
            done = Exported([*done.trainings, *step.trainings], [*done.champions, *step.champions])
    return done


def _export_once(settings: Settings) -> Exported | None:
    """Log what is missing now; None where nothing is."""
    trained, states = _read(settings)
    names, champions = [], []
    with open_store(settings) as store:
        done = store.exported()
        for event in trained:
            if (event.event_id, event.digest) not in done:
                training = describe(event, settings.home)
                store.log(training)
                names.append(training.name)
        for state in states:
            if _sync_live(store, state, settings.home):
                champions.append(" ".join(state.live.pair))
    return Exported(names, champions) if names or champions else None


def _sync_live(store: TrackingStore, state: LiveState, home: Path) -> bool:
    pool, horizon = state.live.pair
    is_promoted = state.live.served not in ("", BASELINE)
    digest = state.live.digest if is_promoted else None
    folder = home / MODELS / pool / horizon / state.live.digest
    changed = store.set_champion(pool, horizon, digest, folder)
    pin = state.pinned
    store.set_pin(pool, horizon, state.live.digest, pin.version_tag if pin else None)
    return changed


def _read(settings: Settings) -> tuple[list[ModelEvent], list[LiveState]]:
    """The trainings of pools in their order, and what is live."""
    from src.db.database import open_connection
    from src.db.tables.model_events import EventLog

    opened = open_connection(settings.server, settings.home, APPLICATION)
    with opened as (_, connection):
        log = EventLog(connection)
        states = live_states(log.decisive())
        trained = [event for event in log.events() if event.kind == "trained" and event.pool]
    return trained, [state for _, state in sorted(states.items()) if state.live.pool]


@contextmanager
def _alone(home: Path) -> Iterator[bool]:
    """Whether no other process of this home exports; the kernel frees the lock of a dead one."""
    path = home / "var" / "mlflow.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
