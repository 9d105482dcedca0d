"""A day of the city as it was played: each programme at its scale, by role, before and after. Pure.

`empty` is the service that holds the whole registry with nothing on air, `alone` with the
programme's lessons on air and nobody who watches; `crowd` is everybody watching. The API was asked
by the clock in all three, so their differences are lessons and viewers alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from loadtests.by_role import ByRole
from loadtests.storm_figures import Rest, Stormed, shown

PAIRS, ONE_TO_ALL, EVENING = "pairs", "one to all", "evening"


@dataclass(frozen=True, slots=True)
class Played:
    """One programme. `late` is the part of live parts that could be fetched too late."""

    name: str
    lessons: int
    encoded: int
    empty: ByRole
    alone: ByRole
    rest: Rest
    crowd: Stormed
    late: float
    stalls: int
    stalled_s: float
    memory_alone: ByRole
    memory: ByRole

    @property
    def cores(self) -> ByRole:
        """Give what the programme takes, by role."""
        return self.crowd.by_role.above(self.empty)

    @property
    def unwatched(self) -> float:
        """Give what is taken while nobody watches, encoders left out.

        Without lessons both looks are at the same, and the lower one was disturbed less.
        """
        alone = self.alone.without_encoders
        return alone if self.lessons else min(alone, self.empty.without_encoders)

    @property
    def viewer_cores(self) -> float:
        """Give what a viewer takes, whatever the encoders do meanwhile."""
        return shown((self.crowd.by_role.without_encoders - self.unwatched) / self.crowd.viewers)

    @property
    def lesson_cores(self) -> float:
        """Give what a lesson takes that nobody watches, its encoder left out."""
        taken = self.alone.without_encoders - self.empty.without_encoders
        return shown(taken / self.lessons)

    @property
    def loop_lesson_cores(self) -> float:
        """Give what of it the origin's process takes: its loop has one core."""
        return shown((self.alone.origin - self.empty.origin) / self.lessons)

    @property
    def loop_share(self) -> float:
        """Give how much of what viewers take is taken by the origin's process."""
        alone = self.alone.origin if self.lessons else min(self.alone.origin, self.empty.origin)
        return (self.crowd.by_role.origin - alone) / shown(self.viewer_cores * self.crowd.viewers)

    @property
    def of_its_lesson_alone(self) -> float:
        """Give how many times a lesson alone its viewers and it take."""
        taken = self.crowd.by_role.without_encoders - self.empty.without_encoders
        return shown(taken / self.lessons) / self.lesson_cores

    @property
    def cpu_a_megabyte(self) -> float:
        """CPU seconds of the service for a megabyte, lessons left out."""
        return self.viewer_cores * self.crowd.viewers / shown(self.crowd.steady_bytes_s) * 1e6


@dataclass(frozen=True, slots=True)
class Day:
    """All programmes that were played, and how long the registry took to be founded by the API."""

    command: str
    cores: int
    memory_bytes: float
    founded: int
    founded_s: float
    played: tuple[Played, ...]

    def shares(self, one: Played) -> dict[str, float]:
        """Say how much of each thing the service took that ends somewhere, all on this machine."""
        return {
            "the service's core": one.crowd.steady_cores,
            "the machine": one.crowd.by_role.service / self.cores,
            "memory": one.memory.service / self.memory_bytes,
        }

    def full_first(self, one: Played) -> tuple[str, float]:
        """Name what is fullest, and how full: it saturates first when the programme grows."""
        return max(self.shares(one).items(), key=lambda share: share[1])


def day_from(found: Mapping[str, Any]) -> Day:
    """Read a day. Raises: KeyError, TypeError."""
    return Day(
        found["command"], found["cores"], found["memory_bytes"], found["founded"],
        found["founded_s"],
        tuple(map(_played, found["played"])),
    )  # fmt: skip


def _played(found: Mapping[str, Any]) -> Played:
    nested = {
        **{name: ByRole(**found[name]) for name in ("empty", "alone", "memory_alone", "memory")},
        "rest": Rest(**found["rest"]),
        "crowd": Stormed(**found["crowd"]),
    }
    return Played(**{**found, **nested})
