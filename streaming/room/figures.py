"""What a room tells of itself, for figures by session: counts and D, no names. Pure."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

from streaming.room.metrics import SKEW_BUCKETS_S


@dataclass(frozen=True, slots=True)
class RoomFigures:
    """One room. Counts are since `since_at`, monotonic seconds: when it was opened.

    skews: reports of players by SKEW_BUCKETS_S and one bucket for the rest, each for itself.
    floor_requests: hands raised. reconnects: members who came back.
    """

    session: str
    since_at: float
    delay_s: float
    skews: tuple[int, ...]
    skew_sum_s: float
    reconnects: int
    floor_requests: int


@dataclass(slots=True)
class RoomTally:
    """Counts while the room is open."""

    reconnects: int = 0
    floor_requests: int = 0
    skew_sum_s: float = 0.0
    skews: list[int] = field(default_factory=lambda: [0] * (len(SKEW_BUCKETS_S) + 1))

    def skew(self, skew_s: float) -> None:
        """Take a player's distance from the target."""
        self.skews[bisect_left(SKEW_BUCKETS_S, skew_s)] += 1
        self.skew_sum_s += skew_s

    def figures(self, session: str, since_at: float, delay_s: float) -> RoomFigures:
        """Give what was counted so far."""
        return RoomFigures(
            session, since_at, delay_s, tuple(self.skews), self.skew_sum_s,
            self.reconnects, self.floor_requests,
        )  # fmt: skip
