"""Figures of the box's cache and line for Prometheus, read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from streaming.edge.cached import Cached
from streaming.edge.fills import Fills
from streaming.edge.schedule import Wish
from streaming.edge.shelf import Shelf
from streaming.edge.trouble import ShelfState
from streaming.edge.upstream import Upstream


class CacheMetrics(Collector):
    """Shelf, fills and upstream of one box."""

    def __init__(
        self,
        registry: CollectorRegistry,
        shelf: Shelf,
        fills: Fills[Wish],
        cached: Cached,
        upstream: Upstream,
    ) -> None:
        self._shelf = shelf
        self._fills = fills
        self._cached = cached
        self._upstream = upstream
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Give all figures."""
        yield from self._of_shelf()
        yield from self._of_line()

    def _of_shelf(self) -> Iterator[Metric]:
        found = self._shelf.figures()
        state = GaugeMetricFamily(
            "tongbu_edge_shelf_state",
            "1 for how the disk cache is: keeping, or why it keeps nothing", labels=["state"],
        )  # fmt: skip
        for one in ShelfState:
            state.add_metric([one.value], float(found.state is one))
        yield state
        yield _gauge("shelf_bytes", "Bytes of pieces on disk", found.size_bytes)
        yield _gauge("shelf_budget_bytes", "Bytes that pieces may take on disk", found.budget_bytes)
        yield _counter("shelf_hits", "Pieces asked for that were on disk", found.hits)
        yield _counter("shelf_misses", "Pieces asked for that were not on disk", found.misses)
        yield _counter("shelf_kept", "Pieces put on disk", found.kept)
        yield _counter("shelf_evicted", "Pieces removed to make room", found.evicted)
        yield _counter("shelf_checked", "Files compared with their CRC", found.checked)
        yield _counter("shelf_damaged", "Files that were not what was written", found.damaged)
        yield _counter("shelf_troubles", "Times that the disk did not do it", found.troubles)

    def _of_line(self) -> Iterator[Metric]:
        sent = CounterMetricFamily(
            "tongbu_edge_media_read_bytes", "Bytes of media read, by where they came from",
            labels=["source"],
        )  # fmt: skip
        sent.add_metric(["shelf"], self._cached.shelf_bytes)
        sent.add_metric(["fill"], self._cached.fill_bytes)
        yield sent
        ended = CounterMetricFamily(
            "tongbu_edge_fills", "Pieces that were fetched, by how it ended", labels=["state"]
        )
        for state, count in self._fills.ended.items():
            ended.add_metric([state.value], count)
        yield ended
        yield _gauge("fills_coming", "Pieces that are being fetched", len(self._fills))
        yield _counter("fill_requests", "Requests for pieces sent upstream", self._fills.requests)
        yield _gauge("line_cut", "1 while the upstream is out of reach", _cut(self._upstream))
        yield _counter("line_cuts", "Times that the line was cut", self._upstream.cuts)


def _cut(upstream: Upstream) -> int:
    return int(upstream.cut is not None)


def _gauge(name: str, what: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"tongbu_edge_{name}", what, value=value)


def _counter(name: str, what: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(f"tongbu_edge_{name}", what, value=value)
