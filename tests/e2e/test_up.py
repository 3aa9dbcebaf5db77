"""``make up`` and ``make down``: the services in one terminal, by real processes and signals."""

import contextlib
import fcntl
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import termios

import httpx
import psutil
import pytest

from tests.conftest import ROOT
from tests.support.services import eventually


@pytest.fixture
def ports():
    """Free ports of the API and the dashboard."""
    with socket.socket() as one, socket.socket() as two:
        for each in (one, two):
            each.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


@pytest.fixture
def variables(ports):
    return {
        "FORECAST_API__PORT": str(ports[0]),
        "STREAMLIT_SERVER_PORT": str(ports[1]),
        # The worker has nothing to do: no file is there.
        "FORECAST_WORKER__SOURCE": "csv",
    }


@pytest.fixture
def up(environment, variables, home):
    """Start ``make up``'s command in a process group of its own; all that is left is killed."""
    started = []

    def run():
        with (home / "output").open("w") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "mlops.up"],
                cwd=ROOT,
                env=environment | variables,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            for each in family(process):
                each.kill()
            process.wait()


def family(process):
    parent = psutil.Process(process.pid)
    return [*parent.children(recursive=True), parent]


def is_up(ports):
    try:
        api = httpx.get(f"http://127.0.0.1:{ports[0]}/health/live")
        page = httpx.get(f"http://127.0.0.1:{ports[1]}/_stcore/health")
    except httpx.TransportError:
        return False
    return api.status_code == page.status_code == 200


def by_words(process, *words):
    """The process of the family whose command line has these words."""
    for each in family(process):
        with contextlib.suppress(psutil.NoSuchProcess):  # a program of a start that has ended
            if set(words) <= set(each.cmdline()):
                return each
    return None


def has_ended(pid):
    """Whether a process does not run, even if whoever started it has not taken note of its end."""
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def postmaster_of(home):
    return int((home / "var/postgres/postmaster.pid").read_text().split()[0])


def test_services_are_up_together_started_again_when_they_die_and_ended_together(
    up, command, variables, ports, home
):
    running = up()
    eventually(lambda: is_up(ports), 60)
    members, database = family(running), postmaster_of(home)
    dashboard = by_words(running, "streamlit")
    assert by_words(running, "mlops.worker")
    eventually(lambda: "dashboard |   You can now view" in (home / "output").read_text())
    assert by_words(running, "mlops.monitoring", "watch")
    assert dashboard.environ()["MALLOC_ARENA_MAX"] == "2"
    printed = (home / "output").read_text()
    assert f"http://127.0.0.1:{ports[0]}" in printed
    assert f"http://127.0.0.1:{ports[1]}" in printed

    again = command("mlops.up", **variables)
    assert again.returncode == 1
    assert again.stderr.startswith(f"Services of {home} run already: use those, or")

    by_words(running, "src.api").kill()
    eventually(lambda: "The API ended by SIGKILL after" in (home / "output").read_text())
    eventually(lambda: is_up(ports), 60)
    members.append(by_words(running, "src.api"))

    down = command("mlops.up", "--stop")
    assert (down.returncode, down.stderr) == (0, "")
    waiting, ended = down.stdout.splitlines()
    assert waiting.startswith("Waiting for API, dashboard, worker and watch to end, 60 s at most")
    assert ended == "All services have ended."
    assert running.wait(10) == 0
    assert not any(each.is_running() for each in members)
    assert has_ended(database)
    nothing = command("mlops.up", "--stop")
    assert nothing.stdout == f"No services run in {home}.\n"


def test_after_a_kill_its_services_end_and_the_next_one_works_until_ctrl_c(up, ports, home):
    killed = up()
    eventually(lambda: is_up(ports), 60)
    # The database is not of the family: the next one joins it where it still runs.
    members = [by_words(killed, word) for word in ("src.api", "streamlit", "mlops.worker", "watch")]
    killed.kill()
    killed.wait()

    running = up()
    eventually(lambda: by_words(running, "streamlit") and is_up(ports), 60)
    assert psutil.wait_procs(members, 30)[1] == []
    members, database = family(running), postmaster_of(home)
    os.killpg(running.pid, signal.SIGINT)  # as Ctrl-C does

    assert running.wait(60) == 0
    assert not any(each.is_running() for each in members)
    assert has_ended(database)
    assert "All services have ended." in (home / "output").read_text()


def test_a_terminal_that_is_closed_ends_all_of_them_at_once(environment, variables, ports, home):
    screen, keyboard = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "mlops.up"],
        cwd=ROOT,
        env=environment | variables,
        stdin=keyboard,
        stdout=keyboard,
        stderr=keyboard,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 no thread yet
    )
    os.close(keyboard)
    os.set_blocking(screen, False)

    def is_up_on_a_screen():
        with contextlib.suppress(BlockingIOError):
            os.read(screen, 65536)
        return is_up(ports)

    eventually(is_up_on_a_screen, 60)
    members, database = family(running), postmaster_of(home)
    os.close(screen)

    # The dashboard, which says that it ends before it does so, would be killed after a minute.
    assert running.wait(50) == 0
    assert not any(each.is_running() for each in members)
    assert has_ended(database)
    log = (home / "logs/tcs-stock.log").read_text()
    assert "it is killed" not in log
    assert "OSError" not in log


@pytest.mark.parametrize("which", [0, 1])
def test_a_port_in_use_is_one_sentence_before_anything_starts(
    command, variables, ports, home, which
):
    name = list(variables)[which]
    with socket.create_server(("127.0.0.1", ports[which])):
        done = command("mlops.up", **variables)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"Port {ports[which]} of 127.0.0.1 is in use: end the program that listens there, or set "
        f"{name} to another port.\n"
    )
    assert not (home / "var" / "postgres").exists()


def test_a_port_that_is_no_number_is_named(command):
    done = command("mlops.up", STREAMLIT_SERVER_PORT="many")

    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"STREAMLIT_SERVER_PORT is 'many': set it to a port .*\n", done.stderr)


def test_make_runs_these_commands():
    for target, words in (("up", "python -m mlops.up"), ("down", "python -m mlops.up --stop")):
        shown = subprocess.run(
            ["make", "--no-print-directory", "--dry-run", target],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert shown.stdout.rstrip().endswith(words)
