import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from src.core.errors import ForecastError
from src.data.corporate_actions.action import Action
from src.data.corporate_actions.adjust import adjust
from tests.support.unadjust import unadjust

# Thursday, Friday, Monday, Tuesday; the 7th and 8th were a weekend.
THU, FRI, SAT, SUN, MON, TUE = (dt.date(2026, 3, day) for day in (5, 6, 7, 8, 9, 10))
DAYS = [THU, FRI, MON, TUE]
BEFORE, AFTER = dt.date(2026, 3, 2), dt.date(2026, 3, 20)
BASES = ["unadjusted", "split", "total"]


def bars(close, days=DAYS, adj_close=None):
    close = [float(c) for c in close]
    return pl.DataFrame(
        {
            "date": days,
            "open": [c - 1 for c in close],
            "high": [c + 2 for c in close],
            "low": [c - 2 for c in close],
            "close": close,
            "volume": [1000.0] * len(close),
            "adj_close": adj_close or [None] * len(close),
        },
        schema_overrides={"date": pl.Date},
    )


def split(day, ratio, kind="split"):
    return Action(day, kind, ratio=ratio)


def dividend(day, amount):
    return Action(day, "dividend", amount=amount)


def closes(close, *actions, basis="unadjusted"):
    return adjust(bars(close), actions, basis)["close"].to_list()


def adj_closes(close, *actions, basis="unadjusted"):
    return adjust(bars(close), actions, basis)["adj_close"].to_list()


def test_a_split_divides_prices_and_multiplies_volume_before_its_ex_date_only():
    given_bars = bars([200, 204, 101, 103])

    adjusted = adjust(given_bars, [split(MON, 2.0)], "unadjusted")

    assert adjusted.drop("date").row(1) == (101.5, 103.0, 101.0, 102.0, 2000.0, 102.0, "price")
    assert (
        adjusted.drop("adj_close", "return_basis")
        .tail(2)
        .equals(given_bars.drop("adj_close").tail(2))
    )


@pytest.mark.parametrize("basis", ["split", "total"])
def test_a_split_is_not_applied_to_a_basis_that_has_it(basis):
    assert closes([100, 102, 101, 103], split(MON, 2.0), basis=basis) == [100, 102, 101, 103]


def test_a_split_and_a_bonus_on_one_date_multiply():
    assert closes([200, 200, 20, 20], split(MON, 5.0), split(MON, 2.0, "bonus")) == [20.0] * 4


def test_actions_may_come_in_any_order():
    late, early = split(TUE, 2.0), split(FRI, 3.0)

    assert closes([600, 200, 200, 100], late, early) == closes([600, 200, 200, 100], early, late)


def test_an_ex_date_on_a_closed_day_works_from_the_next_bar():
    assert closes([200, 204, 101, 103], split(SAT, 2.0)) == [100, 102, 101, 103]


def test_a_split_before_the_first_bar_changes_nothing():
    assert closes([100, 102, 101, 103], split(BEFORE, 2.0)) == [100, 102, 101, 103]


def test_a_split_on_the_first_bar_changes_nothing():
    assert closes([100, 102, 101, 103], split(THU, 2.0)) == [100, 102, 101, 103]


def test_a_split_after_the_last_bar_restates_all_of_them():
    assert closes([100, 102, 104, 106], split(AFTER, 2.0)) == [50, 51, 52, 53]


def test_a_consolidation_multiplies_prices():
    assert closes([10, 10, 100, 100], split(MON, 0.1)) == [100, 100, 100, 100]


@pytest.mark.parametrize("kind", ["rights", "demerger", "event"])
def test_what_changes_the_value_of_a_share_divides_prices_and_leaves_the_volume(kind):
    series = bars([100, 102, 61, 62])

    adjusted = adjust(series, [Action(MON, kind, ratio=1.25)], "unadjusted")

    assert adjusted["close"].to_list() == [80, 81.6, 61, 62]
    assert adjusted["volume"].to_list() == [1000.0] * 4


@pytest.mark.parametrize("kind", ["rights", "demerger", "event"])
def test_without_a_ratio_nothing_is_divided(kind):
    assert closes([100, 102, 61, 62], Action(MON, kind)) == [100, 102, 61, 62]


def test_a_dividend_before_rights_is_divided_by_them_as_its_price_is():
    # 5 of a close of 100 are a twentieth, whatever both are divided by.
    adjusted = adj_closes([100, 100, 96, 97], dividend(MON, 5.0), Action(TUE, "rights", ratio=1.25))

    assert adjusted[0] == pytest.approx(100 / 1.25 * 0.95)


def test_a_dividend_takes_its_share_of_the_close_before_off_every_earlier_close():
    # 1 - 5/100 = .95 for the two bars before.
    assert adj_closes([80, 100, 96, 97], dividend(MON, 5.0)) == pytest.approx([76, 95, 96, 97])


def test_dividends_compound_backwards():
    # .9 before Tuesday (10 of 100), and .95 more before Friday (4 of 80).
    adjusted = adj_closes([80, 78, 100, 92], dividend(TUE, 10.0), dividend(FRI, 4.0))

    assert adjusted == pytest.approx([80 * 0.855, 78 * 0.9, 90, 92])


def test_dividends_of_one_date_come_off_the_close_together():
    assert adj_closes([100, 100, 90, 90], dividend(MON, 5.0), dividend(MON, 5.0)) == pytest.approx(
        [90, 90, 90, 90]
    )


def test_dividends_between_two_bars_come_off_the_same_close():
    assert adj_closes([100, 100, 90, 90], dividend(SAT, 5.0), dividend(SUN, 5.0)) == pytest.approx(
        [90, 90, 90, 90]
    )


@pytest.mark.parametrize(
    ("close", "basis"), [([200, 200, 190, 95], "unadjusted"), ([100, 100, 95, 95], "split")]
)
def test_an_amount_as_paid_is_brought_to_the_basis_of_the_prices(close, basis):
    # 10 of 200 before the split, 5 of 100 after it.
    adjusted = adj_closes(close, dividend(MON, 10.0), split(TUE, 2.0), basis=basis)

    assert adjusted == pytest.approx([95, 95, 95, 95])


@pytest.mark.parametrize(
    ("close", "basis"), [([200, 200, 95, 95], "unadjusted"), ([100, 100, 95, 95], "split")]
)
def test_a_dividend_with_a_split_on_its_date_is_paid_on_the_old_shares(close, basis):
    adjusted = adj_closes(close, dividend(MON, 10.0), split(MON, 2.0), basis=basis)

    assert adjusted == pytest.approx([95, 95, 95, 95])


@pytest.mark.parametrize("day", [BEFORE, THU])
def test_a_dividend_from_before_the_second_bar_is_known_but_has_nothing_to_change(day):
    adjusted = adjust(bars([100, 102, 101, 103]), [dividend(day, 5.0)], "unadjusted")

    assert adjusted["adj_close"].to_list() == [100, 102, 101, 103]
    assert set(adjusted["return_basis"]) == {"total"}


def test_a_dividend_after_the_last_bar_is_not_in_it_yet():
    adjusted = adjust(bars([100, 102, 101, 103]), [dividend(AFTER, 5.0)], "unadjusted")

    assert adjusted["adj_close"].to_list() == [100, 102, 101, 103]
    assert set(adjusted["return_basis"]) == {"price"}


def test_the_sources_own_adj_close_wins_where_no_row_lacks_it():
    bars_with_adj = bars([100, 102, 101, 103], adj_close=[90.0, 92.0, 101.0, 103.0])

    adjusted = adjust(bars_with_adj, [dividend(MON, 5.0)], "split")

    assert adjusted["adj_close"].to_list() == [90, 92, 101, 103]
    assert set(adjusted["return_basis"]) == {"total"}


@pytest.mark.parametrize(
    ("adj_close", "expected"),
    [
        # As it was traded, with 10 % off for dividends: it falls with the close, and is divided.
        ([180.0, 184.0, 92.0, 93.0], [90.0, 92.0, 92.0, 93.0]),
        # It contains the split already.
        ([90.0, 92.0, 92.0, 93.0], [90.0, 92.0, 92.0, 93.0]),
    ],
)
def test_the_sources_own_adj_close_follows_a_split_that_it_lacks(adj_close, expected):
    unadjusted = bars([200, 204, 102, 103], adj_close=adj_close)

    adjusted = adjust(unadjusted, [split(MON, 2.0)], "unadjusted")

    assert adjusted["adj_close"].to_list() == expected


def test_a_split_and_a_bonus_are_one_change_of_an_adj_close():
    unadjusted = bars([200, 200, 20, 20], adj_close=[20.0] * 4)

    adjusted = adjust(unadjusted, [split(MON, 5.0), split(MON, 2.0, "bonus")], "unadjusted")

    assert adjusted["adj_close"].to_list() == [20.0] * 4


def test_an_adj_close_with_a_hole_is_computed_anew():
    holed = bars([100, 100, 95, 95], adj_close=[90.0, None, 95.0, 95.0])

    assert adjust(holed, [dividend(MON, 5.0)], "split")["adj_close"].to_list() == [95.0] * 4


def test_a_total_series_is_left_alone_and_says_total():
    adjusted = adjust(bars([95, 95, 95, 95]), [dividend(MON, 5.0), split(TUE, 2.0)], "total")

    assert adjusted["close"].to_list() == adjusted["adj_close"].to_list() == [95] * 4
    assert set(adjusted["return_basis"]) == {"total"}


def test_a_close_that_is_missing_before_the_ex_date_is_the_one_before_that():
    holed = bars([100, 100, 95, 95]).with_columns(
        close=pl.Series([None, 100.0, None, 95.0], dtype=pl.Float64)
    )

    assert adjust(holed, [dividend(TUE, 5.0)], "split")["adj_close"].to_list() == [
        *(None, 95.0, None, 95.0)
    ]


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("rows", [0, 1])
def test_no_bars_and_one_bar_are_fine(rows, basis):
    few = bars([100, 102, 101, 103]).head(rows)

    adjusted = adjust(few, [split(MON, 2.0), dividend(MON, 5.0)], basis)

    assert adjusted.height == rows
    assert adjusted.columns == [*few.columns, "return_basis"]


def test_other_columns_pass_through():
    labelled = bars([200, 204, 101, 103]).with_columns(ticker=pl.lit("TCS.NS"))

    assert set(adjust(labelled, [split(MON, 2.0)], "unadjusted")["ticker"]) == {"TCS.NS"}


def test_a_dividend_as_large_as_the_price_is_refused():
    with pytest.raises(ForecastError, match=r"dividend of 2026-03-09 .* not below the close"):
        adj_closes([100, 100, 95, 95], dividend(MON, 100.0))


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        ("split", {"ratio": 0.0}),
        ("split", {"ratio": float("inf")}),
        ("bonus", {}),
        ("dividend", {"amount": -1.0}),
        ("dividend", {"amount": float("nan")}),
        ("dividend", {}),
    ],
)
def test_an_action_that_cannot_be_is_refused(kind, facts):
    with pytest.raises(ForecastError, match="cannot be applied"):
        Action(MON, kind, **facts)


RATIOS = st.sampled_from([0.1, 0.5, 1.1, 4 / 3, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0])
DATES = st.dates(BEFORE, AFTER)
# Three ratios of 20 on one date make 2.4 of three such dividends: still below the lowest price.
ACTIONS = st.tuples(
    st.lists(st.builds(split, DATES, RATIOS), max_size=3),
    st.lists(st.builds(dividend, DATES, st.floats(0, 1e-4)), max_size=3),
).map(lambda both: both[0] + both[1])
PRICE = st.floats(3.0, 1e5)
SERIES = st.lists(PRICE, min_size=4, max_size=4)


@given(SERIES, ACTIONS, st.sampled_from(BASES))
def test_adjusting_what_was_unadjusted_gives_it_back(close, actions, basis):
    adjusted = adjust(bars(close), actions, basis)

    again = adjust(unadjust(adjusted, actions, basis), actions, basis)

    assert_frame_equal(again, adjusted, rel_tol=1e-12, abs_tol=0)


@given(SERIES, ACTIONS, st.sampled_from(BASES))
def test_unadjusting_what_was_adjusted_gives_it_back(close, actions, basis):
    raw = bars(close).drop("adj_close")

    back = unadjust(adjust(bars(close), actions, basis), actions, basis)

    assert_frame_equal(back.drop("adj_close"), raw, rel_tol=1e-12, abs_tol=0)


@given(SERIES, ACTIONS)
def test_the_last_adj_close_is_the_last_close(close, actions):
    last = adjust(bars(close), actions, "unadjusted").row(-1, named=True)

    assert last["adj_close"] == last["close"]


@given(SERIES, ACTIONS, st.integers(1, 4))
def test_what_comes_later_leaves_the_returns_before_it_alone(close, actions, count):
    def returns(frame):
        return frame.select(pl.col("close", "adj_close").pct_change()).slice(1)

    whole = adjust(bars(close), actions, "unadjusted").head(count)
    early = adjust(bars(close).head(count), actions, "unadjusted")

    assert_frame_equal(returns(whole), returns(early), abs_tol=1e-9, rel_tol=0)
