"""A year of the clock on a real database: what runs when, and which tables and folders grow.

    python -m benchmarks.worker.year [--tickers 5] [--months 12] [--train-every 5]

Two workers look at the same moments, each in a process of its own; the time is given to them. From
April 2025 they look every hour, and every five minutes after a close. The workers are away for 9
minutes and for 11 minutes around a close, and for ten days across Diwali. Every fifth run trains,
the others forecast with the stored models.
"""

import argparse
import datetime as dt
import multiprocessing
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.worker.world import PIPELINE, Prices, command, environment, evening, fetch
from src.core.calendars.nse import nse
from src.db.embedded.lease import acquire
from src.db.queue.retention import OLD

FIRST = dt.date(2023, 1, 2)
BEGIN, END = dt.date(2025, 4, 1), dt.date(2026, 3, 31)
MINUTE = dt.timedelta(minutes=1)
# When no worker is there: around the times at which a session is due, 10:30 UTC, and at Diwali.
OUTAGES = {
    "9 minutes": (dt.datetime(2025, 6, 10, 10, 29, tzinfo=dt.UTC), 9 * MINUTE),
    "11 minutes": (dt.datetime(2025, 7, 15, 10, 29, tzinfo=dt.UTC), 11 * MINUTE),
    "10 days": (dt.datetime(2025, 10, 16, 9, 0, tzinfo=dt.UTC), dt.timedelta(days=10)),
}
# The shortest time for which traces are kept, so that a year shows what it does.
KEPT = {"keep_days": 60, "keep_files_days": 60}
# Whole deliveries as they came: a file of all years takes more than the newest bars of Yahoo.
ARCHIVE = "batch_contents"
FOLDERS = ("mlops/runs", "models", "mlops/metrics", "var/requests", "var/fits", "logs")


def work(pipe: Connection, env: dict[str, str], train_every: int) -> None:
    """A worker: at each moment that it is given it does what a look does, and runs what waits."""
    os.environ.update(env)
    from mlops.run_request import run_request
    from mlops.worker.retention import delete_old_traces
    from mlops.worker.schedule import request_due_runs
    from src.config.load import load_settings
    from src.db.tables import run_requests

    cleaned = None
    with psycopg.connect(env["DATABASE_URL"], autocommit=True) as connection:
        while (now := pipe.recv()) is not None:
            kind = "full" if nse().count(BEGIN, now.date()) % train_every == 0 else "data"
            settings = load_settings(None, {"now": now, "worker": {"kind": kind, **KEPT}})
            request_due_runs(connection, settings, now)
            for number in run_requests.waiting(connection):
                run_request(number, settings)
            if cleaned != now.date():
                delete_old_traces(connection, settings, now)
                cleaned = now.date()
            pipe.send(True)


def moments(until: dt.date) -> Iterator[dt.datetime]:
    """Every hour, and every five minutes of the two hours after 10:30 UTC, but for outages."""
    now = evening(BEGIN) - dt.timedelta(hours=3)
    while now.date() <= until:
        if not any(begin <= now < begin + length for begin, length in OUTAGES.values()):
            yield now
        # A worker that comes back looks at once.
        ends = [begin + length for begin, length in OUTAGES.values()]
        busy = dt.time(10, 25) <= now.time() < dt.time(12, 30)
        step = now + (5 * MINUTE if busy else dt.timedelta(hours=1))
        now = min([step, *(end for end in ends if now < end)])


def sizes(url: str) -> dict[str, tuple[int, int]]:
    """Rows and bytes, with indexes, of every table."""
    tables = fetch(
        url,
        "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r' "
        "AND relnamespace = 'public'::regnamespace ORDER BY 1",
    )
    found = {}
    for name, size in tables:
        (row,) = fetch(url, f'SELECT count(*) FROM "{name}"')  # noqa: S608 names of ours
        found[name] = row[0], size
    return found


def folders(home: Path) -> dict[str, int]:
    """Bytes in the folders that runs write to."""
    return {
        name: sum(path.stat().st_size for path in (home / name).rglob("*") if path.is_file())
        for name in FOLDERS
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickers", type=int, default=5)
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--train-every", type=int, default=5)
    args = parser.parse_args()
    os.nice(10)
    year, month = divmod(BEGIN.month - 1 + args.months, 12)
    until = dt.date(BEGIN.year + year, month + 1, 1) - dt.timedelta(days=1)
    with tempfile.TemporaryDirectory() as folder, acquire(Path(folder) / "postgres") as lease:
        simulate(Path(folder), lease.url, until, args)


def simulate(folder: Path, url: str, until: dt.date, args: argparse.Namespace) -> None:
    home, prices = folder / "home", Prices(args.tickers, FIRST, END)
    last = nse().previous_session(BEGIN)
    prices.write(home / "prices", last)
    env = environment(home, url, evening(last))
    command([*PIPELINE, str(home / "prices")], env, folder / "first.log").wait()
    pipes = start_workers(url, home, args.train_every)
    snapshots: dict[str, Any] = {}
    log = Log()
    began, closed = time.monotonic(), last
    for now in moments(until):
        month = f"{now:%Y-%m}"
        if month not in snapshots:
            snapshots[month] = sizes(url), folders(home)
            log.read(url)
            print(f"{month} after {time.monotonic() - began:,.0f} s", flush=True)
        if (day := nse().last_closed(now)) != closed:
            # A source that has a session from 20 minutes after its close.
            prices.write(home / "prices", day)
            closed = day
        for pipe in pipes:
            pipe.send(now)
        for pipe in pipes:
            pipe.recv()
    snapshots["end"] = sizes(url), folders(home)
    for pipe in pipes:
        pipe.send(None)
    log.read(url)
    report_runs(log, url, until)
    report_sizes(snapshots, args.tickers)


def start_workers(url: str, home: Path, train_every: int) -> list[Connection]:
    context = multiprocessing.get_context("spawn")
    env = environment(home, url, evening(BEGIN))
    del env["FORECAST_NOW"]
    pipes = []
    for _ in range(2):
        ours, theirs = context.Pipe()
        context.Process(target=work, args=(theirs, env, train_every), daemon=True).start()
        pipes.append(ours)
    return pipes


@dataclass
class Log:
    """What has run, read before the retention deletes it.

    Attributes:
        requests: By number the session, the status and the time by the clock of the workers.
        finished: How often a session was finished for a ticker, by run.
    """

    requests: dict[int, tuple[dt.date, str, dt.datetime]] = field(default_factory=dict)
    finished: set[tuple[str, str, dt.date]] = field(default_factory=set)

    def read(self, url: str) -> None:
        query = (
            "SELECT request_id, session, status, scheduled_at FROM run_requests "
            "WHERE exchange IS NOT NULL"
        )
        self.requests |= {number: tuple(row) for number, *row in fetch(url, query)}
        query = (
            "SELECT run_id, ticker, session FROM run_tickers "
            "WHERE status = 'success' AND session >= %s"
        )
        self.finished |= {(run, ticker, day) for run, ticker, day in fetch(url, query, BEGIN)}


def report_runs(log: Log, url: str, until: dt.date) -> None:
    """Sessions and runs of the year, and what the outages led to."""
    sessions = nse().sessions(BEGIN, until)
    rows = [log.requests[number] for number in sorted(log.requests)]
    runs = Counter(session for session, *_ in rows)
    missed = [day for (day,) in fetch(url, "SELECT session FROM missed_sessions ORDER BY 1")]
    twice = Counter((ticker, day) for _, ticker, day in log.finished)
    kept = [day for day in sessions if day not in missed]
    print(f"\n{len(sessions)} sessions closed from {BEGIN} to {until}.")
    print(
        f"{len(rows)} runs, {sum(runs[day] == 1 for day in kept)} sessions with one of their own,"
    )
    print(f"{sum(runs[day] > 1 for day in kept)} with several, {len(missed)} passed over:")
    print(f"{', '.join(map(str, missed)) or 'none'}.")
    print(f"{len(set(runs) - set(sessions))} runs for days that are no sessions.")
    print(f"{sum(status != 'success' for _, status, _ in rows)} did not succeed.")
    print(f"{sum(n > 1 for n in twice.values())} times a ticker was finished twice for a session.")
    for name, (begin, length) in OUTAGES.items():
        after = [(day, at) for day, _, at in rows if at >= begin + length]
        if after:
            print(f"After {name} away: session {after[0][0]} at {after[0][1]:%Y-%m-%d %H:%M} UTC.")


def report_sizes(snapshots: dict[str, Any], tickers: int) -> None:
    """Which tables and folders grow from month to month, and what a year of more would need."""
    months = list(snapshots)
    shown = [months[0], months[len(months) // 2], months[-1]]
    print(f"\n{'rows of':28}{shown[0]:>12}{shown[1]:>12}{shown[2]:>12}   kB a month")
    first, last = snapshots[months[1]], snapshots[months[-1]]
    span = max(1, len(months) - 2)
    for name, (rows, size) in last[0].items():
        grown = (size - first[0].get(name, (0, 0))[1]) / 1024 / span
        if grown < 1 and rows == snapshots[months[0]][0].get(name, (0, 0))[0]:
            continue
        counts = "".join(f"{snapshots[month][0].get(name, (0, 0))[0]:12,}" for month in shown)
        must = "   deleted after 60 days here" if name in OLD else ""
        print(f"{name:28}{counts}{grown:13,.0f}{must}")
    print()
    for name, size in last[1].items():
        grown = (size - first[1].get(name, 0)) / 1024 / span
        print(f"{name:28}{size / 1e6:11.1f}M{grown:37,.0f}")
    grown = {name: last[0][name][1] - first[0].get(name, (0, 0))[1] for name in last[0]}
    archive = grown.pop(ARCHIVE) / span * 12 / tickers / 1e6
    rest = sum(grown.values()) / span * 12 / tickers / 1e6
    print(f"\nA ticker and year: {rest:.2f} MB, and {archive:.2f} MB of whole files as they came.")
    for count in (100, 500):
        print(
            f"{count} tickers: {count * rest / 1e3:.2f} GB of database a year, "
            f"{count * (rest + archive) / 1e3:.2f} GB with the files."
        )


if __name__ == "__main__":
    main()
