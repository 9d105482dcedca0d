"""Figures of a school's box for Prometheus, read from its parts at the moment of the scrape.

Labels are bounded: no lesson, session, person or address; the box is its own job in Prometheus.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from deploy.edge_school import School
from streaming.edge.cap import Why
from streaming.edge.trouble import ShelfState


class EdgeFigures(Collector):
    """Collects from a `School`."""

    def __init__(self, school: School, registry: CollectorRegistry) -> None:
        self._school = school
        registry.register(self)

    def describe(self) -> list[Metric]:
        """Nothing is known before the parts are."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Read everything now."""
        yield from self._line()
        yield from self._watching()
        yield from self._cache()
        yield from self._night()
        yield from self._reports()

    def _line(self) -> Iterator[Metric]:
        line, upstream, clock = self._school.line, self._school.upstream, self._school.clock
        yield _gauge("line_up", "1 while the line to the city works", upstream.cut is None)
        yield _count("line_cuts", "Times that the line was cut", upstream.cuts)
        yield _gauge(
            "line_estimate_bps", "What the line carries; 0: unknown", line.estimate_bps or 0
        )
        yield _gauge("line_room_bps", "What media may use of it", self._school.watching.room_bps)
        yield _count(
            "line_arrived_bytes", "Bytes of media that crossed the line", line.arrived_bytes
        )
        reading = clock.reading
        if reading is not None:
            offset_s, error_s = reading.offset_ms / 1000, reading.error_ms / 1000
            yield _gauge("clock_offset_seconds", "The origin's clock less this one's", offset_s)
            yield _gauge("clock_error_seconds", "How far that may be wrong", error_s)

    def _watching(self) -> Iterator[Metric]:
        school = self._school
        streams = GaugeMetricFamily(
            "tongbu_edge_streams", "What is watched here, by why it has the rungs it has",
            labels=["why"],
        )  # fmt: skip
        decisions = list(school.watching.decisions.values())
        for why in Why:
            streams.add_metric([why.name.lower()], sum(one.why is why for one in decisions))
        yield streams
        feeds = list(school.feeds.feeds.values())
        lag_s = max((feed.lag.lag_s for feed in feeds), default=0.0)
        yield _gauge("capped_streams", "Streams with fewer rungs", sum(o.capped for o in decisions))
        yield _gauge("relays", "Live feeds that are relayed", len(feeds))
        yield _gauge("live_lag_seconds", "Age of the latest live picture on arrival", lag_s)
        yield _gauge("room_members", "People and devices in live rooms", school.rooms.members)
        yield _gauge("words_waiting", "Messages that wait for the line", school.rooms.waiting)

    def _cache(self) -> Iterator[Metric]:
        found, fills = self._school.shelf.figures(), self._school.fills
        yield _gauge("cache_bytes", "Bytes of lessons kept here", found.size_bytes)
        yield _gauge("cache_budget_bytes", "Room for them", found.budget_bytes)
        yield _count("cache_hits", "Pieces that were here", found.hits)
        yield _count("cache_misses", "Pieces that were not", found.misses)
        yield _count("cache_evicted", "Pieces that made room", found.evicted)
        yield _count("cache_damaged", "Pieces that were found damaged", found.damaged)
        state = GaugeMetricFamily(
            "tongbu_edge_cache_state", "1 for the state that the disk is in", labels=["state"]
        )
        for one in ShelfState:
            state.add_metric([one.value], one is found.state)
        yield state
        yield _count("upstream_requests", "Requests for pieces that went upstream", fills.requests)
        ended = CounterMetricFamily(
            "tongbu_edge_fills", "Pieces that came, by how that ended", labels=["end"]
        )
        for end, number in fills.ended.items():
            ended.add_metric([end.value], number)
        yield ended
        yield _gauge("fills_waiting", "Pieces that wait for the line", self._school.turns.waiting)

    def _night(self) -> Iterator[Metric]:
        night = self._school.night
        yield _gauge("night_at_work", "1 while the night fetches", night.at_work)
        yield _gauge("night_fetched_bytes", "What this night has fetched", night.fetched_bytes)
        yield _gauge("night_left_out_bytes", "What its budget leaves out", night.left_out_bytes)

    def _reports(self) -> Iterator[Metric]:
        outbox, delivering = self._school.qoe.outbox, self._school.qoe.delivering
        yield _gauge("reports_waiting", "Reports that wait for the line", outbox.waiting)
        yield _count("reports_dropped", "Reports that made room for newer", outbox.dropped)
        yield _count("reports_delivered", "Reports that the city took", delivering.delivered)
        staying = self._school.staying
        yield _gauge("stays_waiting", "Stays in rooms that wait for the line", len(staying.stays))
        yield _count("stays_told", "Stays that rooms have noted", staying.told)
        yield _count("stays_refused", "Stays that rooms will never take", staying.refused)
        yield _count("stays_dropped", "Stays that were too many or too old", staying.stays.dropped)
        yield _count("reports_refused", "Reports that it will never take", delivering.refused)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"tongbu_edge_{name}", text, value=float(value))


def _count(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"tongbu_edge_{name}", text, value=float(value))
