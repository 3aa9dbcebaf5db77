"""NSE's daily files as a user brings them in, from a server on this machine that has them."""

import datetime as dt

import psycopg
import pytest

from src.core.calendars.nse import nse
from tests.support.many_tickers import names, write_files
from tests.support.nse_archive import action, nse_archive, udiff_path

pytestmark = pytest.mark.slow

COUNT = 3
BEFORE, LAST, NEXT = dt.date(2026, 6, 29), dt.date(2026, 6, 30), dt.date(2026, 7, 1)
DAYS = nse().sessions(dt.date(2026, 6, 24), NEXT)
INGEST = ("src.data.ingest", "write", "--all", "--source")


@pytest.fixture
def url(command, embedded, tmp_path):
    """The database of a home in which all tickers are stored up to the session before the last."""
    folder = tmp_path / "files"
    write_files(folder, COUNT, until=BEFORE)
    with embedded() as address:
        stored = command(*INGEST, "csv", "--path", folder, FORECAST_NOW=evening(BEFORE))
        assert stored.returncode == 0, stored.stderr
        yield address


@pytest.fixture
def archive(tmp_path, url):
    closes = closes_of(url)
    with nse_archive() as server:
        for day in DAYS:
            server.publish(day, market(closes, day))
        yield server


def evening(day):
    return f"{day}T20:00+05:30"


def closes_of(url):
    with psycopg.connect(url) as connection:
        query = "SELECT ticker, date, open, high, low, close FROM raw_daily_prices"
        return {(row[0], row[1]): row[2:] for row in connection.execute(query)}


def market(closes, day, change=1.0):
    """The bars of all tickers: those stored, and after them the last ones again."""
    known = min(day, BEFORE)
    return [
        (each.removesuffix(".NS"), "EQ", *(value * change for value in closes[each, known]), 1000)
        for each in names(COUNT)
    ]


@pytest.fixture
def ingest(command, archive):
    def run(day, **variables):
        return command(
            *(*INGEST, "nse"),
            FORECAST_NOW=evening(day),
            FORECAST_NSE_URL=archive.url,
            **variables,
        )

    return run


def newest(url):
    with psycopg.connect(url) as connection:
        query = "SELECT ticker, max(date) FROM raw_daily_prices WHERE source = 'nse' GROUP BY 1"
        return dict(connection.execute(query).fetchall())


def test_a_file_that_is_refused_or_damaged_is_one_sentence_and_comes_with_the_next_run(
    ingest, archive, url
):
    archive.status = 403
    refused = ingest(LAST)
    assert refused.stderr.count("HTTP 403 Forbidden") == 1, refused.stderr
    assert "Traceback" not in refused.stderr
    assert newest(url) == {}

    archive.status = None
    whole = archive.files[udiff_path(LAST)]
    archive.files[udiff_path(LAST)] = whole[: len(whole) // 2]
    damaged = ingest(LAST)
    assert damaged.stderr.count("its zip data is damaged") == 1, damaged.stderr
    assert newest(url) == {}

    archive.files[udiff_path(LAST)] = whole
    archive.requests.clear()
    brought = ingest(LAST)
    assert brought.returncode == 0, brought.stderr
    assert newest(url) == dict.fromkeys(names(COUNT), LAST)
    # What had come before the damaged file was on the disk.
    assert archive.requests == [udiff_path(LAST)]


def test_a_corrected_day_and_its_actions_are_stored_and_a_second_run_asks_for_nothing(
    ingest, archive, url
):
    symbol = names(COUNT)[0].removesuffix(".NS")
    archive.actions = [action(symbol, "Interim Dividend - Rs 2 Per Share", f"{NEXT:%d-%b-%Y}")]
    assert ingest(LAST).returncode == 0
    closes = closes_of(url)
    archive.publish(LAST, market(closes, LAST, change=1.01))
    archive.requests.clear()

    brought = ingest(NEXT)
    assert brought.returncode == 0, brought.stderr
    with psycopg.connect(url) as connection:
        revised = connection.execute(
            "SELECT DISTINCT ticker, at::date FROM price_revisions WHERE NOT noise ORDER BY 1"
        ).fetchall()
        dividends = connection.execute(
            "SELECT ticker, date, amount FROM corporate_actions WHERE source = 'nse'"
        ).fetchall()
    assert revised == [(each, LAST) for each in names(COUNT)]
    assert dividends == [(f"{symbol}.NS", NEXT, 2.0)]

    archive.requests.clear()
    archive.actions_requests.clear()
    again = ingest(NEXT)
    assert again.returncode == 0, again.stderr
    assert (archive.requests, archive.actions_requests) == ([], [])


def test_two_runs_at_once_share_the_files_on_the_disk(start, archive, url, home):
    variables = {"FORECAST_NOW": evening(LAST), "FORECAST_NSE_URL": archive.url}
    command = ("src.data.ingest", "write", "--source", "nse", "--ticker")
    runs = [start(*command, ticker, **variables) for ticker in names(2)]
    ended = [run.communicate(timeout=120)[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], ended
    assert newest(url) == dict.fromkeys(names(2), LAST)

    (folder,) = (home / "var" / "nse").iterdir()
    kept = {file.name: file.read_bytes() for file in folder.iterdir()}
    paths = {path.rpartition("/")[2]: path for path in archive.requests}
    assert {*paths, "actions_2026-05.json", "actions_2026-06.json"} == set(kept)
    assert all(kept[name] == archive.files[path] for name, path in paths.items())
