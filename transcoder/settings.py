"""Options of a worker process."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Slots:
    """How many units of each class one worker process runs at a time."""

    prepare: int = 2
    fresh: int = 2
    backlog: int = 2
    late: int = 1

    def by_queue(self) -> list[tuple[str, int]]:
        """Give the queues that have slots, the most urgent first."""
        slots = [
            ("prepare", self.prepare), ("fresh", self.fresh), ("backlog", self.backlog),
            ("late", self.late),
        ]  # fmt: skip
        return [(queue, number) for queue, number in slots if number]


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker may use, and how patient it is.

    A unit whose worker says nothing for lease_s goes to another one. A failed unit is tried
    `tries` times in all, after retry_wait_s, then four times that, and so on.
    """

    scratch: Path
    ffmpeg: Path
    slots: Slots = field(default_factory=Slots)
    cache_bytes: int = 20 * GIB
    heartbeat_s: float = 1.0
    lease_s: float = 8.0
    poll_s: float = 1.0
    tries: int = 4
    retry_wait_s: float = 3.0
    patience_s: float = 60.0
    drain_s: float = 10.0
    stall_s: float = 60.0

    def __post_init__(self) -> None:
        if self.lease_s < 2 * self.heartbeat_s:
            raise ValueError("lease_s must be at least twice heartbeat_s")
        if self.tries < 1:
            raise ValueError("tries must be at least 1")
