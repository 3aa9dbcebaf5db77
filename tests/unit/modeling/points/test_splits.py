from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from src.modeling.points.splits import Schedule, folds


def test_hand_worked_cut():
    made = folds(np.arange(10), 1, Schedule(warm_up=6, refit_every=3, embargo=2, min_train=1))

    # The test starts in session 6. Two sessions (4, 5) lie between it and a label that ends in
    # session 3: the row of session 2 is the last that may train.
    assert [fold.cutoff for fold in made] == [6, 9]
    assert [fold.train.tolist() for fold in made] == [[0, 1, 2], [0, 1, 2, 3, 4, 5]]
    assert [fold.test.tolist() for fold in made] == [[6, 7, 8], [9]]


def test_a_long_label_is_purged_until_it_is_realised():
    made = folds(np.arange(200), 63, Schedule(warm_up=100, refit_every=50, min_train=1))

    # Session 100: labels up to session 94, rows up to 31. Session 150: rows up to 81.
    assert [fold.train[-1] for fold in made] == [31, 81]


def test_folds_that_could_learn_too_little_are_left_out():
    def cutoffs(min_train):
        schedule = Schedule(warm_up=6, refit_every=3, embargo=2, min_train=min_train)
        return [fold.cutoff for fold in folds(np.arange(10), 1, schedule)]

    # The two folds have 3 and 6 rows to train on.
    assert cutoffs(3) == [6, 9]
    assert cutoffs(4) == [9]
    assert cutoffs(7) == []


def test_embargo_counts_the_sessions_of_the_calendar_where_the_data_skips_some():
    made = folds(np.array([0, 1, 2, 10, 11]), 1, Schedule(3, embargo=4, min_train=1))

    assert made[0].train.tolist() == [0, 1, 2]


@st.composite
def panels(draw):
    """Sessions with gaps, tickers that come and go, rows in any order; and a horizon."""
    gaps = draw(st.lists(st.integers(1, 5), min_size=4, max_size=60))
    numbers = np.cumsum(gaps)
    rows = draw(
        st.lists(
            st.tuples(st.integers(0, 2), st.integers(0, len(gaps) - 1)),
            min_size=1,
            max_size=120,
            unique=True,
        )
    )
    return numbers[[session for _, session in rows]], draw(st.integers(1, 20))


schedules = st.builds(
    Schedule,
    warm_up=st.integers(1, 40),
    refit_every=st.integers(1, 12),
    embargo=st.integers(0, 6),
    min_train=st.integers(1, 8),
)


@given(panels(), schedules)
def test_equals_a_brute_force_check_of_every_pair(panel, schedule):
    sessions, horizon = panel

    made = folds(sessions, horizon, schedule)

    tested = sorted(set(sessions.tolist()))[schedule.warm_up :]
    expected = []
    for first in range(0, len(tested), schedule.refit_every):
        block, cutoff = set(tested[first : first + schedule.refit_every]), tested[first]
        train = [
            row
            for row, session in enumerate(sessions.tolist())
            if len(range(session + horizon + 1, cutoff)) >= schedule.embargo
            and session + horizon < cutoff
        ]
        if len(train) >= schedule.min_train:
            test = [row for row, session in enumerate(sessions.tolist()) if session in block]
            expected.append((cutoff, train, test))
    assert [(f.cutoff, f.train.tolist(), f.test.tolist()) for f in made] == expected


@given(panels(), schedules)
def test_a_refit_only_adds_rows_and_no_row_is_forecast_twice(panel, schedule):
    sessions, horizon = panel

    made = folds(sessions, horizon, schedule)

    for earlier, later in pairwise(made):
        assert set(earlier.train) <= set(later.train)
    for fold in made:
        assert sessions[fold.train].max() + horizon < sessions[fold.test].min()
    tested = [row for fold in made for row in fold.test]
    assert len(tested) == len(set(tested))
