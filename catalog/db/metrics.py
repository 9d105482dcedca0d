"""Figures of the database pool, read from the pool itself when Prometheus asks."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from catalog.db.pool import Pool

_GAUGES = (
    ("pool_size", "connections", "Connections of the pool now"),
    ("pool_available", "idle", "Connections of the pool that nobody uses"),
    ("requests_waiting", "waiting", "Calls that wait for a connection"),
)
_COUNTERS = (
    ("requests_num", "requests", "Calls for a connection", 1.0),
    ("requests_errors", "request_errors", "Calls that got no connection in time", 1.0),
    ("requests_wait_ms", "wait_seconds", "Time that calls waited for a connection", 1e-3),
    ("connections_lost", "lost", "Connections that broke", 1.0),
)


class PoolMetrics(Collector):
    """Exports one pool's statistics under tongbu_database_*."""

    def __init__(self, pool: Pool, registry: CollectorRegistry) -> None:
        self._pool = pool
        registry.register(self)

    def describe(self) -> list[Metric]:
        """Name nothing beforehand, so that registering does not read the pool."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Give the present figures."""
        stats = self._pool.get_stats()
        for key, name, text in _GAUGES:
            yield GaugeMetricFamily(f"tongbu_database_{name}", text, stats.get(key, 0))
        for key, name, text, scale in _COUNTERS:
            yield CounterMetricFamily(f"tongbu_database_{name}", text, stats.get(key, 0) * scale)
