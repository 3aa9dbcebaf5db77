import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.core.calendars.nse import nse
from src.core.tables import DAILY_VALUES, OHLC, OHLCV
from src.data.cleaning.rules.catalogue import DAILY_RULES, HOURLY_RULES
from src.data.cleaning.rules.engine import apply_rules
from tests.support.prices import sessions

# Monday 6 to Friday 10 April 2026, sessions all; the 3rd was Good Friday, the 11th a Saturday.
WEEK = [dt.date(2026, 4, day) for day in (6, 7, 8, 9, 10)]
GOOD_FRIDAY, SATURDAY = dt.date(2026, 4, 3), dt.date(2026, 4, 11)
AFTER_CLOSE = dt.datetime(2026, 4, 11, 12, tzinfo=dt.UTC)
LONG_AFTER = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
SCHEMA = {
    "ticker": pl.String,
    "date": pl.Date,
    "ts": pl.Datetime("us", "UTC"),
    **dict.fromkeys(DAILY_VALUES, pl.Float64),
    "price_basis": pl.String,
    "batch_id": pl.Int64,
    "fetched_at": pl.Datetime("us", "UTC"),
    "now": pl.Datetime("us", "UTC"),
    "listed_on": pl.Date,
}


def bar(day, **bent):
    """An ordinary bar that the rules have nothing against, with whatever is bent."""
    usual = {
        "ticker": "TCS.NS",
        "date": day,
        # 09:15 in India: every session's first hour.
        "ts": dt.datetime.combine(day, dt.time(3, 45), dt.UTC),
        "open": 99.0,
        "high": 102.0,
        "low": 98.0,
        "close": 100.0,
        "volume": 1000.0,
        "adj_close": 100.0,
        "price_basis": "split",
        "batch_id": 1,
        "fetched_at": AFTER_CLOSE,
        "now": LONG_AFTER,
        "listed_on": None,
    }
    return usual | bent


def bars(*rows):
    return pl.DataFrame(list(rows), schema=SCHEMA).with_columns(level="close")


def cleaned(*rows, rules=DAILY_RULES):
    return apply_rules(bars(*rows), rules, nse())


def refused(*rows, rules=DAILY_RULES):
    return cleaned(*rows, rules=rules).refused.select("date", "rule").rows()


def with_bent(**bent):
    """A week whose Wednesday is bent."""
    return [bar(day, **(bent if day == WEEK[2] else {})) for day in WEEK]


@pytest.mark.parametrize("rules", [DAILY_RULES, HOURLY_RULES], ids=["daily", "hourly"])
def test_ordinary_bars_are_all_kept(rules):
    result = cleaned(*map(bar, WEEK), rules=rules)

    assert result.kept["date"].to_list() == WEEK
    assert result.refused.is_empty()


@pytest.mark.parametrize("field", OHLCV)
def test_a_missing_value_is_a_null_bar(field):
    assert refused(*with_bent(**{field: None})) == [(WEEK[2], "null_bar")]


@pytest.mark.parametrize(
    "bent",
    [{"open": 0.0}, {"low": 0.0}, {"close": -1.0}, {"high": -0.5}, {"volume": -1.0}],
)
def test_a_price_of_zero_or_below_and_a_negative_volume_are_refused(bent):
    assert refused(*with_bent(**bent)) == [(WEEK[2], "non_positive_price")]


def test_a_session_without_volume_is_kept_when_its_prices_moved():
    assert refused(*with_bent(volume=0.0)) == []


@pytest.mark.parametrize(
    "bent", [{"high": 99.0}, {"low": 101.0}, {"open": 103.0}, {"close": 97.0}, {"open": 97.9}]
)
def test_an_open_or_close_outside_the_range_is_impossible(bent):
    assert refused(*with_bent(**bent)) == [(WEEK[2], "impossible_bar")]


@pytest.mark.parametrize(("high", "kept"), [(99.99995, True), (99.9998, False)])
def test_a_close_a_millionth_above_the_high_is_rounding_and_more_is_not(high, kept):
    assert (refused(*with_bent(high=high)) == []) is kept


@pytest.mark.parametrize("day", [GOOD_FRIDAY, SATURDAY])
def test_a_bar_of_a_day_without_trading_is_no_session(day):
    rows = sorted([*map(bar, WEEK), bar(day)], key=lambda row: row["date"])

    assert refused(*rows) == [(day, "non_session")]


def test_a_special_sunday_session_is_kept():
    budget_sunday = dt.date(2026, 2, 1)

    assert refused(bar(budget_sunday)) == []


def test_four_equal_prices_without_volume_are_a_missing_bar():
    flat = {"open": 100.0, "high": 100.0, "low": 100.0, "volume": 0.0}

    assert refused(*with_bent(**flat)) == [(WEEK[2], "flat_no_trade")]


def test_four_equal_prices_with_volume_were_traded():
    assert refused(*with_bent(open=100.0, high=100.0, low=100.0, volume=5.0)) == []


def test_a_bar_from_before_the_calendar_is_refused():
    early = dt.date(1999, 12, 31)

    assert refused(bar(early), bar(WEEK[0])) == [(early, "before_calendar")]


def test_a_bar_from_before_the_listing_is_refused_and_the_first_day_is_not():
    rows = [bar(day, listed_on=WEEK[1]) for day in WEEK]

    assert refused(*rows) == [(WEEK[0], "before_listing")]


# The session of 10 April 2026 closes at 15:30 in India, 10:00 UTC.
@pytest.mark.parametrize(
    ("fetched", "refusals"),
    [((9, 59), [(WEEK[4], "partial_bar")]), ((10, 0), [])],
    ids=["before the close", "at the close"],
)
def test_a_bar_fetched_before_its_session_closed_is_partial(fetched, refusals):
    at = dt.datetime(2026, 4, 10, *fetched, tzinfo=dt.UTC)

    assert refused(*(bar(day, fetched_at=at) for day in WEEK)) == refusals


def test_a_bar_that_was_never_fetched_again_is_partial_wherever_it_stands():
    morning = dt.datetime(2026, 4, 8, 5, tzinfo=dt.UTC)

    assert refused(*with_bent(fetched_at=morning)) == [(WEEK[2], "partial_bar")]


def test_a_bar_of_a_session_still_to_come_is_refused():
    looked = dt.datetime(2026, 4, 9, 5, tzinfo=dt.UTC)

    assert refused(*(bar(day, now=looked) for day in WEEK)) == [
        (WEEK[3], "partial_bar"),
        (WEEK[4], "partial_bar"),
    ]


@pytest.mark.parametrize("bent", [{"high": 1.1e7}, {"high": 1e300, "close": 1e300}])
def test_a_price_that_no_share_has_is_refused(bent):
    assert refused(*with_bent(**bent)) == [(WEEK[2], "absurd_price")]


@pytest.mark.parametrize("adj_close", [None, 0.0, 90_000.0, 0.09])
def test_an_adjusted_close_that_is_missing_or_off_is_refused(adj_close):
    rows = [bar(day, adj_close=90.0) for day in WEEK]
    rows[2]["adj_close"] = adj_close

    assert refused(*rows) == [(WEEK[2], "bad_adjusted_close")]


def test_a_special_dividend_moves_the_adjusted_close_for_good():
    rows = [bar(day, adj_close=50.0 if day < WEEK[2] else 100.0) for day in WEEK]

    assert refused(*rows) == []


def test_a_source_without_adjusted_closes_lacks_none():
    assert refused(*(bar(day, adj_close=None) for day in WEEK)) == []


def test_a_series_on_another_basis_than_the_newest_delivery_is_superseded():
    rows = [bar(day, price_basis="unadjusted", batch_id=1) for day in WEEK[:2]]
    later = AFTER_CLOSE + dt.timedelta(days=1)
    rows += [bar(day, batch_id=2, fetched_at=later) for day in WEEK[2:]]

    assert refused(*rows) == [(day, "superseded_vintage") for day in WEEK[:2]]


def test_an_older_vintage_of_a_total_series_is_superseded():
    rows = [bar(day, price_basis="total", batch_id=1) for day in WEEK[:2]]
    later = AFTER_CLOSE + dt.timedelta(days=1)
    rows += [bar(day, price_basis="total", batch_id=2, fetched_at=later) for day in WEEK[2:]]

    assert refused(*rows) == [(day, "superseded_vintage") for day in WEEK[:2]]


def test_older_deliveries_of_a_split_adjusted_series_go_on_with_newer_ones():
    rows = [bar(day, batch_id=k) for k, day in enumerate(WEEK, 1)]

    assert refused(*rows) == []


# Regular hours are 09:15 to 15:30 in India, 03:45 to 10:00 UTC.
@pytest.mark.parametrize(
    ("clock", "inside"),
    [((3, 44), False), ((3, 45), True), ((9, 59), True), ((10, 0), False), ((18, 0), False)],
)
def test_an_hourly_bar_must_start_within_its_session(clock, inside):
    ts = dt.datetime.combine(WEEK[2], dt.time(*clock), dt.UTC)

    refusals = refused(*with_bent(ts=ts), rules=HOURLY_RULES)
    assert refusals == ([] if inside else [(WEEK[2], "outside_hours")])


# The bar of 09:45 to 10:45 in India, 04:15 to 05:15 UTC, and the last one of the session.
@pytest.mark.parametrize("seen", ["fetched_at", "now"])
@pytest.mark.parametrize(("starts", "over"), [((4, 15), (5, 15)), ((9, 45), (10, 0))])
def test_an_hourly_bar_is_whole_once_its_hour_or_its_session_is_over(starts, over, seen):
    ts, end = (dt.datetime.combine(WEEK[4], dt.time(*at), dt.UTC) for at in (starts, over))
    before = end - dt.timedelta(seconds=1)

    assert refused(bar(WEEK[4], ts=ts, **{seen: end}), rules=HOURLY_RULES) == []
    assert refused(bar(WEEK[4], ts=ts, **{seen: before}), rules=HOURLY_RULES) == [
        (WEEK[4], "partial_hour")
    ]


def test_hourly_bars_may_be_flat():
    quiet = {"open": 100.0, "high": 100.0, "low": 100.0, "volume": 0.0}

    assert refused(*with_bent(**quiet), rules=HOURLY_RULES) == []


def test_the_rules_stand_in_their_order():
    assert [rule.__name__ for rule in DAILY_RULES] == [
        *("superseded_vintage", "before_calendar", "before_listing", "before_first_price"),
        *("null_bar", "non_positive_price", "absurd_price", "impossible_bar", "non_session"),
        *("partial_bar", "dead_stretch", "flat_no_trade", "unit_error", "before_break"),
        "bad_adjusted_close",
    ]
    assert [rule.__name__ for rule in HOURLY_RULES] == [
        *("superseded_vintage", "before_calendar", "null_bar"),
        *("non_positive_price", "impossible_bar", "non_session", "outside_hours"),
        *("partial_hour", "unit_error"),
    ]


YEAR = sessions(dt.date(2024, 1, 1), 200)
PRICED = {"open": 99.0, "high": 102.0, "low": 98.0, "close": 100.0, "adj_close": 100.0}
FLAT = {"open": 100.0, "high": 100.0, "low": 100.0, "volume": 0.0}
NOTHING_YET = {"open": 0.0, "high": 0.0, "low": 0.0, "close": 0.0, "volume": 0.0}


def counted(*rows):
    return dict(cleaned(*rows).refused.group_by("rule").len().rows())


def test_zeros_from_before_the_listing_are_named_as_such_and_later_ones_are_not():
    rows = [bar(day, **(NOTHING_YET if n < 30 or n == 50 else {})) for n, day in enumerate(YEAR)]

    assert counted(*rows) == {"before_first_price": 30, "non_positive_price": 1}


@pytest.mark.parametrize(
    ("length", "rule"), [(19, "flat_no_trade"), (20, "dead_stretch"), (76, "dead_stretch")]
)
def test_a_month_of_flat_bars_without_volume_is_a_dead_stretch(length, rule):
    rows = [bar(day, **(FLAT if 50 <= n < 50 + length else {})) for n, day in enumerate(YEAR)]

    assert counted(*rows) == {rule: length}


@pytest.mark.parametrize(
    ("factor", "kept_before"),
    [(1.0, True), (0.34, True), (2.99, True), (0.33, False), (3.01, False), (0.05, False)],
)
def test_history_before_a_dead_stretch_goes_only_when_the_price_cannot_be_compared(
    factor, kept_before
):
    after = {name: usual * factor for name, usual in PRICED.items()}
    rows = [
        bar(day, **(after if n >= 80 else FLAT if n >= 50 else {})) for n, day in enumerate(YEAR)
    ]

    refusals = {"dead_stretch": 30} | ({} if kept_before else {"before_break": 50})
    assert counted(*rows) == refusals


def test_a_stretch_without_rows_is_as_dead_as_one_of_flat_rows():
    after = {name: usual * 5 for name, usual in PRICED.items()}
    rows = [bar(day, **(after if n >= 80 else {})) for n, day in enumerate(YEAR) if not 59 < n < 80]
    shorter = [
        bar(day, **(after if n >= 80 else {})) for n, day in enumerate(YEAR) if not 60 < n < 80
    ]

    assert counted(*rows) == {"before_break": 60}
    assert counted(*shorter) == {}


def test_a_split_stated_inside_a_dead_stretch_makes_the_prices_comparable():
    after = {name: usual / 5 for name, usual in PRICED.items()}
    rows = [bar(day, **(after if n >= 80 else {})) for n, day in enumerate(YEAR) if not 50 < n < 80]
    split = bars(*rows).with_columns(
        level=pl.when(pl.col("date") < YEAR[80]).then(pl.col("close") / 5).otherwise("close")
    )

    assert apply_rules(split, DAILY_RULES, nse()).refused.is_empty()


def test_of_several_breaks_the_last_one_counts():
    dear = {name: usual * 5 for name, usual in PRICED.items()}
    rows = [
        bar(day, **(dear if 60 <= n < 120 else {}))
        for n, day in enumerate(YEAR)
        if not (30 <= n < 60 or 90 <= n < 120)
    ]

    assert counted(*rows) == {"before_break": 60}


def test_a_bar_in_another_unit_is_refused():
    rows = [bar(day) for day in YEAR]
    hundredfold = {name: usual * 100 for name, usual in PRICED.items()}
    rows[120] = bar(YEAR[120], **hundredfold)

    assert refused(*rows) == [(YEAR[120], "unit_error")]


def test_rows_that_stand_out_only_once_others_are_gone_are_refused_as_well():
    # adj_close over close: the 4 is off, and without it the 2.
    over = (1, 1, 2, 4, 1, 1)
    rows = [bar(day, adj_close=100.0 * k) for day, k in zip(YEAR, over, strict=False)]

    assert refused(*rows) == [(YEAR[3], "bad_adjusted_close"), (YEAR[2], "bad_adjusted_close")]


def test_a_bar_wrong_in_several_ways_is_refused_once_by_the_first_rule():
    refusals = cleaned(bar(SATURDAY, close=None, open=-1.0, high=1.0)).refused

    assert refusals.select("rule", "reason").rows() == [("null_bar", "null prices")]


def test_a_refused_row_is_whole_and_says_why():
    row = cleaned(*with_bent(close=-1.0)).refused.row(0, named=True)

    assert row == {
        **bar(WEEK[2], close=-1.0),
        "level": -1.0,
        "rule": "non_positive_price",
        "reason": "a price is not above zero, or the volume is below it",
    }


@pytest.mark.parametrize("rules", [DAILY_RULES, HOURLY_RULES], ids=["daily", "hourly"])
def test_no_bars_are_no_trouble(rules):
    result = cleaned(rules=rules)

    assert (result.kept.height, result.refused.height) == (0, 0)


DAYS = st.dates(dt.date(1999, 12, 1), dt.date(2026, 4, 13))
PRICE = st.sampled_from([None, -1.0, 0.0, 98.0, 99.0, 100.0, 102.0])
ANY_BAR = st.builds(
    lambda day, values, batch, basis: bar(
        day,
        **dict(zip(OHLCV, values, strict=True)),
        batch_id=batch,
        fetched_at=AFTER_CLOSE + dt.timedelta(hours=batch),
        price_basis=basis,
    ),
    DAYS,
    st.tuples(PRICE, PRICE, PRICE, PRICE, st.sampled_from([None, 0.0, 5.0])),
    st.integers(1, 2),
    st.sampled_from(["split", "split", "total"]),
)
SERIES = st.lists(ANY_BAR, max_size=12, unique_by=lambda row: row["date"]).map(
    lambda rows: sorted(rows, key=lambda row: row["date"])
)
RULES = st.sampled_from([DAILY_RULES, HOURLY_RULES])


@given(SERIES, RULES)
def test_every_bar_is_kept_or_refused_and_never_both(rows, rules):
    result = cleaned(*rows, rules=rules)

    days = sorted([*result.kept["date"], *result.refused["date"]])
    assert days == [row["date"] for row in rows]
    assert result.refused["reason"].null_count() == 0


@given(SERIES, RULES)
def test_clean_bars_pass_a_second_time(rows, rules):
    once = cleaned(*rows, rules=rules).kept

    twice = apply_rules(once, rules, nse())

    assert twice.kept.equals(once)
    assert twice.refused.is_empty()


@given(SERIES)
def test_bars_that_are_kept_are_whole_positive_and_possible(rows):
    for row in cleaned(*rows).kept.iter_rows(named=True):
        prices = [row[name] for name in OHLC]
        assert min(prices) == row["low"] > 0
        assert max(prices) == row["high"]
        assert row["volume"] > 0 or row["high"] > row["low"]
        assert nse().is_session(row["date"])


@given(st.lists(SERIES, min_size=2, max_size=4), RULES)
def test_a_series_is_cleaned_beside_others_as_by_itself(series, rules):
    named = [
        [row | {"ticker": f"T{number}.NS"} for row in rows] for number, rows in enumerate(series)
    ]

    together = cleaned(*(row for rows in named for row in rows), rules=rules)

    alone = [cleaned(*rows, rules=rules) for rows in named]
    assert together.kept.equals(pl.concat([result.kept for result in alone]))
    refused = pl.concat([result.refused for result in alone])
    by = ["ticker", "date"]
    assert together.refused.sort(by).equals(refused.sort(by))


def test_rows_before_a_break_are_refused_in_their_own_series_alone():
    days = sessions(dt.date(2025, 1, 1), 80)

    def series(ticker, after):
        closes = [100.0] * 30 + [after] * 20
        prices = [dict.fromkeys(("open", "high", "low", "close", "adj_close"), c) for c in closes]
        return [
            bar(day, ticker=ticker, **price)
            for day, price in zip([*days[:30], *days[60:]], prices, strict=True)
        ]

    result = cleaned(*series("A.NS", 100.0), *series("B.NS", 450.0), *series("C.NS", 20.0))

    broken = result.refused.group_by("ticker", "rule", "reason").len().sort("ticker")
    text = "nothing traded for a long time after it, then at {} times its price"
    assert broken.rows() == [
        ("B.NS", "before_break", text.format("4.5"), 30),
        ("C.NS", "before_break", text.format("0.2"), 30),
    ]
