"""Runs of many tickers: some fail, one is killed, others are at work; nothing is lost."""

import datetime as dt
import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from src.db.database import DATA_DIR
from src.db.embedded.lease import acquire
from tests.support.checksums import checksums, rows
from tests.support.homes import copy_home
from tests.support.many_tickers import EVENING, contents, names, results, write_files

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
COUNT = 30  # two blocks
YESTERDAY = dt.date(2026, 6, 29)


def of_folder(folder, *more):
    return ("mlops.pipeline", "--all", "--source", "csv", "--path", folder, *more)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("prices")
    write_files(place, COUNT)
    return place


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, folder):
    """A home in which a run of all went through, and what its tables hold."""
    home = tmp_path_factory.mktemp("undisturbed")
    ran = subprocess.run(
        [sys.executable, "-m", *map(str, of_folder(folder))],
        cwd=ROOT,
        env=os.environ | EVENING | {"FORECAST_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    with acquire(home / DATA_DIR) as lease:
        return home, contents(lease.url), ran.stdout


@pytest.fixture
def done(home, undisturbed):
    """A copy of that home; and what its tables hold."""
    copy_home(undisturbed[0], home)
    return undisturbed[1]


def wait_for_line(process, words):
    for line in process.stderr:
        if words in line:
            return
    pytest.fail(f"the run ended without a line with {words}: {process.wait()}")


def test_one_run_brings_all_of_a_folder_up_to_date_and_trains_their_pool_once(undisturbed):
    home, stored, printed = undisturbed

    told = results(home)
    assert (told["status"], told["ticker"]) == ("success", None)
    assert set(told["tickers"]) == set(names(COUNT))
    assert {row["status"] for row in told["tickers"].values()} == {"success"}
    assert {row["feature_date"] for row in told["tickers"].values()} == {"2026-06-30"}
    assert list(told["pools"]) == ["NSE"]
    assert len(told["forecasts"]) == 2 * COUNT
    assert stored["pool_members"][0] == COUNT
    assert len(list((home / "models").glob("*/*/*/manifest.json"))) == 2
    table = printed.splitlines()
    assert [line.split()[0] for line in table[2 : 2 + COUNT]] == names(COUNT)
    with acquire(home / DATA_DIR) as lease:
        ended = rows(lease.url, "SELECT DISTINCT session, status FROM run_tickers")
        stages = rows(lease.url, "SELECT stage, status FROM stage_runs ORDER BY started_at")
    assert ended == [(dt.date(2026, 6, 30), "success")]
    assert [stage for stage, _ in stages] == list(told["stages"])


def test_a_second_run_changes_nothing_and_one_of_stored_prices_neither(
    command, home, embedded, folder, done
):
    with embedded() as url:
        once = checksums(url)

        again = command(*of_folder(folder), **EVENING)
        stored = command("mlops.pipeline", "--all", **EVENING)

        assert (again.returncode, stored.returncode) == (0, 0), again.stderr + stored.stderr
        assert checksums(url) == once
    assert list(results(home)["stages"]) == ["data_ingest", "training"]


def poisoned(folder):
    """Files that cannot be used, and words of why."""
    days = [line.split(",")[0] for line in (folder / "S000.NS.csv").read_text().splitlines()[1:]]
    header = "date,open,high,low,close,volume\n"
    saturdays = [dt.date(2026, 1, 3) + dt.timedelta(weeks=week) for week in range(25)]
    files = {
        "empty": "",
        "header": header,
        "binary": bytes(range(256)).decode("latin-1"),
        "short": header + "".join(f"{day},1,2,1,2,9\n" for day in days[-3:]),
        "elsewhere": header + "".join(f"{day},1,2,1,2,9\n" for day in [*days, *saturdays]),
    }
    for number, text in enumerate(files.values()):
        (folder / f"P{number}.NS.csv").write_text(text, encoding="latin-1")
    return [f"P{number}.NS" for number in range(len(files))]


def test_five_poisoned_tickers_are_told_and_the_others_are_done(command, home, embedded, tmp_path):
    write_files(tmp_path, 8)
    bad = poisoned(tmp_path)

    ran = command(*of_folder(tmp_path), **EVENING)

    assert ran.returncode == 1
    told = results(home)
    assert told["status"] == "partial"
    done = {ticker for ticker, row in told["tickers"].items() if row["status"] == "success"}
    assert done == set(names(8))
    sentences = [*told["warnings"], *(row["error"] for row in told["tickers"].values())]
    for ticker in bad:
        assert any(ticker in (sentence or "") for sentence in sentences), ticker
        assert ticker in ran.stderr, ticker
    assert len(told["forecasts"]) == 16
    nameless = [ticker for ticker in bad if ticker not in told["tickers"]]
    assert nameless[0] in told["error"]
    assert told["error"].startswith(f"Files that were left out: {len(nameless)}. ")
    with embedded() as url:
        assert rows(url, "SELECT count(*) FROM pool_members") == [(8,)]
        assert rows(url, "SELECT error FROM pipeline_runs") == [(told["error"],)]


def test_after_kill_9_in_the_middle_the_next_run_finishes(
    command, start, home, embedded, folder, undisturbed
):
    victim = start(*of_folder(folder), **EVENING)
    wait_for_line(victim, f"25 of {COUNT} tickers")
    victim.send_signal(signal.SIGKILL)
    victim.wait()

    ran = command(*of_folder(folder), **EVENING)

    assert ran.returncode == 0, ran.stderr
    with embedded() as url:
        assert contents(url) == undisturbed[1]
        runs = rows(url, "SELECT status FROM pipeline_runs ORDER BY started_at, run_id")
    assert sorted(status for (status,) in runs) == ["interrupted", "success"]
    # Of the first block nothing was done twice.
    assert results(home)["stages"]["data_cleaning"]["rows"] == 60 * (COUNT - 25)


def test_two_runs_of_many_and_three_of_one_at_once_are_one_training(start, home, embedded, folder):
    first = start(*of_folder(folder), **EVENING)
    # Before all are up to date the pool would be another one, and trained for itself.
    wait_for_line(first, f"{COUNT} of {COUNT} tickers")
    others = [start(*of_folder(folder), **EVENING)]
    others += [start("mlops.pipeline", "--ticker", ticker, **EVENING) for ticker in names(3)]

    ended = [(process.communicate(timeout=120), process.returncode) for process in (first, *others)]

    assert ended[0][1] == 0, ended[0]
    for (_, errors), code in ended[1:]:
        refused = "already in progress" in errors or "held the lock and has just ended" in errors
        assert code == 0 or refused, errors
    with embedded() as url:
        trained = rows(
            url,
            "SELECT horizon, count(*) FROM model_events WHERE kind = 'trained' "
            "GROUP BY 1 ORDER BY 1",
        )
    assert trained == [("long", 1), ("short", 1)]


def test_a_ticker_that_another_run_works_on_is_left_out(command, start, home, done):
    single = start("mlops.pipeline", "--ticker", "S003.NS", **EVENING)
    wait_for_line(single, "data_ingest")
    single.send_signal(signal.SIGSTOP)
    try:
        ran = command("mlops.pipeline", "--tickers", "S002.NS,S003.NS", **EVENING)
    finally:
        single.send_signal(signal.SIGCONT)

    assert ran.returncode == 1
    assert f"pid {single.pid}" in ran.stderr
    tickers = results(home)["tickers"]
    assert {t: row["status"] for t, row in tickers.items()} == {
        "S002.NS": "success",
        "S003.NS": "locked",
    }


def test_a_list_in_a_file_and_one_ticker_of_many(command, home, folder, tmp_path):
    chosen = tmp_path / "tickers.txt"
    chosen.write_text("s001.ns  # a comment\n\nS004\n")
    run = ("mlops.pipeline", "--tickers", chosen, "--source", "csv", "--path", folder)

    ran = command(*run, **EVENING)

    assert ran.returncode == 0, ran.stderr
    assert list(results(home)["tickers"]) == ["S001.NS", "S004.NS"]


def test_a_past_session_of_many_writes_nothing(command, embedded, done):
    with embedded() as url:
        before = checksums(url)

        ran = command(
            "mlops.pipeline", "--tickers", "S001.NS,S002.NS", "--as-of", YESTERDAY, **EVENING
        )
        known = command(
            "mlops.pipeline", "--all", "--known-at", "2026-06-30T17:00+05:30", **EVENING
        )

        assert ran.returncode == 0, ran.stderr
        assert "nothing was written" in ran.stdout
        assert known.returncode == 1  # nothing had been fetched by then
        assert checksums(url) == before


def test_features_of_an_earlier_version_are_brought_up_to_date_before_training(
    command, embedded, done
):
    with embedded() as url:
        rows(url, "UPDATE pool_members SET features_version = 'earlier' RETURNING 1")

        ran = command("mlops.pipeline", "--ticker", "S000.NS", "--source", "stored", **EVENING)

        assert ran.returncode == 0, ran.stderr
        now = contents(url)
        assert now["pool_members"] == done["pool_members"]
        assert now["features_daily"] == done["features_daily"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--tickers", "TCS.NS", "--ticker", "INFY.NS"), "not allowed with"),
        (("--all", "--tickers", "TCS.NS"), "not allowed with"),
        (("--tickers", " ,"), "names no ticker"),
        (("--tickers", "TCS.NS,no ticker"), "is not a ticker"),
        (("--all", "--source", "csv"), "--path"),
    ],
)
def test_wrong_usage_is_one_sentence(command, home, arguments, words):
    ran = command("mlops.pipeline", *arguments)

    assert ran.returncode == 2
    (sentence,) = ran.stderr.splitlines()
    assert words in sentence
    assert not (home / "mlops").exists()


def test_all_of_nothing_says_what_to_do(command):
    ran = command("mlops.pipeline", "--all")

    assert ran.returncode == 1
    assert "--source csv --path FOLDER" in ran.stderr


def test_what_a_run_killed_after_its_models_left_out_is_made_up_for(home, command, tmp_path):
    write_files(tmp_path / "prices", 3, 300)
    run = of_folder(tmp_path / "prices")
    assert command(*run, **EVENING).returncode == 0
    with acquire(home / DATA_DIR) as lease:
        before = contents(lease.url)
        with psycopg.connect(lease.url, autocommit=True) as connection:
            assert connection.execute("DELETE FROM feature_means").rowcount > 0

    assert command(*run, **EVENING).returncode == 0

    with acquire(home / DATA_DIR) as lease:
        assert contents(lease.url) == before
