"""The measured store keeps the contract and counts operations by outcome."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from catalog.store.local import LocalStore
from catalog.store.metrics import MeasuredStore, StoreMetrics, outcome_of
from catalog.store.port import ObjectMissing, StoreAway, StoreError, StoreFull
from tests.support.objects import content, keys_below

KEY = "media/01h/1/v720/000000-a1.mp4"
MP4 = "video/mp4"


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def measured(local_store: LocalStore, registry: CollectorRegistry) -> MeasuredStore:
    return MeasuredStore(local_store, StoreMetrics(registry))


def calls(registry: CollectorRegistry, operation: str, outcome: str = "ok") -> float:
    labels = {"operation": operation, "outcome": outcome}
    return registry.get_sample_value("tongbu_store_seconds_count", labels) or 0.0


async def test_counts_every_operation(
    measured: MeasuredStore, registry: CollectorRegistry, tmp_path: Path
) -> None:
    await measured.put_bytes(KEY, b"x" * 1000, MP4)
    await measured.fetch(KEY, tmp_path / "back")
    await measured.put_file(KEY, tmp_path / "back", MP4)
    assert await content(measured, KEY, 0, 400) == b"x" * 400
    assert (await measured.info(KEY)).size_bytes == 1000
    assert await measured.local_path(KEY) is not None
    assert await keys_below(measured, "media/") == [KEY]
    await measured.check()
    await measured.delete(KEY)
    seen = {
        name: calls(registry, name) for name in ("put", "read", "fetch", "info", "check", "delete")
    }
    assert seen == {"put": 2, "read": 1, "fetch": 1, "info": 1, "check": 1, "delete": 1}
    assert registry.get_sample_value("tongbu_store_read_bytes_total") == 400


async def test_outcomes_are_told_apart(
    measured: MeasuredStore, registry: CollectorRegistry
) -> None:
    with pytest.raises(ObjectMissing):
        await content(measured, KEY)
    assert calls(registry, "read", "missing") == 1
    assert [outcome_of(e) for e in (StoreFull(), StoreAway(), StoreError(), ValueError())] == [
        "full", "away", "error", "error",
    ]  # fmt: skip


async def test_a_cancelled_call_is_counted_as_such(
    measured: MeasuredStore, registry: CollectorRegistry
) -> None:
    task = asyncio.create_task(measured.put_bytes(KEY, bytes(1 << 20), MP4))
    await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert calls(registry, "put", "cancelled") == 1


async def test_a_reader_that_leaves_frees_the_source(measured: MeasuredStore) -> None:
    await measured.put_bytes(KEY, bytes(1 << 20), MP4)
    for _ in range(50):
        async with measured.read(KEY) as chunks:
            async for _ in chunks:
                break
    assert len(await content(measured, KEY)) == 1 << 20
