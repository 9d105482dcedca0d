"""A channel whose boundaries were decided upstream: the same tracks, parts and numbers. Pure.

Feed it a relay's messages (relay.py) in order; it gives the events that the channel upstream gave.
Of what is not asked for the segments are told of, without their media.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from catalog.media import Media
from streaming.errors import BadMedia
from streaming.isobmff.fragment import Fragment
from streaming.isobmff.reader import CmafReader, Init
from streaming.live.admission import FRAGMENT_LIMIT_BYTES
from streaming.live.channel import Channel
from streaming.live.events import (
    ChannelState,
    Event,
    FragmentReady,
    PartReady,
    RunStarted,
    SegmentReady,
    StateChanged,
)
from streaming.live.port import LiveRendition
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
)
from streaming.live.segments import Opening, Run
from streaming.live.track import SLACK_US, Track


class Mirror:
    """Follows a channel from afar."""

    def __init__(self) -> None:
        self.channel = Channel()
        self.anchor_utc = 0.0
        self._announced: tuple[Announced, ...] = ()
        self._allowed: frozenset[str] | None = None
        self._names: dict[int, str] = {}
        self._readers: dict[str, CmafReader] = {}
        self._told_us: dict[str, int] = {}

    @property
    def announced(self) -> list[LiveRendition]:
        """What the encoder sends now, whether it is shown here or not."""
        return [item.rendition for item in self._announced if not item.gone]

    def cap(self, allowed: frozenset[str] | None) -> None:
        """Show only these pictures (None: all); sound is always shown. Raises: Ended."""
        if allowed != self._allowed:
            self._allowed = allowed
            self._present()

    def take(self, message: Message) -> list[Event]:
        """Take the next message. Raises: BadMedia, Ended."""
        match message:
            case Standing():
                return self._stand(message)
            case Known():
                return list(self._know(message))
            case RunBegun():
                return list(self._begin_run(message))
            case Anew(id=identifier):
                self._renew(self._track(identifier))
            case Fragments():
                return list(self._add(message))
            case Closed():
                return list(self._close(message))
            case Lost(number=number):
                for track in self.channel.tracks.values():
                    track.lose(number)
        return []

    def _stand(self, message: Standing) -> list[Event]:
        self.anchor_utc = message.anchor_utc
        self._names = {item.id: item.rendition.name for item in message.announced}
        self._announced = message.announced
        if message.state is not ChannelState.ENDED:
            self._present()
        events: list[Event] = []
        if message.state is ChannelState.ENDED:
            for track in self.channel.tracks.values():
                events += _closed(track)
        if message.state is not self.channel.state:
            self.channel.state = message.state
            events.append(StateChanged(message.state))
        return events

    def _present(self) -> None:
        shown = self.announced
        if self._allowed is not None:
            shown = [r for r in shown if r.media is Media.AUDIO or r.name in self._allowed]
        if shown:
            self.channel.begin(shown)

    def _know(self, message: Known) -> Iterable[Event]:
        track = self._track(message.id)
        readers = [_reader(init) for init in message.inits]
        if not readers:
            raise BadMedia(f"{track.name}: known without an initialization section")
        before = track.run
        runs = [Run(number, init) for number, (_, init) in enumerate(readers)]
        track.adopt(
            runs, message.segments, message.discontinuities, message.part_target_ts,
            message.frame_ts,
        )  # fmt: skip
        self._readers[track.name] = readers[-1][0]
        if before is None or before.number != runs[-1].number:
            yield RunStarted(track, runs[-1])

    def _begin_run(self, message: RunBegun) -> Iterable[Event]:
        track = self._track(message.id)
        self._readers[track.name], init = _reader(message.init)
        yield from _closed(track)
        track.prepare(init)
        run = track.follow_run(message.part_target_ts, message.frame_ts)
        if run is not None:
            yield RunStarted(track, run)

    def _add(self, message: Fragments) -> Iterable[Event]:
        track = self._track(message.id)
        reader = self._readers.get(track.name)
        if reader is None:
            raise BadMedia(f"{track.name}: media before its initialization section")
        for fragment in reader.feed(message.data):
            if not isinstance(fragment, Fragment) or len(fragment.data) > FRAGMENT_LIMIT_BYTES:
                raise BadMedia(f"{track.name}: no fragment")
            for event in _placed(track, message.opening, fragment):
                if isinstance(event, FragmentReady) and self._is_again(track, event.fragment):
                    yield replace(event, again=True)
                else:
                    yield event

    def _is_again(self, track: Track, fragment: Fragment) -> bool:
        """After a break the open segment comes once more from its beginning."""
        start_us = track.us(fragment.start_ts)
        if start_us + SLACK_US < self._told_us.get(track.name, 0):
            return True
        self._told_us[track.name] = start_us + track.us(fragment.duration_ts)
        return False

    def _renew(self, track: Track) -> None:
        """What of the open segment came before is void, a fragment of which a piece came too."""
        track.abandon()
        if track.run is not None:
            self._readers[track.name], _ = _reader(track.run.init.data)

    def _close(self, message: Closed) -> Iterable[Event]:
        track, segment = self._track(message.id), message.segment
        if track.opening is not None and track.opening.number == segment.number:
            track.abandon()
        opening = Opening(segment.number, segment.discontinuity, segment.program_utc)
        yield from _closed(track, segment.start_ts if track.adjoins(opening) else None)
        is_next = not track.segments or segment.number == track.next_number
        if segment.run >= len(track.runs) or not is_next:
            raise BadMedia(f"{track.name}: segment {segment.number} out of its turn")
        yield SegmentReady(track, track.leave_out(segment))

    def name_of(self, identifier: int) -> str:
        """Give a rendition's name by its number upstream; empty when there is none."""
        return self._names.get(identifier, "")

    def _track(self, identifier: int) -> Track:
        track = self.channel.tracks.get(self.name_of(identifier))
        if track is None:
            raise BadMedia(f"rendition {identifier} was not announced")
        return track


def _reader(data: bytes) -> tuple[CmafReader, Init]:
    reader = CmafReader()
    match reader.feed(data):
        case [Init() as init]:
            return reader, init
    raise BadMedia("no initialization section")


def _placed(track: Track, opening: Opening, fragment: Fragment) -> Iterable[Event]:
    if track.opening is None or track.opening.number != opening.number:
        yield from _closed(track, fragment.start_ts if track.adjoins(opening) else None)
        if track.segments and opening.number != track.next_number:
            raise BadMedia(f"{track.name}: segment {opening.number} out of its turn")
        run = track.open(opening, fragment)
        if run is not None:
            yield RunStarted(track, run)
    fragment = track.fit(fragment)
    parts = track.add(fragment)
    yield FragmentReady(track, fragment, opening)
    for part in parts:
        yield PartReady(track, part)


def _closed(track: Track, until_ts: int | None = None) -> Iterable[Event]:
    closed = track.close(until_ts)
    if closed is not None:
        parts, segment = closed
        for part in parts:
            yield PartReady(track, part)
        yield SegmentReady(track, segment)
