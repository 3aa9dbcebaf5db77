"""A small world for alerts: rules, observations and a sequence of looks at them."""

import datetime as dt

from src.core.alerts import States
from src.core.calendars.nse import nse
from src.monitoring.alerts.state import step
from src.monitoring.observation import Observation
from src.monitoring.rules import Rule

# A Monday and session, 18:00 in India.
MONDAY = dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)
MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)


def rule(name="stale", severity="WARNING", **extra):
    return Rule(name, severity, limit="a limit", meaning="It matters.", action="Act.", **extra)


def table(*rules):
    return {entry.name: entry for entry in rules}


def seen(bad, subject="TCS.NS", name="stale", cause="", sentence=None, value=None):
    sentence = sentence or f"{subject} is {'bad' if bad else 'good'}."
    return Observation(name, subject, bad, sentence, value=value, cause=cause)


class Looks:
    """Looks one after the other, each at the states that the one before left.

    Attributes:
        messages: All that were told so far.
    """

    def __init__(self, *rules, silences=(), acknowledgements=None):
        self.rules = table(*(rules or (rule(),)))
        self.silences, self.acknowledgements = list(silences), dict(acknowledgements or {})
        self.states, self.messages = States(), []

    def at(self, now, *observations):
        """The messages of a look at ``now``."""
        result = step(
            self.states,
            observations,
            self.rules,
            self.silences,
            self.acknowledgements,
            now,
            nse(),
        )
        self.states = result.states
        self.messages += result.messages
        return list(result.messages)

    def kinds(self, now, *observations):
        """Why something was told at ``now``."""
        return [message.kind for message in self.at(now, *observations)]

    def state(self, subject="TCS.NS", name="stale"):
        """The state of an alert; None where there is none."""
        alert = self.states.alerts.get((name, subject))
        return alert and alert.state
