"""A run of the suite that is killed leaves neither processes nor mounts."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.chaos.world import keeper
from tests.support.services import eventually

RUN = """
import os, subprocess, sys, time
from pathlib import Path
from tests.chaos.world import keeper
home = Path(sys.argv[1])
kept, is_mounted = keeper.start(home), keeper.mount(home)
part = subprocess.Popen(["sleep", "600"], env=os.environ | {"FORECAST_HOME": str(home)})
print(int(is_mounted), kept.pid, part.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def run(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    command = [sys.executable, "-c", RUN, str(home)]
    with subprocess.Popen(command, cwd=keeper.ROOT, stdout=subprocess.PIPE) as process:
        is_mounted, kept, part = map(int, process.stdout.readline().split())
        if is_mounted:
            yield home, process, psutil.Process(kept), psutil.Process(part)
        process.kill()
    keeper.clear(home)
    if not is_mounted:
        pytest.skip("no file system may be mounted here")


def is_gone(home, part):
    has_ended = not part.is_running() or part.status() == psutil.STATUS_ZOMBIE
    return has_ended and str(home) not in Path("/proc/mounts").read_text()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_what_a_killed_run_leaves_is_ended_at_once(run, how):
    home, process, _, part = run
    assert not is_gone(home, part)
    os.kill(process.pid, how)
    eventually(lambda: is_gone(home, part))


def test_where_its_keeper_died_too_the_next_run_does_it_and_leaves_others_alone(run):
    home, process, kept, part = run
    keeper.clear_abandoned()
    assert not is_gone(home, part)
    kept.kill()
    process.kill()
    process.wait()
    assert not is_gone(home, part)
    keeper.clear_abandoned()
    eventually(lambda: is_gone(home, part))
