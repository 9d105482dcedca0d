"""Figures of uploads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge

from catalog.tus import Interrupted


class UploadMetrics:
    """Bytes, connections, lessons made and failures by kind."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._bytes = Counter("tongbu_upload_bytes", "Bytes received in uploads", registry=registry)
        self._active = Gauge(
            "tongbu_uploads_active", "Connections that are sending now", registry=registry
        )
        self._finished = Counter(
            "tongbu_uploads_finished", "Uploads whose last byte became a lesson", registry=registry
        )
        self._failures = Counter(
            "tongbu_upload_failures", "Requests with bytes that failed", ["kind"],
            registry=registry,
        )  # fmt: skip

    @contextmanager
    def receiving(self) -> Iterator[Callable[[int], None]]:
        """Count one request's bytes (told by the function that it gives) and its failure."""
        with self._active.track_inprogress(), self._failing():
            yield self._bytes.inc

    @contextmanager
    def finishing(self) -> Iterator[None]:
        """Count one finished upload or its failure."""
        with self._failing():
            yield
        self._finished.inc()

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            kind = "interrupted" if isinstance(error, Interrupted) else type(error).__name__
            self._failures.labels(kind).inc()
            raise
