"""Segments on /metrics: published = held + evicted while a lesson lives, and when it is gone."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from catalog.live import FeedName
from catalog.store.port import ObjectStore
from streaming.live.metrics import LiveMetrics
from streaming.live.origin import Origin
from tests.support.live_books import MemoryRecordings, MemorySessions
from tests.support.live_origin import RENDITIONS, encoded_live, send
from tests.support.wait import eventually

DURATION_S = 20


@pytest.fixture(autouse=True)
def media() -> None:
    """Make it before a loop runs."""
    encoded_live(DURATION_S)


def counts(registry: CollectorRegistry) -> tuple[float, float, float]:
    names = ("segments_total", "segments_held", "segments_evicted_total")
    published, held, evicted = (figure(registry, name, feed="main") for name in names)
    return published, held, evicted


def figure(registry: CollectorRegistry, name: str, **labels: str) -> float:
    return registry.get_sample_value(f"tongbu_live_{name}", labels) or 0.0


async def test_counts_balance_until_the_feed_is_forgotten(store: ObjectStore) -> None:
    registry, sessions = CollectorRegistry(), MemorySessions()
    origin = Origin(
        sessions, MemoryRecordings(sessions), store, LiveMetrics(registry), ended_kept_s=0.0
    )
    session = sessions.add()
    feed = await origin.open(session, FeedName.MAIN)
    await feed.begin(RENDITIONS)
    assert counts(registry) == (0, 0, 0)
    await send(feed, encoded_live(DURATION_S))
    published, held, evicted = counts(registry)
    assert published == held + evicted
    assert min(held, evicted) > 0
    await feed.end()
    await eventually(lambda: origin.find(session, FeedName.MAIN) is None)
    whole, held, evicted = counts(registry)
    assert whole > published, "the open segment was closed"
    assert (held, evicted) == (0, whole)
    assert figure(registry, "recorded_segments_total") == whole
    await origin.close()
