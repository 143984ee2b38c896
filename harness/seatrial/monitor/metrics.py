"""Prometheus: histograms of statements, database time and time per request, and a counter of slow statements.

Needs prometheus-client, imported only where metrics are switched on. The labels are bounded: the methods of HTTP, the
rules of the app up to a cap, five classes of status.
"""

from __future__ import annotations

import hmac
import os
import threading
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from seatrial.monitor.settings import MonitorError, Settings

if TYPE_CHECKING:
    from flask import Flask, Response

    from seatrial.monitor.visit import Visit

OTHER_RULE = "(other)"
"""Stands for every route beyond the cap."""
MULTIPROCESS = ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir")
"""Variables by which prometheus-client is told that several processes serve the app."""
STATEMENTS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500)
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """What is registered once per registry, whatever number of apps use it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        by = ("app", "method", "rule", "status")
        self.slow = Counter("seatrial_slow_statements", "Statements over the limit.", by[:3], registry=None)
        self.statements = Histogram(
            "seatrial_request_statements", "SQL statements per request.", by, buckets=STATEMENTS, registry=None
        )
        self.database = Histogram(
            "seatrial_request_database_seconds", "Database time per request.", by, buckets=SECONDS, registry=None
        )
        self.total = Histogram("seatrial_request_seconds", "Time per request.", by, buckets=SECONDS, registry=None)
        registered: list[Collector] = []
        try:
            metric: Collector
            for metric in (self.slow, self.statements, self.database, self.total):
                registry.register(metric)
                registered.append(metric)
        except ValueError:
            for metric in registered:
                registry.unregister(metric)
            raise


_by_registry: WeakKeyDictionary[Any, Metrics] = WeakKeyDictionary()
_lock = threading.Lock()


def metrics_of(registry: CollectorRegistry) -> Metrics:
    """The metrics in this registry, made with the first app that uses it.

    Raises:
        MonitorError: Somebody else has registered one of the names.
    """
    with _lock:
        found = _by_registry.get(registry)
        if found is None:
            try:
                found = _by_registry[registry] = Metrics(registry)
            except ValueError as error:
                raise MonitorError(
                    f"seatrial.monitor: the Prometheus registry refuses its metrics ({error}): "
                    "give it another one with Monitor(app, registry=CollectorRegistry())"
                ) from error
        return found


class AppMetrics:
    """The metrics of one app, with the labels that it has used so far."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._registry: CollectorRegistry = REGISTRY if settings.registry is None else settings.registry
        self._metrics = metrics_of(self._registry)
        self._app = settings.app_name or name
        self._path = settings.metrics_path or ""
        self._token = settings.metrics_token
        self._rules: set[str] = set()
        self._most = settings.max_routes
        # labels() checks and locks on every call; there are as many of these as there are series
        self._series: dict[tuple[str, str, str], tuple[Any, Any, Any]] = {}

    def observe(self, visit: Visit) -> None:
        rule = self._rule(visit.rule)
        labels = (visit.method, rule, visit.status_class)
        series = self._series.get(labels)
        if series is None:
            of, named = self._metrics, (self._app, *labels)
            series = of.statements.labels(*named), of.database.labels(*named), of.total.labels(*named)
            self._series[labels] = series
        tally = visit.tally
        series[0].observe(tally.count)
        series[1].observe(tally.seconds)
        series[2].observe(visit.total_s)
        if tally.slow_count:
            self._metrics.slow.labels(self._app, visit.method, rule).inc(tally.slow_count)

    def _rule(self, rule: str) -> str:
        if rule in self._rules:
            return rule
        if len(self._rules) >= self._most:
            return OTHER_RULE
        self._rules.add(rule)
        return rule

    # ------------------------------------------------------------------------------------------------ endpoint
    def add_endpoint(self, app: Flask) -> None:
        """A route of the app, as its hooks and limits see any other."""
        app.add_url_rule(self._path, "seatrial_metrics", self._page)

    def _page(self) -> Response:
        from flask import Response, request

        if self._token is not None:
            given = request.headers.get("Authorization", "").encode("utf-8", "replace")
            if not hmac.compare_digest(given, b"Bearer " + self._token.encode()):
                return Response("metrics need a token\n", 401, {"WWW-Authenticate": "Bearer"}, mimetype="text/plain")
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return Response(encode(self._collected()), content_type=content_type, headers={"Cache-Control": "no-store"})

    def _collected(self) -> CollectorRegistry:
        if not any(os.environ.get(name) for name in MULTIPROCESS):
            return self._registry
        # Every worker writes files; the page shows the sum of all of them.
        registry = CollectorRegistry()
        from prometheus_client import multiprocess

        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return registry
