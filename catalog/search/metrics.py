"""What an operator sees of search: how large, how fresh, how fast."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

LATENCY_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 1, 5)


class SearchMetrics:
    """Figures of one process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._lessons = Gauge(
            "tongbu_search_lessons", "Lessons in the search index", registry=registry
        )
        self._changes = Counter(
            "tongbu_search_changes_total", "Changed lessons taken in", registry=registry
        )
        self._rebuild_s = Gauge(
            "tongbu_search_rebuild_seconds", "Duration of the last rebuild", registry=registry
        )
        self._latency = Histogram(
            "tongbu_search_seconds", "Time to answer a search, counts included",
            buckets=LATENCY_BUCKETS_S, registry=registry,
        )  # fmt: skip

    def took(self, changes: int, lessons: int) -> None:
        """Note changes taken in, and how many lessons there are now."""
        self._changes.inc(changes)
        self._lessons.set(lessons)

    def rebuilt(self, lessons: int, took_s: float) -> None:
        """Note a finished rebuild."""
        self._lessons.set(lessons)
        self._rebuild_s.set(took_s)

    def answered(self, took_s: float) -> None:
        """Note an answered search."""
        self._latency.observe(took_s)
