"""A line that shares its rate evenly among transfers; tells an estimator what a box would see."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from streaming.edge.estimate import Estimator

STEP_S = 0.02


@dataclass(slots=True)
class Transfer:
    """Bytes that are still to come, the first of them after a round trip."""

    left_bytes: float
    flows_at: float
    arrived: Callable[[], None] = lambda: None


class FluidLine:
    def __init__(self, rate_bps: float, rtt_s: float = 0.04, seed: int = 0) -> None:
        self.rate_bps = rate_bps
        self.now = 0.0
        self.estimator = Estimator()
        self.carried_bytes = 0.0
        self.transfers: list[Transfer] = []
        self._rtt_s = rtt_s
        self._jitter = random.Random(seed)

    def fetch(self, size_bytes: int, arrived: Callable[[], None] = lambda: None) -> None:
        self.transfers.append(Transfer(size_bytes, self.now + self._rtt_s, arrived))
        self.estimator.in_flight(self.now, len(self.transfers))

    def step(self) -> None:
        """Go on by a few milliseconds; chunks come at uneven times."""
        passed_s = STEP_S * self._jitter.uniform(0.5, 1.5)
        self.now += passed_s
        flowing = [one for one in self.transfers if one.flows_at <= self.now]
        for one in flowing:
            part = min(one.left_bytes, self.rate_bps * passed_s / 8 / len(flowing))
            one.left_bytes -= part
            self.carried_bytes += part
            self.estimator.moved(self.now, round(part))
        ended = [one for one in flowing if one.left_bytes <= 0]
        for one in ended:
            self.transfers.remove(one)
            self.estimator.in_flight(self.now, len(self.transfers))
            one.arrived()

    def run_until(self, then: float) -> None:
        while self.now < then:
            self.step()
