"""Keep in the metrics folder, every few minutes, how many forecasts were asked for and how fast."""

from __future__ import annotations

import datetime as dt
import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from src.config import logs
from src.config.memory import peak_memory
from src.core.errors import UnwritableFolder
from src.monitoring.metrics.points import MetricsFolder, Point, make_point

if TYPE_CHECKING:
    from src.api.observability.metrics import ForecastTotals, Metrics

log = logs.get(__name__)

# Seconds between points; without requests there is none.
INTERVAL = 300.0


class MetricsRecorder:
    """Writes points from a thread of its own, so that no request waits for a disk.

    Args:
        folder: Where the points are kept.
        metrics: Counts the requests.
        now: The time.
    """

    def __init__(
        self, folder: MetricsFolder, metrics: Metrics, now: Callable[[], dt.datetime]
    ) -> None:
        self._folder, self._metrics, self._now = folder, metrics, now
        self._before = metrics.forecast_totals()
        self._failed, self._stop = False, threading.Event()
        self._thread = threading.Thread(target=self._run, name="metrics-recorder", daemon=True)

    def start(self) -> None:
        """Begin to record."""
        self._thread.start()

    def stop(self) -> None:
        """Record what there is since the last points, and end."""
        self._stop.set()
        self._thread.join(INTERVAL)

    def _run(self) -> None:
        while not self._stop.wait(INTERVAL):
            self._record()
        self._record()

    def _record(self) -> None:
        before, totals = self._before, self._metrics.forecast_totals()
        try:
            self._folder.write(request_points(before, totals, self._now()))
            self._before, self._failed = totals, False
        except UnwritableFolder as error:
            # The next points are of the longer time.
            if not self._failed:
                log.warning(str(error))
            self._failed = True


def request_points(
    before: ForecastTotals, totals: ForecastTotals, at: dt.datetime
) -> Iterator[Point]:
    """The points of the time between two totals; none without a request.

    ``api_requests`` and ``api_errors`` (status 400 and more), ``api_seconds_mean``,
    ``api_seconds_p95`` (from the histogram of ``/metrics``) and ``api_peak_memory_mib``.
    """
    requests = totals.requests - before.requests
    if not requests:
        return
    buckets = {
        bound: count - before.buckets.get(bound, 0.0) for bound, count in totals.buckets.items()
    }
    values = {
        "api_requests": requests,
        "api_errors": totals.errors - before.errors,
        "api_seconds_mean": (totals.seconds - before.seconds) / requests,
        "api_seconds_p95": quantile(buckets, 0.95),
        "api_peak_memory_mib": peak_memory(),
    }
    for name, value in values.items():
        yield make_point(name, value, None, at)


def quantile(buckets: Mapping[float, float], share: float) -> float:
    """The quantile of a histogram of cumulative counts by upper bound, linear within a bucket.

    Beyond the last finite bound it is that bound.
    """
    bounds = sorted(buckets)
    wanted = share * buckets[bounds[-1]]
    for low, high in itertools.pairwise([0.0, *bounds]):
        if buckets[high] >= wanted:
            if high == float("inf"):
                return low
            below = buckets.get(low, 0.0)
            inside = buckets[high] - below
            return low + (high - low) * ((wanted - below) / inside if inside else 0.0)
    return bounds[-1]
