"""Figures of the hot path for Prometheus; those of each request cost no lock."""

from __future__ import annotations

from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge

from streaming.lockless import Answered, Count, Counts, Times


class AnswersCounted(Protocol):
    """Where answers by route and status are counted, whoever gives them."""

    def counting(self, method: str, route: str, status: int) -> Answered:
        """Give what counts such answers."""


class NotCounted:
    """Nobody reads how many there were."""

    def counting(self, method: str, route: str, status: int) -> Answered:
        """Give what nobody reads."""
        return Answered(Count(), Times(()))


class HotMetrics:
    """Who answered, how many are connected, and who was sent away."""

    def __init__(self, registry: CollectorRegistry) -> None:
        requests = Counts(
            "tongbu_hot_requests_total", "Requests on the port by who answers: hot, lent, given",
            ["way"], registry,
        )  # fmt: skip
        self.hot = requests.labels("hot")
        self.lent = requests.labels("lent")
        self.given = requests.labels("given")
        self.refused = Counter(
            "tongbu_hot_refused_total", "Requests that are none, by status",
            ["status"], registry=registry,
        )  # fmt: skip
        self.closed = Counter(
            "tongbu_hot_closed_total", "Connections that were ended from here, by why",
            ["why"], registry=registry,
        )  # fmt: skip
        self.connections = Gauge(
            "tongbu_hot_connections", "Connections that the hot path holds", registry=registry
        )
