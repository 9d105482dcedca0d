"""A channel, a relay of it and the mirror in a school, joined in memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from streaming.live.events import Event, PartReady, SegmentReady
from streaming.live.mirror import Mirror
from streaming.live.playlists import TrackTexts
from streaming.live.relay import Message, decode
from streaming.live.relays import Relay, Relays
from streaming.live.segments import Part, Segment
from tests.support.live import ANCHOR_UTC, Script

NAMES = frozenset({"720p", "360p", "aac"})
MEDIA_BYTES = 40  # a fragment is three of them


@dataclass
class Pair:
    """A channel, one relay of it, and the mirror at its end."""

    script: Script = field(default_factory=Script)
    mirror: Mirror = field(default_factory=Mirror)
    events: list[Event] = field(default_factory=list)
    now: float = 0.0
    media_bytes: int = MEDIA_BYTES
    _told: int = 0

    def __post_init__(self) -> None:
        self.relays = Relays(self.script.channel, lambda: ANCHOR_UTC, self.media_bytes)
        self.relay: Relay | None = None

    def join(self, *names: str) -> Pair:
        """Let the edge come and ask."""
        self.publish()
        self.relay = self.relays.join(self.now, ANCHOR_UTC)
        self.relays.ask(self.relay, frozenset(names), self.now)
        return self

    def publish(self) -> None:
        """Tell the relays what has happened since."""
        fresh, self._told = self.script.events[self._told :], len(self.script.events)
        self.relays.publish(fresh, ANCHOR_UTC, self.now)

    def play(self, first: int, last: int, names: tuple[str, ...] = tuple(NAMES)) -> Pair:
        """Play frames, each told at once."""
        for number in range(first, last):
            self.script.play(number, number + 1, names)
            self.publish()
        return self

    def waiting(self, most: int = 100_000) -> list[Message]:
        """Read what waits for the edge, so many messages of it."""
        assert self.relay is not None
        found: list[Message] = []
        while len(found) < most and (data := self.relay.next()) is not None:
            found.append(decode(data))
        return found

    def deliver(self, most: int = 100_000) -> Pair:
        """Bring the mirror up to date, or so many messages nearer to it."""
        for message in self.waiting(most):
            self.events += self.mirror.take(message)
        return self

    def texts(self, name: str) -> tuple[str, str]:
        """Give the playlist here and there."""
        here, there = self.script.channel, self.mirror.channel
        return (
            TrackTexts(here, here.tracks[name]).text(),
            TrackTexts(there, there.tracks[name]).text(),
        )

    def parts(self, name: str) -> list[Part]:
        """Parts that became whole in the mirror."""
        return [e.part for e in self.events if isinstance(e, PartReady) and e.track.name == name]

    def segments(self, name: str) -> list[Segment]:
        """Segments that became whole in the mirror."""
        found = (e for e in self.events if isinstance(e, SegmentReady))
        return [e.segment for e in found if e.track.name == name]


def bare(segments: Iterable[Segment]) -> list[Segment]:
    """Segments as they are told of without their media."""
    return [replace(one, data=b"", parts=(), keyframe_bytes=0) for one in segments]
