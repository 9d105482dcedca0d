"""Reads through the object port, from a directory and from S3 (SeaweedFS), in one run.

    python -m loadtests.store_bench

Segments of 400 KB by sixteen readers and one object of 50 MB by one: rate, processor time of this
process per GB, and the wait for the first chunk. Ratios are what to look at: SeaweedFS shares the
machine's cores with the readers.
"""

from __future__ import annotations

import asyncio
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import uvloop

from catalog.store.port import ObjectStore
from catalog.store.settings import StoreSettings, open_store
from loadtests.weed import Weed, running_weed

OBJECT_BYTES = 50_000_000
SEGMENT_BYTES = 400_000
SEGMENTS = 1500
READERS = 16
WHOLE_READS = 10
ROUNDS = 2
KEY = "media/bench/1/v720/000000-a1.mp4"


@dataclass(frozen=True, slots=True)
class Figure:
    """What one round of reads took."""

    size_bytes: int
    took_s: float
    cpu_s: float
    waits_s: Sequence[float]

    def __str__(self) -> str:
        waits_ms = sorted(wait * 1e3 for wait in self.waits_s)
        return (
            f"{self.size_bytes / self.took_s / 1e6:7.0f} MB/s  "
            f"{self.cpu_s / self.size_bytes * 1e9:5.2f} s/GB  first chunk p50 "
            f"{statistics.median(waits_ms):6.2f} ms  p95 {waits_ms[len(waits_ms) * 95 // 100]:6.2f}"
        )


async def read(store: ObjectStore, offset: int, length: int) -> tuple[int, float]:
    """Read a range and throw it away; give its size and the wait for the first chunk."""
    started = time.monotonic()
    wait_s, size = 0.0, 0
    async with store.read(KEY, offset, length) as chunks:
        async for chunk in chunks:
            wait_s = wait_s or time.monotonic() - started
            size += len(chunk)
    return size, wait_s


async def measure(store: ObjectStore, reads: int, length: int, readers: int) -> Figure:
    """Read `reads` ranges one behind the other of the object, by so many readers at once."""
    offsets = iter([n * length % (OBJECT_BYTES - length + 1) for n in range(reads)])
    seen: list[tuple[int, float]] = []

    async def reader() -> None:
        for offset in offsets:
            seen.append(await read(store, offset, length))

    started, cpu_before = time.monotonic(), cpu_s()
    await asyncio.gather(*(reader() for _ in range(readers)))
    took_s = time.monotonic() - started
    return Figure(sum(s for s, _ in seen), took_s, cpu_s() - cpu_before, [wait for _, wait in seen])


def cpu_s() -> float:
    """Processor time of this process until now."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def bench(weed: Weed, home: Path) -> list[str]:
    """Measure both stores in turn, `ROUNDS` times; give the table's lines."""
    body = await asyncio.to_thread(os.urandom, OBJECT_BYTES)
    s3 = StoreSettings(
        endpoint=weed.endpoint, bucket="bench", access_key=weed.access_key,
        secret_key=weed.secret_key,
    )  # fmt: skip
    lines: list[str] = []
    async with AsyncExitStack() as stack:
        stores = {
            name: await stack.enter_async_context(open_store(settings, home))
            for name, settings in (("directory", StoreSettings(min_free_mib=0)), ("S3", s3))
        }
        for store in stores.values():
            await store.put_bytes(KEY, body, "video/mp4")
        for _ in range(ROUNDS):
            for name, store in stores.items():
                segments = await measure(store, SEGMENTS, SEGMENT_BYTES, READERS)
                lines.append(f"{name:<10} {READERS} × 400 KB  {segments}")
                whole = await measure(store, WHOLE_READS, OBJECT_BYTES, 1)
                lines.append(f"{name:<10}  1 × 50 MB   {whole}")
    return sorted(lines, key=lambda line: line[:24])


def main() -> None:
    """Run against a SeaweedFS of its own and print the table."""
    with tempfile.TemporaryDirectory(prefix="tongbu-bench-") as home, running_weed() as weed:
        lines = uvloop.run(bench(weed, Path(home)))
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
