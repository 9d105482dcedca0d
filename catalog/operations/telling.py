"""What a box tells its origin of itself every few seconds, and what the origin makes of it. Pure.

One small JSON text a telling, on a WebSocket that both keep open. The figures are what the box's
own status page has; which of them is bad, the origin decides (verdict.py).

A box is OPENED while it has told nothing on its newest connection, TELLING from then on, and CLOSED
when the connection ended from its side: its kernel does that when the process dies. A line that is
cut says nothing: it is still TELLING, and its last telling grows old. What it told counts only
while it tells: nobody knows the line, the disk or the viewers of a box that is gone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Annotated

import msgspec
from msgspec import Meta

from catalog.errors import Invalid
from catalog.operations.known import Box
from catalog.operations.lasting import Lasting
from catalog.operations.verdict import CLOSED_S, UNTOLD_S

EVERY_S = 3.0
LEAST_EVERY_S = 1.0
TELLING_LIMIT_BYTES = 1024
SILENT_LIMIT_S = 60.0
BOXES_LIMIT = 5000
RATE_LIMIT_BPS = 100_000_000_000
COUNT_LIMIT = 1_000_000
TIME_LIMIT_S = 86_400.0

Bps = Annotated[int, Meta(ge=0, le=RATE_LIMIT_BPS)]
Number = Annotated[int, Meta(ge=0, le=COUNT_LIMIT)]
Time = Annotated[float, Meta(ge=0, le=TIME_LIMIT_S)]


class Telling(msgspec.Struct, frozen=True, omit_defaults=True):
    """One telling. lowest: streams that have their lowest rung although the line is too thin even
    for that; by_line: streams that have fewer rungs because of the line. viewers: here, now.
    """

    estimate_bps: Bps | None = None
    ceiling_bps: Bps | None = None
    use_bps: Bps = 0
    lowest: Number = 0
    by_line: Number = 0
    streams: Number = 0
    viewers: Number = 0
    lag_s: Time = 0.0
    disk: Annotated[str, Meta(max_length=20)] = ""
    loop_late_s: Time = 0.0
    waiting: Number = 0
    cuts: Number = 0

    @property
    def line_bps(self) -> int | None:
        """What it may use of its line: what that carries, and no more than its ceiling."""
        known = [one for one in (self.estimate_bps, self.ceiling_bps) if one is not None]
        return min(known, default=None)


def write_telling(telling: Telling) -> bytes:
    """Give the text of a telling."""
    return msgspec.json.encode(telling)


def read_telling(raw: bytes | str) -> Telling:
    """Read a telling. Raises: Invalid."""
    if len(raw) > TELLING_LIMIT_BYTES:
        raise Invalid(f"a telling has at most {TELLING_LIMIT_BYTES} bytes")
    try:
        return msgspec.json.decode(raw, type=Telling)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Invalid(f"this is no telling of a box: {error}") from error


class BoxState(Enum):
    """How a box is connected."""

    OPENED = "opened"
    TELLING = "telling"
    CLOSED = "closed"


@dataclass(slots=True)
class _Heard:
    """What is remembered of one box. `line` names the connection that counts."""

    school: str
    line: int
    state: BoxState
    at: float
    telling: Telling | None = None

    def tells(self, now: float) -> bool:
        """Tell whether what it told last is how it is now."""
        return self.state is BoxState.TELLING and now - self.at < UNTOLD_S

    def away(self, now: float) -> bool:
        """Tell whether it has been gone for longer than dialling anew takes."""
        patience_s = CLOSED_S if self.state is BoxState.CLOSED else UNTOLD_S
        return now - self.at >= patience_s


class Boxes:
    """What every box told last. Times are monotonic seconds; at most BOXES_LIMIT boxes."""

    def __init__(self) -> None:
        self._heard: dict[str, _Heard] = {}
        self._lasting = Lasting()
        self._lines = 0

    def opened(self, edge: str, school: str, now: float) -> int:
        """A box has connected: its older connection counts no more. Gives the new one's number."""
        self._lines += 1
        before = self._heard.pop(edge, None)
        telling = before.telling if before is not None else None
        self._heard[edge] = _Heard(school, self._lines, BoxState.OPENED, now, telling)
        if len(self._heard) > BOXES_LIMIT:
            del self._heard[next(iter(self._heard))]
        return self._lines

    def told(self, edge: str, line: int, telling: Telling, now: float) -> None:
        """A box has told something on its connection."""
        heard = self._heard.get(edge)
        if heard is not None and heard.line == line:
            heard.telling, heard.at, heard.state = telling, now, BoxState.TELLING

    def closed(self, edge: str, line: int, now: float) -> None:
        """A connection has ended from the box's side; that of an older one tells nothing."""
        heard = self._heard.get(edge)
        if heard is not None and heard.line == line:
            heard.state, heard.at = BoxState.CLOSED, now

    def keep(self, edges: Collection[str]) -> None:
        """Forget all boxes but these, which are enrolled."""
        for edge in self._heard.keys() - set(edges):
            del self._heard[edge]

    def newest(self, now: float) -> Mapping[str, Telling]:
        """Give what the box of each school told last, of those that are telling."""
        return {
            one.school: one.telling
            for one in self._heard.values()
            if one.telling is not None and one.tells(now)
        }

    def by_school(self, now: float) -> dict[str, Box]:
        """Give each school's box; of several the one that stands worst."""
        found: dict[str, Box] = {}
        for edge, heard in self._heard.items():
            if heard.telling is None:
                continue
            box = self._box(edge, heard, heard.telling, now)
            other = found.get(heard.school)
            if other is None or _badness(box) > _badness(other):
                found[heard.school] = box
        self._lasting.sweep()
        return found

    def _box(self, edge: str, heard: _Heard, telling: Telling, now: float) -> Box:
        thin = telling.lowest > 0 or telling.by_line > 0
        # One that dials anew at once has had a thin line all the while.
        thin_s = self._lasting.lasts_s(edge, thin and not heard.away(now), now)
        age_s = now - heard.at
        if not heard.tells(now):
            return Box(told_s=age_s, closed_s=age_s if heard.state is BoxState.CLOSED else None)
        return Box(
            told_s=age_s,
            line_bps=telling.line_bps,
            thin_s=thin_s,
            lag_s=telling.lag_s,
            disk=telling.disk,
            loop_late_s=telling.loop_late_s,
        )


def _badness(box: Box) -> tuple[float, float, float]:
    return (box.closed_s or 0.0, box.told_s or 0.0, box.thin_s or 0.0)
