"""`python -m mlops.monitoring scoreboard` beside two evenings of the pipeline."""

import csv
import datetime as dt
import json

import pytest

from src.core.calendars.nse import nse
from tests.support.checksums import rows

INFY = "INFY.NS"
DAYS = nse().sessions(dt.date(2024, 1, 1), dt.date(2026, 4, 16))
BEFORE, MISSED, TODAY = DAYS[-3:]


def close_of(number):
    return 100 + number % 7 + number / 50


@pytest.fixture
def evening(command, database_url, tmp_path):
    """A run after the close of a session, on a file that ends with it."""

    def run(day, *arguments, without=()):
        path = tmp_path / f"{INFY}.csv"
        with path.open("w", newline="") as file:
            out = csv.writer(file)
            out.writerow(["date", "open", "high", "low", "close", "volume"])
            for number, each in enumerate(DAYS[: DAYS.index(day) + 1]):
                price = close_of(number)
                if each not in without:
                    out.writerow([each, price, price + 1, price - 1, price, 1000 + number])
        arguments_of_run = ("mlops.pipeline", "--ticker", INFY, "--source", "csv", "--path", path)
        at = {"DATABASE_URL": database_url, "FORECAST_NOW": f"{day}T18:00+05:30"}
        ran = command(*arguments_of_run, *arguments, **at)
        assert ran.returncode == 0, ran.stderr
        return ran

    return run


@pytest.fixture
def scoreboard(command, database_url):
    def output(*arguments):
        ran = command("mlops.monitoring", "scoreboard", *arguments, DATABASE_URL=database_url)
        assert (ran.returncode, ran.stderr) == (0, "")
        return ran.stdout

    return output


def results(home):
    folder = max((home / "mlops/runs").iterdir(), key=lambda run: run.stat().st_mtime_ns)
    return json.loads((folder / "results.json").read_text())


def test_two_evenings_make_a_scoreboard(evening, scoreboard, home, database_url):
    assert scoreboard() == (
        "No forecast is logged yet: run `python -m mlops.pipeline` after the close.\n"
    )
    evening(BEFORE)
    none = {
        "recorded": 0,
        "restated": 0,
        "no_bar": 0,
        "pending_action": 0,
        "delisted": 0,
        "notes": [],
    }
    assert results(home)["outcomes"] == none
    assert scoreboard("--ticker", "infy") == (
        "2 forecasts of INFY.NS are logged, and none that was made before its target session has "
        "an outcome yet: run `python -m mlops.pipeline` again after that session.\n"
    )

    evening(MISSED, "--skip-training")

    assert results(home)["outcomes"] == none | {"recorded": 1}
    moved = abs(close_of(len(DAYS) - 2) / close_of(len(DAYS) - 3) - 1)
    header, *lines = scoreboard().splitlines()
    assert header.split()[:3] == ["horizon", "ticker", "model"]
    both, own = lines[:2]
    served = ["1", "1", f"{moved:.4%}", f"{moved:.4%}", "+0.00%"]
    assert both.split()[:11] == ["served", "short", "(1)", "all", "1", "zero", *served]
    assert own.split()[:10] == ["served", "short", "(1)", INFY, "zero", *served]
    assert scoreboard("--ticker", INFY).splitlines()[1].split()[:10] == own.split()[:10]
    assert "of SBIN.NS is logged yet" in scoreboard("--ticker", "SBIN.NS")
    assert rows(database_url, "SELECT count(*), max(feature_date) FROM serving_inputs") == [
        (2, MISSED)
    ]


def test_a_session_without_a_bar_gives_no_outcome_and_says_so(evening, home):
    evening(BEFORE)

    ran = evening(TODAY, "--skip-training", without={MISSED})

    outcomes = results(home)["outcomes"]
    assert (outcomes["recorded"], outcomes["no_bar"]) == (0, 1)
    sentence = "INFY.NS: 1 forecast came due without an outcome, because of a session without a"
    assert outcomes["notes"][0].startswith(sentence)
    assert outcomes["notes"][0] not in results(home)["warnings"]
    assert sentence in ran.stderr


def test_a_run_up_to_a_past_session_leaves_no_forecast(evening, database_url, home):
    evening(BEFORE)
    before = rows(database_url, "SELECT count(*) FROM predictions")

    evening(TODAY, "--as-of", "2026-01-30")

    assert rows(database_url, "SELECT count(*) FROM predictions") == before
    assert results(home)["outcomes"] == {}
