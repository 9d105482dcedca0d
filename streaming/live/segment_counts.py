"""What became of the segments that were published here, for Prometheus.

Read from the channels when it is asked for, so the three figures always belong together:
published = held + evicted. A feed that is let go takes what it held along.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from catalog.live import FeedName
from streaming.live.channel import Channel

Segments = Mapping[FeedName, int]


class CountedFeed(Protocol):
    """A feed with its channel."""

    name: FeedName
    channel: Channel


def nobody() -> Iterable[CountedFeed]:
    """Give no feed."""
    return ()


def _none() -> defaultdict[FeedName, int]:
    return defaultdict(int)


class SegmentCounts(Collector):
    """The segments of all feeds; `feeds` gives those that are here now."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.feeds: Callable[[], Iterable[CountedFeed]] = nobody
        self._published = _none()
        self._evicted = _none()
        registry.register(self)

    def let_go(self, feed: CountedFeed) -> None:
        """Note that a feed is no longer among `feeds`."""
        for track in feed.channel.tracks.values():
            self._published[feed.name] += track.window.published
            self._evicted[feed.name] += track.window.evicted + track.window.held

    def describe(self) -> Iterator[Metric]:
        """Name the figures, so that nobody else takes their names."""
        yield from self._families({}, {}, {})

    def collect(self) -> Iterator[Metric]:
        """Give the samples."""
        published, evicted, held = self._published.copy(), self._evicted.copy(), _none()
        for feed in self.feeds():
            for track in feed.channel.tracks.values():
                published[feed.name] += track.window.published
                evicted[feed.name] += track.window.evicted
                held[feed.name] += track.window.held
        yield from self._families(published, held, evicted)

    def _families(self, published: Segments, held: Segments, evicted: Segments) -> Iterator[Metric]:
        all_of = CounterMetricFamily(
            "tongbu_live_segments_total", "Whole segments published, by feed", labels=["feed"]
        )
        here = GaugeMetricFamily(
            "tongbu_live_segments_held", "Of these, in memory now", labels=["feed"]
        )
        gone = CounterMetricFamily(
            "tongbu_live_segments_evicted_total", "Of these, no longer in memory", labels=["feed"]
        )
        for feed in published:
            all_of.add_metric([feed.value], published[feed])
            here.add_metric([feed.value], held[feed])
            gone.add_metric([feed.value], evicted[feed])
        yield from (all_of, here, gone)
