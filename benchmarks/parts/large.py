"""500 and 2,000 tickers of 5,000 sessions from files to forecasts, and the evening after these.

Run: python -m benchmarks.parts.large [--quick]. It uses all cores, says beforehand how long it will
take and how much disk it needs, and does not begin where there is less.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile

from benchmarks.page import result, results
from benchmarks.page.result import Budget, Result
from benchmarks.parts.home import temporary_home
from benchmarks.parts.market import exponent, first_run, next_evening, unit_costs

FEWER, TICKERS, SESSIONS = 500, 2000, 5000
QUICK = (1, 3, 320)
# Of a ticker and session, where `make bench` has not measured them here: µs of cpu, and bytes of
# database, of files and of the server's log of changes.
CPU_MICROSECONDS, BYTES = 200.0, 1800
# A pool may not need more at this size, in MiB.
MEMORY = 4096


def measure(quick: bool) -> Result:
    """First runs of both sizes, and the evening of the greater, with all cores."""
    fewer, tickers, sessions = QUICK if quick else (FEWER, TICKERS, SESSIONS)
    say_what_it_takes((fewer + tickers) * sessions, tickers * sessions)
    cores = str(len(os.sched_getaffinity(0)))
    found = Result()
    with temporary_home() as home:
        before = first_run(home, fewer, sessions, "--workers", cores).first
    with temporary_home() as home:
        size = first_run(home, tickers, sessions, "--workers", cores)
        print(f"  stored and trained after {size.first.wall / 60:.0f} minutes", flush=True)
        found.figures = unit_costs(home, size)
        next_evening(found, home, size, "--workers", cores)
        peak = size.first.peak
    found.budgets.append(Budget(f"peak memory: {tickers:,} tickers", peak, "MiB", MEMORY))
    found.figures |= {
        "wall minutes": size.first.wall / 60,
        "cpu minutes, server included": size.first.cpu / 60,
        "peak MiB of one process": peak,
    }
    grown = exponent([fewer, tickers], [before.cpu, size.first.cpu])
    what = f"growth of cpu from {fewer:,} to {tickers:,} tickers: exponent"
    found.budgets.append(Budget(what, grown, "", 1.05))
    found.notes = [
        f"{tickers:,} tickers x {sessions:,} sessions in {cores} processes, from files to "
        f"forecasts: {size.first.wall / 60:.0f} minutes, {size.first.cpu / 60:.0f} cpu-minutes "
        f"with the server's, {peak:,.0f} MiB in the process with the most."
    ]
    return found


def say_what_it_takes(rows: int, stored: int) -> None:
    """Print the time and the disk beforehand; end in a sentence where the disk is too small.

    Of so many rows in all, and so many that are stored at a time.
    """
    known = results.load(results.FOLDER).get("market", {}).get("figures", {})
    cpu = sum(v for name, v in known.items() if "µs a ticker and session" in name)
    cores = len(os.sched_getaffinity(0))
    minutes = rows * (cpu or CPU_MICROSECONDS) / 1e6 / 60 / cores
    need, free = stored * BYTES / 2**30, shutil.disk_usage(tempfile.gettempdir()).free / 2**30
    print(f"  about {minutes:.0f} minutes on {cores} cores, and {need:.1f} GiB of disk", flush=True)
    if free < need:
        sys.exit(
            f"{tempfile.gettempdir()} has {free:.1f} GiB free and this needs {need:.1f}: free "
            "some, or set TMPDIR to a folder on a larger disk."
        )


if __name__ == "__main__":
    result.main(measure, __doc__)
