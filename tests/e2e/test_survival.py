"""Processes killed half-way, two at once, odd places and accounts: nothing lost, nothing stuck."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import psutil
import pytest

from src.db.database import DATA_DIR
from src.db.embedded.lease import acquire
from tests.support.checksums import checksums, rows
from tests.support.data_runs import data_is_stored

ROOT = Path(__file__).resolve().parents[2]
DEMO = ("mlops.pipeline", "--ticker", "DEMO.NS")
AT = {"FORECAST_NOW": "2026-06-30T18:00+05:30"}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What the database holds after a run that nothing happened to."""
    home = tmp_path_factory.mktemp("undisturbed")
    ran = subprocess.run(
        [sys.executable, "-m", *DEMO, "--skip-training"],
        cwd=ROOT,
        env=os.environ | AT | {"FORECAST_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert data_is_stored(ran), ran.stderr
    with acquire(home / DATA_DIR) as lease:
        return checksums(lease.url)


def servers_of(home):
    """Postmasters whose command line or lock names this home's data directory."""
    inode = (home / DATA_DIR).stat().st_ino if (home / DATA_DIR).exists() else None
    found = []
    for process in psutil.process_iter(["name"]):
        if process.info["name"] != "postgres":
            continue
        try:
            if os.stat(f"/proc/{process.pid}/cwd").st_ino == inode:
                found.append(process)
        except OSError:
            continue
    return found


def wait_for_line(process, beginning):
    for line in process.stderr:
        if f"INFO    {beginning}" in line:
            return
    pytest.fail(f"the run ended without the line {beginning}: {process.wait()}")


MOMENTS = ("a moment in", "data_ingest", "data_cleaning", "feature_engineering", "validation")


@pytest.mark.parametrize("moment", MOMENTS)
def test_after_kill_9_the_next_run_puts_everything_right(
    command, start, embedded, undisturbed, moment
):
    victim = start(*DEMO, **AT)
    if moment == MOMENTS[0]:
        time.sleep(0.4)
    else:
        wait_for_line(victim, moment)
    victim.send_signal(signal.SIGKILL)
    victim.wait()

    ran = command(*DEMO, "--skip-training", **AT)

    assert data_is_stored(ran), ran.stderr
    with embedded() as url:
        kept = checksums(url)
        left = rows(url, "SELECT status FROM pipeline_runs WHERE status = 'running'")
    assert kept == undisturbed
    assert left == []


def test_after_kill_9_of_the_server_the_next_run_has_every_row(
    command, home, embedded, undisturbed
):
    with embedded() as url:
        assert data_is_stored(command(*DEMO, "--skip-training", **AT))
        (postmaster,) = (
            p for p in servers_of(home) if p.parent() is None or p.parent().name() != "postgres"
        )
        postmaster.kill()
        postmaster.wait(10)

    ran = command(*DEMO, "--skip-training", **AT)

    assert data_is_stored(ran), ran.stderr
    with embedded() as url:
        assert checksums(url) == undisturbed


def test_a_stale_pid_file_of_another_live_process_blocks_nothing(command, home):
    assert data_is_stored(command(*DEMO, "--skip-training", **AT))
    note = home / DATA_DIR / "postmaster.pid"
    note.write_text(f"{os.getpid()}\n{home / DATA_DIR}\n1750000000\n5432\n/tmp\n\n")

    ran = command(*DEMO, "--skip-training", **AT)

    assert data_is_stored(ran), ran.stderr


def test_three_at_once_start_one_server_and_share_it(command, start):
    assert command("src.data.ingest", "write", "--ticker", "DEMO.NS", **AT).returncode == 0

    started = [
        start(module, action, "--ticker", "DEMO.NS", **AT)
        for module, action in (
            ("src.data.ingest", "show"),
            ("src.data.cleaning", "run"),
            ("src.features.features_daily", "show"),
        )
    ]

    ended = [(process.communicate(timeout=60), process.returncode) for process in started]
    assert [code for _, code in ended] == [0, 0, 0], ended


def test_a_second_run_of_one_ticker_names_the_first_and_leaves(command, start, home):
    first = start(*DEMO, **AT)
    wait_for_line(first, "data_ingest")
    first.send_signal(signal.SIGSTOP)
    try:
        second = command(*DEMO, "--skip-training", **AT)
    finally:
        first.send_signal(signal.SIGCONT)

    assert second.returncode == 1
    (sentence,) = second.stderr.splitlines()
    assert f"pid {first.pid}" in sentence
    assert first.wait(60) == 0


def test_no_server_is_left_running_after_a_command(command, home):
    command(*DEMO, "--skip-training", **AT)

    deadline = time.monotonic() + 5
    while servers_of(home) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert servers_of(home) == []


def test_a_home_with_a_space_in_its_path_works(command, tmp_path):
    spaced = tmp_path / "my prices here"
    spaced.mkdir()

    ran = command(*DEMO, "--skip-training", **AT, FORECAST_HOME=spaced)

    assert data_is_stored(ran), ran.stderr
    assert (spaced / "mlops/runs").is_dir()


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGHUP", 129), ("SIGINT", 130)])
def test_a_polite_end_releases_the_server_and_is_noted(start, home, embedded, name, code):
    run = start(*DEMO, **AT)
    wait_for_line(run, "data_ingest")
    run.send_signal(getattr(signal, name))

    assert run.wait(20) == code, run.stderr.read()
    assert servers_of(home) == []
    with embedded() as url:
        assert rows(url, "SELECT status FROM pipeline_runs") == [("interrupted",)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_an_ordinary_user_can_run_it():
    account = pwd.getpwnam("daemon")
    place = Path("/tmp") / f"tcsns-user-{os.getpid()}"
    place.mkdir(mode=0o755)
    try:
        os.chown(place, account.pw_uid, account.pw_gid)
        python, path = _usable_by(account)
        environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": path, "HOME": str(place)}
        ran = subprocess.run(
            [python, "-m", *DEMO, "--skip-training"],
            cwd=ROOT,
            env=environment | AT | {"FORECAST_HOME": str(place)},
            user=account.pw_uid,
            group=account.pw_gid,
            extra_groups=[],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert data_is_stored(ran), ran.stderr
        assert (place / DATA_DIR).stat().st_uid == account.pw_uid
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _usable_by(account):
    """A Python that the account may start, with a path to our dependencies; else a skip."""
    packages = sysconfig.get_paths()["purelib"]
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, f"/usr/bin/python{version}"):
        try:
            probe = subprocess.run(
                [python, "-c", "import polars, psycopg, src.core.errors"],
                user=account.pw_uid,
                group=account.pw_gid,
                extra_groups=[],
                cwd=ROOT,
                env={"PYTHONPATH": packages},
                capture_output=True,
                check=False,
            )
        except OSError:
            continue
        if probe.returncode == 0:
            return python, packages
    pytest.skip(f"the account {account.pw_name} may start no Python {version} that reads {ROOT}")


def test_a_server_lost_half_way_is_one_sentence_and_the_next_run_goes_on(command, start, home):
    run = start(*DEMO, **AT)
    wait_for_line(run, "data_ingest")
    (postmaster,) = (p for p in servers_of(home) if p.parent().name() != "postgres")
    for process in [postmaster, *postmaster.children()]:
        process.kill()

    assert run.wait(30) == 1
    last = run.stderr.read().splitlines()[-1]
    assert last.startswith("The database at ")
    assert "does not answer" in last
    assert data_is_stored(command(*DEMO, "--skip-training", **AT))
