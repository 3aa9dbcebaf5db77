"""Schedules of one's own: cron's line, systemd's units and Airflow's DAG start what they should."""

import datetime as dt
import os
import re
import shutil
import subprocess
import sys

import psycopg
import pytest

from tests.conftest import ROOT
from tests.support.many_tickers import names, write_files

CHECKOUT = "/srv/forecast"  # as the files have it
BEFORE, SESSION = dt.date(2026, 6, 24), dt.date(2026, 6, 25)
UNITS = sorted((ROOT / "ops" / "systemd").iterdir())


@pytest.fixture
def place(database_url, home, command, environment):
    """The environment on the evening of a session whose prices are there and not worked through."""
    if not (ROOT / ".venv/bin/python").exists():
        pytest.skip("the checkout has no environment of its own, which schedules use")
    write_files(home / "prices", 3, 60, BEFORE)
    common = {
        "DATABASE_URL": database_url,
        "FORECAST_DATA__MIN_ROWS_REQUIRED": "20",
        "FORECAST_WORKER__SOURCE": "csv",
    }
    run = ("--all", "--source", "csv", "--path", home / "prices", "--skip-training")
    command("mlops.pipeline", *run, FORECAST_NOW=f"{BEFORE}T18:00+05:30", **common)
    write_files(home / "prices", 3, 60, SESSION)
    return environment | common | {"FORECAST_NOW": f"{SESSION}T18:00+05:30"}


def finished(url):
    """The tickers that a run has finished the session for."""
    query = "SELECT ticker FROM run_tickers WHERE session = %s AND status = 'success' ORDER BY 1"
    with psycopg.connect(url) as connection:
        return [ticker for (ticker,) in connection.execute(query, (SESSION,)).fetchall()]


def test_the_line_for_cron_runs_the_session(place, database_url):
    (line,) = re.findall(
        r"^    (\*/15 \* \* \* \* .*worker --once.*)$",
        (ROOT / "docs/operations.md").read_text(),
        re.MULTILINE,
    )
    command = line.split(maxsplit=5)[5].replace(CHECKOUT, str(ROOT))

    done = subprocess.run(
        ["/bin/sh", "-c", command],
        env=place | {"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert finished(database_url) == names(3)


def test_units_of_systemd_are_valid_and_start_commands_that_exist(tmp_path, command):
    texts = {unit.name: unit.read_text() for unit in UNITS}
    started = [
        re.search(r"-m (\S+)(.*)", text) for name, text in texts.items() if "service" in name
    ]
    for module, arguments in (found.groups() for found in started):
        usage = command(module, "--help").stdout
        assert all(each in usage for each in arguments.split())
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed, which checks the units")
    for name, text in texts.items():
        # The user and the folder are the reader's.
        ours = text.replace(f"{CHECKOUT}/.venv/bin/python", sys.executable).replace(CHECKOUT, "/")
        (tmp_path / name).write_text(ours)

    done = subprocess.run(
        ["systemd-analyze", "verify", *(tmp_path / unit.name for unit in UNITS)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.fixture(scope="module")
def airflow(tmp_path_factory):
    """Airflow in an environment of its own; returns how to run its command."""
    folder = tmp_path_factory.mktemp("airflow")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    install = [
        folder / "venv/bin/pip",
        "install",
        "--quiet",
        "-r",
        ROOT / "ops/airflow/requirements.txt",
    ]
    installed = subprocess.run(install, capture_output=True, text=True, check=False)
    if installed.returncode:
        pytest.skip(f"Airflow cannot be installed here: {installed.stderr[-200:]}")

    def run(environment, *arguments):
        return subprocess.run(
            [folder / "venv/bin/airflow", *arguments],
            env=environment
            | {
                "AIRFLOW_HOME": str(folder / "home"),
                "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "ops/airflow"),
                "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
                "TCSNS_CHECKOUT": str(ROOT),
                "PYTHONWARNINGS": "ignore",
            },
            capture_output=True,
            text=True,
            check=False,
        )

    assert run(dict(os.environ), "db", "migrate").returncode == 0
    return run


@pytest.mark.long
def test_airflow_runs_the_session(airflow, place, database_url):
    done = airflow(place, "dags", "test", "tcsns_forecast")

    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "XNSE 2026-06-25 is due for 3 stocks." in done.stdout + done.stderr
    assert finished(database_url) == names(3)
    # What fails fails the task, and so the run of the DAG.
    broken = airflow(
        place | {"DATABASE_URL": "postgresql://localhost:9/none"}, "dags", "test", "tcsns_forecast"
    )
    assert broken.returncode != 0
