"""The target delay D that a session's rooms share, and which rooms are late. Pure.

The rule: D is the smallest step (50 ms) that every room on time says it can hold, never below what
a delivery needs (0.4 s on WebSocket, 0.75 s while one is on LL-HLS; 0.25 s where there are only
viewers, all of them on WebSocket). It rises at once. It falls by one step every 5 s, and only after
nobody has needed it for 10 s (doubled up to 160 s whenever it had to rise again soon after a fall).
A room that still has a lower rung lifts D to 0.6 s at most (it shall go down a rung), one at its
lowest rung to 1.0 s. One that cannot hold that for 10 s is late: it counts no longer, until it
could have held D for 10 s (0.9 s, where no room is on time).
While classrooms or speakers report, viewers do not count.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

STEP_S = 0.05
RUNG_LIMIT_S = 0.6
LIMIT_S = 1.0
RETURN_S = 0.9
LATE_AFTER_S = 10.0
BACK_AFTER_S = 10.0
FALL_AFTER_S = 10.0
FALL_AFTER_LIMIT_S = 160.0
FALL_EVERY_S = 5.0
REGRET_S = 60.0
SILENT_AFTER_S = 5.0
_GRAIN_S = 1e-9


class Delivery(Enum):
    """How a member gets the picture."""

    WS = "ws"
    HLS = "hls"


FLOOR_S = {Delivery.WS: 0.4, Delivery.HLS: 0.75}
VIEWERS_FLOOR_S = {Delivery.WS: 0.25, Delivery.HLS: 0.75}


class Standing(Enum):
    """How a member stands to D."""

    ON_TIME = "on time"
    SLIPPING = "slipping"
    LATE = "late"
    RETURNING = "returning"


_S = Standing
# (standing, holds) → (standing after, how long it must have stood as it does)
STEPS: dict[tuple[Standing, bool], tuple[Standing, float]] = {
    (_S.ON_TIME, True): (_S.ON_TIME, 0.0),
    (_S.ON_TIME, False): (_S.SLIPPING, 0.0),
    (_S.SLIPPING, True): (_S.ON_TIME, 0.0),
    (_S.SLIPPING, False): (_S.LATE, LATE_AFTER_S),
    (_S.LATE, False): (_S.LATE, 0.0),
    (_S.LATE, True): (_S.RETURNING, 0.0),
    (_S.RETURNING, False): (_S.LATE, 0.0),
    (_S.RETURNING, True): (_S.ON_TIME, BACK_AFTER_S),
}
COUNTING = (Standing.ON_TIME, Standing.SLIPPING)


def steps_up(seconds: float) -> float:
    """Round up to a step of D."""
    return round(math.ceil(seconds / STEP_S - _GRAIN_S) * STEP_S, 3)


@dataclass(frozen=True, slots=True)
class Can:
    """What a member says of its line. can_s: the smallest D that it could hold at this rung."""

    can_s: float
    delivery: Delivery = Delivery.WS
    lowest: bool = True
    is_room: bool = True

    @property
    def floor_s(self) -> float:
        """The smallest D that this member may ask for."""
        return (FLOOR_S if self.is_room else VIEWERS_FLOOR_S)[self.delivery]

    @property
    def limit_s(self) -> float:
        """How far this member may lift D."""
        return LIMIT_S if self.lowest else max(RUNG_LIMIT_S, self.floor_s)

    @property
    def demand_s(self) -> float:
        """What D this member asks for, as far as it may."""
        return min(max(steps_up(self.can_s), self.floor_s), self.limit_s)


@dataclass(slots=True)
class _Line:
    can: Can
    heard_at: float
    standing: Standing
    since: float

    def step(self, holds: bool, now: float) -> None:
        after, wait_s = STEPS[self.standing, holds]
        if after is not self.standing and now - self.since >= wait_s:
            self.standing, self.since = after, now

    @property
    def counts(self) -> bool:
        return self.standing in COUNTING


class Delay:
    """D of one session. Feed it reports; call `tick` about once a second."""

    def __init__(self) -> None:
        self.d_s = FLOOR_S[Delivery.WS]
        self._lines: dict[str, _Line] = {}
        self._rooms = 0
        self._was_late: set[str] = set()
        self._needed_at = -math.inf
        self._fell_at = -math.inf
        self._hold_s = FALL_AFTER_S

    def report(self, member: str, can: Can, now: float) -> None:
        """Take what a member says of its line; D may rise."""
        line = self._lines.get(member) or self._begin(member, can, now)
        line.can, line.heard_at = can, now
        line.step(self._holds(line), now)
        if line.counts and self._is_asked(line):
            self._need(can.demand_s, now)

    def leave(self, member: str) -> None:
        """A member is not there for a while; one that is late comes back late."""
        line = self._lines.pop(member, None)
        if line is None:
            return
        self._rooms -= line.can.is_room
        if not line.counts:
            self._was_late.add(member)

    def forget(self, member: str) -> None:
        """A member will not come back."""
        self.leave(member)
        self._was_late.discard(member)

    def late(self, member: str) -> bool:
        """Tell whether D is no longer made for this member."""
        line = self._lines.get(member)
        return not line.counts if line else member in self._was_late

    def tick(self, now: float) -> None:
        """Leave out who is silent; let D fall when it may."""
        for member in [m for m, one in self._lines.items() if now - one.heard_at > SILENT_AFTER_S]:
            self.leave(member)
        wanted_s = self._wanted_s()
        self._need(wanted_s, now)
        calm = now - self._needed_at >= self._hold_s and now - self._fell_at >= FALL_EVERY_S
        if calm and wanted_s < self.d_s:
            self.d_s, self._fell_at = max(wanted_s, round(self.d_s - STEP_S, 3)), now

    def _begin(self, member: str, can: Can, now: float) -> _Line:
        late = member in self._was_late
        self._was_late.discard(member)
        line = _Line(can, now, Standing.LATE if late else Standing.ON_TIME, now)
        self._lines[member] = line
        self._rooms += can.is_room
        return line

    def _holds(self, line: _Line) -> bool:
        """On time: what it may ask for at most would do. Late: D as the others have it would do."""
        can = line.can
        if line.counts:
            bar_s = LIMIT_S if can.lowest else math.inf
        elif any(one.counts for one in self._lines.values() if self._is_asked(one)):
            bar_s = max(self.d_s, can.floor_s)
        else:
            bar_s = RETURN_S
        return can.can_s <= bar_s + _GRAIN_S

    def _need(self, demand_s: float, now: float) -> None:
        if demand_s > self.d_s:
            again = now - self._fell_at < REGRET_S
            self._hold_s = min(2 * self._hold_s, FALL_AFTER_LIMIT_S) if again else FALL_AFTER_S
            self.d_s = demand_s
        if demand_s >= self.d_s:
            self._needed_at = now

    def _wanted_s(self) -> float:
        asked = (one for one in self._lines.values() if one.counts and self._is_asked(one))
        return max((one.can.demand_s for one in asked), default=FLOOR_S[Delivery.WS])

    def _is_asked(self, line: _Line) -> bool:
        return line.can.is_room or not self._rooms
