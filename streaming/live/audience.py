"""A channel and all who wait for it: readers of playlists, WebSocket viewers, relays to edges.

Whoever fills the channel (an encoder in `feed.py`, an upstream in a school) gives `publish` the
channel's events; nothing here waits.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Protocol

from catalog.live import FeedName
from catalog.media import Media
from streaming.live.channel import Channel
from streaming.live.events import ChannelState, Event, PartReady, SegmentReady
from streaming.live.hub import Hub
from streaming.live.listing import Listing
from streaming.live.metrics import LiveMetrics
from streaming.live.relays import Relays
from streaming.live.track import Track
from streaming.live.waiters import Waiters

PATIENCE_SEGMENTS = 2


class Audience(ABC):
    """A feed as the deliveries see it, whoever fills it."""

    def __init__(
        self,
        session: str,
        name: FeedName,
        channel: Channel,
        metrics: LiveMetrics,
        clock_utc: Callable[[], float],
    ) -> None:
        self._metrics = metrics
        self.session_id = session
        self.name = name
        self.channel = channel
        self.hub = Hub(channel, {"session": session, "feed": name.value}, metrics)
        self.relays = Relays(channel, clock_utc)
        self.listings: dict[str, Listing] = {}
        self.waiters: dict[str, Waiters] = {}
        self.ready = asyncio.Event()

    @property
    @abstractmethod
    def anchor_utc(self) -> float:
        """Unix seconds of media time 0."""

    @abstractmethod
    async def old(self, rendition: str, number: int) -> bytes | None:
        """Give a segment that has left the window, with the times that it was sent with.

        Raises: Unavailable.
        """

    def follows(self, rendition: str, live: bool) -> bool:
        """A viewer asks for a rendition: tell whether it is kept up to date here.

        `live`: for what comes (a part, a playlist that waits for one), not for what has ended.
        """
        return True

    @abstractmethod
    async def follow(self, rendition: str) -> None:
        """See that a rendition is kept up to date; return when it is. Raises: Unavailable."""

    def instead_of(self, rendition: str) -> str:
        """Name what is shown under the address of a rendition that is no longer there.

        A player that knows only that one goes on with the best picture that is no larger, or the
        least; numbers and times are the same in all. What is there stands for itself.
        """
        if rendition not in self.channel.gone:
            return rendition
        lost = self.channel.tracks[rendition]
        left = [track for track in self.channel.present() if track.video and track.segments]
        if not lost.video or not left:
            return rendition
        left.sort(key=lambda track: track.rendition.bandwidth_bps)
        limit_bps = lost.rendition.bandwidth_bps
        fitting = [track for track in left if track.rendition.bandwidth_bps <= limit_bps]
        return (fitting[-1] if fitting else left[0]).name

    @property
    def ended(self) -> bool:
        """Tell whether nothing more will come."""
        return self.channel.state is ChannelState.ENDED

    def forget(self) -> None:
        """Let all media go: the feed is no longer among those that are here.

        It refers to itself in many ways: of what is over only a full collection of garbage, which
        comes rarely, would free the last minute.
        """
        self._metrics.segments.let_go(self)
        for track in self.channel.tracks.values():
            self.hub.forget(track)
            track.abandon()
            track.restart()

    def announce(self, anchor_utc: float) -> None:
        """The channel's renditions are others now."""
        for name, track in self.channel.tracks.items():
            if name not in self.listings:
                self.listings[name] = Listing(self.channel, track)
                self.waiters[name] = Waiters()
        for name, waiters in self.waiters.items():
            waiters.wake(self.listings[name].position())
        self.relays.announce(time.monotonic(), anchor_utc)
        self.check_ready()

    def publish(self, events: Sequence[Event], now_utc: float, anchor_utc: float) -> None:
        """Tell everyone what happened in the channel."""
        changed = {
            event.track.name for event in events if isinstance(event, PartReady | SegmentReady)
        }
        now = time.monotonic()
        self.hub.publish(events, now, now_utc, anchor_utc)
        self.relays.publish(events, anchor_utc, now)
        for name in changed:
            self.listings[name].change()
        for name in changed:
            self.waiters[name].wake(self.listings[name].position())
        if changed:
            self.check_ready()

    def lose(self, number: int) -> None:
        """A segment is kept nowhere once it is out of the window."""
        for name, track in self.channel.tracks.items():
            track.lose(number)
            self.listings[name].change(anew=True)
        self.relays.lose(number, time.monotonic())

    def check_ready(self) -> None:
        """From the first whole segment of everything on, there are playlists.

        What was announced and does not come (a microphone that is off) is not waited for long.
        """
        leader = self.channel.leader
        if self.ready.is_set() or leader is None:
            return
        begun = all(track.segments and track.runs for track in self.channel.present())
        if begun or len(leader.segments) >= PATIENCE_SEGMENTS:
            self.ready.set()

    def answer_everyone(self) -> None:
        """Nothing more will come: let all go who wait."""
        for listing in self.listings.values():
            listing.change()
        for waiters in self.waiters.values():
            waiters.wake_all()
        self.ready.set()
        self.hub.close(time.monotonic())
        self.relays.close()


class WatchedFeeds(Protocol):
    """All feeds that can be watched here."""

    async def seek(self, session: str, feed: FeedName) -> Audience | None:
        """Give a feed that is on the air, or has ended a moment ago. Raises: Unavailable."""


def content_type(track: Track) -> str:
    """What a rendition's bytes are."""
    return "video/mp4" if track.rendition.media is Media.VIDEO else "audio/mp4"
