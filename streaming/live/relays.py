"""Edges that follow a channel: each message made once for all of them (relay.py).

An edge that takes nothing for QUEUE_LIMIT_S gets what waited thrown away and begins anew from what
is known then. Nothing here waits.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator

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
    Anew,
    Announced,
    Closed,
    Fragments,
    Known,
    Lost,
    Message,
    RunBegun,
    Standing,
    encode,
)
from streaming.live.track import Track

QUEUE_LIMIT_S = 3.0
QUEUE_LIMIT_BYTES = 16 * 1024 * 1024
ANCHOR_STEP_S = 0.005


class Relay:
    """What one edge is sent. `bell` rings when there is something."""

    def __init__(self, names: frozenset[str] = frozenset()) -> None:
        self.names = names
        self.bell = asyncio.Event()
        self.closed = False
        self.skips = 0
        self._queue: deque[tuple[bytes | str, float]] = deque()
        self._size_bytes = 0

    def put(self, message: bytes | str, now: float) -> None:
        """Queue a message."""
        self._queue.append((message, now))
        self._size_bytes += len(message)
        self.bell.set()

    def next(self) -> bytes | str | None:
        """Take out what goes out next."""
        if not self._queue:
            return None
        message, _ = self._queue.popleft()
        self._size_bytes -= len(message)
        return message

    def is_over(self, now: float) -> bool:
        """Tell whether what waits has waited too long, or is too much."""
        if not self._queue:
            return False
        return now - self._queue[0][1] > QUEUE_LIMIT_S or self._size_bytes > QUEUE_LIMIT_BYTES

    def clear(self) -> None:
        """Throw away what waits."""
        self._queue.clear()
        self._size_bytes = 0
        self.skips += 1

    def close(self) -> None:
        """Nothing will follow."""
        self.closed = True
        self.bell.set()


class Relays:
    """All edges that follow one channel."""

    def __init__(self, channel: Channel, clock_utc: Callable[[], float]) -> None:
        self._channel = channel
        self._clock_utc = clock_utc
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
        fresh, relay.names = names - relay.names, names
        for name in sorted(fresh):
            self._open(relay, name, now)

    def know(self, name: str, now: float) -> None:
        """What is known of a rendition was told to this edge at one go: tell those below."""
        track = self._channel.tracks.get(name)
        if track is not None and track.runs and self._relays:
            data = encode(_known_of(track))
            for relay in self._relays:
                relay.put(data, now)

    def renew(self, name: str, now: float) -> None:
        """The open segment comes once more from its beginning."""
        track = self._channel.tracks.get(name)
        for relay in self._relays:
            if track is not None and name in relay.names:
                relay.put(encode(Anew(track.id)), now)

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
        for relay in self._relays:
            relay.put(encode(Lost(number)), now)

    def close(self) -> None:
        """Let all go when they have what waits for them."""
        for relay in self._relays:
            relay.close()

    def _spread(self, event: Event, now: float) -> None:
        """Send everyone what begins and ends; media, in place of its end, to who asked for it."""
        if isinstance(event, StateChanged):
            return
        name = event.track.name
        message = _told(event, self._clock_utc())
        takers = [relay for relay in self._relays if _takes(message, name in relay.names)]
        if message is not None and takers:
            data = encode(message)
            for relay in takers:
                relay.put(data, now)

    def _drop_late(self, now: float, anchor_utc: float) -> None:
        """Let who is too slow begin anew; what it missed it can fetch."""
        for relay in self._relays:
            if relay.is_over(now):
                relay.clear()
                self._begin(relay, now, anchor_utc)

    def _begin(self, relay: Relay, now: float, anchor_utc: float) -> None:
        relay.put(encode(self._standing(anchor_utc)), now)
        for track in self._channel.present():
            if track.runs:
                relay.put(encode(_known_of(track)), now)
        for name in sorted(relay.names):
            self._open(relay, name, now)

    def _open(self, relay: Relay, name: str, now: float) -> None:
        track = self._channel.tracks.get(name)
        if track is None:
            return
        relay.put(encode(Anew(track.id)), now)
        if track.opening is not None:
            fragments = Fragments(track.id, track.opening, self._clock_utc(), track.open_data())
            relay.put(encode(fragments), now)

    def _say_standing(self, now: float, anchor_utc: float) -> None:
        self._anchor_utc = anchor_utc
        data = encode(self._standing(anchor_utc))
        for relay in self._relays:
            relay.put(data, now)

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


def _takes(message: Message | None, asked: bool) -> bool:
    """Tell whether an edge hears this of a rendition that it asked for, or did not."""
    match message:
        case Fragments():
            return asked
        case Closed(segment=segment):
            return not asked or not segment.data
    return message is not None


def _known_of(track: Track) -> Known:
    inits = tuple(run.init.data for run in track.runs)
    segments = tuple(track.segments)
    return Known(track.id, inits, track.discontinuities, track.part_target_ts, track.frame_ts,
                 segments)  # fmt: skip
