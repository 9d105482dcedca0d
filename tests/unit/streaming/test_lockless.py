"""Figures without locks look to Prometheus as its own do."""

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from streaming.lockless import Counts, Timings

BOUNDS_S = (0.005, 0.1, 1, 10)


def shown(registry: CollectorRegistry) -> list[str]:
    lines = generate_latest(registry).decode().splitlines()
    return [line for line in lines if "_created" not in line]


def test_counts_are_shown_as_a_counter_is() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    counts = Counts("t_bytes_total", "Bytes", ["kind", "status"], ours)
    counter = Counter("t_bytes_total", "Bytes", ["kind", "status"], registry=theirs)
    for kind, status, amount in (("a", "200", 1), ("b", "200", 7), ("a", "200", 2.5)):
        counts.labels(kind, status).inc(amount)
        counter.labels(kind, status).inc(amount)
    counts.labels("c", "404")
    counter.labels("c", "404")
    assert shown(ours) == shown(theirs)


def test_timings_are_shown_as_a_histogram_is() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    timings = Timings("t_seconds", "Time", ["route"], BOUNDS_S, ours)
    histogram = Histogram("t_seconds", "Time", ["route"], buckets=BOUNDS_S, registry=theirs)
    for took_s in (0.0, 0.005, 0.0051, 0.5, 10.0, 11.0):
        timings.labels("/a").observe(took_s)
        histogram.labels("/a").observe(took_s)
    assert shown(ours) == shown(theirs)


def test_a_name_is_taken_once() -> None:
    registry = CollectorRegistry()
    Counts("t_total", "One", ["a"], registry)
    Timings("t_seconds", "One", ["a"], BOUNDS_S, registry)
    with pytest.raises(ValueError, match="Duplicated"):
        Counter("t_total", "Another", registry=registry)
    with pytest.raises(ValueError, match="Duplicated"):
        Counts("t_total", "Another", ["a"], registry)
    with pytest.raises(ValueError, match="Duplicated"):
        Histogram("t_seconds", "Another", registry=registry)


def test_labels_are_counted() -> None:
    registry = CollectorRegistry()
    with pytest.raises(ValueError, match="labelled by a, b"):
        Counts("t_total", "One", ["a", "b"], registry).labels("1")
    with pytest.raises(ValueError, match="labelled by a, b"):
        Timings("t_seconds", "One", ["a", "b"], BOUNDS_S, registry).labels("1")
