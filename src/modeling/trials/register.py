"""Register a trial, frozen before its first forecast, or stop one; all that is wrong is refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from src.core.tables import HORIZONS
from src.core.tickers import quoted
from src.core.trials import (
    ENDINGS,
    STOPPED,
    Trial,
    TrialConflict,
    TrialEvent,
    TrialRefused,
    check_rules,
    check_text,
    count_configurations,
)
from src.db.tables.model_events import EventLog
from src.db.tables.trials import TrialLog
from src.modeling.gate.rules import rules_for
from src.modeling.trials.challenger_checks import checked_challenger
from src.registry.lifecycle.state import live_states

if TYPE_CHECKING:
    from src.db.reconnect import Connection
    from src.registry.lifecycle.state import LiveState
    from src.registry.storage.artifact_store import ArtifactStore

NAMED = 3


def register(connection: Connection, store: ArtifactStore, trial: Trial) -> Trial:
    """Store a trial; returned with its full challenger, sorted tickers and configurations.

    Args:
        connection: Autocommit.
        store: Of the model sets, among which a challenger may be.
        trial: As a person states it; ``configurations`` are counted here.

    Raises:
        TrialRefused: Something in it cannot be, as one sentence.
        TrialConflict: The same challenger is on trial there already.
    """
    check_rules(trial)
    log = TrialLog(connection)
    with log.exclusive():
        live = _live(connection, trial)
        members = log.pool_features(trial.pool)
        complete = replace(trial, tickers=_checked_tickers(trial, members))
        complete = checked_challenger(complete, store, live, members)
        _check_length(complete)
        _check_alone(complete, log.running(trial.pool))
        number = count_configurations(
            log.trials(trial.pool), trial.pool, trial.horizon, trial.registered_at
        )
        complete = replace(complete, configurations=number)
        log.register(complete)
    return complete


def stop(connection: Connection, trial: Trial, author: str, reason: str, at: dt.datetime) -> None:
    """End a trial before it is decided; it stays in the count of configurations.

    Raises:
        TrialRefused: Author or reason are missing.
        TrialConflict: It has ended already.
    """
    check_text("author", author)
    check_text("reason", reason)
    log = TrialLog(connection)
    if not log.add_event(TrialEvent(trial.hash, at, STOPPED, author, reason)):
        ending = next(event for event in log.events(trial.hash) if event.kind in ENDINGS)
        raise TrialConflict(
            f"The trial {trial.hash[:12]} has ended already ({ending.kind.replace('_', ' ')} on "
            f"{ending.at.astimezone(dt.UTC):%Y-%m-%d}): there is nothing to stop."
        )


def _live(connection: Connection, trial: Trial) -> LiveState:
    if trial.horizon not in HORIZONS:
        raise TrialRefused(f"There is no horizon {quoted(trial.horizon)}: give short or long.")
    states = live_states(EventLog(connection).decisive())
    live = states.get((trial.pool, trial.horizon))
    if live is None:
        pools = sorted({pool for pool, horizon in states if horizon == trial.horizon and pool})
        known = f" (those of {', '.join(pools)} have one)" if pools else ""
        raise TrialRefused(
            f"The pool {quoted(trial.pool)} has no {trial.horizon} model yet{known}: run "
            "`python -m mlops.pipeline` first."
        )
    return live


def _checked_tickers(trial: Trial, members: Collection[str]) -> tuple[str, ...]:
    strangers = sorted(set(trial.tickers) - set(members))
    if strangers:
        more = f" and {len(strangers) - NAMED} more" if len(strangers) > NAMED else ""
        are = "is" if len(strangers) == 1 else "are"
        raise TrialRefused(
            f"{', '.join(strangers[:NAMED])}{more} {are} not in the pool {trial.pool}: leave the "
            "tickers out for the whole pool, or name some of its own."
        )
    return tuple(sorted(set(trial.tickers)))


def _check_length(trial: Trial) -> None:
    needed = rules_for(trial.sessions, 0.0).dates_needed
    if trial.max_sessions < needed:
        raise TrialRefused(
            f"A trial of at most {trial.max_sessions} sessions could only run out: {needed} with "
            f"outcomes are needed for a verdict at {trial.sessions} "
            f"session{'s' * (trial.sessions != 1)} ahead, so let it run longer."
        )


def _check_alone(trial: Trial, running: Collection[Trial]) -> None:
    for other in running:
        if (other.horizon, other.challenger) == (trial.horizon, trial.challenger):
            raise TrialConflict(
                f"{_short(trial)} is on trial at {trial.pool} {trial.horizon} already, since "
                f"{other.registered_at.astimezone(dt.UTC):%Y-%m-%d} ({other.hash[:12]}): wait for "
                "its end, or stop it first; both count."
            )


def _short(trial: Trial) -> str:
    return f"The model set {trial.challenger[:12]}" if trial.is_model_set else trial.challenger
