"""Edges that follow a channel: each message made once for all of them (relay.py).

An edge that takes nothing for QUEUE_LIMIT_S gets what waited thrown away and begins anew from what
is known then; so does a rendition that it asks for no more, in the middle of a fragment too, or a
thin line would carry for long what nobody wants. Sound goes first: it is what such a line carries.
Nothing here waits.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from streaming.live.channel import Channel
from streaming.live.events import (
    ChannelState,
    Event,
    FragmentReady,
    RunStarted,
    SegmentReady,
    StateChanged,
)
from streaming.live.relay import (
    MEDIA_BYTES,
    Anew,
    Announced,
    Closed,
    Fragments,
    Known,
    Lost,
    Message,
    RunBegun,
    Standing,
    written,
)
from streaming.live.track import Track

QUEUE_LIMIT_S = 3.0
QUEUE_LIMIT_BYTES = 16 * 1024 * 1024
ANCHOR_STEP_S = 0.005


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message for edges, since when it waits, and of whose media it is ("": of none).

    `instead`: it is sent in place of that media, when nobody wants it any more.
    """

    data: bytes | str
    at: float
    media: str = ""
    instead: bool = False


class Relay:
    """What one edge is sent. `bell` rings when there is something."""

    def __init__(self, names: frozenset[str] = frozenset()) -> None:
        self.names = names
        self.bell = asyncio.Event()
        self.closed = False
        self.skips = 0
        self._queue: deque[Outgoing] = deque()
        self._size_bytes = 0

    def put(self, messages: Iterable[Outgoing]) -> None:
        """Queue what all edges share."""
        for one in messages:
            self._queue.append(one)
            self._size_bytes += _size_bytes(one)
        self.bell.set()

    def next(self) -> bytes | str | None:
        """Take out what goes out next."""
        while self._queue:
            first = self._queue.popleft()
            self._size_bytes -= _size_bytes(first)
            if not first.instead:
                return first.data
        return None

    def is_over(self, now: float) -> bool:
        """Tell whether what waits has waited too long, or is too much."""
        first = next((one for one in self._queue if not one.instead), None)
        if first is None:
            return False
        return now - first.at > QUEUE_LIMIT_S or self._size_bytes > QUEUE_LIMIT_BYTES

    def clear(self) -> None:
        """Throw away what waits."""
        self._queue.clear()
        self._size_bytes = 0
        self.skips += 1

    def drop(self, names: frozenset[str]) -> None:
        """Throw away the media of these."""
        waiting, self._queue, self._size_bytes = self._queue, deque(), 0
        for one in waiting:
            if one.media not in names:
                self.put([one])
            elif one.instead:
                self.put([Outgoing(one.data, one.at)])

    def close(self) -> None:
        """Nothing will follow."""
        self.closed = True
        self.bell.set()


def _size_bytes(one: Outgoing) -> int:
    return 0 if one.instead else len(one.data)


class Relays:
    """All edges that follow one channel."""

    def __init__(
        self, channel: Channel, clock_utc: Callable[[], float], media_bytes: int = MEDIA_BYTES
    ) -> None:
        self._channel = channel
        self._clock_utc = clock_utc
        self._media_bytes = media_bytes
        self._relays: set[Relay] = set()
        self._anchor_utc = 0.0

    def __len__(self) -> int:
        return len(self._relays)

    def __iter__(self) -> Iterator[Relay]:
        return iter(self._relays)

    def in_use(self) -> frozenset[str]:
        """Give the renditions that an edge asks for."""
        return frozenset().union(*(relay.names for relay in self._relays))

    def join(self, now: float, anchor_utc: float, names: frozenset[str] = frozenset()) -> Relay:
        """Add an edge; it is told what there is. One that was here before says what it wants."""
        relay = Relay(names)
        self._begin(relay, now, anchor_utc)
        if self._channel.state is ChannelState.ENDED:
            relay.close()
        self._relays.add(relay)
        return relay

    def leave(self, relay: Relay) -> None:
        """Forget an edge."""
        self._relays.discard(relay)

    def ask(self, relay: Relay, names: frozenset[str], now: float) -> None:
        """Send the media of these from now on: of the new ones with what the open segment has."""
        fresh, gone, relay.names = names - relay.names, relay.names - names, names
        if gone:
            relay.drop(gone)
        for name in self._sound_first(fresh):
            self._open(relay, name, now)

    def know(self, name: str, now: float) -> None:
        """What is known of a rendition was told to this edge at one go: tell those below."""
        known = self._known(name, now) if self._relays else []
        for relay in self._relays:
            relay.put(known)

    def renew(self, name: str, now: float) -> None:
        """The open segment comes once more from its beginning."""
        track = self._channel.tracks.get(name)
        for relay in self._relays:
            if track is not None and name in relay.names:
                relay.put(self._sent(Anew(track.id), now))

    def publish(self, events: Iterable[Event], anchor_utc: float, now: float) -> None:
        """Send everyone what happened."""
        if not self._relays:
            self._anchor_utc = anchor_utc
            return
        self._drop_late(now, anchor_utc)
        for event in events:
            if isinstance(event, StateChanged):
                self._say_standing(now, anchor_utc)
            else:
                self._spread(event, now)
        if abs(anchor_utc - self._anchor_utc) > ANCHOR_STEP_S:
            self._say_standing(now, anchor_utc)

    def announce(self, now: float, anchor_utc: float) -> None:
        """The channel's renditions are others now."""
        self._say_standing(now, anchor_utc)

    def lose(self, number: int, now: float) -> None:
        """A segment is kept nowhere."""
        lost = self._sent(Lost(number), now)
        for relay in self._relays:
            relay.put(lost)

    def close(self) -> None:
        """Let all go when they have what waits for them."""
        for relay in self._relays:
            relay.close()

    def _spread(self, event: Event, now: float) -> None:
        """Send everyone what begins and ends; media, in place of its end, to who asked for it."""
        message = _told(event, self._clock_utc())
        if message is None or isinstance(event, StateChanged):
            return
        name = event.track.name
        asked = {relay for relay in self._relays if name in relay.names}
        if isinstance(message, Fragments):
            media = self._sent(message, now, name) if asked else []
            for relay in asked:
                relay.put(media)
            return
        plain = ends = self._sent(message, now)
        if isinstance(message, Closed) and message.segment.data:
            ends = [Outgoing(one.data, now, name, instead=True) for one in plain]
        for relay in self._relays:
            relay.put(ends if relay in asked else plain)

    def _drop_late(self, now: float, anchor_utc: float) -> None:
        """Let who is too slow begin anew; what it missed it can fetch."""
        for relay in self._relays:
            if relay.is_over(now):
                relay.clear()
                self._begin(relay, now, anchor_utc)

    def _begin(self, relay: Relay, now: float, anchor_utc: float) -> None:
        relay.put(self._sent(self._standing(anchor_utc), now))
        for track in self._channel.present():
            relay.put(self._known(track.name, now))
        for name in self._sound_first(relay.names):
            self._open(relay, name, now)

    def _sent(self, message: Message, now: float, media: str = "") -> list[Outgoing]:
        return [Outgoing(one, now, media) for one in written(message, self._media_bytes)]

    def _known(self, name: str, now: float) -> list[Outgoing]:
        track = self._channel.tracks.get(name)
        return self._sent(_known_of(track), now) if track is not None and track.runs else []

    def _sound_first(self, names: frozenset[str]) -> list[str]:
        tracks = self._channel.tracks
        return sorted(names, key=lambda name: (name in tracks and tracks[name].video, name))

    def _open(self, relay: Relay, name: str, now: float) -> None:
        track = self._channel.tracks.get(name)
        if track is None:
            return
        relay.put(self._sent(Anew(track.id), now))
        if track.opening is not None:
            fragments = Fragments(track.id, track.opening, self._clock_utc(), track.open_data())
            relay.put(self._sent(fragments, now, name))

    def _say_standing(self, now: float, anchor_utc: float) -> None:
        self._anchor_utc = anchor_utc
        standing = self._sent(self._standing(anchor_utc), now)
        for relay in self._relays:
            relay.put(standing)

    def _standing(self, anchor_utc: float) -> Standing:
        channel = self._channel
        tracks = channel.tracks.items()
        announced = (Announced(t.id, t.rendition, name in channel.gone) for name, t in tracks)
        return Standing(channel.state, anchor_utc, tuple(announced))


def _told(event: Event, now_utc: float) -> Message | None:
    """Give what an edge may hear of an event: parts it cuts itself."""
    match event:
        case RunStarted(track=track, run=run):
            lengths = track.part_target_ts, track.frame_ts
            return RunBegun(track.id, run.number, *lengths, run.init.data)
        case FragmentReady(track=track, fragment=fragment, opening=opening):
            return Fragments(track.id, opening, now_utc, fragment.data)
        case SegmentReady(track=track, segment=segment):
            return Closed(track.id, segment)
    return None


def _known_of(track: Track) -> Known:
    inits = tuple(run.init.data for run in track.runs)
    segments = tuple(track.segments)
    return Known(track.id, inits, track.discontinuities, track.part_target_ts, track.frame_ts,
                 segments)  # fmt: skip
