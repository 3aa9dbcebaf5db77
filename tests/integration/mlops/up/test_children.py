"""Processes that end again and again, that will not end, and a parent that is told twice."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import ROOT
from tests.support.services import eventually

RUN = """
import asyncio, sys
from mlops.up.children import Service, keep_running
from src.config import logs
from pathlib import Path

logs.configure(Path(sys.argv[1]))
clerk = Service("clerk", ["-c", sys.argv[2]])
asyncio.run(keep_running([clerk], stop_timeout=60, first_wait=float(sys.argv[3])))
"""
# Goes on, whatever it is told, and writes down which process it is.
STUBBORN = "import os, signal, time; signal.signal(15, signal.SIG_IGN); {}; time.sleep(300)"


@pytest.fixture
def keep(home, environment):
    """Keep a program running, in a process of its own; killed at the end."""
    started = []

    def run(program, first_wait=0.1):
        with (home / "stderr").open("w") as stderr, (home / "stdout").open("w") as stdout:
            process = subprocess.Popen(
                [sys.executable, "-c", RUN, str(home), program, str(first_wait)],
                cwd=ROOT,
                env=environment,
                stdout=stdout,
                stderr=stderr,
            )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def stubborn(home):
    """The program, and how to read its pid."""
    file = home / "pid"
    program = STUBBORN.format(f"open({str(file)!r}, 'w').write(f'{{os.getpid()}}.')")

    def pid():
        return eventually(lambda: file.exists() and file.read_text().endswith(".")) and int(
            file.read_text()[:-1]
        )

    return program, pid


def lives(pid):
    return os.path.exists(f"/proc/{pid}")


def test_what_ends_again_and_again_is_started_ever_more_rarely_and_told_of_each_time(keep, home):
    parent = keep("raise SystemExit(3)", first_wait=0.2)

    def told():
        return (home / "stderr").read_text().splitlines()

    lines = eventually(lambda: len(told()) >= 4 and told())
    parent.send_signal(signal.SIGINT)

    assert parent.wait(10) == 0
    assert re.search(
        r"WARNING The clerk ended with exit code 3 after \d+ s: it is started", lines[0]
    )
    assert re.search(r"The clerk has ended 3 times in a row, now with exit code 3 after", lines[2])
    times = [
        sum(int(n) * unit for n, unit in zip(line[:8].split(":"), (3600, 60, 1), strict=True))
        for line in lines
    ]
    # Waits of .2, .4 and .8 seconds, read off clocks without fractions.
    assert (times[3] - times[0]) % 86400 >= 1


def test_what_is_killed_again_and_again_has_given_no_reason(keep, home):
    parent = keep("import os; os.kill(os.getpid(), 9)")
    eventually(lambda: "3 times in a row" in (home / "stderr").read_text())
    parent.terminate()

    assert parent.wait(10) == 0
    line = (home / "stderr").read_text().splitlines()[2]
    assert re.search(r"now by SIGKILL after \d+ s: somebody killed it, or the system did", line)
    assert "above" not in line


def test_what_a_service_prints_has_its_name_before_it(keep, home):
    long = "x" * 100_000  # more than a line may have
    program = f"print('one'); print({long!r}); print('two', file=sys.stderr); time.sleep(300)"
    keep(f"import sys, time; {program}")
    lines = eventually(lambda: "two" in (text := (home / "stdout").read_text()) and text)

    assert [line for line in lines.splitlines() if "x" not in line] == [
        "clerk | one",
        "clerk | two",
    ]


def test_hang_ups_do_not_hurry(keep, home, stubborn):
    program, pid_of_child = stubborn
    parent, child = keep(program), pid_of_child()
    for _ in range(3):
        parent.send_signal(signal.SIGHUP)
        time.sleep(0.2)
    assert parent.poll() is None
    assert lives(child)

    for _ in range(2):
        parent.terminate()
        time.sleep(0.2)
    assert parent.wait(10) == 0


def test_nohup_keeps_it_running(keep, home):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does for what it starts
    try:
        parent = keep("import time; print('here'); time.sleep(300)")
    finally:
        signal.signal(signal.SIGHUP, before)
    eventually(lambda: "here" in (home / "stdout").read_text())
    parent.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert parent.poll() is None

    parent.terminate()

    assert parent.wait(10) == 0


def test_a_second_signal_kills_what_does_not_end(keep, home, stubborn):
    program, pid_of_child = stubborn
    parent, child = keep(program), pid_of_child()
    parent.terminate()
    time.sleep(0.5)
    assert parent.poll() is None
    assert lives(child)

    parent.terminate()

    assert parent.wait(10) == 0
    assert not lives(child)
    assert (
        "The clerk is killed at once, as the second signal asks." in (home / "stderr").read_text()
    )


def test_children_of_a_parent_that_is_killed_are_told_to_end(keep, home):
    file = home / "pid"
    parent = keep(
        f"import os, time; open({str(file)!r}, 'w').write(f'{{os.getpid()}}.'); time.sleep(300)"
    )
    child = int(
        eventually(lambda: file.exists() and file.read_text().endswith(".") and file.read_text())[
            :-1
        ]
    )
    assert lives(child)

    parent.kill()

    eventually(lambda: not lives(child) or zombie(child), 10)


def zombie(pid):
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] == "Z"
