import datetime as dt
import json

import pytest

from src.core.trial_status import status_of, statuses
from tests.support.trials import AT, registered_trial, trial_event

TRIAL = registered_trial()
MONDAY = dt.date(2026, 4, 13)


def event(kind, days=0, **changes):
    session = None if kind in ("stopped", "promoted", "split") else MONDAY + dt.timedelta(days)
    return trial_event(TRIAL, kind, session=session, at=AT + dt.timedelta(days), **changes)


def look(days, sessions, needed, kind="looked"):
    evidence = {"sessions": sessions, "sessions_needed": needed}
    return event(kind, days, reason=f"look of day {days}.", evidence=evidence)


def test_before_the_first_look_nothing_is_known():
    status = status_of(TRIAL, [])
    assert (status.state, status.verdict, status.looks, status.sessions) == (
        "running",
        "none",
        0,
        0,
    )
    assert status.sentence == "Not looked at yet: the first look is after 21 sessions."
    assert status.estimate == ""


def test_while_it_runs_the_newest_look_counts():
    status = status_of(TRIAL, [look(0, 21, None), event("failed", 1), look(2, 42, 240)])
    assert (status.state, status.verdict, status.looks, status.sessions) == (
        *("running", "undecided"),
        *(2, 42),
    )
    assert status.sentence == "look of day 2."
    assert status.estimate == "undecided: at this effect about 240 more sessions"
    assert status.failures == 1


def test_one_session_is_one_session():
    assert status_of(TRIAL, [look(0, 21, 1)]).estimate.endswith("about 1 more session")


@pytest.mark.parametrize("kind", ["better", "equivalent", "worse", "ran_out"])
def test_the_look_that_ended_it_is_its_verdict(kind):
    status = status_of(TRIAL, [look(0, 21, 240), look(1, 42, 0, kind)])
    assert (status.state, status.verdict, status.looks, status.sessions) == (kind, kind, 2, 42)
    assert status.ended_at == AT + dt.timedelta(1)
    assert status.estimate == ""


def test_one_that_was_stopped_keeps_the_verdict_of_its_last_look():
    status = status_of(TRIAL, [look(0, 21, 240), event("stopped", 1)])
    assert (status.state, status.verdict, status.looks) == ("stopped", "undecided", 1)
    assert status.sentence == "Stopped by A. Rao: a reason"


def test_one_that_was_promoted_says_so_and_why_it_was_better():
    ended = look(1, 42, 0, "better")
    status = status_of(TRIAL, [event("split"), ended, event("promoted", 2)])
    assert (status.state, status.verdict, status.sentence) == (
        *("promoted", "better"),
        "look of day 1.",
    )
    assert status.ended_at == AT + dt.timedelta(1)


def test_each_trial_has_its_own_events():
    other = registered_trial(pool="BSE")
    mine, others = statuses([TRIAL, other], [look(0, 21, None), trial_event(other, "stopped")])
    assert (mine.state, mine.looks) == ("running", 1)
    assert (others.state, others.looks) == ("stopped", 0)


def test_as_json_it_has_all_that_was_registered():
    content = json.loads(json.dumps(status_of(TRIAL, [event("stopped")]).as_json()))
    assert content["hash"] == TRIAL.hash
    assert content["registered_at"] == "2026-04-13T12:30:15.250000+00:00"
    assert content["ended_at"] == "2026-04-13T12:30:15.250000+00:00"
    assert set(TRIAL.as_json()) < set(content)
