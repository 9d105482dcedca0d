"""Figures of the data plane for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

from streaming.lockless import Counts

STORE_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class MediaMetrics:
    """What was served below /media, by kind of resource, and how fast the store gave it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.answers = Counts(
            "tongbu_media_answers_total", "Answers below /media by kind and status",
            ["kind", "status"], registry,
        )  # fmt: skip
        self.sent = Counts(
            "tongbu_media_sent_bytes_total", "Bytes of bodies sent below /media by kind",
            ["kind"], registry,
        )  # fmt: skip
        self.store_wait = Histogram(
            "tongbu_media_store_seconds", "Time until the store gave the first bytes",
            buckets=STORE_BUCKETS_S, registry=registry,
        )  # fmt: skip
        self.aborted = Counter(
            "tongbu_media_aborted_total", "Bodies that broke off, by who broke off",
            ["side"], registry=registry,
        )  # fmt: skip
        self.loads = Counter(
            "tongbu_media_loads_total", "Presentations read from the catalogue",
            registry=registry,
        )  # fmt: skip

    def count(self, kind: str, status: int, sent_bytes: int) -> None:
        """Add an answer to a request for this kind of resource."""
        self.answers.labels(kind, str(status)).inc()
        self.sent.labels(kind).inc(sent_bytes)
