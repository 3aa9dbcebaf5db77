"""Measure cached forecasts while `/scoreboard` is asked twice a second over 70,000 forecasts.

    .venv/bin/python benchmarks/scoreboard.py [seconds]

The application, the database and the load are those of `benchmarks/serving.py`. Before the last
rows an outcome is added every half second, so that each scoreboard is computed anew. Forecasts
that must be read are asked for beside it; any answer but 200 ends the benchmark.
"""

import argparse
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import serving  # noqa: E402 on the path set above

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
    cos(hashtext(data_hash)) / 20, 'total', ''
FROM predictions
"""
RESTATED = """
INSERT INTO prediction_outcomes
SELECT ticker, horizon, feature_date, version, data_hash, clock_timestamp(), label_end,
    realised_return + 1e-6, return_basis, 'restated'
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

    def __init__(self, port, path, before=lambda: None):
        self.url, self.before, self.seconds = f"http://127.0.0.1:{port}{path}", before, []
        self._stop, self._thread = threading.Event(), threading.Thread(target=self._run)

    def _run(self):
        while not self._stop.wait(EVERY):
            self.before()
            started = time.perf_counter()
            with urllib.request.urlopen(self.url) as response:  # noqa: S310 our own address
                response.read()
            self.seconds.append(time.perf_counter() - started)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *raised):
        self._stop.set()
        self._thread.join()

    def __str__(self):
        times = sorted(self.seconds) or [float("nan")]
        middle, most = times[len(times) // 2] * 1e3, times[-1] * 1e3
        path = self.url.split("/", 3)[3].partition("?")[0]
        return f"{path} {len(times)} times in {middle:.0f} ms, {most:.0f} at most"


def measure(server, url, seconds):
    """Rows: what is asked beside the cached forecasts, their p99 in ms, the askers."""
    import psycopg

    cached, read = ["/predict/short?ticker=BENCH0.NS"], "/read?ticker=BENCH1.NS"
    with psycopg.connect(url, autocommit=True) as connection:

        def restate():
            connection.execute(RESTATED)

        boards = {
            "nothing": [],
            "scoreboard, nothing new": [("/scoreboard",), (read,)],
            "outcomes are added": [("/health/live", restate), (read,)],
            "scoreboard, computed anew": [("/scoreboard", restate), (read,)],
        }
        for name, paths in boards.items():
            askers = [Asker(server.port, *path) for path in paths]
            with ExitStack() as stack:
                for asker in askers:
                    stack.enter_context(asker)
                result = server.measure(cached, seconds)
            yield name, result, askers


def main(seconds):
    with tempfile.TemporaryDirectory(prefix="scoreboard-") as folder, ExitStack() as stack:
        lease = stack.enter_context(serving.fill(Path(folder)))
        count = fill_log(lease.url)
        server = stack.enter_context(serving.application("create", Path(folder)))
        for path in ("/scoreboard", "/scoreboard", "/scoreboard?ticker=SHARE7"):
            started = time.perf_counter()
            server.answer(path)
            print(f"{path}: {(time.perf_counter() - started) * 1e3:.0f} ms")
        alone = None
        print(f"{count} forecasts; asked for beside cached ones: p99 ms, ratio")
        for name, result, askers in measure(server, lease.url, seconds):
            alone = alone or result["p99"]
            asked = "; ".join(map(str, askers))
            print(f"{name:26}{result['p99']:7.2f}{result['p99'] / alone:6.2f}  {asked}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", nargs="?", type=int, default=10)
    main(parser.parse_args().seconds)
