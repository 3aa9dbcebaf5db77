"""Runs of many tickers from a Yahoo that refuses too many requests, as a user starts them."""

import csv
import datetime as dt

import psycopg
import pytest

from src.core.calendars.nse import nse
from src.db.tables.source_pace import source_pauses
from tests.support.many_tickers import EVENING, names, results, write_files
from tests.support.nse_archive import nse_archive, udiff_path
from tests.support.yahoo_replay import CHART, EMPTY, chart, yahoo_replay

pytestmark = pytest.mark.slow

COUNT = 40
# Quick, and with far more at once than the server allows.
PACE = {
    "FORECAST_SOURCES__YAHOO__BURST": "1000",
    "FORECAST_SOURCES__YAHOO__SECONDS_PER_REQUEST": "0.01",
}


@pytest.fixture(scope="module")
def charts(tmp_path_factory):
    """What Yahoo has: a session more than the files."""
    folder = tmp_path_factory.mktemp("whole")
    write_files(folder, COUNT)
    return {ticker: daily(ticker, folder) for ticker in names(COUNT)} | {
        (ticker, "1h"): EMPTY for ticker in names(COUNT)
    }


def daily(ticker, folder):
    bars = []
    with (folder / f"{ticker}.csv").open() as lines:
        for row in csv.DictReader(lines):
            opening = dt.datetime.fromisoformat(f"{row['date']}T03:45+00:00")
            prices = [float(row[name]) for name in ("open", "high", "low", "close", "volume")]
            bars.append((opening, *prices))
    return chart(ticker, bars)


@pytest.fixture
def url(command, embedded, tmp_path):
    """The database of a home in which all tickers are stored up to the day before."""
    folder = tmp_path / "files"
    write_files(folder, COUNT, until=dt.date(2026, 6, 29))
    for file in folder.iterdir():
        header, *bars = file.read_text().splitlines()
        with_adjusted = [f"{header},adj close", *(f"{bar},{bar.split(',')[4]}" for bar in bars)]
        file.write_text("\n".join(with_adjusted))
    with embedded() as address:
        stored = ("--all", "--source", "csv", "--path", folder)
        evening = {"FORECAST_NOW": "2026-06-29T18:00+05:30"}
        ran = command("src.data.ingest", "write", *stored, **evening)
        assert ran.returncode == 0, ran.stderr
        yield address


def asked(server, since=0):
    return [target[len(CHART) :].partition("?")[0] for target in server.chart_requests()[since:]]


def test_after_a_refusal_few_requests_follow_and_the_rest_later_with_one_message(
    command, home, url, charts
):
    with (
        yahoo_replay(charts) as yahoo,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        yahoo.patience = 60
        run = ("mlops.pipeline", "--all", "--source", "yahoo")
        variables = EVENING | PACE | {"FORECAST_YAHOO_URL": yahoo.url}
        refused = command(*run, **variables)

        assert refused.returncode == 0, refused.stderr
        assert (len(yahoo.chart_requests()), len(yahoo.refused)) == (61, 1)
        told = results(home)
        # Daily and hourly bars of 30 tickers.
        assert list(told["not_fetched"]) == names(COUNT)[30:]
        newest = {ticker: row["feature_date"] for ticker, row in told["tickers"].items()}
        assert newest == dict.fromkeys(names(COUNT)[:30], "2026-06-30") | dict.fromkeys(
            names(COUNT)[30:], "2026-06-29"
        )
        (sentence,) = [line for line in refused.stderr.splitlines() if "not fetched" in line]
        assert "Yahoo refuses requests (HTTP 429 Too Many Requests) and may be asked" in sentence
        assert "10 tickers were not fetched" in sentence
        pause = source_pauses(connection)["yahoo"]
        assert 0 < pause.seconds <= 900

        again = command(*run, **variables)
        assert again.returncode == 0, again.stderr
        assert len(yahoo.chart_requests()) == 61
        assert "40 tickers were not fetched" in again.stderr

        connection.execute("UPDATE source_pace SET resumes_at = now()")
        yahoo.patience = None
        rest = command(*run, **variables)
        assert rest.returncode == 0, rest.stderr
        assert asked(yahoo, since=61)[:20:2] == names(COUNT)[30:]
        told = results(home)
        assert (told["status"], told["not_fetched"]) == ("success", {})
        assert {row["feature_date"] for row in told["tickers"].values()} == {"2026-06-30"}
        assert source_pauses(connection) == {"yahoo": None}


def test_two_runs_at_once_share_one_budget(start, url, charts):
    with yahoo_replay(charts) as yahoo:
        pace = {
            "FORECAST_SOURCES__YAHOO__BURST": "30",
            "FORECAST_SOURCES__YAHOO__SECONDS_PER_REQUEST": "3600",
        }
        halves = names(COUNT)[:20], names(COUNT)[20:]
        runs = [
            start(
                *("mlops.pipeline", "--tickers", ",".join(half), "--source", "yahoo"),
                **EVENING,
                **pace,
                FORECAST_YAHOO_URL=yahoo.url,
            )
            for half in halves
        ]
        ended = [run.communicate(timeout=120)[1] for run in runs]

        assert [run.returncode for run in runs] == [0, 0], ended
        # Each of them asked for a crumb too, which is paid for with its next request.
        assert 28 <= len(yahoo.chart_requests()) <= 30
        sentence = "Yahoo is sent no more requests for now"
        assert [stderr.count(sentence) for stderr in ended] == [1, 1]


def test_nse_brings_a_session_of_all_tickers_by_one_file(command, home, url, charts):
    with nse_archive() as archive:
        variables = EVENING | {"FORECAST_NSE_URL": archive.url}
        run = ("mlops.pipeline", "--all", "--source", "nse")
        # The close of the day is not published yet: only what is compared is there.
        days = nse().sessions(dt.date(2026, 6, 24), dt.date(2026, 6, 30))
        for day in days[:-1]:
            archive.publish(day, market(charts, day))
        early = command(*run, **variables)
        assert early.returncode == 0, early.stderr
        assert early.stderr.count("NSE has not delivered its file of 2026-06-30 yet") == 1
        assert archive.requests == [udiff_path(day) for day in days[-4:]]
        assert {row["feature_date"] for row in results(home)["tickers"].values()} == {"2026-06-29"}

        archive.publish(days[-1], market(charts, days[-1]))
        evening = command(*run, **variables)
        assert evening.returncode == 0, evening.stderr
        assert archive.requests[4:] == [udiff_path(days[-1])]
        told = results(home)
        assert {row["feature_date"] for row in told["tickers"].values()} == {"2026-06-30"}
        assert len(told["forecasts"]) == 2 * COUNT


def market(charts, day):
    """The bars of all tickers of a day, as Yahoo has them."""
    found = []
    for ticker in names(COUNT):
        (result,) = charts[ticker]["chart"]["result"]
        stamps = [dt.datetime.fromtimestamp(each, dt.UTC).date() for each in result["timestamp"]]
        (quote,) = result["indicators"]["quote"]
        values = [quote[name][stamps.index(day)] for name in ("open", "high", "low", "close")]
        found.append((ticker.removesuffix(".NS"), "EQ", *values, 1000))
    return found
