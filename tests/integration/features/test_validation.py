"""What validation reads of stored features, and whose errors it tells."""

import datetime as dt
from dataclasses import replace

import polars as pl
import psycopg
import pytest

from src.core.errors import ValidationFailed
from src.core.tables import CLEAN_DAILY
from src.features import features_daily, validation
from tests.support.prices import clean_walk, context, run, sessions

DAYS = sessions(dt.date(2024, 6, 3), 300)
TICKERS = ("INFY.NS", "SBIN.NS", "TCS.NS")
# SBIN's prices end earlier, and TCS lacks two sessions of the last year.
CLEAN = pl.concat(
    [
        clean_walk("INFY.NS", DAYS),
        clean_walk("SBIN.NS", DAYS)[:200],
        clean_walk("TCS.NS", DAYS).filter(~pl.col("date").is_in([DAYS[5], DAYS[200], DAYS[290]])),
    ]
)


@pytest.fixture
def stored(store, home):
    """The context of tickers with features."""
    given = context(store, home, tickers=TICKERS)
    with store.transaction():
        store.replace(CLEAN_DAILY, TICKERS, CLEAN)
    run(features_daily.STAGE, given)
    return given


def test_the_checks_are_of_what_is_stored(stored):
    report = run(validation.STAGE, stored)

    assert report.rows == CLEAN.height
    found = {
        ticker: {each["check"]: each["details"] for each in checks}
        for ticker, checks in report.details["checks"].items()
    }
    assert [found[t]["rows"]["rows"] for t in TICKERS] == [280, 180, 277]
    assert found["TCS.NS"]["recent_sessions"]["missing"] == [str(DAYS[200]), str(DAYS[290])]
    assert found["SBIN.NS"]["recent_sessions"]["missing"] == []
    behind = [found[ticker]["freshness"]["sessions"] for ticker in TICKERS]
    assert behind[1] - behind[0] == 100
    assert behind[0] == behind[2]
    unknown = [len(found[ticker]["model_inputs"]["missing"]) for ticker in TICKERS]
    assert unknown == [0, 6, 0]


def test_the_error_names_each_ticker_that_fails(stored, database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE features_daily SET sma_7 = NULL WHERE ticker = 'TCS.NS'")

    with pytest.raises(ValidationFailed) as failed:
        run(validation.STAGE, stored)

    assert list(failed.value.by_ticker) == ["TCS.NS"]
    assert "277 of 277 rows lack a feature" in str(failed.value.by_ticker["TCS.NS"])
    assert str(failed.value) == str(failed.value.by_ticker["TCS.NS"])


def test_without_features_the_missing_rows_are_told_of_every_ticker(stored):
    with pytest.raises(ValidationFailed) as failed:
        run(validation.STAGE, replace(stored, tickers=("A.NS", "B.NS")))

    assert [str(error).split(" and")[0] for error in failed.value.by_ticker.values()] == [
        "A.NS: there are no daily bars,",
        "B.NS: there are no daily bars,",
    ]
