import datetime as dt
import math
from types import SimpleNamespace

import pytest

from src.api.observability.metrics import ForecastTotals, Metrics
from src.api.observability.recorder import MetricsRecorder, quantile, request_points
from src.monitoring.metrics.history import read_points
from src.monitoring.metrics.points import MetricsFolder

AT = dt.datetime(2026, 4, 16, 13, 0, tzinfo=dt.UTC)
BUCKETS = {0.001: 0.0, 0.01: 80.0, 0.1: 100.0, math.inf: 100.0}


def count(metrics, path, status, seconds, times=1):
    scope = {"method": "GET", "route": SimpleNamespace(path=path)}
    for _ in range(times):
        metrics.count(scope, status, seconds)


def values(before, totals):
    return {point.name: point.value for point in request_points(before, totals, AT)}


def test_only_forecasts_are_counted():
    metrics = Metrics()
    assert metrics.forecast_totals().requests == 0
    count(metrics, "/predict/short", 200, 0.002, times=3)
    count(metrics, "/predict/batch", 404, 0.02)
    count(metrics, "/health", 503, 3.0, times=9)
    totals = metrics.forecast_totals()
    assert (totals.requests, totals.errors) == (4, 1)
    assert totals.seconds == pytest.approx(0.026)
    assert (totals.buckets[0.0025], totals.buckets[0.025], totals.buckets[math.inf]) == (3, 4, 4)


def test_points_are_of_the_time_since_the_last_ones():
    before = ForecastTotals(900, 9, 4.5, dict.fromkeys(BUCKETS, 900.0))
    after = {bound: number + 900 for bound, number in BUCKETS.items()}
    found = values(before, ForecastTotals(1000, 14, 5.7, after))
    assert found.pop("api_peak_memory_mib") > 1
    assert found == {
        "api_requests": 100,
        "api_errors": 5,
        "api_seconds_mean": pytest.approx(0.012),
        # 95 of 100: three quarters of the way from .01 to .1.
        "api_seconds_p95": pytest.approx(0.0775),
    }
    assert values(before, before) == {}


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 0.0), (0.4, 0.0055), (0.8, 0.01), (0.9, 0.055), (1.0, 0.1)]
)
def test_a_quantile_is_linear_within_its_bucket(share, expected):
    assert quantile(BUCKETS, share) == pytest.approx(expected)


def test_what_is_slower_than_every_bound_is_at_the_last_one():
    assert quantile({0.1: 1.0, 5.0: 1.0, math.inf: 100.0}, 0.95) == 5.0


def test_a_service_that_stops_records_its_last_requests_once(tmp_path):
    metrics = Metrics()
    recorder = MetricsRecorder(MetricsFolder(tmp_path, 10), metrics, lambda: AT)
    recorder.start()
    count(metrics, "/predict/short", 200, 0.002, times=3)
    recorder.stop()
    points = read_points(tmp_path, AT, AT, "api_requests").points
    assert [point.value for point in points] == [3.0]


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    metrics = Metrics()
    recorder = MetricsRecorder(MetricsFolder(tmp_path / "file", 10), metrics, lambda: AT)
    recorder.start()
    count(metrics, "/predict/short", 200, 0.002)
    recorder.stop()
    assert (tmp_path / "file").read_text() == ""
