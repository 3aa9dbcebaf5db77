"""How soon the command line, the API and the dashboard are there.

Run: python -m benchmarks.parts.start_up [--quick]. The dashboard is looked at by a headless
Chromium, where one is installed, in a home with the synthetic DEMO.NS.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from statistics import median

from benchmarks.page import result
from benchmarks.page.result import Budget, Result, compared
from benchmarks.parts.home import Home, temporary_home
from benchmarks.parts.race import NO_PEERS, PEERS_PYTHON, ROOT, Times

OURS = "python -m mlops.pipeline --help"
TASK = "the command line's help"
# The last of the page's rows is there when its ticker is, beside the menus.
PAINTED = "[data-testid=stMain] >> text=DEMO.NS"


def measure(quick: bool) -> Result:
    """Help, API and dashboard, against the budgets of DESIGN."""
    rounds = 1 if quick else 3
    found = _help(rounds)
    with temporary_home() as home:
        home.run(["mlops.pipeline", "--ticker", "DEMO.NS"])
        cpu = [_api_ready(home) for _ in range(1 if quick else 3)]
        found.budgets.append(
            Budget("the API is ready", median(cpu), "cpu s", 2.0, 1.0, low=min(cpu), high=max(cpu))
        )
        try:
            paints = _first_paints(home, rounds)
        except _NoBrowser as error:
            found.missing["the dashboard's first page"] = str(error)
            return found
    found.budgets.append(
        Budget(
            "dashboard, warm: first paint of its data",
            median(paints),
            "s",
            2.0,
            0.7,
            low=min(paints),
            high=max(paints),
        )
    )
    return found


def _help(rounds: int) -> Result:
    """Everybody's help in turn; wall seconds."""
    programs = {
        OURS: [sys.executable, "-m", "mlops.pipeline", "--help"],
        "streamlit --help": [sys.executable, "-m", "streamlit", "--help"],
    }
    beside = PEERS_PYTHON.parent
    programs |= {f"{n} --help": [str(beside / n), "--help"] for n in ("mlflow", "bentoml")}
    found = Result()
    for name, command in list(programs.items()):
        if shutil.which(command[0]) is None:
            found.missing[f"{TASK}: {name}"] = NO_PEERS
            del programs[name]
    times = {name: Times() for name in programs}
    for number in range(-1, rounds):
        for name, command in programs.items():
            began = time.perf_counter()
            subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
            if number >= 0:
                times[name].seconds.append(time.perf_counter() - began)
    ours = times.pop(OURS)
    taken = ours.summary("seconds")
    found.budgets.append(
        Budget(
            OURS,
            1e3 * taken["median"],
            "ms",
            300,
            100,
            low=1e3 * taken["low"],
            high=1e3 * taken["high"],
        )
    )
    found.peers = [compared(TASK, name, ours, theirs, "seconds") for name, theirs in times.items()]
    return found


@contextmanager
def _serving(home: Home, command: Sequence[str], path: str) -> Iterator[tuple[int, int]]:
    """A server on a free port that answers at ``path``; its port and process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [part.format(port=port) for part in command],
        cwd=ROOT,
        env=home.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(partial(_answers, f"http://127.0.0.1:{port}{path}"), process)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


def _wait(is_ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while not is_ready():
        if process.poll() is not None or time.monotonic() > until:
            raise TimeoutError(f"{process.args}: no answer")
        time.sleep(0.01)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 - our own address
            return bool(response.status == 200)
    except OSError:
        return False


def _api_ready(home: Home) -> float:
    """Cpu seconds of the API until it is alive."""
    command = [sys.executable, "-m", "uvicorn", "src.api.predict_simple:app", "--port", "{port}"]
    with _serving(home, command, "/health/live") as (_, pid), open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


class _NoBrowser(Exception):
    """There is none to look at the dashboard with."""


def _first_paints(home: Home, rounds: int) -> list[float]:
    """Seconds from asking for the first page to its data, each time without a cache."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if chromium is None:
        raise _NoBrowser("no chromium on PATH")
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        "streamlit_app.py",
        "--server.port",
        "{port}",
    ]
    taken = []
    with (
        _serving(home, command, "/_stcore/health") as (port, _),
        sync_playwright() as player,
        player.chromium.launch(executable_path=chromium, args=["--no-sandbox"]) as browser,
    ):
        for _ in range(rounds + 1):
            page = browser.new_page()
            page.set_default_timeout(60_000)
            began = time.perf_counter()
            page.goto(f"http://127.0.0.1:{port}/")
            page.wait_for_selector(PAINTED)
            taken.append(time.perf_counter() - began)
            page.close()
    # The first one is cold.
    return taken[1:]


if __name__ == "__main__":
    result.main(measure, __doc__)
