"""Splits found in real prices: TCS's three bonus issues, vendors' faults, and splits put in."""

import datetime as dt
import gzip

import numpy as np
import polars as pl
import pytest

from benchmarks.studies.splits import measure_stated, read_series
from src.core.calendars.nse import nse
from src.data.corporate_actions.action import Action
from src.data.corporate_actions.adjust import adjust, shares_after
from src.data.corporate_actions.price_checks.split_inference import infer_splits
from tests.support.unadjust import unadjust

PRICES = ("open", "high", "low", "close", "volume")
BONUSES = [dt.date(2006, 7, 28), dt.date(2009, 6, 16), dt.date(2018, 5, 31)]

# Every jump in the 99 total-return series, and what it is.
YAHOO_JUMPS = {
    # Demergers: one left as it fell, two that the vendor adjusted for too much.
    ("ABFRL", "2025-05-22"): False,
    ("ANANTRAJ", "2020-10-06"): False,
    ("MOTHERSON", "2022-01-14"): False,
    # The bonus of 2024 is missing from the first bar of the listing, and from that bar alone.
    ("CDSL", "2017-07-03"): False,
    # Split and bonus of 2024-03-05, times 4: adjusted for back to this session and no further.
    ("CGCL", "2024-01-01"): True,
    # Traded again after a capital reduction and eleven weeks of suspension.
    ("PATANJALI", "2020-01-27"): False,
}


def framed(frame, date, names):
    return frame.select(
        pl.col(date).str.slice(0, 10).str.to_date().alias("date"),
        *(pl.col(name).cast(pl.Float64).alias(field) for name, field in names.items()),
        adj_close=pl.lit(None, dtype=pl.Float64),
    ).drop_nulls("close")


@pytest.fixture(scope="session")
def tcs(data):
    """NSE's own record: unadjusted."""
    raw = pl.read_csv(data / "tcs_daily" / "nse_raw_unadjusted_2004_2020.csv")
    return framed(raw, "Date", {name.capitalize(): name for name in PRICES})


@pytest.fixture(scope="session")
def upstox(data):
    """Fifty split-adjusted series by symbol."""
    files = sorted((data / "nse_daily_upstox").glob("*.csv"))
    return {
        path.name.split("_")[0]: framed(pl.read_csv(path), "timestamp", {p: p for p in PRICES})
        for path in files
    }


@pytest.fixture(scope="session")
def yahoo(data):
    """Ninety-nine series adjusted for splits and dividends, by symbol."""
    inferred = {}
    for path in sorted((data / "nse_daily_yahoo").glob("*.csv.gz")):
        head, _ticker, _empty, *rows = gzip.decompress(path.read_bytes()).splitlines()
        raw = pl.read_csv(b"\n".join([head, *rows]), infer_schema=False)
        names = {name.capitalize(): name for name in PRICES}
        inferred[path.name.split(".")[0]] = framed(raw, "Price", names)
    return inferred


def splits(inferred):
    return [Action(split.date, "split", ratio=split.ratio) for split in inferred]


def test_the_three_bonuses_of_tcs_are_found_and_nothing_else(tcs):
    inferred = infer_splits(tcs, [], nse())

    assert [(split.date, split.ratio, split.confident) for split in inferred] == [
        (day, 2.0, True) for day in BONUSES
    ]


def test_what_is_found_is_gone_once_it_is_stated(tcs):
    assert infer_splits(tcs, splits(infer_splits(tcs, [], nse())), nse()) == []


def test_the_adjusted_series_of_tcs_agrees_with_the_vendors(tcs, data):
    vendor = pl.read_csv(data / "tcs_daily" / "yahoo_2026-04-13.csv").select(
        pl.col("Date").str.to_date().alias("date"), theirs="Close"
    )

    both = adjust(tcs, splits(infer_splits(tcs, [], nse())), "unadjusted").join(vendor, on="date")

    off = (both["close"] / both["theirs"] - 1).abs()
    assert both.height == 4007
    assert (off <= 0.001).mean() >= 0.995
    assert off.max() < 0.01


def test_dividends_of_tcs_give_the_vendors_total_returns(tcs, data):
    folder = data / "tcs_daily"
    stated = pl.read_csv(folder / "yahoo_actions_2021-09-30.csv", try_parse_dates=True)
    # Entered twice at the source: 5.5 on the 21st is the whole of it.
    stated = stated.filter(pl.col("Date") != dt.date(2015, 10, 23))
    stated_splits = [
        Action(day, "split", ratio=ratio)
        for day, ratio in stated.filter(pl.col("Stock Splits") > 0)
        .select("Date", "Stock Splits")
        .rows()
    ]
    paid = stated.filter(pl.col("Dividends") > 0)
    # The vendor states them split-adjusted.
    evenings = paid["Date"].to_numpy().astype("datetime64[D]") - 1
    as_paid = paid["Dividends"].to_numpy() * shares_after(evenings, stated_splits)
    dividends = [
        Action(day, "dividend", amount=amount)
        for day, amount in zip(paid["Date"], as_paid, strict=True)
    ]
    theirs = pl.read_csv(folder / "yahoo_adjusted_2021-09-30.csv", try_parse_dates=True).select(
        pl.col("Date").cast(pl.Date).alias("date"), theirs="Close"
    )

    both = adjust(tcs, stated_splits + dividends, "unadjusted").join(theirs, on="date")
    returns = both.select("date", pl.col("adj_close", "theirs", "close").pct_change())
    ex_dates = returns.filter(pl.col("date").is_in(paid["Date"].to_list()))

    assert ((ex_dates["adj_close"] - ex_dates["theirs"]).abs() < 1e-3).mean() > 0.95
    assert ((ex_dates["close"] - ex_dates["theirs"]).abs() < 1e-3).mean() < 0.05


def test_the_only_jumps_in_adjusted_series_are_demergers_and_vendors_faults(yahoo):
    assert len(yahoo) == 99

    inferred = {
        (symbol, split.date.isoformat()): split.confident
        for symbol, series in yahoo.items()
        for split in infer_splits(series, [], nse())
    }

    assert inferred == YAHOO_JUMPS


def test_a_clean_vendor_has_no_jump_though_some_fell_by_a_quarter(upstox):
    assert len(upstox) == 50

    inferred = {symbol: infer_splits(series, [], nse()) for symbol, series in upstox.items()}

    assert {symbol for symbol, jumps in inferred.items() if jumps} == set()


def test_splits_put_into_real_series_are_found_with_their_ratio(upstox):
    random = np.random.default_rng(20)
    long = [series for series in upstox.values() if series.height > 1000][:20]
    tried = right = wrong = 0
    for ratio in (4 / 3, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 10.0, 15.0, 20.0):
        for series in long:
            row = int(random.integers(10, series.height - 6))
            put_in = [Action(series["date"][row], "bonus", ratio=ratio)]
            inferred = [
                (split.date, pytest.approx(split.ratio))
                for split in infer_splits(unadjust(series, put_in, "unadjusted"), [], nse())
                if split.confident
            ]
            tried += 1
            right += inferred == [(put_in[0].date, ratio)]
            wrong += any(split != (put_in[0].date, ratio) for split in inferred)

    assert tried == 200
    assert wrong == 0
    assert right / tried >= 0.93


def test_on_real_ex_dates_most_splits_are_applied_and_none_wrongly(data):
    """On tickers that no constant was chosen on: before, 14 of 25 were applied."""
    kept_back = [series for series in read_series() if not series.is_for_tuning]

    outcomes = measure_stated(kept_back)

    assert outcomes.total() == 25
    assert outcomes["applied right"] >= 22
    assert outcomes["applied wrong"] == outcomes["waiting wrong"] == 0
