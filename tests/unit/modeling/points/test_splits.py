import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.core.calendars.nse import nse
from src.modeling.points.splits import folds

DAY = np.datetime64("2020-01-01", "D")


def days(*numbers):
    return DAY + np.array(numbers, dtype="timedelta64[D]")


def plain(n, horizon):
    """One row a day on a calendar without gaps."""
    dates = DAY + np.arange(n)
    return dates, dates + horizon


def test_hand_worked_cut():
    dates, ends = plain(10, 1)

    made = folds(dates, ends, test_share=0.4, refit_every=3, embargo=2, min_train=1)

    # The test starts on day 6. Two sessions (4, 5) lie between it and a label that ends on
    # day 3: the row of day 2 is the last that may train.
    assert [fold.cutoff for fold in made] == [DAY + 6, DAY + 9]
    assert [fold.train.tolist() for fold in made] == [[0, 1, 2], [0, 1, 2, 3, 4, 5]]
    assert [fold.test.tolist() for fold in made] == [[6, 7, 8], [9]]


def test_a_long_label_is_purged_until_it_is_realised():
    dates, ends = plain(200, 63)

    made = folds(dates, ends, test_share=0.5, refit_every=50, embargo=5, min_train=1)

    # Day 100: labels up to day 94, rows up to day 31. Day 150: rows up to day 81.
    assert [fold.train[-1] for fold in made] == [31, 81]


def test_folds_that_could_learn_too_little_are_left_out():
    dates, ends = plain(10, 1)

    options = {"test_share": 0.4, "refit_every": 3, "embargo": 2}

    # The two folds have 3 and 6 rows to train on.
    assert len(folds(dates, ends, **options, min_train=3)) == 2
    assert [fold.cutoff for fold in folds(dates, ends, **options, min_train=4)] == [DAY + 9]
    assert folds(dates, ends, **options, min_train=7) == []


def test_embargo_counts_the_sessions_of_the_calendar_where_the_data_skips_some():
    dates = days(0, 1, 2, 10, 11)
    ends = dates + 1

    def every_day(given):
        return (given - DAY).astype(np.int64)

    options = {"test_share": 0.4, "refit_every": 9, "embargo": 4, "min_train": 1}
    counted = folds(dates, ends, **options, calendar_ids=every_day)

    assert counted[0].train.tolist() == [0, 1, 2]
    assert folds(dates, ends, **options) == []  # the data shows two sessions between at most


def test_accepts_the_exchange_calendar():
    sessions = nse().array[5000:5101]

    made = folds(
        sessions[:-1],
        sessions[1:],
        test_share=0.2,
        refit_every=21,
        embargo=5,
        min_train=1,
        calendar_ids=nse().session_ids,
    )

    assert made[0].train.tolist() == list(range(74))  # label of row 73: 74; 75-79 lie between


def test_refuses_dates_that_are_no_session():
    saturday = np.array(["2025-11-07", "2025-11-08", "2025-11-10"], dtype="datetime64[D]")

    with pytest.raises(ValueError, match="no session"):
        folds(
            saturday[:2],
            saturday[1:],
            test_share=0.5,
            refit_every=1,
            embargo=0,
            min_train=1,
            calendar_ids=nse().session_ids,
        )


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"test_share": 0.0}, "test_share"),
        ({"test_share": 1.0}, "test_share"),
        ({"refit_every": 0}, "refit_every"),
        ({"embargo": -1}, "embargo"),
        ({"min_train": 0}, "min_train"),
        ({"label_ends": days(0, 2, 3)}, "after its date"),
        ({"label_ends": np.array(["NaT"] * 3, dtype="datetime64[D]")}, "missing"),
        ({"label_ends": days(1, 2)}, "length"),
    ],
)
def test_refuses_what_cannot_be_cut(change, match):
    options = {"test_share": 0.5, "refit_every": 1, "embargo": 0, "min_train": 1}
    data = {"dates": days(0, 1, 2), "label_ends": days(1, 2, 3)}

    with pytest.raises(ValueError, match=match):
        folds(**{**data, **options, **change})


@st.composite
def panels(draw):
    """Sessions with gaps, tickers that come and go, rows in any order."""
    gaps = draw(st.lists(st.integers(1, 5), min_size=4, max_size=60))
    sessions = DAY + np.cumsum(gaps)
    horizon = draw(st.integers(1, max(1, len(sessions) // 3)))
    last = len(sessions) - horizon
    rows = draw(
        st.lists(
            st.tuples(st.integers(0, 2), st.integers(0, last - 1)),
            min_size=1,
            max_size=120,
            unique=True,
        )
    )
    starts = np.array([start for _, start in rows])
    return sessions, sessions[starts], sessions[starts + horizon]


@given(
    panels(),
    st.floats(0.05, 0.95),
    st.integers(1, 12),
    st.integers(0, 6),
    st.integers(1, 8),
    st.booleans(),
)
def test_equals_a_brute_force_check_of_every_pair(
    panel, test_share, refit_every, embargo, min_train, with_calendar
):
    sessions, dates, ends = panel
    known = sessions if with_calendar else np.unique(np.concatenate([dates, ends]))

    made = folds(
        dates,
        ends,
        test_share=test_share,
        refit_every=refit_every,
        embargo=embargo,
        min_train=min_train,
        calendar_ids=(lambda d: np.searchsorted(sessions, d)) if with_calendar else None,
    )

    distinct = sorted(set(dates.tolist()))
    tested = distinct[len(distinct) - math.ceil(round(test_share * len(distinct), 9)) :]
    expected = []
    for first in range(0, len(tested), refit_every):
        block = set(tested[first : first + refit_every])
        cutoff = np.datetime64(tested[first])
        train = [
            row
            for row in range(len(dates))
            if ends[row] < cutoff and sum(1 for s in known if ends[row] < s < cutoff) >= embargo
        ]
        if len(train) >= min_train:
            test = [row for row in range(len(dates)) if dates[row].item() in block]
            expected.append((cutoff, train, test))
    assert [(f.cutoff, f.train.tolist(), f.test.tolist()) for f in made] == expected


@given(panels(), st.integers(1, 12), st.integers(0, 6))
def test_a_refit_only_adds_rows_and_no_row_is_forecast_twice(panel, refit_every, embargo):
    _, dates, ends = panel

    made = folds(dates, ends, test_share=0.5, refit_every=refit_every, embargo=embargo, min_train=1)

    for earlier, later in pairwise(made):
        assert set(earlier.train) <= set(later.train)
    for fold in made:
        assert ends[fold.train].max() < dates[fold.test].min()
    tested = [row for fold in made for row in fold.test]
    assert len(tested) == len(set(tested))
