"""Metrics of the service in Prometheus' format."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from src.api.forecasts.response import trained_at

if TYPE_CHECKING:
    from src.api.forecasts.service import ForecastService

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
NO_ROUTE = "none"
FORECASTS = "/predict/"
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class ForecastTotals:
    """Requests for forecasts since the service started.

    Attributes:
        errors: Those answered with a status of 400 or more.
        seconds: That all of them took.
        buckets: How many took at most so many seconds.
    """

    requests: float
    errors: float
    seconds: float
    buckets: Mapping[float, float]


class Metrics:
    """Requests, counted by route."""

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
        # Looking up the children of a metric by its labels costs more than counting.
        self._children: dict[tuple[str, str, int], tuple[Any, Any]] = {}
        ProcessCollector(registry=self.registry)

    def count(self, scope: MutableMapping[str, Any], status: int, seconds: float) -> None:
        """Count a request that was answered with ``status`` after so many seconds."""
        route = scope.get("route")
        key = (scope["method"], NO_ROUTE if route is None else route.path, status)
        children = self._children.get(key)
        if children is None:
            method = key[0] if key[0] in METHODS else "other"
            children = (
                self._requests.labels(method, key[1], str(status)),
                self._seconds.labels(key[1]),
            )
            # Clients can make up any number of methods.
            if method != "other":
                self._children[key] = children
        requests, durations = children
        requests.inc()
        durations.observe(seconds)
        if status >= 400:
            self._errors.labels(key[1], str(status)).inc()

    def forecast_totals(self) -> ForecastTotals:
        """How many forecasts were asked for so far, and how long they took."""
        sums: dict[str, float] = defaultdict(float)
        buckets: dict[float, float] = defaultdict(float)
        for family in (*self._seconds.collect(), *self._errors.collect()):
            for sample in family.samples:
                if not sample.labels["route"].startswith(FORECASTS):
                    continue
                if "le" in sample.labels:
                    buckets[float(sample.labels["le"])] += sample.value
                else:
                    sums[sample.name] += sample.value
        return ForecastTotals(
            requests=sums["forecast_api_request_seconds_count"],
            errors=sums["forecast_api_errors_total"],
            seconds=sums["forecast_api_request_seconds_sum"],
            buckets=buckets,
        )

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)


class ServiceCollector(Collector):
    """The state of the service at the moment that metrics are read."""

    def __init__(self, service: ForecastService) -> None:
        self._service = service

    def collect(self) -> Iterator[Any]:
        """See ``Collector``."""
        service, log = self._service, self._service.log
        answers = CounterMetricFamily(
            "forecast_api_answers", "Forecasts by where they came from", labels=("cache",)
        )
        for source in ("hit", "miss", "stale"):
            answers.add_metric((source,), service.served[source])
        yield answers
        arms = CounterMetricFamily(
            "forecast_api_trial_answers",
            "Forecasts for clients of a trial's split, by what they were answered with",
            labels=("trial", "arm"),
        )
        for labels, count in service.challengers.answered.items():
            arms.add_metric(labels, count)
        yield arms
        yield _gauge("forecast_api_cached", "Forecasts in the cache", len(service.cache))
        yield _gauge(
            "forecast_api_change_poller_healthy",
            "1 while changes in the database are noticed",
            service.poller.is_healthy(),
        )
        yield _gauge("forecast_log_backlog", "Served forecasts not yet logged", log.backlog)
        yield _gauge(
            "forecast_log_refused",
            "Served forecasts that the table refused, in the file of refused ones",
            log.dead_letters.count(),
        )
        for name, description, value in (
            ("written", "Served forecasts logged", log.written),
            ("failures", "Failed tries to log", log.failures),
            ("overflows", "Forecasts that found the queue full", log.overflows),
            ("recovered", "Unlogged forecasts of earlier processes", log.recovered),
            ("unsaved", "Forecasts that waited in memory only", log.memory_only),
        ):
            yield CounterMetricFamily(f"forecast_log_{name}", description, value=value)
        yield from self._ages()

    def _ages(self) -> Iterator[Any]:
        now = self._service.now()
        models = GaugeMetricFamily(
            "forecast_model_age_seconds",
            "Since the live model was fitted",
            labels=("pool", "horizon"),
        )
        data = GaugeMetricFamily(
            "forecast_data_age_sessions",
            "Sessions closed since the newest price",
            labels=("ticker", "horizon"),
        )
        fitted = {}
        for pair, entry in self._service.cache:
            data.add_metric(pair, entry.age_at(now).sessions)
            # Outdated entries may be of the model of before.
            pool = entry.forecast.answer["model"]["pool"]
            if not entry.outdated or (pool, pair[1]) not in fitted:
                fitted[pool, pair[1]] = trained_at(entry.forecast)
        for labels, at in fitted.items():
            if at is not None:
                models.add_metric(labels, (now - at).total_seconds())
        yield models
        yield data


def _gauge(name: str, description: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, description, value=float(value))
