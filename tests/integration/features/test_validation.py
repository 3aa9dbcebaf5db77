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


def series(database_url, ticker="TCS.NS"):
    columns = "rows, usable, lacking, not_finite, short, long, data_hash <> '', changes"
    query = f"SELECT {columns} FROM feature_series WHERE ticker = %s"
    with psycopg.connect(database_url) as connection:
        return connection.execute(query, [ticker]).fetchone()


def execute(database_url, statement):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(statement)


def test_what_was_counted_when_it_was_stored_is_not_counted_again(stored, database_url):
    assert series(database_url)[:4] == (297, 277, 0, 0)
    execute(database_url, "UPDATE feature_series SET lacking = 277 WHERE ticker = 'TCS.NS'")

    with pytest.raises(ValidationFailed, match="277 of 277 rows lack a feature"):
        run(validation.STAGE, stored)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE features_daily SET sma_7 = 'NaN' WHERE ticker = 'TCS.NS'",
        "DELETE FROM features_daily WHERE ticker = 'TCS.NS' AND date > '2025-01-01'",
        "DELETE FROM dataset_long WHERE ticker = 'TCS.NS'",
        "TRUNCATE dataset_short",
    ],
)
def test_rows_that_were_changed_are_counted_again(stored, database_url, change):
    rows = series(database_url)
    execute(database_url, change)

    assert series(database_url) == (*rows[:6], False, rows[7] + 1)
    # What is gone from the table of labels alone is not looked for; its rows are counted, though.
    run(features_daily.STAGE, stored)
    again = series(database_url)
    assert again[6:] == (True, rows[7] + 1)
    assert again[0] == rows[0]
    assert again[3] == (297 if "NaN" in change else 0)


def test_other_tickers_stay_counted(stored, database_url):
    before = series(database_url, "INFY.NS")

    execute(database_url, "DELETE FROM dataset_long WHERE ticker = 'TCS.NS'")

    assert series(database_url, "INFY.NS") == before
