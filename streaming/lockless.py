"""Figures that cost a request next to nothing: plain numbers, made samples when they are asked for.

prometheus_client's own counters take a lock for each step: 0.35 µs where an answer takes 3. These
belong to the loop that counts and answers /metrics; other threads leave them alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

T = TypeVar("T")


class Count:
    """One number."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def inc(self, amount: float = 1) -> None:
        """Count."""
        self.value += amount


class ByLabels(Collector, ABC, Generic[T]):
    """One figure for each set of labels; keep what `labels` gives and count there."""

    def __init__(
        self, name: str, documentation: str, labels: Iterable[str], registry: CollectorRegistry
    ) -> None:
        self._name, self._documentation, self._names = name, documentation, tuple(labels)
        self._found: dict[tuple[str, ...], T] = {}
        registry.register(self)

    def labels(self, *values: str) -> T:
        """Give the figure for these values, in the order of the names."""
        found = self._found.get(values)
        if found is None:
            if len(values) != len(self._names):
                raise ValueError(f"{self._name} is labelled by {', '.join(self._names)}")
            found = self._found[values] = self._begin()
        return found

    def describe(self) -> Iterator[Metric]:
        """Name the figure, so that nobody else takes its name."""
        yield self._family({})

    def collect(self) -> Iterator[Metric]:
        """Give the samples."""
        yield self._family(self._found)

    @abstractmethod
    def _begin(self) -> T:
        """Make the figure of labels that were not seen before."""

    @abstractmethod
    def _family(self, found: Mapping[tuple[str, ...], T]) -> Metric:
        """Make the samples of these."""


class Counts(ByLabels[Count]):
    """A counter by labels."""

    def _begin(self) -> Count:
        return Count()

    def _family(self, found: Mapping[tuple[str, ...], Count]) -> Metric:
        family = CounterMetricFamily(self._name, self._documentation, labels=self._names)
        for values, count in found.items():
            family.add_metric(values, count.value)
        return family


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


class Timings(ByLabels[Times]):
    """A histogram by labels; `bounds_s` are the buckets' upper ends, rising."""

    def __init__(
        self, name: str, documentation: str, labels: Iterable[str], bounds_s: Iterable[float],
        registry: CollectorRegistry,
    ) -> None:  # fmt: skip
        self._bounds_s = tuple(float(bound) for bound in bounds_s)
        self._ends = [*map(str, self._bounds_s), "+Inf"]
        super().__init__(name, documentation, labels, registry)

    def _begin(self) -> Times:
        return Times(self._bounds_s)

    def _family(self, found: Mapping[tuple[str, ...], Times]) -> Metric:
        family = HistogramMetricFamily(self._name, self._documentation, labels=self._names)
        for values, times in found.items():
            buckets = list(zip(self._ends, map(float, accumulate(times.counts)), strict=True))
            family.add_metric(values, buckets, times.sum_s)
        return family


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
