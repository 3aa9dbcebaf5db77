"""The csv source over real files of several vendors; they are not part of the repository."""

import datetime as dt
import os
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from src.core.calendars.nse import nse
from src.core.errors import BadInput
from tests.support.price_files import all_deliveries, file_source

DATA = Path(os.environ.get("FORECAST_TEST_DATA") or Path(__file__).parents[6] / "shared" / "data")
pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"the real price files are not at {DATA} (set FORECAST_TEST_DATA)"
)
TCS = "TCS.NS"


def source(*names, ticker=None):
    return file_source(*(DATA / name for name in names), ticker=ticker)


@pytest.mark.parametrize(
    ("name", "layout", "vendor", "basis", "rows", "first", "last"),
    [
        (
            "yahoo_2026-04-13.csv",
            *("yahoo", "yahoo", "split", 5874),
            ("2002-08-12", 39.70000076293945),
            ("2026-04-13", 2472.60009765625),
        ),
        (
            "yahoo_adjusted_2021-09-30.csv",
            *("yahoo_adjusted", "yahoo", "total", 4463),
            ("2002-08-12", 29.519140243530273),
            ("2021-09-30", 3773.199951171875),
        ),
        (
            "yfinance_multiheader_2026-04-12.csv",
            *("yfinance", "yahoo", "total", 2470),
            ("2016-04-11", 991.4454956054688),
            ("2026-04-10", 2524.300048828125),
        ),
        (
            "yfinance_multiheader_2026-04-20.csv",
            *("yfinance", "yahoo", "total", 2471),
            ("2016-04-20", 969.1775512695312),
            ("2026-04-20", None),
        ),
        (
            "nse_raw_unadjusted_2004_2020.csv",
            *("nse", "nse", "unadjusted", 4037),
            ("2004-08-25", 987.95),
            ("2020-11-27", 2679.65),
        ),
    ],
)
def test_each_daily_layout_is_read_whole(name, layout, vendor, basis, rows, first, last):
    (found,) = source(f"tcs_daily/{name}", ticker=TCS).fetch("daily", TCS, None, None)

    assert (found.layout, found.vendor, found.price_basis) == (layout, vendor, basis)
    assert (found.frame.height, found.rejected.height) == (rows, 0)
    ends = found.frame.select(pl.col("date").cast(pl.String), "close").rows()
    assert (ends[0], ends[-1]) == (first, last)


def test_the_adjusted_close_of_yahoo_is_filled():
    (found,) = source("tcs_daily/yahoo_2026-04-13.csv", ticker=TCS).fetch("daily", TCS, None, None)

    assert found.frame["adj_close"][0] == 25.828407287597656


def test_serial_dates_are_refused():
    with pytest.raises(BadInput, match=r"such as 1699 \(line 2\), not dates"):
        source("tcs_daily/nse_raw_unadjusted_serial_dates.csv").tickers()


def test_a_list_of_dividends_is_no_price_file():
    with pytest.raises(BadInput, match="no column for open, high, low, close"):
        source("tcs_daily/yahoo_actions_2021-09-30.csv", ticker=TCS).tickers()


def test_a_file_of_another_symbol_is_refused():
    with pytest.raises(BadInput, match=r"it has prices of TCS\.NS, not of INFY\.NS"):
        source("tcs_daily/nse_raw_unadjusted_2004_2020.csv", ticker="INFY").tickers()


def test_hourly_twins_in_two_zones_agree_on_their_times():
    (indian,) = source("tcs_hourly/naive_ist_2022_2025.csv").fetch("hourly", TCS, None, None)
    (utc,) = source("tcs_hourly/yahoo_naive_utc_2023_2025.xlsx").fetch("hourly", TCS, None, None)

    common = indian.frame.join(utc.frame, on="ts")
    near = (common["close"] / common["close_right"] - 1).abs() <= 1e-3
    assert (indian.frame.height, utc.frame.height, common.height) == (6582, 3444, 3444)
    assert (~near).sum() == 91


@pytest.mark.parametrize("zone", ["", "+05:30"])
def test_hourly_bars_labelled_by_their_ends_are_stored_as_the_others(tmp_path, zone):
    name = "tcs_hourly/naive_ist_2022_2025.csv"
    (by_start,) = source(name).fetch("hourly", TCS, None, None)
    rows = pl.read_csv(DATA / name)
    start = rows["datetime"].str.to_datetime()
    is_last = start.dt.time() == dt.time(15, 15)
    end = start.dt.offset_by("15m").zip_with(is_last, start.dt.offset_by("1h"))
    path = tmp_path / "TCS.csv"
    rows.with_columns(datetime=end.dt.strftime("%Y-%m-%d %H:%M:%S") + zone).write_csv(path)

    (by_end,) = file_source(path, ticker=TCS).fetch("hourly", TCS, None, None)

    assert by_end.frame.equals(by_start.frame)


def test_hourly_bars_of_yahoo_are_split_adjusted_only():
    (utc,) = source("tcs_hourly/yahoo_naive_utc_2023_2025.xlsx").fetch("hourly", TCS, None, None)

    assert (utc.vendor, utc.layout, utc.price_basis) == ("yahoo", "yfinance_flat", "split")


def test_two_folders_of_many_tickers_are_read_without_exception():
    found = all_deliveries(source("nse_daily_upstox", "nse_daily_yahoo"))

    assert Counter((d.vendor, d.price_basis) for d in found) == {
        ("upstox", "split"): 50,
        ("yahoo", "total"): 99,
    }
    assert sum(d.rejected.height for d in found) == 0
    assert {"M&M.NS", "BAJAJ-AUTO.NS", "ITCHOTELS.NS"} <= {d.ticker for d in found}


def test_midnights_in_india_keep_their_date():
    (found,) = source("nse_daily_upstox", ticker=TCS).fetch("daily", TCS, None, None)

    days = found.frame["date"]
    assert (days[0], days[-1]) == (dt.date(2020, 10, 1), dt.date(2025, 9, 30))
    assert (nse().session_ids(days.to_numpy().astype("datetime64[D]")) >= 0).all()
