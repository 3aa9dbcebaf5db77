import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from src.data.corporate_actions.price_checks.dividends import implausible_dividends

START = dt.date(2020, 1, 1)


def day(row):
    return START + dt.timedelta(days=row)


def prices(rows=60, paid=None, taken=None):
    """Closes that sway by 1 % around 100 and fall by what is paid; adj_close takes off ``taken``.

    Both are amounts by row; without ``taken`` adj_close takes off what is paid.
    """
    paid = paid or {}
    taken = paid if taken is None else taken
    close, adjust = [], np.ones(rows)
    level = 100.0
    for row in range(rows):
        level -= paid.get(row, 0.0)
        close.append(level * (1.01 if row % 2 else 1.0))
    for row, amount in taken.items():
        adjust[:row] *= 1 - amount / close[row - 1]
    return pl.DataFrame(
        {
            "date": [day(row) for row in range(rows)],
            "close": close,
            "adj_close": np.array(close) * adjust,
        }
    )


def stated(amounts):
    return pl.DataFrame(
        {"date": [day(row) for row in amounts], "amount": [float(a) for a in amounts.values()]},
        schema={"date": pl.Date, "amount": pl.Float64},
    )


def why(bars, amounts):
    return dict(implausible_dividends(bars, stated(amounts)).select("date", "why").iter_rows())


def test_a_dividend_that_is_taken_off_once_is_believed():
    assert why(prices(paid={30: 2.0}), {30: 2.0}) == {}


@pytest.mark.parametrize(
    ("taken", "text"),
    [(0.0, "0"), (4.0, "4"), (0.02, "0.02"), (3.5, "3.5")],
    ids=["not at all", "twice", "in another unit", "with capital gains"],
)
def test_a_dividend_that_is_taken_off_otherwise_is_implausible(taken, text):
    bars = prices(paid={30: 2.0}, taken={30: taken})

    assert why(bars, {30: 2.0}) == {day(30): f"the adjusted close takes off {text}, not 2"}


def test_a_hundred_times_too_large_a_statement_is_implausible_against_adj_close():
    assert why(prices(paid={30: 0.5}), {30: 50.0}) == {
        day(30): "the adjusted close takes off 0.5, not 50"
    }


def test_rounding_of_the_adjusted_close_is_no_contradiction():
    bars = prices(paid={30: 0.05}).with_columns(pl.col("adj_close").round(2))

    assert why(bars, {30: 0.05}) == {}


def test_two_dividends_for_one_bar_are_taken_off_together():
    bars = prices(paid={30: 3.0}).filter(pl.col("date") != day(29))

    assert why(bars, {29: 1.0, 30: 2.0}) == {}


def test_the_bar_after_a_missing_one_is_compared_with_the_last_close():
    bars = prices(paid={30: 2.0}, taken={30: 0.0}).with_columns(
        pl.when(pl.col("date") == day(29)).then(None).otherwise(pl.col("close")).alias("close")
    )

    assert why(bars, {30: 2.0}) == {day(30): "the adjusted close takes off 0, not 2"}


def test_a_large_dividend_that_the_price_did_not_feel_is_implausible_without_adj_close():
    bars = prices().drop("adj_close")

    # An even row closes at 100 after an odd one at 101: -1.0 %, and 20 / 101 = 19.8 %.
    assert why(bars, {30: 20.0}) == {day(30): "it is 19.8% of the price, which moved -1.0%"}


def test_a_large_dividend_that_the_price_felt_is_believed():
    assert why(prices(paid={30: 20.0}).drop("adj_close"), {30: 20.0}) == {}


def test_a_dividend_far_above_the_others_needs_less_to_be_implausible():
    others = {10: 1.0, 20: 1.0, 40: 1.0}
    bars = prices(paid=others).drop("adj_close")

    assert why(bars, {**others, 31: 5.0}).keys() == {day(31)}
    assert why(bars, {31: 5.0}) == {}


def test_a_hundredth_of_what_the_price_fell_is_implausible():
    bars = prices(paid={30: 10.0}).drop("adj_close")

    # The close falls from 101 to 90: -10.9 %, against a stated 0.1 %.
    assert why(bars, {30: 0.1}) == {day(30): "it is 0.1% of the price, which moved -10.9%"}


def test_a_small_dividend_on_the_day_of_an_unlike_crash_is_believed():
    assert why(prices(paid={30: 40.0}).drop("adj_close"), {30: 0.1}) == {}


def test_of_an_amount_stated_twice_the_later_is_implausible_when_the_price_says_nothing():
    bars = prices(paid={30: 1.0}).drop("adj_close")

    assert why(bars, {28: 1.0, 30: 1.0}) == {day(30): f"the same amount is stated for {day(28)}"}


def test_of_an_amount_stated_twice_the_one_without_a_fall_is_implausible():
    bars = prices(paid={31: 12.0}).drop("adj_close")

    assert why(bars, {30: 12.0, 31: 12.0}) == {day(30): f"the same amount is stated for {day(31)}"}


def test_equal_dividends_a_week_apart_are_believed():
    assert why(prices(paid={30: 1.0, 37: 1.0}), {30: 1.0, 37: 1.0}) == {}


def test_ex_dates_outside_the_bars_are_not_judged_by_price():
    assert why(prices(), {-5: 50.0, 0: 60.0, 70: 40.0}) == {}


def test_no_bars_and_no_dividends_give_an_empty_frame_of_the_same_columns():
    none = implausible_dividends(prices(0), stated({}))

    assert none.schema == {"date": pl.Date, "amount": pl.Float64, "why": pl.String}
    assert implausible_dividends(prices(0), stated({3: 1.0})).equals(none)


@given(
    seed=st.integers(0, 10_000),
    amounts=st.dictionaries(
        st.integers(1, 29).map(lambda n: 8 * n), st.floats(0.05, 6.0), min_size=1, max_size=12
    ),
    unit=st.sampled_from([0.01, 1.0, 100.0]),
)
def test_dividends_that_price_and_adj_close_bear_out_are_believed(seed, amounts, unit):
    bars = _fallen(seed, amounts, amounts)
    unit_of = {row: amount * unit for row, amount in amounts.items()}

    assert why(bars.with_columns(pl.col("close", "adj_close") * unit), unit_of) == {}


@given(
    seed=st.integers(0, 10_000),
    row=st.integers(1, 239),
    amount=st.floats(0.05, 6.0),
    factor=st.one_of(st.floats(0.0, 0.8), st.floats(1.2, 3.0)),
)
def test_what_adj_close_takes_off_wrongly_is_always_implausible(seed, row, amount, factor):
    bars = _fallen(seed, {row: amount}, {row: amount * factor})
    assume(bars["close"].min() > 20)

    assert why(bars, {row: amount}).keys() == {day(row)}


def _fallen(seed, paid, taken, rows=240):
    """A random walk near 100 that falls by what is paid, and its adjusted close.

    No day moves by more than 2.5 times the noise: a dividend on one that does may be doubted.
    """
    moves = np.clip(np.random.default_rng(seed).normal(0, 0.01, rows), -0.025, 0.025)
    close = [100.0]
    for row in range(1, rows):
        close.append((close[-1] - paid.get(row, 0.0)) * float(np.exp(moves[row])))
    adjust = np.ones(rows)
    for row, amount in taken.items():
        adjust[:row] *= 1 - amount / close[row - 1]
    days = [day(row) for row in range(rows)]
    return pl.DataFrame(
        {"date": days, "close": close, "adj_close": (np.array(close) * adjust).astype("f4")}
    )
