"""Kill workers and runs in every stage, and take the database away: is every session complete?

    python -m benchmarks.worker.kills [--kills 50] [--tickers 5] [--away 60]

For each kill a new session closes, a worker begins its run, and as soon as the run has come to
another of ten points the run, the worker or both are killed by SIGKILL, as the kernel does without
memory. A worker that is
gone is started again a second later, as whoever keeps it running would. Then the same sessions are
run without any fault, and what the tables hold is compared.
"""

import argparse
import datetime as dt
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg

from benchmarks.worker.world import (
    PIPELINE,
    Prices,
    command,
    contents,
    environment,
    evening,
    fetch,
    finished,
)
from src.core.calendars.nse import nse
from src.db.embedded import postmaster
from src.db.embedded.lease import acquire
from src.db.embedded.server import EmbeddedServer
from src.db.tables.run_requests import NewRequest, submit

FIRST, LAST = dt.date(2024, 1, 1), dt.date(2026, 6, 30)
LIMIT = 120.0  # seconds to a complete session
WHAT = ("run", "worker", "both")
# Of the newest request for a session whether it was claimed and has ended, whether its run has
# begun, and which of its stages have ended.
STATE = """
SELECT q.status <> 'waiting', q.ended_at IS NOT NULL, r.run_id IS NOT NULL,
    array(SELECT stage FROM stage_runs s WHERE s.run_id = r.run_id)
FROM (SELECT * FROM run_requests WHERE session = %s ORDER BY request_id DESC LIMIT 1) q
LEFT JOIN (SELECT * FROM pipeline_runs WHERE status = 'running' OR finished_at IS NOT NULL
    ORDER BY started_at DESC, run_id DESC LIMIT 1) r ON r.started_at >= %s
"""
POINTS = {
    "its process begins": lambda world, _: bool(world.run_processes()),
    "request claimed": lambda _, state: state[0],
    "run begun, ingest": lambda _, state: state[2],
    "cleaning": lambda _, state: "data_ingest" in state[3],
    "features": lambda _, state: "data_cleaning" in state[3],
    "validation": lambda _, state: "feature_engineering" in state[3],
    "training begins": lambda _, state: "validation" in state[3],
    "training, half a second on": lambda _, state: "validation" in state[3],
    "outcomes and drift": lambda _, state: "training" in state[3],
    "request has ended": lambda _, state: state[1],
}


@dataclass
class Trial:
    """What was done in which stage, and what became of the session."""

    what: str
    stage: str
    seconds: float
    runs: list[int]
    requests: int


class World:
    """A server, a home, and a worker that is started for each session."""

    def __init__(self, folder: Path, tickers: int) -> None:
        self.folder = folder
        folder.mkdir()
        self.server = EmbeddedServer((folder / "postgres").resolve())
        self.lease = acquire(folder / "postgres")
        self.url, self.home = self.lease.url, folder / "home"
        self.prices = Prices(tickers, FIRST, LAST)
        self.worker: subprocess.Popen[bytes] | None = None
        self.env: dict[str, str] = {}

    def close_session(self, day: dt.date, without: str = "") -> None:
        """Let a session close and its prices come."""
        self.prices.write(self.home / "prices", day, without)
        self.env = environment(self.home, self.url, evening(day))

    def first_run(self, day: dt.date) -> None:
        self.close_session(day)
        arguments = [*PIPELINE, str(self.home / "prices")]
        if command(arguments, self.env, self.folder / "first.log").wait():
            raise SystemExit((self.folder / "first.log").read_text())

    def start_worker(self) -> None:
        self.worker = command(["mlops.worker"], self.env, self.folder / "worker.log")

    def run_processes(self) -> list[psutil.Process]:
        """Processes of runs in this home, also those that have outlived their worker."""
        found = []
        for process in psutil.process_iter(["cmdline", "environ"]):
            line, env = process.info["cmdline"] or (), process.info["environ"] or {}
            if "mlops.run_request" in line and env.get("FORECAST_HOME") == str(self.home):
                found.append(process)
        return found

    def kill(self, what: str) -> None:
        if what in ("worker", "both") and self.worker is not None:
            self.worker.kill()
            self.worker.wait()
        if what in ("run", "both"):
            for process in self.run_processes():
                process.kill()

    def stop_worker(self) -> float:
        """End the worker as it should be; how many seconds that took."""
        began = time.monotonic()
        if self.worker is not None:
            self.worker.terminate()
            self.worker.wait(60)
        return time.monotonic() - began

    def wait_for(self, point: str, day: dt.date) -> None:
        """Wait until the run of a session has come to a point."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            wait(
                lambda: self._is_at(
                    point, connection.execute(STATE, (day, evening(day))).fetchone()
                )
            )
        if "half a second" in point:
            time.sleep(0.5)

    def _is_at(self, point: str, state: tuple[Any, ...] | None) -> bool:
        return state is not None and bool(POINTS[point](self, state))

    def is_complete(self, day: dt.date) -> bool:
        return len(finished(self.url, day)) == len(self.prices.names)


def wait(condition: Callable[[], bool], seconds: float = LIMIT) -> float:
    """Seconds until a condition holds."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            return float("inf")
        time.sleep(0.02)
    return time.monotonic() - began


def kill_one(world: World, day: dt.date, what: str, point: str) -> Trial:
    before = len(fetch(world.url, "SELECT 1 FROM run_requests"))
    world.close_session(day)
    world.start_worker()
    world.wait_for(point, day)
    world.kill(what)
    began = time.monotonic()
    if what in ("worker", "both"):
        time.sleep(1)
        world.start_worker()
    wait(lambda: world.is_complete(day))
    seconds = time.monotonic() - began
    wait(lambda: not world.run_processes(), 30)
    return end(world, day, Trial(what, point, seconds, [], before))


def end(world: World, day: dt.date, trial: Trial) -> Trial:
    world.stop_worker()
    trial.runs = finished(world.url, day)
    trial.requests = len(fetch(world.url, "SELECT 1 FROM run_requests")) - trial.requests
    return trial


def terminate_one(world: World, day: dt.date, point: str) -> tuple[Trial, float]:
    """Stop the worker properly in the middle of a run, and start it again."""
    before = len(fetch(world.url, "SELECT 1 FROM run_requests"))
    world.close_session(day)
    world.start_worker()
    world.wait_for(point, day)
    took = world.stop_worker()
    began = time.monotonic()
    world.start_worker()
    wait(lambda: world.is_complete(day))
    return end(world, day, Trial("SIGTERM", point, time.monotonic() - began, [], before)), took


def take_database_away(world: World, day: dt.date, point: str, away: float) -> tuple[Trial, float]:
    """Stop the server in the middle of a run; a person asks for a run as soon as it is back."""
    before = len(fetch(world.url, "SELECT 1 FROM run_requests"))
    world.close_session(day)
    world.start_worker()
    world.wait_for(point, day)
    postmaster.stop(world.server)
    time.sleep(away)
    acquire(world.server.data).unlock()
    began = time.monotonic()
    started = run_now(world, ["S000.NS"])
    wait(lambda: world.is_complete(day))
    seconds = time.monotonic() - began
    wait(lambda: not world.run_processes(), 30)
    return end(world, day, Trial("database", point, seconds, [], before)), started


def run_now(world: World, tickers: list[str]) -> float:
    """Seconds from a press of a button until that run has begun."""
    request = NewRequest(f"page {time.time()}", "data", tickers, "stored", None, "A. Rao")
    with psycopg.connect(world.url, autocommit=True) as connection:
        number, _ = submit(connection, request)
    query = "SELECT started_at IS NOT NULL FROM run_requests WHERE request_id = %s"
    return wait(lambda: bool(fetch(world.url, query, number)[0][0]))


def run_while_a_retry_waits(world: World, day: dt.date) -> float:
    """Seconds to begin what is asked for while a session is to be tried again in a minute."""
    world.close_session(day, without=world.prices.names[-1])
    world.start_worker()
    ended = "SELECT 1 FROM run_requests WHERE session = %s AND status = 'success'"
    wait(lambda: bool(fetch(world.url, ended, day)))
    started = run_now(world, ["S000.NS"])
    wait(lambda: not world.run_processes(), 30)
    world.stop_worker()
    return started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--tickers", type=int, default=5)
    parser.add_argument("--away", type=float, default=60.0)
    args = parser.parse_args()
    os.nice(10)
    with tempfile.TemporaryDirectory() as folder:
        run_all(Path(folder), args)


def run_all(folder: Path, args: argparse.Namespace) -> None:
    others = 5
    days = nse().sessions(FIRST, LAST)[-(args.kills + others + 3) :]
    world = World(folder / "killed", args.tickers)
    world.first_run(days[0])
    usual = kill_one(world, days[1], "nothing", "its process begins")
    print(f"A session without a fault is complete after {usual.seconds:.1f} s.", flush=True)
    trials, points = [], list(POINTS)
    for number in range(args.kills):
        # Each kind of kill meets every point.
        what, point = WHAT[number % len(WHAT)], points[number % len(points)]
        trials.append(kill_one(world, days[2 + number], what, point))
        print(f"{number + 1:3} {trials[-1]}", flush=True)
    rest = days[2 + args.kills :]
    for day, point in zip(rest[:3], ("cleaning", "features", points[7]), strict=True):
        trial, took = terminate_one(world, day, point)
        trials.append(trial)
        print(f"SIGTERM: the worker ended within {took:.1f} s. {trial}", flush=True)
    trial, started = take_database_away(world, rest[3], points[7], args.away)
    trials.append(trial)
    print(f"Database away for {args.away:.0f} s: “run now” began {started:.1f} s after. {trial}")
    lost, killed = check(world), contents(world.url)
    latency = run_while_a_retry_waits(world, rest[4])
    print(f"“Run now” while a retry waits began after {latency:.1f} s.")
    report(trials, args.tickers)
    print("\n".join(lost) or "Forecasts and tables are whole.", flush=True)
    world.lease.release()
    compare(killed, folder, args.tickers, days[: 2 + args.kills + 4])


def check(world: World) -> list[str]:
    """What is missing or there twice in the log of forecasts, and half tables."""
    query = (
        "SELECT feature_date, horizon, count(*), count(DISTINCT ticker) FROM predictions "
        "WHERE kind = 'served' GROUP BY 1, 2 ORDER BY 1, 2"
    )
    problems = [
        f"{day} {horizon}: {count} forecasts of {tickers} tickers"
        for day, horizon, count, tickers in fetch(world.url, query)
        if not count == tickers == len(world.prices.names)
    ]
    lagging = fetch(
        world.url,
        "SELECT ticker FROM raw_daily_prices GROUP BY ticker HAVING count(*) <> (SELECT count(*) "
        "FROM features_daily f WHERE f.ticker = raw_daily_prices.ticker)",
    )
    return problems + [f"{ticker}: features lack sessions" for (ticker,) in lagging]


def report(trials: list[Trial], tickers: int) -> None:
    stages: dict[str, list[Trial]] = {}
    for trial in trials:
        stages.setdefault(trial.stage, []).append(trial)
    print(f"\n{'killed at':28}{'times':>6}{'longest s':>11}{'run twice':>11}{'not complete':>14}")
    for stage, found in stages.items():
        twice = sum(any(count > 1 for count in trial.runs) for trial in found)
        missing = sum(len(trial.runs) < tickers for trial in found)
        longest = max(trial.seconds for trial in found)
        print(f"{stage:28}{len(found):6}{longest:11.1f}{twice:11}{missing:14}")


def compare(
    killed: dict[str, tuple[Any, ...]], folder: Path, tickers: int, days: list[dt.date]
) -> None:
    """Run the same sessions without a fault, and say which tables differ."""
    calm = World(folder / "calm", tickers)
    calm.first_run(days[0])
    for day in days[1:]:
        calm.close_session(day)
        command(["mlops.worker", "--once"], calm.env, calm.folder / "once.log").wait()
    expected = contents(calm.url)
    calm.lease.release()
    for table, row in expected.items():
        state = "the same" if killed[table] == row else f"DIFFERS: {killed[table][0]:,} rows"
        print(f"{table:26}{row[0]:10,} rows  {state}")


if __name__ == "__main__":
    main()
