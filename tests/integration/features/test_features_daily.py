"""What the stage stores of features, labels and pools, and what it leaves alone."""

import datetime as dt

import numpy as np
import polars as pl
import psycopg
import pytest

from src.core.tables import (
    CLEAN_DAILY,
    DATASET_LONG,
    DATASET_SHORT,
    FEATURES_DAILY,
    POOL_MEMBERS,
)
from src.features.catalogue import time_series_features, version
from src.features.features_daily import STAGE
from tests.support.prices import checksums, clean_walk, context, rows, run, sessions

DAYS = sessions(dt.date(2025, 1, 1), 300)
TICKERS = ("INFY.NS", "TCS.NS")
TABLES = (FEATURES_DAILY, DATASET_SHORT, DATASET_LONG)


def clean(count=300, **changes):
    frames = [clean_walk(ticker, DAYS, seed=n)[:count] for n, ticker in enumerate(TICKERS)]
    return pl.concat(frames).with_columns(**changes)


def stored(store, home, frame, tickers=TICKERS, **settings):
    """The stage after the clean prices were replaced; the rows that it changed."""
    with store.transaction():
        store.replace(CLEAN_DAILY, tickers, frame)
    report = run(STAGE, context(store, home, tickers=tickers, **settings))
    return report.details["changed_rows"]


def written_by(reader, table):
    """The transaction that wrote each row, by ticker and date."""
    selected = reader.execute(f"SELECT ticker, date, xmin::text FROM {table.name}").fetchall()
    return {(ticker, day): transaction for ticker, day, transaction in selected}


@pytest.fixture
def reader(database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def test_every_session_has_features_and_every_realised_label_a_row(store, home, reader):
    assert stored(store, home, clean()) == 2 * (300 + 299 + 237)

    features = rows(store, FEATURES_DAILY, *TICKERS)
    assert features.height == 600
    assert set(features["inputs"].list.len()) == {33}
    assert rows(store, DATASET_SHORT, "TCS.NS").height == 299
    assert rows(store, DATASET_LONG, "TCS.NS").height == 237
    members = rows(store, POOL_MEMBERS, *TICKERS)
    assert members.select("ticker", "pool", "newest_session").rows() == [
        ("INFY.NS", "NSE", DAYS[-1]),
        ("TCS.NS", "NSE", DAYS[-1]),
    ]
    assert members["last_close"].to_list() == features.filter(date=DAYS[-1])["close"].to_list()
    names = [feature.name for feature in time_series_features()]
    assert reader.execute("SELECT * FROM feature_sets").fetchall() == [(version(), names)]


def test_a_second_run_writes_nothing(store, home, database_url):
    stored(store, home, clean())
    before = checksums(database_url)

    assert stored(store, home, clean()) == 0

    assert checksums(database_url) == before


def test_a_new_session_writes_its_own_rows_alone(store, home, reader):
    stored(store, home, clean(299))
    before = {table.name: written_by(reader, table) for table in TABLES}

    # Of each ticker: its features, the label of the session before, that of 63 sessions before.
    assert stored(store, home, clean()) == 2 * 3

    for table in TABLES:
        after = written_by(reader, table)
        assert {key: after[key] for key in before[table.name]} == before[table.name]
    assert stored(store, home, clean()) == 0


def test_rows_are_those_of_one_run_however_they_came(store, home):
    for count in (200, 299, 300):
        stored(store, home, clean(count))
    step_by_step = [rows(store, table, *TICKERS) for table in (*TABLES, POOL_MEMBERS)]
    stored(store, home, clean().clear())

    stored(store, home, clean())

    at_once = [rows(store, table, *TICKERS) for table in (*TABLES, POOL_MEMBERS)]
    for one, other in zip(step_by_step, at_once, strict=True):
        assert one.equals(other)


@pytest.mark.parametrize("table", TABLES)
def test_where_the_newest_rows_are_of_other_formulas_all_rows_are_made_anew(
    store, home, reader, table
):
    stored(store, home, clean(299))
    reader.execute(f"UPDATE {table.name} SET sma_7 = sma_7 * 1.0000001")

    # And three new ones for each ticker.
    changed = stored(store, home, clean())

    assert changed == 2 * (3 + rows(store, table, "TCS.NS").drop_nulls("sma_7").height - 1)
    assert rows(store, DATASET_SHORT, "TCS.NS")["sma_7"].equals(
        rows(store, FEATURES_DAILY, "TCS.NS")["sma_7"][:-1]
    )


@pytest.mark.parametrize("count", [299, 300])
@pytest.mark.parametrize("gone", [DAYS[100], DAYS[298]])
def test_rows_that_were_deleted_are_made_anew(store, home, reader, gone, count):
    stored(store, home, clean())
    expected = rows(store, FEATURES_DAILY, *TICKERS)
    stored(store, home, clean(count))
    reader.execute("DELETE FROM features_daily WHERE ticker = 'TCS.NS' AND date = %s", [gone])

    # The other ticker, where there is no new session, is left alone.
    assert stored(store, home, clean()) == {299: 2 * 3 + 1, 300: 1}[count]

    assert rows(store, FEATURES_DAILY, *TICKERS).equals(expected)


def test_a_run_counts_all_rows_and_labels_whatever_it_writes(store, home):
    counts = {"rows": 300, "warm_up": 20, "short": 299, "long": 237}
    for _ in range(2):
        with store.transaction():
            store.replace(CLEAN_DAILY, TICKERS, clean())
        report = run(STAGE, context(store, home, tickers=TICKERS))

        assert report.rows == 600
        assert report.details["warm_up_rows"] == 40
        assert report.counts == dict.fromkeys(TICKERS, counts)


def test_a_changed_price_changes_the_rows_that_rest_on_it(store, home):
    stored(store, home, clean())
    doubled = pl.when((pl.col("ticker") == "TCS.NS") & (pl.col("date") == DAYS[150]))

    changed = stored(
        store, home, clean(volume=doubled.then(pl.col("volume") * 2).otherwise("volume"))
    )

    # Its own row, and 251 after it at most of those that look back on volumes.
    assert 1 < changed <= 2 * 252
    assert rows(store, FEATURES_DAILY).filter(date=DAYS[150])["volume"].item() > 0


def test_a_ticker_whose_clean_rows_vanish_leaves_its_pool(store, home, reader):
    stored(store, home, clean())

    stored(store, home, clean().filter(ticker="INFY.NS"))

    assert rows(store, POOL_MEMBERS, *TICKERS)["ticker"].to_list() == ["INFY.NS"]
    assert all(rows(store, table, "TCS.NS").is_empty() for table in TABLES)


def test_one_synthetic_bar_makes_a_ticker_a_sample(store, home):
    synthetic = pl.when((pl.col("ticker") == "TCS.NS") & (pl.col("date") == DAYS[3]))
    stored(store, home, clean(source=synthetic.then(pl.lit("sample")).otherwise("source")))

    assert rows(store, POOL_MEMBERS, *TICKERS)["pool"].to_list() == ["NSE", "SAMPLE"]


def test_other_windows_replace_the_columns_and_leave_no_label_out(store, home):
    stored(store, home, clean())
    before = rows(store, POOL_MEMBERS, "TCS.NS").row(0, named=True)

    stored(store, home, clean(), features={"sma_periods": (5, 250)})

    after = rows(store, POOL_MEMBERS, "TCS.NS").row(0, named=True)
    assert after["features_version"] == before["features_version"]
    assert after["data_hash"] != before["data_hash"]
    labels = rows(store, DATASET_SHORT, "TCS.NS")
    assert labels.height == 299
    assert labels["sma_7"].null_count() == 299
    assert labels["sma_250"].null_count() == labels["warm_up"].sum() == 249


def test_a_run_that_looks_back_changes_nothing(store, home, database_url):
    stored(store, home, clean())
    before = checksums(database_url)
    then = context(store, home, tickers=TICKERS, as_of=DAYS[200])

    run(STAGE, then)

    assert checksums(database_url) == before
    assert then.store.load(FEATURES_DAILY, ["TCS.NS"])["date"].max() == DAYS[200]
    labels = then.store.load(DATASET_SHORT, ["TCS.NS"])
    assert labels["label_end"].max() == DAYS[200]
    assert np.isfinite(labels["target"].to_numpy()).all()
