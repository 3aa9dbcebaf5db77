"""Measure cached forecasts while `/scoreboard` is asked twice a second over 70,000 forecasts.

    python -m benchmarks.serving.scoreboard [seconds] [rounds]

The application, the database and the load are those of `benchmarks/serving/rates.py`. In the last
two rows an outcome is added every half second, so that each scoreboard is computed anew. A forecast
that must be read is asked for beside it every half second. The cases take turns, and the best
round of each counts; any answer but 200 ends the benchmark.
"""

import argparse
import tempfile
import threading
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.serving import rates

SHARES, SESSIONS, EVERY = 140, 250, 0.5
FORECASTS = """
INSERT INTO predictions
SELECT 'SHARE' || share || '.NS', horizon, day, md5(horizon || n / 63) || md5('v'),
    md5(share || '/' || n) || md5('d'), 'served', sessions, target, false, 100, 'zero', 'undecided',
    0, 'zero', 0, 'ridge', sin(share * n) / 100, %(levels)s, %(quantiles)s, .5, .01, 'yahoo',
    'total', day + time '12:00'
FROM generate_series(1, %(shares)s) share
CROSS JOIN unnest(%(days)s::date[]) WITH ORDINALITY d(day, n)
CROSS JOIN (VALUES ('short', 1), ('long', 63)) h(horizon, sessions)
CROSS JOIN LATERAL (SELECT (%(days_after)s::date[])[n + sessions] AS target) t
"""
OUTCOMES = """
INSERT INTO prediction_outcomes
SELECT ticker, horizon, feature_date, version, data_hash, target_date + time '12:00', target_date,
    cos(hashtext(data_hash)) / 20, 'total', '', kind
FROM predictions
"""
RESTATED = """
INSERT INTO prediction_outcomes
SELECT ticker, horizon, feature_date, version, data_hash, clock_timestamp(), label_end,
    realised_return + 1e-6, return_basis, 'restated', kind
FROM prediction_outcomes
WHERE ticker = 'SHARE' || ceil(random() * 100) || '.NS' AND horizon = 'short' LIMIT 1
"""


def fill_log(url):
    """Log forecasts and their outcomes; returns how many."""
    import psycopg

    from src.core.calendars.nse import nse
    from src.modeling.intervals.quantiles import LEVELS

    days = [day for day in nse().array.tolist() if str(day) < "2026-04-13"]
    values = {
        "shares": SHARES,
        "days": days[-SESSIONS - 63 : -63],
        "days_after": days[-SESSIONS - 63 :],
        "levels": LEVELS.tolist(),
        "quantiles": [(level - 0.5) / 10 for level in LEVELS],
    }
    with psycopg.connect(url, autocommit=True) as connection:
        count = connection.execute(FORECASTS, values).rowcount
        connection.execute(OUTCOMES)
        connection.execute("VACUUM ANALYZE predictions")
        connection.execute("VACUUM ANALYZE prediction_outcomes")
    return count


class Asker:
    """Sends a request every half second, after calling ``before``; remembers the seconds taken."""

    def __init__(self, port, path, before=None):
        self.path, self.url, self.before = path, f"http://127.0.0.1:{port}{path}", before
        self.seconds, self.failure = [], None

    def _run(self, stop):
        try:
            while not stop.wait(EVERY):
                if self.before is not None:
                    self.before()
                started = time.perf_counter()
                with urllib.request.urlopen(self.url) as response:  # noqa: S310 our own address
                    response.read()
                self.seconds.append(time.perf_counter() - started)
        except Exception as error:
            self.failure = error

    @contextmanager
    def asking(self):
        stop = threading.Event()
        thread = threading.Thread(target=self._run, args=(stop,))
        thread.start()
        yield
        stop.set()
        thread.join()
        if self.failure is not None:
            raise SystemExit(f"{self.path}: {self.failure}")

    def __str__(self):
        times = sorted(self.seconds)
        middle, most = times[len(times) // 2] * 1e3, times[-1] * 1e3
        name = self.path.partition("?")[0]
        return f"{name} {len(times)} times, {middle:.0f} ms, {most:.0f} at most"


def cases(port, connection):
    """What is asked for beside the cached forecasts, by name."""

    def restate():
        connection.execute(RESTATED)

    def read():
        return Asker(port, "/predict/short?ticker=BENCH1.NS")

    return {
        "nothing": [],
        "scoreboard": [Asker(port, "/scoreboard"), read()],
        "outcomes are added": [Asker(port, "/health/live", restate), read()],
        "scoreboard computed anew": [Asker(port, "/scoreboard", restate), read()],
    }


def measure(server, askers, seconds):
    """The p99 of cached forecasts in ms, beside the askers."""
    with ExitStack() as stack:
        for asker in askers:
            stack.enter_context(asker.asking())
        return server.measure(["/predict/short?ticker=BENCH0.NS"], seconds)["p99"]


def main(seconds, rounds):
    import psycopg

    with tempfile.TemporaryDirectory(prefix="scoreboard-") as folder, ExitStack() as stack:
        lease = stack.enter_context(rates.fill(Path(folder)))
        count = fill_log(lease.url)
        connection = stack.enter_context(psycopg.connect(lease.url, autocommit=True))
        server = stack.enter_context(rates.application("outdated", Path(folder)))
        for path in ("/scoreboard", "/scoreboard", "/scoreboard?ticker=SHARE7"):
            started = time.perf_counter()
            server.answer(path)
            print(f"{path}: {(time.perf_counter() - started) * 1e3:.0f} ms")
        beside = cases(server.port, connection)
        p99 = {name: [] for name in beside}
        for _ in range(rounds):
            for name, askers in beside.items():
                p99[name].append(measure(server, askers, seconds))
        print(f"{count} forecasts; p99 ms of cached ones, ratio, and what was asked beside them")
        for name, askers in beside.items():
            best, asked = min(p99[name]), "; ".join(map(str, askers))
            print(f"{name:26}{best:7.2f}{best / min(p99['nothing']):6.2f}  {asked}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", nargs="?", type=int, default=5)
    parser.add_argument("rounds", nargs="?", type=int, default=3)
    args = parser.parse_args()
    main(args.seconds, args.rounds)
