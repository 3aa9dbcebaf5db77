"""Shares of other exchanges than NSE, brought in as a user brings them in."""

import csv
import datetime as dt
import json

import pytest

from src.core.calendars.nse import nse
from tests.support.checksums import rows
from tests.support.data_runs import data_is_stored

NOW = "2026-06-30T23:00+00:00"
# New York's whole-day closings of 2024-2026, as the exchange announced them.
CLOSED = {
    *("2024-01-15", "2024-02-19", "2024-03-29", "2024-05-27", "2024-06-19"),
    *("2024-07-04", "2024-09-02", "2024-11-28", "2024-12-25", "2025-01-01", "2025-01-09"),
    *("2025-01-20", "2025-02-17", "2025-04-18", "2025-05-26", "2025-06-19", "2025-07-04"),
    *("2025-09-01", "2025-11-27", "2025-12-25", "2026-01-01", "2026-01-19", "2026-02-16"),
    *("2026-04-03", "2026-05-25", "2026-06-19"),
}

# Indian sessions of which New York kept one as a holiday, 2026-06-19.
JUNE = dt.date(2026, 6, 1), dt.date(2026, 6, 30)

pytest.importorskip("exchange_calendars")


@pytest.fixture
def file(tmp_path):
    """Every session of New York, and a row on a day when it was closed."""
    first, last = dt.date(2024, 1, 2), dt.date(2026, 6, 30)
    days = [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
    days = [d for d in days if d.weekday() < 5 and str(d) not in CLOSED - {"2024-07-04"}]
    path = tmp_path / "prices.csv"
    with path.open("w", newline="") as lines:
        out = csv.writer(lines)
        out.writerow(["Date", "Open", "High", "Low", "Close", "Volume"])
        for n, day in enumerate(days):
            price = 100 + n % 7 + n / 50
            out.writerow([day, price, price + 1, price - 1, price + 0.5, 1000 + n])
    return path


def results(home):
    (run,) = (home / "mlops/runs").iterdir()
    return json.loads((run / "results.json").read_text())


def run(command, file, *which):
    from_file = ("--source", "csv", "--path", file, "--skip-training")
    return command("mlops.pipeline", *which, *from_file, FORECAST_NOW=NOW)


def test_a_share_of_new_york_keeps_new_yorks_sessions(command, home, file):
    ran = run(command, file, "--ticker", "AAPL", "--suffix", "")

    assert data_is_stored(ran), ran.stderr
    cleaning = results(home)["stages"]["data_cleaning"]
    assert cleaning["quarantined"] == {"non_session": 1}  # the fourth of July
    # 651 weekdays less 26 closings: 2024-08-15, closed in India, is among them.
    assert cleaning["rows"] == 625
    assert cleaning["missing_sessions"] == 0


def test_its_prices_under_an_indian_name_are_refused(command, embedded, file):
    with embedded() as url:
        ran = run(command, file, "--ticker", "TCS.NS")
        stored = rows(url, "SELECT count(*) FROM raw_daily_prices")

    assert ran.returncode == 1
    (sentence,) = ran.stderr.splitlines()
    assert (
        "lie on days when NSE was closed: the prices probably belong to another exchange"
        in sentence
    )
    assert stored == [(0,)]


@pytest.mark.parametrize(
    ("ticker", "sentence"),
    [
        ("BTC-USD", "BTC-USD has no exchange sessions"),
        ("INR=X", "INR=X has no exchange sessions"),
        ("FOO.ZZ", "The exchange of FOO.ZZ is not known"),
    ],
)
def test_what_has_no_calendar_is_wrong_usage(command, file, ticker, sentence):
    ran = run(command, file, "--ticker", ticker)

    assert ran.returncode == 2
    assert ran.stderr.startswith(sentence)
    assert len(ran.stderr.splitlines()) == 1


@pytest.fixture
def indian_file(tmp_path):
    path = tmp_path / "indian.csv"
    lines = [f"{day},100,101,99,100.5,1000" for day in nse().sessions(*JUNE)]
    path.write_text("\n".join(["Date,Open,High,Low,Close,Volume", *lines]))
    return path


def test_all_tickers_of_two_exchanges_are_cleaned_each_with_its_calendar(
    command, file, indian_file
):
    run(command, file, "--ticker", "AAPL", "--suffix", "")
    run(command, indian_file, "--ticker", "TCS.NS")
    ran = command("src.data.cleaning", "run", "--all", FORECAST_NOW=NOW)

    assert ran.returncode == 0, ran.stderr
    _, new_york, india = ran.stdout.split("data_cleaning: ")
    assert "AAPL" in new_york
    assert "non_session 1" in new_york
    assert "TCS.NS" in india
    assert "non_session" not in india
