"""The same run in one process, in two, and on a Dask cluster of two workers on this machine.

Run: python -m benchmarks.parts.workers [--quick]. Each run begins with empty tables and trains;
what their tables hold afterwards is compared. Libraries have one thread in every process, the one
included: workers are limited to that, and alone it would otherwise use more than one core.
"""

from __future__ import annotations

import datetime as dt
import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.page import result
from benchmarks.page.result import Budget, Result
from benchmarks.parts.home import Home, Usage, temporary_home
from benchmarks.parts.many_tickers import evening, newest_sessions, write_files
from tests.support.clusters import Cluster
from tests.support.many_tickers import contents

# So many that starting processes and importing, some seconds of each run, do not count for much.
SIZE, SMALL = (200, 5000), (3, 320)
ONE, TWO, DASK = "one process", "two processes", "Dask, two workers"


def measure(quick: bool) -> Result:
    """All three, and the budgets of DESIGN."""
    tickers, sessions = SMALL if quick else SIZE
    walls = dict.fromkeys((ONE, TWO, DASK), math.nan)
    held: dict[str, object] = {}
    found = Result()
    days = newest_sessions(sessions)
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder) / "files"
        write_files(files, tickers, days)
        for name in list(walls):
            try:
                usage, held[name] = _run(name, files, evening(days[-1]))
            except Exception as error:
                found.missing[f"{name}, {tickers} tickers"] = str(error).splitlines()[-1]
                del walls[name]
                continue
            walls[name] = usage.wall
            found.figures[f"{name}: peak MiB of one process"] = usage.peak
    _compare(found, walls, f"{tickers} tickers x {sessions:,} sessions")
    equal = all(tables == held.get(ONE) for tables in held.values())
    found.notes = [
        f"After {', '.join(held)} the tables are "
        f"{'the same' if equal else '**not the same**'}, row by row."
    ]
    return found


def _run(name: str, files: Path, now: dt.datetime) -> tuple[Usage, object]:
    """What the run took, and what its tables hold."""
    with temporary_home() as home, _options(name, home) as options:
        command = ["mlops.pipeline", "--all", "--source", "csv", "--path", str(files), *options]
        usage = home.run(command, now, DATABASE_URL=home.url, OMP_NUM_THREADS="1")
        return usage, contents(home.url)


@contextmanager
def _options(name: str, home: Home) -> Iterator[list[str]]:
    if name != DASK:
        yield ["--workers", "2"] if name == TWO else []
        return
    folder = home.folder / "cluster"
    folder.mkdir()
    environment = home.environment(OMP_NUM_THREADS="1", DATABASE_URL=home.url)
    cluster = Cluster(folder, [environment, environment])
    try:
        yield ["--engine", cluster.address]
    finally:
        cluster.close()


def _compare(found: Result, walls: dict[str, float], size: str) -> None:
    limits = {TWO: (1.7, 1.85), DASK: (1.5, None)}
    for name, (must, aim) in limits.items():
        if name in walls and ONE in walls:
            what = f"{name}: times as fast as one, {size}"
            ratio = walls[ONE] / walls[name]
            found.budgets.append(Budget(what, ratio, "x", must, aim, higher=True))


if __name__ == "__main__":
    result.main(measure, __doc__)
