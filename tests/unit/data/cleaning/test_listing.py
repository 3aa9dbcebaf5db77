"""From which day on a share's prices count."""

import datetime as dt

import polars as pl
import pytest

from src.core.identities import Identities, Span
from src.data.cleaning.listing import find_first_days, left_out_warnings

LISTED = dt.date(2023, 8, 1)
FACTS = pl.DataFrame({"ticker": ["A.NS"], "listed_on": [LISTED], "source": ["EQUITY_L.csv"]})
RAW = {
    "ticker": pl.String,
    "date": pl.Date,
    "source": pl.String,
    "close": pl.Float64,
    "volume": pl.Float64,
}
LEDGER = {"ticker": pl.String, "date": pl.Date, "source": pl.String, "origin": pl.String}
STATES = {"ticker": pl.String, "state": pl.String, "date": pl.Date}


def frame(schema, *rows):
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def first_days(raw=(), ledger=(), states=(), identities=None):
    return find_first_days(
        FACTS,
        frame(RAW, *raw),
        frame(LEDGER, *ledger),
        frame(STATES, *states),
        identities or Identities(),
    )


def trade(date, source="nse", volume=1000.0):
    return ("A.NS", date, source, 100.0, volume)


def first_day(listings):
    return listings.first_days["listed_on"].to_list()


@pytest.mark.parametrize(
    "raw",
    [
        [],
        [trade(LISTED)],
        # Another vendor fills what is before a listing with whatever it has.
        [trade(dt.date(2023, 7, 31), source="yahoo")],
        # No trade, and a trade so long ago that the symbol may have been another company's.
        [trade(dt.date(2023, 7, 31), volume=0.0)],
        [trade(dt.date(2019, 7, 31))],
    ],
)
def test_the_stated_listing_is_the_first_day(raw):
    listings = first_days(raw)

    assert first_day(listings) == [LISTED]
    assert listings.warnings == ()


def test_nses_own_trades_before_it_contradict_it():
    listings = first_days([trade(dt.date(2016, 4, 20)), trade(dt.date(2023, 7, 31))])

    assert first_day(listings) == [None]
    assert listings.warnings[0].startswith(
        "A.NS: EQUITY_L.csv says that it was listed on 2023-08-01, but NSE's own files have its "
        "trades since 2016-04-20: its prices from before that day are kept."
    )


def test_nses_own_corporate_actions_before_it_contradict_it():
    listings = first_days(ledger=[("A.NS", dt.date(2023, 4, 21), "nse", "stated")])

    assert first_day(listings) == [None]
    assert "NSE has published its corporate actions since 2023-04-21" in listings.warnings[0]


def test_actions_of_others_do_not():
    listings = first_days(ledger=[("A.NS", dt.date(2023, 4, 21), "yahoo", "stated")])

    assert first_day(listings) == [LISTED]


def test_an_earlier_symbol_contradicts_it():
    day = dt.date(2023, 8, 1)
    spans = (Span("OLD.NS", None, day, "A.NS"), Span("OLD.NS", day, None, "OLD.NS"))

    listings = first_days(identities=Identities(spans))

    assert first_day(listings) == [None]
    assert "it was OLD.NS until 2023-08-01" in listings.warnings[0]


def test_a_persons_word_goes_before_all():
    day = dt.date(2010, 1, 8)

    listings = first_days([trade(dt.date(2023, 7, 31))], states=[("A.NS", "active", day)])

    assert first_day(listings) == [day]
    assert listings.warnings == ()


def test_a_word_about_a_later_day_says_nothing_of_the_listing():
    resumed = ("A.NS", "active", dt.date(2024, 1, 8))

    assert first_day(first_days([trade(dt.date(2023, 7, 31))], states=[resumed])) == [None]
    assert first_day(first_days(states=[resumed])) == [LISTED]


def refused(count):
    return pl.DataFrame({"ticker": ["A.NS"] * count, "rule": ["before_listing"] * count})


def test_rows_left_out_by_a_list_are_told():
    (sentence,) = left_out_warnings(refused(3), first_days())

    assert sentence == (
        "A.NS: 3 rows from before its listing on 2023-08-01 (EQUITY_L.csv) are left out; if it was "
        "traded before, say since when with `python -m src.data.instruments state --ticker A.NS "
        "--state active --date D --because …`, if not, confirm it with --date 2023-08-01."
    )


def test_a_confirmed_listing_is_told_no_more():
    confirmed = first_days(states=[("A.NS", "active", LISTED)])

    assert list(left_out_warnings(refused(3), confirmed)) == []
