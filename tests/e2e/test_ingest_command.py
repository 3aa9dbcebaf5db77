"""The ingest command: what fails is listed beside what is stored, and a batch is taken out."""

import datetime as dt

import pytest

from tests.support.checksums import rows
from tests.support.prices import clean_walk, sessions

pytestmark = pytest.mark.usefixtures("prepared")

INGEST = "src.data.ingest"
NOW = {"FORECAST_NOW": "2026-04-13T12:30:00Z"}
COUNTS = "SELECT ticker, count(*) FROM raw_daily_prices GROUP BY ticker ORDER BY ticker"


@pytest.fixture
def folder(tmp_path):
    """A folder with files of TCS and WIPRO and a web page in the place of INFY's."""
    made = tmp_path / "prices"
    made.mkdir()
    days = sessions(dt.date(2025, 6, 2), 60)
    for seed, name in enumerate(("TCS", "WIPRO")):
        walk = clean_walk(f"{name}.NS", days, seed=seed)
        walk = walk.select("date", "open", "high", "low", "close", "volume")
        walk.write_csv(made / f"{name}.NS.csv")
    (made / "INFY.NS.csv").write_text("<!DOCTYPE html><html>404</html>")
    return made


def test_a_bad_file_is_listed_and_the_rest_is_stored(command, embedded, folder):
    with embedded() as url:
        ran = command(INGEST, "write", "--all", "--source", "csv", "--path", folder, **NOW)

        assert ran.returncode == 1
        assert ran.stderr == (
            f"not stored: {folder / 'INFY.NS.csv'}: it is a web page, not prices: download the "
            "file itself.\n"
        )
        assert rows(url, COUNTS) == [("TCS.NS", 60), ("WIPRO.NS", 60)]


def test_a_batch_is_withdrawn_by_its_number_once(command, embedded, folder):
    with embedded() as url:
        command(INGEST, "write", "--all", "--source", "csv", "--path", folder, **NOW)
        find = "SELECT batch_id FROM ingest_batches WHERE ticker = 'WIPRO.NS'"
        ((number,),) = rows(url, find)
        take_out = (INGEST, "withdraw", "--batch", number)

        ran, again, unknown = (
            command(*take_out, **NOW),
            command(*take_out, **NOW),
            command(INGEST, "withdraw", "--batch", 99, **NOW),
        )

        assert (ran.returncode, again.returncode, unknown.returncode) == (0, 1, 1)
        path = folder / "WIPRO.NS.csv"
        assert ran.stdout == (
            f"WIPRO.NS: batch {number} ({path}) is withdrawn, 60 rows changed; rebuild the "
            "prices with `python -m mlops.pipeline --ticker WIPRO.NS --source stored`.\n"
        )
        assert again.stderr == f"Batch {number} is withdrawn already.\n"
        assert unknown.stderr.startswith("No batch 99 is stored: ")
        assert rows(url, COUNTS) == [("TCS.NS", 60)]


def test_the_help_names_the_withdrawal(command):
    assert f"python -m {INGEST} withdraw --batch N" in " ".join(
        command(INGEST, "--help").stdout.split()
    )


def test_files_are_shown_as_they_would_be_read_without_a_database(command, folder):
    ran = command(INGEST, "show", "--path", folder, "--vendor", "nse", **NOW)

    assert ran.returncode == 1
    blocks = ran.stdout.split("\n\n")
    assert blocks[0] == (
        f"{folder / 'INFY.NS.csv'}\n  refused    it is a web page, not prices: download the file "
        "itself."
    )
    assert blocks[1].startswith(f"{folder / 'TCS.NS.csv'}\n  layout     plain\n  vendor     nse\n")
    assert "\n  dates      2025-06-02 to " in blocks[1]
    assert blocks[3].endswith("3 files: 2 can be read, 1 refused. Nothing was stored.\n")
    assert "postgres" not in ran.stderr
    good = command(INGEST, "show", "--path", folder / "TCS.NS.csv", **NOW)
    assert good.returncode == 0


def test_names_of_files_are_held_against_what_is_stored(command, embedded, folder):
    name = folder / "wipro.csv"
    with embedded():
        command(INGEST, "write", "--all", "--source", "csv", "--path", folder, **NOW)
        (folder / "WIPRO.NS.csv").rename(name)

        ran = command(INGEST, "show", "--path", name, **NOW)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert "\n  tickers    WIPRO.NS\n" in ran.stdout
    assert "held against the stored and listed symbols" in ran.stdout


@pytest.mark.parametrize(("ticker", "code"), [("WIPRO.NS", 0), ("SBIN.NS", 1)])
def test_show_of_a_ticker_agrees_with_what_write_takes(command, embedded, folder, ticker, code):
    (folder / "INFY.NS.csv").unlink()
    chosen = ("--path", folder, "--ticker", ticker)
    with embedded():
        shown = command(INGEST, "show", *chosen, **NOW)
        written = command(INGEST, "write", "--source", "csv", *chosen, **NOW)

    assert (shown.returncode, written.returncode) == (code, code)
    read = 1 - code
    assert f"2 files: {read} can be read, 0 refused, {2 - read} passed by." in shown.stdout
