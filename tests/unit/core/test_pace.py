"""The budget of a source and its pauses, by times worked out by hand."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.core.pace import (
    PaceRules,
    PaceState,
    after_answer,
    after_failure,
    after_refusal,
    after_silence,
    take_turn,
)

RULES = PaceRules(
    burst=3, seconds_per_request=10, longest_wait=30, first_pause=900, longest_pause=3600
)
START = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
FULL = PaceState(tokens=3, counted_at=START)


def later(seconds):
    return START + dt.timedelta(seconds=seconds)


def waits(state, times):
    """The waits of requests at these seconds; None for one without a turn."""
    found = []
    for seconds in times:
        state, turn = take_turn(state, RULES, later(seconds))
        found.append(turn.wait if turn.granted else None)
    return found, state


def refused(at=0, state=FULL):
    return after_refusal(state, RULES, later(at))


def test_a_burst_goes_at_once_and_the_next_wait_for_their_turn_one_behind_the_other():
    assert waits(FULL, [0] * 7)[0] == [0, 0, 0, 10, 20, 30, None]


def test_the_budget_refills_with_time_and_no_further_than_a_burst():
    assert waits(FULL, [0, 0, 0, 10, 15])[0] == [0, 0, 0, 0, 5]
    assert waits(FULL, [0, 0, 0, 3600, 3600, 3600, 3600])[0] == [0, 0, 0, 0, 0, 0, 10]


def test_requests_for_cookies_are_paid_for_too():
    state, turn = take_turn(FULL, RULES, START, 4)

    assert (state.tokens, turn.wait) == (-1, 10)


def test_one_without_a_turn_spends_nothing():
    _, spent = waits(FULL, [0] * 6)
    found, state = waits(spent, [0, 0])

    assert (found, state) == ([None, None], spent)
    assert waits(state, [10])[0] == [30]


def test_a_clock_that_goes_back_gives_nothing_away():
    _, state = waits(FULL, [0, 0, 0])

    assert waits(state, [-100, 0])[0] == [10, 20]


@given(st.lists(st.floats(0, 300), min_size=1, max_size=80))
def test_no_time_sees_more_requests_than_a_burst_and_its_refill(times):
    state, sent = FULL, []
    for seconds in sorted(times):
        state, turn = take_turn(state, RULES, later(seconds))
        if turn.granted:
            sent.append(seconds + turn.wait)
    for first, start in enumerate(sent):
        for last in range(first, len(sent)):
            assert last - first + 1 <= 3 + (sent[last] - start) / 10 + 1e-3


def test_after_a_refusal_nobody_has_a_turn_until_the_pause_is_over():
    state = refused()

    assert waits(state, [0, 60, 899])[0] == [None, None, None]
    _, turn = take_turn(state, RULES, later(600))
    assert (turn.granted, turn.wait) == (False, 300)


def test_then_one_tries_while_the_others_wait_for_what_it_is_told():
    state, trial = take_turn(refused(), RULES, later(900))
    _, other = take_turn(state, RULES, later(901))

    assert (trial.granted, trial.is_trial) == (True, True)
    assert (other.granted, other.wait) == (False, 1)


def test_an_answer_to_the_trial_opens_the_source_at_its_slow_pace():
    state, _ = take_turn(refused(), RULES, later(900))
    state = after_answer(state, later(901), is_trial=True)

    assert state.resumes_at is None
    assert waits(state, [901, 901, 911])[0] == [10, 20, 20]


def test_an_answer_to_a_request_of_before_the_refusal_opens_nothing():
    assert after_answer(refused(), later(1), is_trial=False) == refused()


def test_a_trial_whose_process_died_is_taken_over_after_a_minute():
    state, _ = take_turn(refused(), RULES, later(900))

    assert not take_turn(state, RULES, later(959))[1].granted
    assert take_turn(state, RULES, later(960))[1].is_trial


def test_a_trial_without_an_answer_is_anybodys():
    state, _ = take_turn(refused(), RULES, later(900))
    state = after_silence(state, is_trial=True)

    assert take_turn(state, RULES, later(901))[1].is_trial


def test_pauses_double_up_to_the_longest_and_begin_anew_after_a_day():
    state, at, pauses = FULL, 0.0, []
    for _ in range(4):
        state = refused(at, state)
        pauses.append((state.resumes_at - later(at)).total_seconds())
        at += pauses[-1]
        state, _turn = take_turn(state, RULES, later(at))
    assert pauses == [900, 1800, 3600, 3600]

    state = refused(at + 2 * 86400, state)
    assert (state.resumes_at - later(at + 2 * 86400)).total_seconds() == 900


def test_requests_under_way_that_are_refused_as_well_are_the_same_refusal():
    assert refused(5, refused()) == refused()


def test_a_source_may_ask_for_a_longer_pause_of_a_day_at_most():
    for seconds, pause in ((60, 900), (7200, 7200), (1e9, 86400)):
        state = after_refusal(FULL, RULES, START, seconds)
        assert (state.resumes_at - START).total_seconds() == pause


def test_six_failures_in_a_row_are_a_refusal_and_an_answer_between_them_is_not():
    state = FULL
    for count in range(1, 6):
        state = after_failure(state, RULES, START, is_trial=False)
        assert (state.failures, state.resumes_at) == (count, None)
    answered = after_answer(state, START, is_trial=False)

    assert after_failure(answered, RULES, START, is_trial=False).failures == 1
    assert after_failure(state, RULES, START, is_trial=False).resumes_at == later(900)


def test_a_trial_that_fails_lets_another_ticker_try():
    state, _ = take_turn(refused(), RULES, later(900))
    state = after_failure(state, RULES, later(901), is_trial=True)

    assert take_turn(state, RULES, later(902))[1].is_trial


@pytest.mark.parametrize("failures", [0, 3])
def test_only_what_changes_something_for_others_counts(failures):
    state = PaceState(tokens=3, counted_at=START, failures=failures)

    assert take_turn(state, RULES, START)[1].counts == (failures > 0)
