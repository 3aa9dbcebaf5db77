"""Real prices with their real defects: repaired from other sources, and read as of a time."""

import datetime as dt
import json

import pytest

from tests.support.checksums import rows
from tests.support.data_runs import data_is_stored

pytestmark = pytest.mark.usefixtures("prepared")

TCS = "TCS.NS"
BRING = ("src.data.ingest", "write", "--ticker", TCS, "--source", "csv", "--path")
CLEAN = ("src.data.cleaning", "write", "--ticker", TCS)
YAHOO = "tcs_daily/yahoo_2026-04-13.csv"
NSE = "tcs_daily/nse_raw_unadjusted_2004_2020.csv"


@pytest.fixture
def done(command):
    """Run commands that must succeed."""

    def run(*commands):
        for arguments in commands:
            ran = command(*arguments)
            assert ran.returncode == 0, ran.stderr

    return run


@pytest.mark.parametrize("hourly", ["naive_ist_2022_2025.csv", "yahoo_naive_utc_2023_2025.xlsx"])
def test_a_session_that_yahoo_shows_flat_is_rebuilt_from_hourly_bars(done, embedded, data, hourly):
    flat = "SELECT * FROM raw_daily_prices_clean WHERE date = '2025-03-18'"
    done((*BRING, data / YAHOO), CLEAN)
    with embedded() as url:
        assert rows(url, flat) == []

    done((*BRING, data / "tcs_hourly" / hourly), CLEAN)

    with embedded() as url:
        (bar,) = rows(
            url,
            "SELECT open, high, low, close, volume, adj_close / close, repaired_by FROM "
            "raw_daily_prices_clean WHERE date = '2025-03-18'",
        )
        noted = rows(
            url,
            "SELECT at, rule, source, \"row\"->>'volume' FROM quarantine WHERE action = 'repaired' "
            "AND at = '2025-03-18'",
        )
        beside = rows(
            url,
            "SELECT adj_close / close FROM raw_daily_prices_clean WHERE date = '2025-03-19'",
        )
        balance = rows(
            url,
            "SELECT (SELECT count(*) FROM raw_daily_prices), (SELECT count(*) FROM "
            "raw_daily_prices_clean WHERE repaired_by IS NULL), (SELECT count(*) FROM quarantine "
            "WHERE kind = 'daily' AND action = 'rejected')",
        )
    # NSE's own record of the day: close 3552.45.
    assert bar[3] == pytest.approx(3552.45, rel=0.005)
    assert bar[2] <= min(bar[0], bar[3])
    assert max(bar[0], bar[3]) <= bar[1]
    assert bar[5] == pytest.approx(beside[0][0], rel=1e-6)
    assert bar[6] == "hourly"
    ((at, rule, source, old_volume),) = noted
    assert (at, rule, float(old_volume)) == ("2025-03-18", "hourly", 0.0)
    assert source == ("yahoo" if hourly.startswith("yahoo") else "unnamed")
    assert balance == [(5874, 5331, 543)]


def test_sessions_that_yahoo_lacks_are_taken_from_the_exchanges_record(done, embedded, data):
    done((*BRING, data / YAHOO), (*BRING, data / NSE), CLEAN)

    with embedded() as url:
        taken = rows(
            url,
            "SELECT c.date, n.close / c.close FROM raw_daily_prices_clean c JOIN "
            "raw_daily_prices n ON n.date = c.date AND n.source = 'nse' "
            "WHERE c.repaired_by = 'second_source' AND c.source = 'nse' ORDER BY 1",
        )
        inferred = rows(
            url,
            "SELECT date::text, ratio, source FROM corporate_actions WHERE status = 'applied' "
            "ORDER BY 1",
        )
    assert inferred == [(day, 2.0, "nse") for day in ("2006-07-28", "2009-06-16", "2018-05-31")]
    # Diwali evenings, budget Saturdays and drills: divided by the bonuses that came after.
    assert len(taken) == 28
    assert taken[0][0] == dt.date(2004, 10, 9)
    for day, ratio in taken:
        later = sum(day < dt.date.fromisoformat(date) for date, _, _ in inferred)
        assert ratio == pytest.approx(2**later, rel=1e-12), day


def test_the_largest_moves_that_stay_are_real_ones(done, embedded, data):
    done((*BRING, data / YAHOO), CLEAN)

    with embedded() as url:
        largest = rows(
            url,
            "SELECT date::text, round(100 * r::numeric, 1) FROM (SELECT date, close / lag(close) "
            "OVER (ORDER BY date) - 1 AS r FROM raw_daily_prices_clean) AS moves WHERE r IS NOT "
            "NULL ORDER BY abs(r) DESC LIMIT 3",
        )
    # The Monday after the election of 2009, when the exchange halted at its upper limit; results
    # of July 2009; the recovery of October 2008.
    assert [(day, float(move)) for day, move in largest] == [
        *(("2009-05-18", 15.5), ("2009-07-20", 15.3), ("2008-10-21", 13.8)),
    ]


@pytest.fixture
def pipeline(command, home):
    """Run the pipeline on TCS at a fixed time; its results."""

    def run(now, *arguments):
        before = set((home / "mlops" / "runs").glob("*"))
        ran = command("mlops.pipeline", "--ticker", TCS, *arguments, FORECAST_NOW=now)
        assert ran.returncode == 0, ran.stderr
        (folder,) = set((home / "mlops" / "runs").glob("*")) - before
        return json.loads((folder / "results.json").read_text())

    return run


def test_a_run_can_be_repeated_as_it_was_before_a_later_vintage_came(
    pipeline, embedded, data, home
):
    vintage = data / "tcs_daily"
    first = pipeline(
        "2026-04-12T12:00:00Z",
        *("--source", "csv", "--path", vintage / "yfinance_multiheader_2026-04-12.csv"),
        *("--fetched-at", "2026-04-12T10:00:00Z"),
    )
    models = sorted(path.name for path in (home / "models").rglob("*"))
    second = pipeline(
        "2026-04-20T12:00:00Z",
        *("--source", "csv", "--path", vintage / "yfinance_multiheader_2026-04-20.csv"),
        *("--fetched-at", "2026-04-20T11:00:00Z", "--skip-training"),
    )

    again = pipeline("2026-04-21T12:00:00Z", "--known-at", "2026-04-12T12:00:00Z")
    later = pipeline(
        "2026-04-21T12:00:00Z", "--known-at", "2026-04-20T12:00:00Z", "--skip-training"
    )

    assert first["data_hash"] != second["data_hash"]
    assert again["data_hash"] == first["data_hash"]
    assert later["data_hash"] == second["data_hash"]
    for each in (*again["forecasts"], *first["forecasts"]):
        del each["model"]["version"]  # what is not stored has none
    assert again["forecasts"] == first["forecasts"]
    assert (again["live"], again["known_at"]) == (False, "2026-04-12T12:00:00+00:00")
    assert sorted(path.name for path in (home / "models").rglob("*")) == models
    with embedded() as url:
        noise = rows(
            url, "SELECT field, count(*) FROM price_revisions WHERE noise GROUP BY 1 ORDER BY 1"
        )
        real = rows(url, "SELECT count(*) FROM price_revisions WHERE NOT noise")
        only_older = rows(url, "SELECT count(*) FROM quarantine WHERE rule = 'superseded_vintage'")
        kept = rows(url, "SELECT count(*) FROM raw_daily_prices")
    assert noise == [(field, 1782) for field in ("close", "high", "low", "open")]
    assert (real, only_older, kept) == ([(0,)], [(4,)], [(2475,)])


def written_rows(url, table):
    """Key to the transaction that last wrote the row."""
    result = rows(url, f"SELECT ticker, date::text, xmin::text FROM {table}")
    return {(ticker, day): written for ticker, day, written in result}


def rewritten(before, after):
    return sorted(key for key, written in after.items() if before.get(key) != written)


def test_a_changed_close_rebuilds_what_it_touches_and_nothing_else(
    command, embedded, data, tmp_path
):
    lines = (data / YAHOO).read_text().splitlines()
    header, *body = lines
    names = header.split(",")
    restated = []
    for line in body:
        cells = line.split(",")
        if cells[0] == "2026-03-02":
            cells[names.index("Close")] = str(float(cells[names.index("High")]))
        restated.append(",".join(cells))
    path = tmp_path / "restated.csv"
    path.write_text("\n".join([header, *restated]) + "\n")
    other = data / "nse_daily_upstox/INFY_2020-10-01_to_2025-09-30.csv"
    run = ("mlops.pipeline", "--skip-training", "--source", "csv")
    for ticker, file in ((TCS, data / YAHOO), ("INFY.NS", other)):
        ran = command(*run, "--ticker", ticker, "--path", file, FORECAST_NOW="2026-04-14T06:00:00Z")
        assert data_is_stored(ran), ran.stderr
    tables = ("raw_daily_prices_clean", "features_daily")
    with embedded() as url:
        before = {table: written_rows(url, table) for table in tables}

    ran = command(*run, "--ticker", TCS, "--path", path, FORECAST_NOW="2026-04-15T06:00:00Z")

    assert data_is_stored(ran), ran.stderr
    with embedded() as url:
        after = {table: written_rows(url, table) for table in tables}
        revisions = rows(url, "SELECT at::date::text, field, noise FROM price_revisions")
        sessions = [
            day
            for (day,) in rows(
                url,
                "SELECT date::text FROM raw_daily_prices_clean WHERE ticker = %s ORDER BY 1",
                TCS,
            )
        ]
    assert revisions == [("2026-03-02", "close", False)]
    assert rewritten(before[tables[0]], after[tables[0]]) == [(TCS, "2026-03-02")]
    at = sessions.index("2026-03-02")
    # Model inputs look back on a year of ranges, so the change is in every row since.
    assert rewritten(before[tables[1]], after[tables[1]]) == [(TCS, day) for day in sessions[at:]]
