"""What the service does and knows, as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from src.api.forecasts import response

if TYPE_CHECKING:
    from src.api.forecasts.service import Desk

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
UNMATCHED = "none"
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


class Metrics:
    """Counts of requests by route; the rest is looked up when it is asked for."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "forecast_api_requests",
            "Requests",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._errors = Counter(
            "forecast_api_errors",
            "Requests answered with a status of 400 or more",
            ("route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "forecast_api_request_seconds",
            "Time from request to answer",
            ("route",),
            registry=self.registry,
            buckets=BUCKETS,
        )
        self._known: dict[tuple[str, str, int], tuple[Any, Any]] = {}
        ProcessCollector(registry=self.registry)

    def count(self, scope: MutableMapping[str, Any], status: int, seconds: float) -> None:
        """Count a request that was answered with ``status`` after so many seconds."""
        route = scope.get("route")
        key = (scope["method"], UNMATCHED if route is None else route.path, status)
        found = self._known.get(key)
        if found is None:
            method = key[0] if key[0] in METHODS else "other"
            found = (
                self._requests.labels(method, key[1], str(status)),
                self._seconds.labels(key[1]),
            )
            # Methods that somebody makes up are not remembered.
            if method != "other":
                self._known[key] = found
        found[0].inc()
        found[1].observe(seconds)
        if status >= 400:
            self._errors.labels(key[1], str(status)).inc()

    def text(self) -> bytes:
        """All of them in Prometheus' text format."""
        return generate_latest(self.registry)


class State(Collector):
    """What the desk knows at the moment it is asked."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def collect(self) -> Iterator[Any]:
        """See ``Collector``."""
        desk, book = self._desk, self._desk.logbook
        served = CounterMetricFamily(
            "forecast_api_answers", "Forecasts by where they came from", labels=("cache",)
        )
        for kind in ("hit", "miss", "held"):
            served.add_metric((kind,), desk.served[kind])
        yield served
        yield _gauge("forecast_api_cached", "Forecasts in the cache", len(desk.cache))
        yield _gauge("forecast_api_hears", "1 while changes are heard of", desk.watch.hears())
        yield _gauge("forecast_log_backlog", "Served forecasts not yet logged", book.backlog)
        for name, what, value in (
            ("written", "Served forecasts logged", book.written),
            ("failures", "Tries to log that failed", book.failures),
            ("overflows", "Forecasts that found the queue full", book.overflows),
            ("recovered", "Forecasts that a service before did not live to log", book.recovered),
            ("unsaved", "Forecasts that waited in memory only", book.unsaved),
        ):
            yield CounterMetricFamily(f"forecast_log_{name}", what, value=value)
        yield from self._ages()

    def _ages(self) -> Iterator[Any]:
        names, now = ("ticker", "horizon"), self._desk.now()
        models = GaugeMetricFamily(
            "forecast_model_age_seconds", "Since the model was trained", labels=names
        )
        data = GaugeMetricFamily(
            "forecast_data_age_sessions", "Sessions closed since the newest price", labels=names
        )
        for pair, kept in self._desk.cache:
            trained = response.trained_at(kept.made)
            if trained is not None:
                models.add_metric(pair, (now - trained).total_seconds())
            data.add_metric(pair, kept.aged(now).sessions)
        yield models
        yield data


def _gauge(name: str, what: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, what, value=float(value))
