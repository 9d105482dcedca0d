"""How long the object store takes and how often it fails: a wrapper around any store."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram

from catalog.store.port import (
    ObjectInfo,
    ObjectMissing,
    ObjectStore,
    StoreAway,
    StoreError,
    StoreFull,
)
from catalog.store.taking import take_file

BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60)
_OUTCOMES = {ObjectMissing: "missing", StoreFull: "full", StoreAway: "away"}


class StoreMetrics:
    """Figures of one process' store. A read's time ends when its first byte can be read."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.latency = Histogram(
            "tongbu_store_seconds", "Time of the object store by operation and outcome",
            ["operation", "outcome"], buckets=BUCKETS_S, registry=registry,
        )  # fmt: skip
        self.read_bytes = Counter(
            "tongbu_store_read_bytes_total", "Bytes read from the object store", registry=registry
        )
        self.broken_reads = Counter(
            "tongbu_store_broken_reads_total", "Reads that broke off", registry=registry
        )

    @contextmanager
    def timed(self, operation: str) -> Iterator[None]:
        """Count what happens inside under operation and its outcome."""
        started = time.monotonic()
        outcome = "cancelled"
        try:
            yield
            outcome = "ok"
        except Exception as error:
            outcome = outcome_of(error)
            raise
        finally:
            self.latency.labels(operation, outcome).observe(time.monotonic() - started)


def outcome_of(error: Exception) -> str:
    """Name the outcome of a call that raised."""
    return next((name for kind, name in _OUTCOMES.items() if isinstance(error, kind)), "error")


class MeasuredStore:
    """An `ObjectStore` that measures another."""

    def __init__(self, store: ObjectStore, metrics: StoreMetrics) -> None:
        self._store = store
        self._metrics = metrics

    async def put_file(self, key: str, path: Path, content_type: str) -> None:
        """Store a file."""
        with self._metrics.timed("put"):
            await self._store.put_file(key, path, content_type)

    async def take_file(self, key: str, path: Path, content_type: str) -> None:
        """Store a file, without a copy if the store can."""
        with self._metrics.timed("put"):
            await take_file(self._store, key, path, content_type)

    async def put_bytes(self, key: str, body: bytes, content_type: str) -> None:
        """Store bytes."""
        with self._metrics.timed("put"):
            await self._store.put_bytes(key, body, content_type)

    @asynccontextmanager
    async def read(
        self, key: str, offset: int = 0, length: int | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a range; its bytes are counted as they pass."""
        async with AsyncExitStack() as stack:
            with self._metrics.timed("read"):
                chunks = await stack.enter_async_context(self._store.read(key, offset, length))
            yield await stack.enter_async_context(aclosing(self._counted(chunks)))

    async def _counted(self, chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
        try:
            async for chunk in chunks:
                self._metrics.read_bytes.inc(len(chunk))
                yield chunk
        except StoreError:
            self._metrics.broken_reads.inc()
            raise

    async def local_path(self, key: str) -> Path | None:
        """Give the path of the object's file, if it is one here."""
        return await self._store.local_path(key)

    async def fetch(self, key: str, path: Path) -> None:
        """Copy an object to a local file."""
        with self._metrics.timed("fetch"):
            await self._store.fetch(key, path)

    async def info(self, key: str) -> ObjectInfo:
        """Give size and age."""
        with self._metrics.timed("info"):
            return await self._store.info(key)

    async def delete(self, key: str) -> None:
        """Remove an object."""
        with self._metrics.timed("delete"):
            await self._store.delete(key)

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """List objects; how long it takes is up to the reader, so it is not measured."""
        async for info in self._store.list(prefix):
            yield info

    async def check(self) -> None:
        """Prove that the store works."""
        with self._metrics.timed("check"):
            await self._store.check()

    async def close(self) -> None:
        """Close the store."""
        await self._store.close()
