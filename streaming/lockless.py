"""Figures that cost a request next to nothing: plain numbers, made samples when they are asked for.

prometheus_client's own counters take a lock for each step: 0.35 µs where an answer takes 3. These
belong to the loop that counts and answers /metrics; other threads leave them alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


class Count:
    """One number."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def inc(self, amount: float = 1) -> None:
        """Count."""
        self.value += amount


class Counts(Collector):
    """A counter by labels; keep what `labels` gives and count there."""

    def __init__(
        self, name: str, documentation: str, labels: Iterable[str], registry: CollectorRegistry
    ) -> None:
        self._name, self._documentation, self._names = name, documentation, tuple(labels)
        self._counts: dict[tuple[str, ...], Count] = {}
        registry.register(self)

    def labels(self, *values: str) -> Count:
        """Give the number for these values, in the order of the names."""
        found = self._counts.get(values)
        if found is None:
            if len(values) != len(self._names):
                raise ValueError(f"{self._name} is labelled by {', '.join(self._names)}")
            found = self._counts[values] = Count()
        return found

    def describe(self) -> Iterator[Metric]:
        """Name the figure, so that nobody else takes its name."""
        yield CounterMetricFamily(self._name, self._documentation, labels=self._names)

    def collect(self) -> Iterator[Metric]:
        """Give the samples."""
        family = CounterMetricFamily(self._name, self._documentation, labels=self._names)
        for values, count in self._counts.items():
            family.add_metric(values, count.value)
        yield family


class Times:
    """How often something took how long, for one set of labels."""

    __slots__ = ("_bounds_s", "counts", "sum_s")

    def __init__(self, bounds_s: Sequence[float]) -> None:
        self._bounds_s = bounds_s
        self.counts = [0] * (len(bounds_s) + 1)
        self.sum_s = 0.0

    def observe(self, took_s: float) -> None:
        """Count one that took so long."""
        self.counts[bisect_left(self._bounds_s, took_s)] += 1
        self.sum_s += took_s


class Timings(Collector):
    """A histogram by labels; `bounds_s` are the buckets' upper ends, rising."""

    def __init__(
        self, name: str, documentation: str, labels: Iterable[str], bounds_s: Iterable[float],
        registry: CollectorRegistry,
    ) -> None:  # fmt: skip
        self._name, self._documentation, self._names = name, documentation, tuple(labels)
        self._bounds_s = tuple(float(bound) for bound in bounds_s)
        self._ends = [*map(str, self._bounds_s), "+Inf"]
        self._times: dict[tuple[str, ...], Times] = {}
        registry.register(self)

    def labels(self, *values: str) -> Times:
        """Give the times for these values, in the order of the names."""
        found = self._times.get(values)
        if found is None:
            if len(values) != len(self._names):
                raise ValueError(f"{self._name} is labelled by {', '.join(self._names)}")
            found = self._times[values] = Times(self._bounds_s)
        return found

    def describe(self) -> Iterator[Metric]:
        """Name the figure, so that nobody else takes its name."""
        yield HistogramMetricFamily(self._name, self._documentation, labels=self._names)

    def collect(self) -> Iterator[Metric]:
        """Give the samples."""
        family = HistogramMetricFamily(self._name, self._documentation, labels=self._names)
        for values, times in self._times.items():
            buckets = list(zip(self._ends, map(float, accumulate(times.counts)), strict=True))
            family.add_metric(values, buckets, times.sum_s)
        yield family


class Answered:
    """Counts answers of one kind: how many, and how long each took."""

    __slots__ = ("_times", "at_once", "count")

    def __init__(self, count: Count, times: Times) -> None:
        self._times = times
        self.at_once = times.counts
        self.count = count

    def add(self, took_s: float) -> None:
        """Count one that took so long. For one that took nothing the same may be done in place:
        `count.value += 1` and `at_once[0] += 1`.
        """
        self.count.value += 1
        self._times.observe(took_s)
