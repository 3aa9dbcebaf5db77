"""Run every check; none of them raises: what cannot be measured is said to be so."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from src.config import logs
from src.core.errors import DatabaseUnavailable, ForecastError, one_line
from src.monitoring.checks import (
    channels,
    database,
    features,
    machine,
    models,
    prices,
    runs,
    scores,
    workers,
)
from src.monitoring.observation import Observation

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.monitoring.checks.facts import Facts, ModelFacts

log = logs.get(__name__)

# How monitoring names itself to the database.
APPLICATION = "tcsns-monitor"


class Check(Protocol):
    """A module of this folder that needs the database."""

    @property
    def RULES(self) -> tuple[str, ...]:
        """The rules that it observes."""
        ...

    def check(self, facts: Facts, /) -> Sequence[Observation]:
        """All observations of its rules; it may raise."""
        ...


CHECKS: tuple[Check, ...] = (
    channels,
    database,
    features,
    prices,
    models,
    runs,
    scores,
    workers,
)
UNREACHABLE, FAILED = "database_unreachable", "check_failed"


@dataclass(frozen=True)
class Measurement:
    """What was observed, and what a report shows besides.

    Attributes:
        models: The models of every pool; empty where they could not be read.
        pools: The pool of each ticker; empty where they could not be read.
        drift: The newest measures of drift; empty where they could not be read.
        quality: The newest scores of data quality by ticker; empty as above.
    """

    observations: list[Observation]
    models: Sequence[ModelFacts] = ()
    pools: Mapping[str, str] = field(default_factory=dict)
    drift: Sequence[Mapping[str, Any]] = ()
    quality: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def observe(settings: Settings, now: dt.datetime) -> list[Observation]:
    """Everything that can be observed at ``now``, an aware time; never raises."""
    return measure(settings, now).observations


def measure(settings: Settings, now: dt.datetime, checks: Sequence[Check] = CHECKS) -> Measurement:
    """The same with the facts that a report shows, or by some checks alone; never raises."""
    local = _safely("machine", (), lambda: machine.check(settings, now))
    try:
        measured = _in_database(settings, now, checks)
    except ForecastError as error:
        found = [*local, Observation(UNREACHABLE, "", True, str(error))]
        why = "The database does not answer."
        return Measurement(found + [row for each in checks for row in _unmeasured(each.RULES, why)])
    return replace(measured, observations=[*local, *measured.observations])


def _in_database(settings: Settings, now: dt.datetime, checks: Sequence[Check]) -> Measurement:
    from src.db.database import open_connection
    from src.db.watched.server_state import limit_statements
    from src.monitoring.checks.facts import PATIENCE, Facts

    opened = open_connection(settings.server, settings.home, APPLICATION)
    with opened as (url, connection):
        limit_statements(connection, PATIENCE)
        facts = Facts(settings, now, url, connection)
        found = [Observation(UNREACHABLE, "", False, "The database answers.")]
        for each in checks:
            name = each.__name__.rpartition(".")[2]  # type: ignore[attr-defined]
            found += _safely(name, each.RULES, partial(_checked, each, facts))
        known = vars(facts)  # what the checks have read
        pools = {member.ticker: member.pool for member in known.get("stored", ())}
        return Measurement(
            found,
            known.get("models", ()),
            pools,
            known.get("drift", ()),
            known.get("quality", {}),
        )


def _checked(each: Check, facts: Facts) -> Sequence[Observation]:
    """A connection that is lost on the way is a finding of its own, not a check that fails."""
    from src.db.connection import one_sentence_errors

    with one_sentence_errors(facts.url):
        return each.check(facts)


def _safely(
    name: str, rules: Sequence[str], check: Callable[[], Sequence[Observation]]
) -> list[Observation]:
    """The observations of a check; of one that fails, that its rules could not be measured."""
    try:
        return [*check(), Observation(FAILED, name, False, "")]
    except DatabaseUnavailable:
        raise
    except Exception as error:
        why = f"The check of {name} failed: {one_line(error)}"
        log.error(why, exc_info=error, file_only=True)
        return [*_unmeasured(rules, why), Observation(FAILED, name, True, why)]


def _unmeasured(rules: Sequence[str], why: str) -> list[Observation]:
    return [Observation(rule, "", None, why) for rule in rules]
