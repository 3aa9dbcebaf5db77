"""When a trial is looked at, by the sessions that have outcomes."""

import pytest

from src.modeling.trials.looks import is_due
from tests.support.trials import registered_trial

TRIAL = registered_trial(look_every=5, max_sessions=252)


@pytest.mark.parametrize(
    ("outcomes", "seen", "due"),
    [(4, 0, False), (5, 0, True), (9, 5, False), (10, 5, True), (13, 5, True), (0, 0, False)],
)
def test_a_trial_is_due_with_so_many_new_sessions(outcomes, seen, due):
    assert is_due(TRIAL, outcomes, seen) is due


@pytest.mark.parametrize(("outcomes", "seen", "due"), [(252, 250, True), (252, 252, False)])
def test_the_last_session_is_looked_at_whatever_came_before(outcomes, seen, due):
    assert is_due(TRIAL, outcomes, seen) is due
