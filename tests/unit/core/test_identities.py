"""Whose rows under a changed symbol are."""

import datetime as dt

import polars as pl
import pytest

from src.core.identities import Identities, Span

CHANGED, REUSED = dt.date(2011, 6, 29), dt.date(2015, 3, 2)
# OLD became NEW; another company took OLD up and became OTHER.
IDENTITIES = Identities(
    (
        Span("OLD.NS", None, CHANGED, "NEW.NS"),
        Span("OLD.NS", CHANGED, REUSED, "OTHER.NS"),
        Span("OLD.NS", REUSED, None, "OLD.NS"),
    )
)


@pytest.mark.parametrize(
    ("ticker", "day", "of_today"),
    [
        ("OLD.NS", dt.date(2011, 6, 28), "NEW.NS"),
        ("OLD.NS", dt.date(2011, 6, 29), "OTHER.NS"),
        ("OLD.NS", dt.date(2015, 3, 1), "OTHER.NS"),
        ("OLD.NS", dt.date(2015, 3, 2), "OLD.NS"),
        ("NEW.NS", dt.date(2001, 1, 1), "NEW.NS"),
        ("TCS.NS", dt.date(2011, 6, 28), "TCS.NS"),
    ],
)
def test_a_symbol_is_resolved_by_the_day(ticker, day, of_today):
    assert IDENTITIES.resolve(ticker, day) == of_today


def test_the_symbols_of_tickers_are_their_own_and_those_that_became_theirs():
    assert IDENTITIES.symbols_of(["TCS.NS", "NEW.NS"]) == ["TCS.NS", "NEW.NS", "OLD.NS"]
    assert IDENTITIES.symbols_of(["OLD.NS"]) == ["OLD.NS"]
    assert IDENTITIES.concern(["OTHER.NS"])
    assert not IDENTITIES.concern(["TCS.NS"])


def test_rows_get_the_ticker_of_their_day_and_keep_their_order():
    rows = pl.DataFrame(
        {
            "ticker": ["TCS.NS", "OLD.NS", "OLD.NS", "OLD.NS", "NEW.NS"],
            "date": [CHANGED, REUSED, CHANGED, dt.date(2011, 6, 28), CHANGED],
        }
    )

    resolved = IDENTITIES.resolve_rows(rows)

    assert resolved["ticker"].to_list() == ["TCS.NS", "OLD.NS", "OTHER.NS", "NEW.NS", "NEW.NS"]
    assert resolved["date"].to_list() == rows["date"].to_list()


def test_without_changes_every_ticker_is_its_own():
    nobody = Identities()

    assert nobody.resolve("TCS.NS", CHANGED) == "TCS.NS"
    assert nobody.symbols_of(["TCS.NS"]) == ["TCS.NS"]
    assert not nobody.was_changed("TCS.NS")


def test_rows_of_a_ticker_are_its_own_and_those_of_its_earlier_symbol():
    days = [dt.date(2011, 6, 27), dt.date(2011, 6, 28), CHANGED]
    rows = pl.DataFrame(
        [
            ("OLD.NS", days[0], 1.0),
            ("OLD.NS", days[1], 2.0),
            ("OLD.NS", days[2], 3.0),
            ("NEW.NS", days[1], 4.0),
            ("NEW.NS", days[2], 5.0),
        ],
        schema={"ticker": pl.String, "date": pl.Date, "close": pl.Float64},
        orient="row",
    )

    joined = IDENTITIES.rows_of(rows, ["NEW.NS"], ("ticker", "date"))

    assert joined.rows() == [
        ("NEW.NS", days[0], 1.0),
        ("NEW.NS", days[1], 4.0),
        ("NEW.NS", days[2], 5.0),
    ]
