"""Trees as arrays: what they say worked out by hand, and what is refused as no trees at all."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.registry.formats.trees import CHUNK
from tests.support.trees import small


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ([9.0, 9.0, 0.0], 110.5),
        ([9.0, 9.0, 1.0], 110.5),
        ([-4.0, 9.0, np.nextafter(1.0, 2.0)], 120.5),
        ([-3.0, 9.0, 2.0], 120.5),
        ([-2.0, 9.0, 2.0], 130.5),
    ],
)
def test_a_row_goes_left_when_its_input_is_not_above_the_threshold(row, expected):
    assert small().predict(np.array([row])).tolist() == [expected]


def test_a_leaf_without_a_question_adds_the_same_to_every_row():
    leaf = {name: np.array([0]) for name in ("feature", "left", "right", "roots")}

    made = small(**leaf, threshold=np.zeros(1), value=np.array([7.0]), base=0.25, depth=0)

    assert made.predict(np.zeros((3, 1))).tolist() == [7.25] * 3


def test_no_trees_say_what_is_said_before_any():
    nothing = {name: np.empty(0, dtype=np.int64) for name in ("feature", "left", "right", "roots")}

    made = small(**nothing, threshold=np.empty(0), value=np.empty(0), base=0.25, depth=0)

    assert made.inputs == 0
    assert made.predict(np.zeros((2, 0))).tolist() == [0.25] * 2


def test_no_rows_are_no_forecasts():
    assert small().predict(np.empty((0, 3))).shape == (0,)


def test_the_inputs_that_a_row_needs_are_counted():
    assert small().inputs == 3


def test_trees_are_added_one_after_another_as_a_loop_would():
    # A leaf each of 1e16, 1 and -1e16: in this order the 1 is lost, in another it is not.
    own = np.arange(3)

    made = small(
        feature=np.zeros(3, dtype=np.int64),
        threshold=np.zeros(3),
        left=own,
        right=own,
        roots=own,
        value=np.array([1e16, 1.0, -1e16]),
        base=0.0,
        depth=0,
    )

    assert made.predict(np.zeros((5, 1))).tolist() == [0.0] * 5


# Two trees: so many rows are walked at once, and those behind them next.
@pytest.mark.parametrize("rows", [CHUNK // 2 + more for more in (-1, 0, 1)])
def test_rows_beyond_those_walked_at_once_are_forecast_alike(rows):
    X = np.tile([[9.0, 9.0, 0.0]], (rows, 1))
    X[-1] = [-4.0, 9.0, 2.0]

    sums = small().predict(X)

    assert (sums[:-1] == 110.5).all()
    assert sums[-1] == 120.5


@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_a_row_is_forecast_the_same_whatever_stands_beside_it(seed, rows):
    X = np.random.default_rng(seed).normal(0, 3, (rows, 3))

    together = small().predict(X)

    assert together.tolist() == [small().predict(X[[at]])[0] for at in range(rows)]
    assert small().predict(np.asfortranarray(X)).tolist() == together.tolist()
    assert small().predict(np.hstack([X, X])).tolist() == together.tolist()


@pytest.mark.parametrize(
    ("bent", "match"),
    [
        ({"feature": np.array([2, 0, 0, 0, 0, 0], dtype=np.int32)}, "64-bit"),
        ({"left": np.array([1.0, 1, 3, 3, 4, 5])}, "64-bit"),
        ({"roots": np.array([0, 5], dtype=np.uint64)}, "64-bit"),
        ({"value": np.zeros(6, dtype=np.float32)}, "64-bit"),
        ({"threshold": np.zeros(6, dtype=">f8")}, "64-bit"),
        ({"threshold": np.zeros(6, dtype=np.int64)}, "64-bit"),
        ({"feature": np.array([2, 0, 0, 0, 0])}, "one finite value"),
        ({"threshold": np.zeros(7)}, "one finite value"),
        ({"right": np.array([[2, 1, 4, 3, 4, 5]])}, "one finite value"),
        ({"value": np.array([0.0, 10, 0, 20, 30])}, "one finite value"),
        ({"value": np.array([0.0, np.nan, 0, 20, 30, 100])}, "one finite value"),
        ({"value": np.array([0.0, np.inf, 0, 20, 30, 100])}, "one finite value"),
        ({"base": float("nan")}, "one finite value"),
        ({"left": np.array([1, 1, 3, 3, 4, 6])}, "does not exist"),
        ({"right": np.array([-1, 1, 4, 3, 4, 5])}, "does not exist"),
        ({"roots": np.array([0, 6])}, "does not exist"),
        ({"feature": np.array([-1, 0, 0, 0, 0, 0])}, "cannot be negative"),
        ({"depth": -1}, "cannot be trees of depth -1"),
    ],
)
def test_arrays_that_are_no_trees_are_refused(bent, match):
    with pytest.raises(ValueError, match=match):
        small(**bent)


@pytest.mark.parametrize("bent", [{"value": np.zeros((6, 1))}, {"roots": np.array([[0, 5]])}])
def test_arrays_of_more_than_one_dimension_are_refused(bent):
    with pytest.raises(ValueError, match=r"."):
        small(**bent)


@pytest.mark.parametrize("depth", [2.0, float("nan"), True, "2", None, 6, 10**12])
def test_a_depth_that_no_tree_of_these_nodes_can_have_is_refused(depth):
    # Six nodes: at most five comparisons. Deeper ones would loop for ever.
    with pytest.raises(ValueError, match="depth"):
        small(depth=depth)


@pytest.mark.parametrize("base", ["0.5", None, [0.5]])
def test_a_base_that_is_no_number_is_refused(base):
    with pytest.raises(ValueError, match=r"finite"):
        small(base=base)


def test_rows_with_fewer_inputs_than_the_trees_ask_for_are_refused():
    # The third input of a row would be the first of the next.
    with pytest.raises(ValueError, match="3 inputs"):
        small().predict(np.zeros((4, 2)))


# --- what a row's sum is made of


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ([9.0, 9.0, 0.0], [0.0, 0.0, -6.0]),
        ([-4.0, 9.0, 2.0], [-2.0, 0.0, 6.0]),
        ([-2.0, 9.0, 2.0], [8.0, 0.0, 6.0]),
    ],
)
def test_each_change_on_the_way_down_is_put_down_to_the_input_that_was_asked(row, expected):
    # Below the first question the mean is 16, below the second 22.
    made = small(value=np.array([16.0, 10.0, 22.0, 20.0, 30.0, 100.0]))

    common, inputs = made.contributions(np.array(row))

    assert common == 116.5
    assert inputs.tolist() == expected
    assert common + inputs.sum() == made.predict(np.array([row]))[0]
