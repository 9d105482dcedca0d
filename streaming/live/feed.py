"""One feed of a session: its channel with everyone who waits for it.

`take` runs the core at once, in whoever calls: nothing in it waits. What must wait (the catalogue,
the store) is the feed's one task, `run`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from catalog.errors import Conflict, NotFound
from catalog.live import FeedName, LiveSession, Recorded
from streaming.isobmff.fragment import Fragment
from streaming.isobmff.reader import CmafReader, Init
from streaming.live.anchor import Anchor
from streaming.live.audience import Audience
from streaming.live.channel import Channel
from streaming.live.events import (
    ChannelState,
    Event,
    PartReady,
    SegmentReady,
    StateChanged,
)
from streaming.live.metrics import LiveMetrics
from streaming.live.port import LiveRendition
from streaming.live.recorder import Recorder
from streaming.live.rows import Whole, last_number, newest, recorded_segments, without_holes
from streaming.live.segments import Part, Segment, micros
from streaming.live.track import Track

log = logging.getLogger(__name__)

TELL_TRIES = 10
TELL_WAIT_S = 2.0
Clock = Callable[[], float]
Told = Callable[[], Awaitable[None]]


class LiveFeed(Audience):
    """A feed, as its encoder, its viewers and its recording see it (`port.Feed`)."""

    def __init__(
        self,
        session: LiveSession,
        name: FeedName,
        recorded: Recorded,
        recorder: Recorder,
        metrics: LiveMetrics,
        went_live: Told,
        clock_utc: Clock = time.time,
        on_state: Callable[[ChannelState], None] = lambda state: None,
    ) -> None:
        super().__init__(session.id, name, Channel(_next_number(recorded)), metrics, clock_utc)
        self.session = session
        self.recorder = recorder
        self._first = asyncio.Event()
        self._anchor = Anchor(recorded.anchor_utc)
        self._clock_utc = clock_utc
        self._went_live = went_live
        self._on_state = on_state
        self._away = False
        self.since_at = time.monotonic()
        self.parts = 0
        self.age_sum_s = 0.0
        self._restore(recorded)
        metrics.channels.labels(name.value).inc()

    def _restore(self, recorded: Recorded) -> None:
        """Know what was recorded before the origin was started again."""
        for name, rendition in newest(recorded.renditions.values()).items():
            found = recorded_segments(rendition, recorded.anchor_utc)
            if not found:
                continue
            said = LiveRendition(name, rendition.media, rendition.rung, 0, rendition.frame_rate)
            (init,) = CmafReader().feed(rendition.init)
            assert isinstance(init, Init)
            self.channel.restore(said, init, without_holes([segment for segment, _ in found]))
            for segment, stored in found:
                self.recorder.remember(name, segment.number, stored)

    @property
    def anchor_utc(self) -> float:
        """Unix seconds of media time 0."""
        return self._anchor.utc

    async def follow(self, rendition: str) -> None:
        """All renditions come anyway."""

    async def old(self, rendition: str, number: int) -> bytes | None:
        """Give a segment that has left the window. Raises: Unavailable."""
        return await self.recorder.read(rendition, number)

    async def begin(self, renditions: Sequence[LiveRendition]) -> None:
        """Take what will be sent from now on. Raises: BadMedia, Ended."""
        self.channel.begin(renditions)
        self.recorder.announce({track.name for track in self.channel.present()})
        self.announce(self._anchor.utc)

    async def take(self, rendition: str, item: Init | Fragment) -> None:
        """Take the next piece of one rendition. Raises: BadMedia, Ended."""
        now_utc = self._clock_utc()
        track = self.channel.tracks.get(rendition)
        dropped = track.dropped if track else 0
        events = self.channel.take(rendition, item, self._anchor.utc)
        if track is not None and isinstance(item, Fragment):
            self._count(track, item, track.dropped - dropped, now_utc)
        self._happened(events, now_utc)

    def _count(self, track: Track, fragment: Fragment, dropped: int, now_utc: float) -> None:
        feed = self.name.value
        self._metrics.ingest.labels(feed).inc(len(fragment.data))
        self._metrics.dropped.labels(feed).inc(dropped)
        if track is self.channel.leader and not dropped:
            end_us = micros(fragment.start_ts + fragment.duration_ts, track.timescale)
            self._anchor.observe(end_us / 1e6, now_utc)

    async def interrupted(self) -> None:
        """The publisher is away."""
        self._away = True
        self._anchor.interrupted()
        self._happened(self.channel.interrupted(), self._clock_utc())

    async def resumed(self) -> None:
        """The publisher is back."""
        if self._away:
            self._metrics.reconnects.labels(self.name.value).inc()
        self._away = False
        self._happened(self.channel.resumed(), self._clock_utc())

    async def retimed(self) -> None:
        """The encoder shifted its times against the clock."""
        self._anchor.retimed()

    async def end(self) -> None:
        """Close the feed; the recording is finished by its task. Again: nothing."""
        if self.ended:
            return
        self._happened(self.channel.end(), self._clock_utc())
        self.recorder.close()
        self._first.set()
        self.answer_everyone()
        self._metrics.channels.labels(self.name.value).dec()

    def let_go(self) -> None:
        """The origin stops: answer everyone with what there is, store what is whole."""
        self.recorder.stop()
        self._first.set()
        self.answer_everyone()

    async def run(self) -> None:
        """Record until the end."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tell_live(), name=f"live {self.session.id}")
            tasks.create_task(self.recorder.run(), name=f"recorder {self.session.id}")

    async def _tell_live(self) -> None:
        """Tell the catalogue once; the recording must not suffer when it does not listen."""
        await self._first.wait()
        if self.name is not FeedName.MAIN or self.channel.state is ChannelState.WAITING:
            return
        for _ in range(TELL_TRIES):
            try:
                await self._went_live()
            except (Conflict, NotFound) as error:
                log.warning("session %s is live, but: %s", self.session.id, error)
                return
            except Exception as error:
                log.warning("session %s is live, not told yet: %r", self.session.id, error)
                await asyncio.sleep(TELL_WAIT_S)
            else:
                return

    def _happened(self, events: Sequence[Event], now_utc: float) -> None:
        for event in events:
            if isinstance(event, PartReady):
                self._on_part(event.track, event.part, now_utc)
            elif isinstance(event, SegmentReady):
                self._on_segment(event.track, event.segment)
            elif isinstance(event, StateChanged):
                self._first.set()
                self._on_state(event.state)
        if events:
            self.publish(events, now_utc, self._anchor.utc)

    def _on_part(self, track: Track, part: Part, now_utc: float) -> None:
        scale = track.runs[-1].init.track.timescale
        end_s = micros(part.start_ts + part.duration_ts, scale) / 1e6
        age_s = max(0.0, now_utc - self._anchor.utc - end_s)
        self._metrics.part_age.labels(self.name.value).observe(age_s)
        self.parts += 1
        self.age_sum_s += age_s

    def _on_segment(self, track: Track, segment: Segment) -> None:
        whole = Whole(track.rendition, track.runs[segment.run].init, segment)
        for number in self.recorder.take(whole):
            self.lose(number)


def _next_number(recorded: Recorded) -> int:
    return max([recorded.next_number, *(last_number(r) + 1 for r in recorded.renditions.values())])
