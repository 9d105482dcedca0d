"""A feed's channel: all its renditions cut at the same instants. Pure; owns no clock.

Rules. The first video rung (the sound, where there is no picture) leads: at the keyframe that is
nearest to two seconds it begins a segment, and everyone's next segment begins there. A fragment of
another rendition waits until the leader has passed its start, since only then it is known on which
side of a boundary it lies: so MSN n is the same stretch everywhere. A hole in time (the publisher
was away) ends the segment and is filled with gaps, so that times go on uninterrupted; one that is
too long for that is a discontinuity. A new initialization section begins a segment; other codec
parameters make it a discontinuity, in all renditions. A rendition that has nothing of a segment
says so with a gap.

Spec: RFC 8216bis 3 (times go on), 4.4.4.3 (discontinuity), 4.4.4.7 (gap), 6.2.4 (renditions).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from streaming.errors import BadMedia, Ended
from streaming.isobmff.fragment import Fragment
from streaming.isobmff.reader import Init
from streaming.live.events import (
    TRANSITIONS,
    ChannelInput,
    ChannelState,
    Event,
    FragmentReady,
    PartReady,
    RunStarted,
    SegmentReady,
    StateChanged,
)
from streaming.live.port import LiveRendition
from streaming.live.segments import MICROSECONDS, Opening, Segment
from streaming.live.track import GAP_US, SLACK_US, Track

SEGMENT_US = 2_000_000
KEYFRAME_LIMIT_US = 4_200_000
FOLLOW_LIMIT_US = 250_000
TARGET_DURATION_S = 6  # SEGMENT_US and one whole GOP more, with what a follower may be late
HOLE_SEGMENT_US = 5_000_000
HOLE_LIMIT_US = 120_000_000
HELD_LIMIT_US = 10_000_000
HELD_LIMIT_BYTES = 8 * 1024 * 1024
RENDITIONS_LIMIT = 16
GRID_LIMIT = 64
RESERVED_NAMES = frozenset({"multivariant", "floor", "second", "stream", "room", "relay"})
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


@dataclass(slots=True)
class _Boundary:
    """Where a segment of the leader begins, and how long it was once it is closed."""

    opening: Opening
    start_us: int
    duration_us: int = SEGMENT_US
    hole: bool = False

    @property
    def end_us(self) -> int:
        return self.start_us + self.duration_us

    def opening_at(self, start_us: int) -> Opening:
        """Give the opening of a rendition whose own media begins at this moment."""
        late_s = (start_us - self.start_us) / MICROSECONDS
        return replace(self.opening, program_utc=self.opening.program_utc + late_s)


@dataclass(slots=True)
class _Held:
    """What waits for the leader."""

    items: deque[Init | Fragment] = field(default_factory=deque)
    size_bytes: int = 0

    def push(self, item: Init | Fragment) -> None:
        self.items.append(item)
        self.size_bytes += len(item.data)

    def pop(self) -> Init | Fragment:
        item = self.items.popleft()
        self.size_bytes -= len(item.data)
        return item


class Channel:
    """All renditions of a feed. Methods give events in the order in which they happened."""

    def __init__(self, first_number: int = 0, rewinds: bool = True) -> None:
        self.state = ChannelState.WAITING
        self.tracks: dict[str, Track] = {}
        self.gone: set[str] = set()
        self._rewinds = rewinds
        self._next = first_number
        self.leader: Track | None = None
        self._seen_us = self._sync_us = 0
        self._held: dict[str, _Held] = {}
        self._grid: deque[_Boundary] = deque(maxlen=GRID_LIMIT)

    def present(self) -> Iterator[Track]:
        """Give the renditions that the encoder sends now, in its order."""
        return (track for name, track in self.tracks.items() if name not in self.gone)

    def begin(self, renditions: Sequence[LiveRendition]) -> None:
        """Take what will be sent from now on. Raises: BadMedia, Ended."""
        self._refuse_after_end()
        names = [item.name for item in renditions]
        well_named = all(_NAME.fullmatch(n) and n not in RESERVED_NAMES for n in names)
        if not names or len(set(names)) != len(names) or not well_named:
            raise BadMedia("a feed needs renditions with names of their own: letters, digits, -")
        if len({*names, *self.tracks}) > RENDITIONS_LIMIT:
            raise BadMedia(f"more than {RENDITIONS_LIMIT} renditions")
        for item in renditions:
            self._know(item)
        self.gone = set(self.tracks) - set(names)
        self.leader = min(self.present(), key=lambda t: (not t.video, t.rendition.rung))

    def _know(self, rendition: LiveRendition) -> None:
        track = self.tracks.get(rendition.name)
        if track is None:
            identifier = len(self.tracks) + 1
            track = Track(rendition, identifier, self._rewinds)
            self.tracks[rendition.name] = track
            self._held[rendition.name] = _Held()
        elif track.rendition.media is not rendition.media:
            raise BadMedia(f"{rendition.name} was {track.rendition.media.value} before")
        track.rendition = rendition

    def restore(self, rendition: LiveRendition, init: Init, segments: Sequence[Segment]) -> None:
        """Make a recorded rendition known, before `begin`; segments end before first_number."""
        self._know(rendition)
        self.tracks[rendition.name].restore(init, segments)
        self.gone.add(rendition.name)

    def take(self, name: str, item: Init | Fragment, anchor_utc: float) -> list[Event]:
        """Take the next piece of a rendition. Raises: BadMedia, Ended."""
        self._refuse_after_end()
        track = self.tracks.get(name)
        if track is None or name in self.gone or self.leader is None:
            raise BadMedia(f"rendition {name[:40]!r} was not announced")
        if track is not self.leader:
            self._hold(track, item)
            return list(self._release(track))
        if isinstance(item, Init):
            track.prepare(item)
            return []
        events = list(self._lead(track, item, anchor_utc))
        for follower in self.present():
            if follower is not track:
                events += self._release(follower)
        return events

    def interrupted(self) -> list[Event]:
        """The publisher is away. Raises: Ended."""
        return self._step(ChannelInput.INTERRUPTED)

    def resumed(self) -> list[Event]:
        """The publisher is back. Raises: Ended."""
        return self._step(ChannelInput.RESUMED)

    def end(self) -> list[Event]:
        """Close what is open; nothing is taken afterwards. Raises: Ended."""
        self._refuse_after_end()
        events: list[Event] = []
        for track in self.present():
            if track is not self.leader:
                events += self._release(track, everything=True)
        for track in self.present():
            events += self._close(track)
        return events + self._step(ChannelInput.END)

    def _refuse_after_end(self) -> None:
        if self.state is ChannelState.ENDED:
            raise Ended("this feed has ended; book a new session to go on")

    def _step(self, event: ChannelInput) -> list[Event]:
        self._refuse_after_end()
        before, self.state = self.state, TRANSITIONS[self.state, event]
        return [StateChanged(self.state)] if self.state is not before else []

    def _lead(self, track: Track, fragment: Fragment, anchor_utc: float) -> Iterator[Event]:
        begins = track.opening is None or track.pending is not None or track.is_gap(fragment)
        start_us = track.us(fragment.start_ts)
        self._check_keyframes(track, fragment, start_us)
        if not track.admits(fragment):
            return
        if begins or self._is_nearest(track, fragment):
            yield from self._begin_segment(track, fragment, start_us, anchor_utc)
        yield from self._add(track, fragment)

    def _check_keyframes(self, track: Track, fragment: Fragment, start_us: int) -> None:
        """Refuse a picture that no player could join any more."""
        if fragment.starts_with_sync or abs(start_us - self._seen_us) > GAP_US:
            self._sync_us = start_us
        self._seen_us = start_us
        if start_us - self._sync_us > KEYFRAME_LIMIT_US:
            limit_s = KEYFRAME_LIMIT_US / MICROSECONDS
            raise BadMedia(
                f"{track.name}: no keyframe for {limit_s:.1f} s; set the encoder's keyframe "
                "interval to 2 s"
            )

    def _is_nearest(self, track: Track, fragment: Fragment) -> bool:
        """Tell whether this keyframe is nearer to the segment's length than the next will be."""
        if not fragment.starts_with_sync:
            return False
        lasts_us = track.us(fragment.start_ts - track.open_ts)
        gop_us = track.us(fragment.start_ts - track.last_sync_ts)
        return lasts_us + gop_us // 2 + SLACK_US >= SEGMENT_US

    def _begin_segment(
        self, track: Track, fragment: Fragment, start_us: int, anchor_utc: float
    ) -> Iterator[Event]:
        if self._grid and track.opening is not None and track.end_us is not None:
            self._grid[-1].duration_us = track.end_us - self._grid[-1].start_us
        changes = any(item.changes for item in self.present())
        if track.is_gap(fragment) and not self._fill(start_us, anchor_utc):
            changes = True
        self._bound(start_us, anchor_utc, changes)
        yield from self._open(track, self._grid[-1], fragment)

    def _bound(self, start_us: int, anchor_utc: float, changes: bool = False) -> _Boundary:
        program_utc = anchor_utc + start_us / MICROSECONDS
        boundary = _Boundary(Opening(self._next, changes, program_utc), start_us)
        self._next += 1
        self._grid.append(boundary)
        return boundary

    def _fill(self, until_us: int, anchor_utc: float) -> bool:
        """Put gaps where nobody has anything; False when that is too long."""
        from_us = max(self._tail_us(track) for track in self.tracks.values())
        hole_us = until_us - from_us
        if hole_us > HOLE_LIMIT_US:
            return False
        pieces = -(-hole_us // HOLE_SEGMENT_US) if hole_us > GAP_US else 0
        for piece in range(pieces):
            boundary = self._bound(from_us + hole_us * piece // pieces, anchor_utc)
            boundary.duration_us = from_us + hole_us * (piece + 1) // pieces - boundary.start_us
            boundary.hole = True
        return True

    def _tail_us(self, track: Track) -> int:
        """Give where a rendition ends in front of a hole, with what waits for the leader."""
        if track.end_us is None:
            return 0
        end_us = track.end_us
        for item in self._held[track.name].items:
            if isinstance(item, Init) or track.us(item.start_ts) > end_us + GAP_US:
                break
            end_us = max(end_us, track.us(item.start_ts + track.fit(item).duration_ts))
        return end_us

    def _open(self, track: Track, boundary: _Boundary, fragment: Fragment) -> Iterator[Event]:
        start_us = track.us(fragment.start_ts)
        opening = boundary.opening_at(start_us)
        missed = self._missed(track, opening.number)
        if missed:
            yield from self._close(track, self._gap_ts(track, missed[0]))
        else:
            goes_on = track.pending is None and track.adjoins(opening)
            yield from self._close(track, fragment.start_ts if goes_on else None)
        yield from self._skip(track, missed, opening.number, start_us)
        run = track.open(opening, fragment)
        if run is not None:
            yield RunStarted(track, run)

    @staticmethod
    def _gap_ts(track: Track, missed: _Boundary) -> int | None:
        """Give where a gap begins to which the open segment lasts; one in a hole begins later."""
        if missed.hole or not track.adjoins(missed.opening):
            return None
        return track.ticks(missed.start_us)

    def _missed(self, track: Track, number: int) -> list[_Boundary]:
        """Give the boundaries, as far as they are known, at which this rendition had nothing."""
        first = track.next_number + (track.opening is not None)
        return [b for b in self._grid if first <= b.opening.number < number]

    def _skip(
        self, track: Track, missed: Sequence[_Boundary], number: int, until_us: int
    ) -> Iterator[Event]:
        """Say with gaps which segments this rendition has nothing of, until its media goes on."""
        if not track.segments or track.next_number == number:
            return
        if not missed or missed[0].opening.number != track.next_number:
            track.restart()
            return
        for boundary in missed:
            start_us = track.listed_us
            if not boundary.hole:
                start_us = max(start_us, boundary.start_us)
            end_us = until_us if boundary.opening.number == number - 1 else boundary.end_us
            lasts_us = max(0, end_us - start_us)
            yield SegmentReady(track, track.skip(boundary.opening_at(start_us), start_us, lasts_us))

    def _close(self, track: Track, until_ts: int | None = None) -> Iterator[Event]:
        closed = track.close(until_ts)
        if closed is None:
            return
        parts, segment = closed
        for part in parts:
            yield PartReady(track, part)
        yield SegmentReady(track, segment)
        if track is self.leader:
            yield from self._step(ChannelInput.SEGMENT)

    def _add(self, track: Track, fragment: Fragment) -> Iterator[Event]:
        assert track.opening is not None
        fragment = track.fit(fragment)
        parts = track.add(fragment)
        yield FragmentReady(track, fragment, track.opening)
        for part in parts:
            yield PartReady(track, part)

    def _hold(self, track: Track, item: Init | Fragment) -> None:
        """Keep a piece until the leader has passed it; too much of it makes the oldest go."""
        held = self._held[track.name]
        held.push(item)
        if isinstance(item, Init):
            return
        oldest = next(i for i in held.items if isinstance(i, Fragment))
        scale = track.coming.track.timescale if track.coming else MICROSECONDS
        ahead_us = (item.start_ts - oldest.start_ts) * MICROSECONDS // scale
        if ahead_us > HELD_LIMIT_US or held.size_bytes > HELD_LIMIT_BYTES:
            held.items.remove(oldest)
            held.size_bytes -= len(oldest.data)
            track.refuse()

    def _release(self, track: Track, everything: bool = False) -> Iterator[Event]:
        held = self._held[track.name]
        while held.items:
            item = held.items[0]
            if isinstance(item, Init):
                track.prepare(item)
            elif everything or self._is_passed(track, item):
                yield from self._follow(track, item)
            else:
                return
            held.pop()

    def _is_passed(self, track: Track, fragment: Fragment) -> bool:
        assert self.leader is not None
        end_us = self.leader.end_us
        return end_us is not None and track.us(fragment.start_ts) + SLACK_US < end_us

    def _follow(self, track: Track, fragment: Fragment) -> Iterator[Event]:
        if not track.admits(fragment):
            return
        boundary = self._boundary(track, fragment)
        if boundary is not None:
            yield from self._open(track, boundary, fragment)
        elif track.opening is None or track.pending is not None or self._is_early(track, fragment):
            track.refuse()
            return
        yield from self._add(track, fragment)

    def _is_early(self, track: Track, fragment: Fragment) -> bool:
        """Tell whether this comes after a hole, but before the picture's first keyframe."""
        start_us = track.us(fragment.start_ts)
        return track.is_gap(fragment) and (
            any(item.hole and item.start_us <= start_us < item.end_us for item in self._grid)
            or any(a.end_us <= start_us < b.start_us for a, b in pairwise(self._grid))
        )

    def _boundary(self, track: Track, fragment: Fragment) -> _Boundary | None:
        """Give the newest boundary that this fragment may begin a segment at, if there is one."""
        start_us = track.us(fragment.start_ts)
        known = track.next_number - (track.opening is None)
        fresh = [
            item
            for item in self._grid
            if item.start_us <= start_us + SLACK_US
            and item.opening.number > known
            and not item.hole
        ]
        if not fresh or (track.changes and not fresh[-1].opening.discontinuity):
            return None
        if fragment.starts_with_sync:
            return fresh[-1]
        if start_us > fresh[0].start_us + FOLLOW_LIMIT_US:
            raise BadMedia(f"{track.name}: no keyframe where the first rung has one")
        return None
