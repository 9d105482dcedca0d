"""What a storm told, and what one viewer, one join and one session of it cost. Pure.

What a window was too short or viewers too few to show is no number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from loadtests.by_role import ByRole

BUSY = 0.85


def shown(value: float) -> float:
    """Give a cost, or no number where there was none to be seen."""
    return value if value > 0 else math.nan


@dataclass(frozen=True, slots=True)
class Rest:
    """The service with one copied lesson on air and nobody who watches."""

    api_p50_s: float
    api_p95_s: float
    service_cores: float
    service_bytes: float


@dataclass(frozen=True, slots=True)
class Stormed:
    """One storm by one delivery, and the minutes after it, as they were counted."""

    kind: str
    viewers: int
    join_within_s: float
    join_p50_s: float
    join_p95_s: float
    join_most_s: float
    until_95_s: float
    until_all_s: float
    watched_s: float
    storm_cpu_s: float
    steady_cores: float
    steady_bytes_s: float
    slowest: float
    viewers_cores: float
    machine: float
    service_bytes: float
    api_p50_s: float
    api_p95_s: float
    errors: int
    encoders_cores: float
    workers_cores: float
    database_cores: float
    api_watching_p95_s: float

    @property
    def by_role(self) -> ByRole:
        """Give the cores of each role while everybody watched."""
        return ByRole(self.steady_cores, self.encoders_cores, self.workers_cores,
                      self.database_cores, self.viewers_cores)  # fmt: skip

    def viewer_cores(self, rest: Rest) -> float:
        """What watching costs the service, a viewer."""
        return shown((self.steady_cores - rest.service_cores) / self.viewers)

    def join_cpu_s(self, rest: Rest) -> float:
        """What a join costs beyond what watching does."""
        watching_s = self.watched_s * self.viewer_cores(rest)
        joins_s = self.storm_cpu_s - rest.service_cores * self.until_all_s - watching_s
        return shown(joins_s / self.viewers)

    def viewer_bytes(self, rest: Rest) -> float:
        """What the service's memory has grown by since nobody watched, a viewer; an upper bound."""
        return shown((self.service_bytes - rest.service_bytes) / self.viewers)

    @property
    def bound(self) -> str:
        """Say what had no more to give while everybody watched."""
        busy = {"the service's core": self.steady_cores, "the viewers' process": self.viewers_cores,
                "the machine": self.machine}  # fmt: skip
        return " and ".join(name for name, part in busy.items() if part >= BUSY) or "nothing yet"

    def cpu_a_megabyte(self, rest: Rest) -> float:
        """CPU seconds of the service for a megabyte, the lesson itself left out."""
        return self.viewer_cores(rest) * self.viewers / self.steady_bytes_s * 1e6


@dataclass(frozen=True, slots=True)
class Session:
    """What taking in a lesson costs, in the service's process and in its encoders."""

    service_cores: float
    encoder_cores: float
    grown_bytes: float

    @property
    def cores(self) -> float:
        """All of it."""
        return self.service_cores + self.encoder_cores
