"""Sessions on which the adjusted close leaves the close, in hand-made bars."""

import datetime as dt

import polars as pl
import pytest

from src.data.corporate_actions.ledger import LEDGER_SCHEMA
from src.data.corporate_actions.price_checks.partings import find_partings

START = dt.date(2020, 1, 1)
ROWS, LEAP = 40, 20


def day(row):
    return START + dt.timedelta(days=row)


def series(moves=None, steps=None, level=100.0):
    """Closes that sway by 1 %; by row, a multiple of the close and one of adj_close / close.

    The open is the close, and adj_close is 90 % of it until a step.
    """
    close, ratio, price, share = [], [], level, 0.9
    for row in range(ROWS):
        price *= (moves or {}).get(row, 1.0)
        share *= (steps or {}).get(row, 1.0)
        close.append(price * (1.01 if row % 2 else 1.0))
        ratio.append(share)
    return pl.DataFrame(
        {
            "ticker": "TCS.NS",
            "date": [day(row) for row in range(ROWS)],
            "open": close,
            "close": close,
            "adj_close": [c * r for c, r in zip(close, ratio, strict=True)],
            "action_pending": False,
        }
    )


def ledger(*rows):
    stated = {
        "ticker": "TCS.NS",
        "kind": "dividend",
        "source": "yahoo",
        "origin": "stated",
        "ratio": None,
        "amount": None,
        "status": "applied",
        "decided_by": "rule",
        "evidence": "{}",
        "known_at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    }
    return pl.DataFrame([stated | row for row in rows], schema=LEDGER_SCHEMA)


def dividend(row, amount, **facts):
    return {"date": day(row), "amount": amount, **facts}


def parted(bars, *rows):
    return [int(row) for row in find_partings(bars, ledger(*rows)).nonzero()[0]]


@pytest.mark.parametrize(
    ("close", "adjusted"),
    [
        (0.94, 2.006),
        (1.01, 11.11),
        (1.0, 0.505),
        (0.505, 1.0),
        (0.70, 1.0),
        (1.0, 1.3),
        (1.0, 0.97),
        (1.03, 1.0),
    ],
)
def test_a_leap_of_one_series_alone_is_held_back_whichever_moved(close, adjusted):
    bars = series(moves={LEAP: close}, steps={LEAP: adjusted / close})

    assert parted(bars) == [LEAP]


def test_series_that_leap_together_do_not_part():
    assert parted(series(moves={LEAP: 0.5})) == []


def test_every_leap_is_found_and_nothing_between():
    assert parted(series(steps={5: 1.4, 30: 1 / 1.4})) == [5, 30]


@pytest.mark.parametrize("share", [0.003, 0.02])
def test_an_ordinary_dividend_need_not_be_listed(share):
    assert parted(series(steps={LEAP: 1 / (1 - share)})) == []


def test_a_large_one_needs_a_fall_of_the_price():
    taken_off = {LEAP: 1 / 0.93}

    assert parted(series(moves={LEAP: 0.94}, steps=taken_off)) == []
    assert parted(series(moves={LEAP: 1.0}, steps=taken_off)) == [LEAP]


def test_a_stated_dividend_explains_its_own_amount_whatever_its_size():
    # 40 of the close before, 101.
    bars = series(moves={LEAP: 61 / 101}, steps={LEAP: 101 / 61})

    assert parted(bars) == [LEAP]
    assert parted(bars, dividend(LEAP, 40.0)) == []
    assert parted(bars, dividend(LEAP, 40.0, status="applied", origin="entered")) == []


def test_more_than_a_listed_dividend_is_held_back():
    # 4 of 101 are taken off where 2 are listed.
    twice = series(moves={LEAP: 0.98}, steps={LEAP: 101 / 97})

    assert parted(twice, dividend(10, 2.0), dividend(LEAP, 2.0), dividend(30, 2.0)) == [LEAP]
    # Within a list, nothing else is taken off either.
    assert parted(series(steps={LEAP: 1 / 0.98}), dividend(10, 2.0), dividend(30, 2.0)) == [LEAP]


def test_a_dividend_that_is_not_taken_off_is_no_parting():
    assert parted(series(), dividend(LEAP, 5.0)) == []


def test_what_a_person_enters_is_no_list():
    entered = [dividend(row, 2.0, origin="entered") for row in (10, 30)]

    assert parted(series(steps={LEAP: 1 / 0.98}), *entered) == []


def test_an_amount_as_paid_is_brought_to_the_shares_of_today():
    # 80 a share were paid before a split of 2 for 1.
    bars = series(moves={LEAP: 61 / 101}, steps={LEAP: 101 / 61})
    split = {"date": day(30), "kind": "split", "ratio": 2.0, "origin": "inferred"}

    assert parted(bars, dividend(LEAP, 80.0), split) == []
    assert parted(bars, dividend(LEAP, 40.0), split) == [LEAP]


def test_a_demerger_that_a_person_accepted_explains_its_date():
    bars = series(moves={LEAP: 0.7}, steps={LEAP: 1 / 0.7})
    accepted = {"date": day(LEAP), "kind": "demerger", "ratio": 1.0, "decided_by": "person"}

    assert parted(bars, accepted) == []
    assert parted(bars, accepted | {"decided_by": "rule"}) == [LEAP]


def test_rounding_to_a_hundredth_is_no_parting():
    cheap = series(level=1.7).with_columns(pl.col("close", "adj_close", "open").round(2))

    assert parted(cheap) == []


@pytest.mark.parametrize("rows", [0, 1])
def test_no_bars_and_one_bar_are_fine(rows):
    assert find_partings(series().head(rows), ledger()).tolist() == [False] * rows
