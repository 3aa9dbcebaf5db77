"""The guide's command over real files of each kind, with their real defects."""

import pytest

from tests.support.checksums import checksums, rows
from tests.support.data_runs import data_is_stored

pytestmark = pytest.mark.usefixtures("prepared")

FILES = {
    "TCS.NS": "tcs_daily/yahoo_2026-04-13.csv",
    "ADANIENT.NS": "nse_daily_upstox/ADANIENT_2020-10-01_to_2025-09-30.csv",
    "ITCHOTELS.NS": "nse_daily_yahoo/ITCHOTELS.NS.csv.gz",
}
TCS = ("mlops.pipeline", "--ticker", "TCS.NS", "--source", "csv", "--path")


@pytest.mark.parametrize("ticker", FILES)
def test_a_real_file_goes_through_and_a_second_time_changes_nothing(
    command, fresh, embedded, data, ticker
):
    run = ("mlops.pipeline", "--ticker", ticker, "--source", "csv", "--path", data / FILES[ticker])
    with embedded() as url:
        ran = command(*run)
        assert ran.returncode == 0, ran.stderr
        once = checksums(url)
        assert fresh("-m", *run).returncode == 0

        assert checksums(url) == once
        unaccounted = rows(
            url,
            "SELECT (SELECT count(*) FROM raw_daily_prices) - "
            "(SELECT count(*) FROM raw_daily_prices_clean) - "
            "(SELECT count(*) FROM quarantine WHERE stage = 'data_cleaning' AND kind = 'daily')",
        )
    assert unaccounted == [(0,)]


def test_yahoos_tcs_begins_at_its_listing_and_every_flat_row_is_accounted_for(
    command, embedded, data
):
    assert data_is_stored(command(*TCS, data / FILES["TCS.NS"], "--skip-training"))

    with embedded() as url:
        spans = "SELECT min(date)::text, max(date)::text FROM raw_daily_prices_clean"
        assert rows(url, spans) == [("2004-08-25", "2026-04-13")]
        flat = rows(
            url,
            "SELECT q.rule, count(*) FROM quarantine q JOIN raw_daily_prices r ON "
            "r.date = q.at::date WHERE r.high = r.low AND r.volume = 0 GROUP BY 1 ORDER BY 1",
        )
    # 300 rows from before the listing, 11 phantoms on holidays, and 2025-03-18.
    assert flat == [("before_listing", 300), ("flat_no_trade", 1), ("non_session", 11)]


def test_the_null_last_row_of_a_later_vintage_is_in_quarantine(command, embedded, data):
    path = data / "tcs_daily/yfinance_multiheader_2026-04-20.csv"
    assert data_is_stored(command(*TCS, path, "--skip-training"))

    with embedded() as url:
        nulls = rows(url, "SELECT at, \"row\"->>'volume' FROM quarantine WHERE rule = 'null_bar'")
    assert nulls == [("2026-04-20", "2288558.0")]


def test_both_hourly_files_of_tcs_land_on_the_same_instants(command, embedded, data):
    files = ("naive_ist_2022_2025.csv", "yahoo_naive_utc_2023_2025.xlsx")
    for name in files:
        bring = ("src.data.ingest", "write", "--ticker", "TCS.NS", "--source", "csv")
        assert command(*bring, "--path", data / "tcs_hourly" / name).returncode == 0

    with embedded() as url:
        shared = rows(
            url,
            "SELECT count(*) FROM raw_hourly_prices a JOIN raw_hourly_prices b USING (ticker, ts) "
            "WHERE a.source = 'yahoo' AND b.source <> 'yahoo'",
        )
        first = rows(url, "SELECT min(ts) AT TIME ZONE 'Asia/Kolkata' FROM raw_hourly_prices")
    assert shared == [(3444,)]
    assert first[0][0].isoformat() == "2022-01-03T09:15:00"


def test_serial_dates_are_refused_in_one_sentence(command, data):
    ran = command(*TCS, data / "tcs_daily/nse_raw_unadjusted_serial_dates.csv")

    assert ran.returncode == 1
    (sentence,) = ran.stderr.splitlines()
    assert "1699" in sentence


def test_both_folders_come_in_at_once_with_eight_tickers_from_two_sources(command, embedded, data):
    folders = ("--path", data / "nse_daily_upstox", "--path", data / "nse_daily_yahoo")
    ran = command("src.data.ingest", "write", "--all", "--source", "csv", *folders)

    assert ran.returncode == 0, ran.stderr
    with embedded() as url:
        found = rows(
            url,
            "SELECT count(*), count(*) FILTER (WHERE n = 2) FROM (SELECT ticker, "
            "count(DISTINCT source) AS n FROM raw_daily_prices GROUP BY ticker) AS each_ticker",
        )
    assert found == [(141, 8)]
