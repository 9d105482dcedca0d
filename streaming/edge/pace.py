"""How fast who has no player of ours may take what must cross the line for it. Pure.

The rule. Our players keep a bounded buffer and say what they have; a foreign one (hls.js in
another page, VLC, mpv) may fetch a whole lesson as fast as it comes. While nobody else needs the
line it may. Else each has 1.75 times the best rung of those that the school may use of the lesson,
and all foreign viewers of it together, in even parts, what the others' rungs leave of the room for
media: at least 1.2 times that rung, so that a player can follow, or a quarter of it when a live
lesson is among the others: that goes first.

Each piece that a viewer makes cross the line is booked behind those it has booked before, however
many connections it has: it begins when these have been given, and is given evenly over its time.

1.75: hls.js chooses a rung of at most 0.7 of what it measures, so it sees that it can have the best
that is shown (1.22 times), and would not see so for one above it. It is paced from the first byte
on: one piece at full speed would teach it another line.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from math import inf

from streaming.edge.cap import Allowed, Rung, Stream

HEADROOM = 1.75
LEAST = 1.2
LEAST_BESIDE_LIVE = 0.25
ACTIVE_S = 2.0
GRAIN_S = 0.1
GRAIN_LEAST_BYTES = 4 * 1024
VIEWERS_LIMIT = 1024
STREAMS_LIMIT = 256


@dataclass(frozen=True, slots=True)
class Share:
    """What one foreign viewer may take of the line, and all of a stream together."""

    each_bps: int
    together_bps: int


def share_of(
    stream: str,
    streams: Sequence[Stream],
    allowed: Mapping[str, Allowed],
    room_bps: int,
    live: Container[str] = (),
    limited: bool = False,
) -> Share | None:
    """Say what foreign viewers of a stream may take of the line; None: all that there is.

    `live` names the streams that are live; `limited`: an operator keeps a part of the line.
    """
    best_bps = max((rung.bandwidth_bps for rung in _crossing(stream, streams, allowed)), default=0)
    others = {one.id: _crossing(one.id, streams, allowed) for one in streams if one.id != stream}
    needing = [name for name, rungs in others.items() if rungs]
    if not best_bps or not (needing or limited):
        return None
    left_bps = room_bps - sum(rung.bandwidth_bps for name in needing for rung in others[name])
    least = LEAST_BESIDE_LIVE if any(name in live for name in needing) else LEAST
    return Share(int(HEADROOM * best_bps), max(int(least * best_bps), left_bps))


def _crossing(stream: str, streams: Sequence[Stream], allowed: Mapping[str, Allowed]) -> list[Rung]:
    """Give the pictures of a stream that may cross the line."""
    found = allowed.get(stream)
    return [
        rung
        for one in streams
        if one.id == stream
        for rung in one.rungs
        if not (rung.whole_in_cache or rung.sound_only)
        and (found is None or rung.name in found.rungs)
    ]


@dataclass(frozen=True, slots=True)
class Booking:
    """When a viewer may have a piece: from `begin_at` on, at so many bits a second."""

    begin_at: float
    bps: float

    def due_at(self, size_bytes: float) -> float:
        """Say when so many of its bytes may have been given."""
        return self.begin_at + 8 * size_bytes / self.bps


class Paces:
    """What foreign viewers have booked, by stream and by who they are."""

    def __init__(self) -> None:
        self._streams: OrderedDict[str, OrderedDict[str, float]] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(len, self._streams.values()))

    def book(self, now: float, stream: str, viewer: str, size_bytes: int, share: Share) -> Booking:
        """Book a piece for a viewer."""
        booked = self._streams.pop(stream, None)
        booked = self._streams[stream] = OrderedDict() if booked is None else booked
        if len(self._streams) > STREAMS_LIMIT:
            self._streams.popitem(last=False)
        begin_at = max(booked.pop(viewer, -inf), now)
        at_once = 1 + sum(other_at > now - ACTIVE_S for other_at in booked.values())
        found = Booking(begin_at, min(share.each_bps, share.together_bps / at_once))
        booked[viewer] = found.due_at(size_bytes)
        if len(booked) > VIEWERS_LIMIT:
            booked.popitem(last=False)
        return found

    def give_back(
        self, now: float, stream: str, viewer: str, booking: Booking, size_bytes: int
    ) -> None:  # fmt: skip
        """Take back so many bytes of a booking: the viewer did not want them after all."""
        booked = self._streams.get(stream)
        if booked is not None and viewer in booked:
            spared_s = 8 * size_bytes / booking.bps
            booked[viewer] = max(now, booked[viewer] - spared_s)


def grain_bytes(bps: float) -> int:
    """Say how much to give at a time."""
    return max(GRAIN_LEAST_BYTES, int(bps * GRAIN_S / 8))
