"""Gaps filled from candidate, and gaps that stay: worked out by hand."""

import datetime as dt

import polars as pl
import pytest

from src.core.calendars.nse import nse
from src.data.cleaning.repair.fill_gaps import CandidateBars, fill_gaps, missing_sessions
from tests.support.prices import sessions

DAYS = sessions(dt.date(2026, 1, 5), 9)
GAP = DAYS[4]
CLOSES = [100.0, 101.0, 102.0, 103.0, 104.0, 105.0, 106.0, 107.0, 108.0]


def series(level=1.0, *, without=(GAP,), basis="split", adjusted=1.0, adjusted_from=0, until=9):
    """Bars at ``CLOSES * level``; adj_close is ``adjusted`` times the close before that day."""
    rows = [
        {
            "date": day,
            "open": c * level,
            "high": c * level * 1.01,
            "low": c * level * 0.99,
            "close": c * level,
            "volume": 500.0,
            "adj_close": c * level * (adjusted if n < adjusted_from else 1.0),
            "price_basis": basis,
            "batch_id": 3,
            "reason": "taken from nse",
            "action_pending": False,
        }
        for n, (day, c) in enumerate(zip(DAYS, CLOSES, strict=True))
        if day not in without and n < until
    ]
    return pl.DataFrame(rows)


def second(level=1.0, *, is_total=False, **facts):
    return CandidateBars("second_source", "nse", series(level, without=(), **facts), is_total)


def repaired(bars, *candidates, gaps=(GAP,), ex_dates=()):
    return fill_gaps(bars, list(gaps), list(candidates), list(ex_dates))


def test_a_gap_is_filled_from_a_source_that_agrees_around_it():
    (repair,) = repaired(series(), second())

    assert (repair.date, repair.kind, repair.source, repair.batch_id) == (
        GAP,
        "second_source",
        "nse",
        3,
    )
    assert repair.reason == "taken from nse"
    assert repair.bar == {
        "open": 104.0,
        "high": pytest.approx(105.04),
        "low": pytest.approx(102.96),
        "close": 104.0,
        "volume": 500.0,
        "adj_close": 104.0,
    }


def test_without_candidate_of_the_day_the_gap_stays():
    assert repaired(series(), second(until=4)) == []


def test_candidate_that_differs_by_the_rounding_of_prices_is_taken_as_it_is():
    (repair,) = repaired(series(), second(1.0005))

    assert repair.bar["close"] == pytest.approx(104 * 1.0005, rel=1e-12)


def test_candidate_on_another_level_is_not_taken_when_both_should_stand_on_one():
    assert repaired(series(), second(2.0)) == []


def test_prices_without_dividends_are_brought_to_the_level_around_the_gap():
    (repair,) = repaired(series(0.9, basis="total"), second())

    assert repair.bar["close"] == pytest.approx(93.6, rel=1e-12)
    assert repair.bar["volume"] == 500.0
    assert repair.reason == "taken from nse, times 0.9 for its price level"


def test_a_level_that_changes_across_the_gap_hides_something():
    before = series(1.0).filter(pl.col("date") < GAP)
    after = series(1.01).filter(pl.col("date") > GAP)

    assert repaired(pl.concat([before, after]), second(is_total=True)) == []


def test_hourly_bars_may_be_off_by_what_a_last_trade_is():
    closes = second(1.003).bars

    assert repaired(series(), CandidateBars("second_source", "nse", closes)) == []
    (repair,) = repaired(series(), CandidateBars("hourly", "nse", closes))
    assert repair.bar["close"] == pytest.approx(104 * 1.003, rel=1e-12)


def test_the_first_candidate_that_holds_is_taken():
    other = CandidateBars("hourly", "upstox", series(1.0, without=()))

    assert repaired(series(), other, second())[0].source == "upstox"
    assert repaired(series(), second(2.0), other)[0].source == "upstox"


def test_candidate_that_may_only_show_the_level_is_not_taken():
    silent = second().bars.with_columns(reason=pl.lit(None, dtype=pl.String))

    assert repaired(series(), CandidateBars("hourly", "nse", silent)) == []


def test_a_last_bar_is_filled_by_what_stands_before_it():
    gaps = [DAYS[8]]

    (repair,) = repaired(series(without=(DAYS[8],)), second(), gaps=gaps)

    assert (repair.date, repair.bar["close"]) == (DAYS[8], 108.0)


def test_a_gap_before_every_bar_stays():
    assert repaired(series(without=(DAYS[0],)), second(), gaps=[DAYS[0]]) == []


@pytest.mark.parametrize(
    ("ex_date", "factor"),
    [(DAYS[4], 1.0), (DAYS[5], 0.95)],
    ids=["on the day itself", "on the day after"],
)
def test_a_known_dividend_at_the_gap_decides_its_adjusted_close(ex_date, factor):
    bars = series(adjusted=0.95, adjusted_from=4)

    (repair,) = repaired(bars, second(), ex_dates=[ex_date])

    assert repair.bar["adj_close"] == pytest.approx(104 * factor, rel=1e-12)


def test_a_dividend_of_unknown_date_at_the_gap_leaves_it_open():
    assert repaired(series(adjusted=0.95, adjusted_from=4), second()) == []


def test_a_dividend_between_the_last_bar_and_the_gap_leaves_it_open():
    bars = series(without=(DAYS[8],))

    assert repaired(bars, second(), gaps=[DAYS[8]], ex_dates=[DAYS[8]]) == []


@pytest.mark.parametrize(
    "bent",
    [
        {"close": 160.0, "high": 160.0},
        {"close": 60.0, "low": 60.0},
        {"high": 10_400.0},
        {"low": 1.04},
    ],
    ids=["far above", "far below", "a high of another unit", "a low of another unit"],
)
def test_a_bar_that_could_not_have_stood_there_is_not_taken(bent):
    good = second().bars
    on_the_day = pl.col("date") == GAP
    wrong = good.with_columns(
        pl.when(on_the_day).then(value).otherwise(name).alias(name) for name, value in bent.items()
    )

    assert repaired(series(), CandidateBars("second_source", "nse", wrong)) == []
    other = CandidateBars("hourly", "upstox", good)
    assert (
        repaired(series(), CandidateBars("second_source", "nse", wrong), other)[0].source
        == "upstox"
    )


def test_a_gap_before_a_move_that_nobody_understands_stays():
    marked = series().with_columns(action_pending=pl.col("date") == DAYS[5])

    assert repaired(marked, second()) == []


def test_candidate_that_ends_at_the_gap_shows_one_side_only():
    assert repaired(series(), second(until=5)) == []


def test_at_the_end_of_the_series_no_other_level_is_taken():
    gaps = [DAYS[8]]

    assert repaired(series(0.9, without=(DAYS[8],), basis="total"), second(), gaps=gaps) == []


def test_candidate_that_agrees_only_long_ago_is_not_taken():
    far = sessions(dt.date(2025, 10, 1), 4)
    old = series(until=4).with_columns(date=pl.Series(far))
    candidate = pl.concat([old, second().bars.filter(pl.col("date") >= GAP)])

    assert repaired(pl.concat([old, series()]), CandidateBars("hourly", "nse", candidate)) == []


def test_no_series_has_no_gaps():
    assert repaired(series().clear(), second()) == []


# Around Good Friday, 29 March 2024, and a weekend.
def test_holidays_and_weekends_are_not_missing():
    repair = missing_sessions(
        pl.Series([dt.date(2024, 3, 26), dt.date(2024, 3, 28), dt.date(2024, 4, 2)]), nse()
    )

    assert repair == [dt.date(2024, 3, 27), dt.date(2024, 4, 1)]


def test_no_bars_miss_no_session():
    assert missing_sessions(pl.Series([], dtype=pl.Date), nse()) == []
