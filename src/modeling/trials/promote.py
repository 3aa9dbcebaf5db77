"""Make the challenger of a trial that ended "better" live, and pin it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from src.core.model_events import BASELINE, trial_tag
from src.core.trials import (
    BETTER,
    ENDINGS,
    PROMOTED,
    Trial,
    TrialConflict,
    TrialEvent,
    check_text,
)
from src.db.tables.model_events import EventLog
from src.db.tables.serving_inputs import ServingInputs
from src.db.tables.trials import TrialLog
from src.modeling.serving.pool_inputs import pool_row_of
from src.registry.lifecycle.events import after_trial
from src.registry.lifecycle.state import live_states
from src.registry.storage.files import only_writer

if TYPE_CHECKING:
    from src.db.reconnect import Connection
    from src.registry.lifecycle.events import Author
    from src.registry.lifecycle.state import LiveState
    from src.registry.storage.artifact import Artifact
    from src.registry.storage.artifact_store import ArtifactStore

# How long after its end a challenger can be promoted: it has not been fitted, and forecast nothing,
# since then.
LATEST = dt.timedelta(days=365)


def promote(
    connection: Connection,
    store: ArtifactStore,
    trial: Trial,
    author: Author,
    reason: str,
    *,
    ending: TrialEvent | None = None,
) -> Artifact:
    """Make the challenger live as a rollback makes a version live, in one step, and pin it.

    A kill before that step's commit leaves what was live. Only a trial that ended better can be
    promoted, within a year, while what it was compared with is what is live: a rollback can be made
    at any time because what it restores was live once, which no challenger was.

    Args:
        connection: Autocommit, in no transaction.
        store: Of the model sets; the caller is not their writer.
        trial: Which ended.
        author: Who promotes, and when.
        reason: Why, as one sentence.
        ending: That it is better, to be stored in the same step; None where it has ended.

    Raises:
        TrialRefused: Author or reason are missing.
        TrialConflict: The trial has not ended better, or something has changed since.
        CorruptArtifact: The challenger's set cannot be read.
    """
    check_text("author", author.by_whom)
    check_text("reason", reason)
    trials, log = TrialLog(connection), EventLog(connection)
    with only_writer(store.root):
        found = ending or _ending(trial, trials.events(trial.hash))
        _check_age(trial, found, author.at)
        artifact = store.write(_as_champion(_load(store, trial, trials), trial, found))
        with log.exclusive():
            # Nobody else promotes from here on.
            if ending is not None:
                trials.add_event(ending)
            _ending(trial, trials.events(trial.hash))
            before, then = (
                live_states(log.decisive([trial.pool], until=until)).get(artifact.pair)
                for until in (None, found.at)
            )
            _check_place(trial, found, before, store)
            _check_replaced(trial, found, before, then)
            log.append(after_trial(artifact, before, author, trial_tag(trial.hash), reason))
            _write_inputs(connection, artifact, author.at)
            evidence = {"digest": artifact.digest}
            trials.add_event(
                TrialEvent(
                    trial.hash, author.at, PROMOTED, author.by_whom, reason, evidence=evidence
                )
            )
    return artifact


def _ending(trial: Trial, events: Sequence[TrialEvent]) -> TrialEvent:
    """The event with which a trial ended better, unless it was promoted since."""
    name = f"The trial {trial.hash[:12]}"
    promoted = next((event for event in events if event.kind == PROMOTED), None)
    if promoted is not None:
        raise TrialConflict(
            f"{name} was promoted already, on {_day(promoted.at)} by {promoted.author}."
        )
    ending = next((event for event in events if event.kind in ENDINGS), None)
    if ending is None:
        raise TrialConflict(
            f"{name} is still running: only one that ended better can be promoted, so wait for its "
            "end."
        )
    if ending.kind != BETTER:
        raise TrialConflict(
            f"{name} has not ended better but {ending.kind.replace('_', ' ')} on "
            f"{_day(ending.at)}: its challenger is not promoted."
        )
    return ending


def _load(store: ArtifactStore, trial: Trial, trials: TrialLog) -> Artifact:
    digest = trials.challenger_set(trial.hash)
    if digest is None:
        raise TrialConflict(
            f"No model of the trial {trial.hash[:12]} is stored: there is nothing to promote."
        )
    return store.load(trial.pool, trial.horizon, digest)


def _as_champion(artifact: Artifact, trial: Trial, ending: TrialEvent) -> Artifact:
    """The set with the trial as its evidence, and its candidate as what is served."""
    is_zero = artifact.candidate == BASELINE
    return replace(
        artifact,
        served=artifact.candidate,
        since="" if is_zero else str(ending.session or _day(ending.at)),
        verdict=BETTER,
        reason=f"trial {trial.hash[:12]}: {ending.reason}".rstrip("."),
        trials=trial.configurations,
        evidence=list(ending.evidence.get("criteria", ())),
        digest="",
    )


def _check_place(
    trial: Trial, ending: TrialEvent, live: LiveState | None, store: ArtifactStore
) -> None:
    """Refuse where what is live is not what the challenger was compared with, or is pinned."""
    if live is None:
        return
    pin, served, place = live.pinned, live.live.served, f"{trial.pool} {trial.horizon}"
    if pin is not None and pin.at >= ending.at:
        raise TrialConflict(
            f"What is live at {place} was pinned on {_day(pin.at)}, after the trial "
            f"{trial.hash[:12]} had ended: end the pin with `python -m mlops.monitoring unpin "
            "--ticker` and one of its tickers first."
        )
    if served in ("", BASELINE):
        return
    if trial.reference == "zero":
        raise TrialConflict(
            f"The trial {trial.hash[:12]} compared its challenger with zero, and {served} is live "
            f"at {place}: register a trial with the reference live."
        )
    since = store.load(trial.pool, trial.horizon, live.live.digest).since
    if since > str(ending.session):
        raise TrialConflict(
            f"{served} was promoted at {place} on {since}, after the trial {trial.hash[:12]} had "
            "ended: its challenger was never compared with it, so register a new trial."
        )


def _check_replaced(
    trial: Trial, ending: TrialEvent, live: LiveState | None, then: LiveState | None
) -> None:
    """Refuse where another model is live than at the trial's end; zero it was compared with too."""
    if live is None or then is None or live.live.served in ("", BASELINE, then.live.served):
        return
    raise TrialConflict(
        f"{live.live.served} is live at {trial.pool} {trial.horizon} since {_day(live.live.at)}, "
        f"and {then.live.served or 'another model'} was when the trial {trial.hash[:12]} ended on "
        f"{_day(ending.at)}: its challenger was not compared with what it would replace, so "
        "register a new trial."
    )


def _check_age(trial: Trial, ending: TrialEvent, at: dt.datetime) -> None:
    """Refuse a verdict that is too old."""
    if at - ending.at > LATEST:
        raise TrialConflict(
            f"The trial {trial.hash[:12]} ended on {_day(ending.at)}, more than a year ago: its "
            "challenger has not been fitted or compared since, so register a new trial."
        )


def _write_inputs(connection: Connection, artifact: Artifact, at: dt.datetime) -> None:
    """Store what the model needs of its pool, without which it could not answer."""
    serving = ServingInputs(connection)
    stored = serving.of_pool(*artifact.pair)
    usable = [row for row in stored if row["features_version"] == artifact.features_version]
    if not usable:
        raise TrialConflict(
            f"The {artifact.horizon} challenger was trained on features "
            f"{artifact.features_version}, of which no inputs of {artifact.pool} are stored: it "
            "could not answer, so register a trial of a newer one."
        )
    serving.write_pool([pool_row_of(artifact, usable, at)])


def _day(at: dt.datetime) -> str:
    return f"{at.astimezone(dt.UTC):%Y-%m-%d}"
