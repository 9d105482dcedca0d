"""Live feeds from an upstream: one WebSocket a feed, once per rung in use.

A feed is opened when somebody here first asks for it and let go when nobody has for IDLE_S. While
the line is cut its viewers are told that the main classroom is away; a new connection is tried
every second, so the lesson is back as soon as the line is.

One task owns a feed: it dials, feeds the mirror, and says upstream which rungs are in use.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from typing import Protocol

import aiohttp

from catalog.errors import Unavailable
from catalog.live import FeedName
from streaming.edge.demand import Demand
from streaming.edge.line import Lag
from streaming.edge.rewind import OldSegment
from streaming.errors import BadMedia, Ended
from streaming.live.audience import Audience
from streaming.live.events import ChannelState, StateChanged
from streaming.live.metrics import LiveMetrics
from streaming.live.mirror import Mirror
from streaming.live.relay import (
    Anew,
    Closed,
    Fragments,
    Known,
    Message,
    RunBegun,
    Standing,
    asking,
    decode,
)
from streaming.room.clock import Clock, Reading

log = logging.getLogger(__name__)

OPEN_LIMIT_S = 10.0
FOLLOW_LIMIT_S = 6.0
IDLE_S = 30.0
AGAIN_S = 0.5
LOOK_S = 0.25
CLOCK_EVERY_S = 1.5
SILENCE_S = 4.0  # the time is asked for more often: who says nothing for so long is not there
ENDED_KEPT_S = 60.0
LINE_DOWN = "the line to the city is down: the lesson goes on when it is back"
GONE = frozenset({403, 404})

Dial = Callable[[str], AbstractAsyncContextManager[aiohttp.ClientWebSocketResponse]]
FetchOld = Callable[[OldSegment], Awaitable[bytes | None]]


class LineLike(Protocol):
    """Who learns what crosses the line (`line.Line`)."""

    def relayed(self, size_bytes: int) -> None:
        """Bytes of a live relay came."""

    def falls_behind(self, relay: str, behind: bool) -> None:
        """A live relay gets less than it should, or has caught up."""

    def comes_late(self, relay: str, late_s: float | None) -> None:
        """A live relay comes so much later than at best; None: it comes no more."""


class RelayedFeed(Audience):
    """One feed as its upstream tells it."""

    def __init__(
        self,
        session: str,
        name: FeedName,
        metrics: LiveMetrics,
        fetch_old: FetchOld,
        clock: Callable[[], float] = time.monotonic,
        clock_utc: Callable[[], float] = time.time,
        silence_s: float = SILENCE_S,
    ) -> None:
        self.mirror = Mirror()
        super().__init__(session, name, self.mirror.channel, metrics, self.now_utc)
        self.known = asyncio.Event()
        self.missing = False
        self.lag = Lag()
        self._fetch_old = fetch_old
        self._silence_s = silence_s
        self._clock = clock
        self._clock_utc = clock_utc
        self._demand = Demand()
        self._fetching = 0
        self._seen_at = clock()
        self._following: frozenset[str] = frozenset()
        self._told: dict[str, asyncio.Event] = {}
        self._look = asyncio.Event()
        self._upstream_clock = Clock()

    @property
    def anchor_utc(self) -> float:
        """Unix seconds of media time 0, on the upstream's clock."""
        return self.mirror.anchor_utc

    @property
    def offset(self) -> Reading | None:
        """How far the upstream's clock is from this machine's."""
        return self._upstream_clock.best()

    def now_utc(self) -> float:
        """Unix seconds on the upstream's clock."""
        reading = self.offset
        return self._clock_utc() + (reading.offset_ms / 1000 if reading else 0.0)

    @property
    def _label(self) -> str:
        return f"{self.session_id}/{self.name.value}"

    @property
    def idle(self) -> bool:
        """Tell whether nobody has asked for anything for a while."""
        return not len(self.hub) and not len(self.relays) and self._clock() - self._seen_at > IDLE_S

    def follows(self, rendition: str, live: bool) -> bool:
        """Note that a viewer asks for a rendition; tell whether what is known of it is true."""
        self._note(rendition, live)
        return self._told_event(rendition).is_set()

    async def follow(self, rendition: str) -> None:
        """Wait until what is known of a rendition is true. Raises: Unavailable."""
        shown = rendition in self.channel.tracks and rendition not in self.channel.gone
        if self.ended or not shown:
            return
        try:
            async with asyncio.timeout(FOLLOW_LIMIT_S):
                await self._told_event(rendition).wait()
        except TimeoutError:
            raise Unavailable(LINE_DOWN) from None

    async def old(self, rendition: str, number: int) -> bytes | None:
        """Fetch a segment that is not here. Raises: Unavailable."""
        self._note(rendition, live=False)
        self._fetching += 1
        try:
            return await self._fetch_old(self._old_segment(rendition, number))
        finally:
            self._fetching -= 1

    def _old_segment(self, rendition: str, number: int) -> OldSegment:
        known = self.channel.tracks[rendition].segment(number)
        size_bytes, age_s = 0, 0.0
        if known is not None:
            size_bytes, age_s = known.size_bytes, max(0.0, self.now_utc() - known.program_utc)
        where = (self.session_id, self.name.value, rendition, number)
        return OldSegment(*where, size_bytes, age_s)

    def cap(self, allowed: frozenset[str] | None) -> None:
        """Show only these pictures (None: all) to the school."""
        before = set(self.channel.gone)
        with suppress(Ended):
            self.mirror.cap(allowed)
        leader = self.channel.leader
        if leader is not None and not leader.segments and not self.ended:
            # The upstream has yet to tell of what is left: there is nothing to choose.
            self.ready.clear()
        if self.channel.gone != before:
            self._changed()

    def _note(self, rendition: str, live: bool) -> None:
        self._seen_at = self._clock()
        self._demand.ask(rendition, self._seen_at, live=live)
        if live and rendition not in self._following:
            self._look.set()

    def _told_event(self, rendition: str) -> asyncio.Event:
        return self._told.setdefault(rendition, asyncio.Event())

    def in_use(self) -> frozenset[str]:
        """Give the renditions whose media somebody here needs as it comes."""
        numbers = self.hub.in_use()
        below = self.relays.in_use()
        held = (
            track.name
            for track in self.channel.present()
            if track.id in numbers or track.name in below or self.waiters[track.name].waiting
        )
        shown = {track.name for track in self.channel.present()}
        return self._demand.wanted(self._clock(), frozenset(held)) & shown

    async def run(self, dial: Dial, line: LineLike) -> None:
        """Follow the upstream until the feed ends or is no more."""
        where = f"/live/{self.session_id}/relay?feed={self.name.value}"
        while not self.ended and not self.missing:
            wanted = self.in_use()
            try:
                async with dial(f"{where}&names={','.join(sorted(wanted))}") as ws:
                    self._following = wanted
                    await self._converse(ws, line)
            except aiohttp.WSServerHandshakeError as error:
                self.missing = error.status in GONE
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                log.info("the relay of %s is away: %r", self.session_id, error)
            except BadMedia as error:
                log.warning("the relay of %s says what makes no sense: %s", self.session_id, error)
            self._lost(line)
            await asyncio.sleep(AGAIN_S)
        self.known.set()
        self.answer_everyone()

    def _lost(self, line: LineLike) -> None:
        """The line is cut, or the upstream is away."""
        line.falls_behind(self._label, False)
        line.comes_late(self._label, None)
        self.lag = Lag()
        self._following = frozenset()
        for event in self._told.values():
            event.clear()
        if self.channel.state is ChannelState.LIVE:
            self.channel.state = ChannelState.AWAY
            self.publish([StateChanged(ChannelState.AWAY)], self.now_utc(), self.anchor_utc)

    async def _converse(self, ws: aiohttp.ClientWebSocketResponse, line: LineLike) -> None:
        saying = asyncio.create_task(self._say(ws), name="relay asker")
        try:
            while True:
                found = await ws.receive(self._silence_s)
                if found.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                    return
                line.relayed(len(found.data))
                if found.type is aiohttp.WSMsgType.TEXT and self._took_clock(found.data):
                    continue
                self._take(decode(found.data), line)
                if self.ended:
                    return
        finally:
            saying.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await saying

    def _take(self, message: Message, line: LineLike) -> None:
        before = set(self.channel.tracks), set(self.channel.gone)
        events = self.mirror.take(message)
        match message:
            case Standing():
                if (set(self.channel.tracks), set(self.channel.gone)) != before:
                    self.announce(self.anchor_utc)
                self.known.set()
            case Known(id=identifier):
                self._on_known(self.mirror.name_of(identifier))
                self.relays.know(self.mirror.name_of(identifier), self._clock())
            case RunBegun(id=identifier):
                self._on_known(self.mirror.name_of(identifier))
            case Anew(id=identifier):
                self.relays.renew(self.mirror.name_of(identifier), self._clock())
            case Closed(id=identifier):
                name = self.mirror.name_of(identifier)
                self._demand.closed(name, self._clock(), self._fetching > 0)
                self._look.set()
            case Fragments(sent_utc=sent_utc):
                self._note_lag(self.now_utc() - sent_utc, line)
        self.publish(events, self.now_utc(), self.anchor_utc)

    def _note_lag(self, lag_s: float, line: LineLike) -> None:
        """Note how long what came took from there to here."""
        if self.lag.take(lag_s, self._clock()):
            how = "falls behind" if self.lag.behind else "has caught up"
            log.info("the relay of %s %s: %.2f s on the way", self._label, how, lag_s)
            line.falls_behind(self._label, self.lag.behind)
        line.comes_late(self._label, self.lag.late_s)

    def _on_known(self, name: str) -> None:
        self.listings[name].change(anew=True)
        self.hub.begun.set()
        self.check_ready()
        self._told_event(name).set()

    def _changed(self) -> None:
        self.announce(self.anchor_utc)
        self.hub.renditions_changed(time.monotonic(), self.now_utc(), self.anchor_utc)

    def _took_clock(self, text: str) -> bool:
        if not text.startswith('{"type": "clock"'):
            return False
        back_ms = self._clock() * 1000
        with suppress(ValueError, KeyError, TypeError):
            said = json.loads(text)
            sent_ms, now_ms = float(said["sent"]) * 1000, float(said["now"]) * 1000
            shift_ms = self._clock_utc() * 1000 - self._clock() * 1000
            self._upstream_clock.take(sent_ms + shift_ms, now_ms, now_ms, back_ms + shift_ms)
        return True

    async def _say(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        """Ask for what is in use, and for the time."""
        clock_at = 0.0
        await self.known.wait()
        while not ws.closed:
            wanted = self.in_use()
            if wanted != self._following:
                for name in self._following - wanted:
                    self.hub.forget(self.channel.tracks[name])
                self._following = wanted
                await ws.send_str(asking(wanted))
            if self._clock() >= clock_at:
                clock_at = self._clock() + CLOCK_EVERY_S
                await ws.send_str(json.dumps({"type": "clock", "sent": self._clock()}))
            self._look.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._look.wait()


class RelayedFeeds:
    """All live feeds that are watched here."""

    def __init__(
        self,
        dial: Dial,
        metrics: LiveMetrics,
        fetch_old: FetchOld,
        line: LineLike,
        opened: Callable[[RelayedFeed], None] = lambda feed: None,
        ended_kept_s: float = ENDED_KEPT_S,
    ) -> None:
        self._dial = dial
        self._metrics = metrics
        self._fetch_old = fetch_old
        self._line = line
        self._opened = opened
        self._ended_kept_s = ended_kept_s
        self._feeds: dict[tuple[str, FeedName], RelayedFeed] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        metrics.segments.feeds = self._feeds.values

    @property
    def feeds(self) -> Mapping[tuple[str, FeedName], RelayedFeed]:
        """What is open now."""
        return self._feeds

    async def seek(self, session: str, feed: FeedName) -> RelayedFeed | None:
        """Give a feed, opening it for the first who asks. Raises: Unavailable."""
        found = self._feeds.get((session, feed))
        fresh = found is None
        if found is None:
            found = self._open(session, feed)
        try:
            async with asyncio.timeout(OPEN_LIMIT_S):
                await found.known.wait()
        except TimeoutError:
            raise Unavailable(LINE_DOWN) from None
        if fresh and not found.missing:
            self._opened(found)
        return None if found.missing else found

    async def close(self) -> None:
        """Let all go."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _open(self, session: str, name: FeedName) -> RelayedFeed:
        feed = RelayedFeed(session, name, self._metrics, self._fetch_old)
        self._feeds[session, name] = feed
        task = asyncio.create_task(self._run(feed), name=f"relay {session} {name.value}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return feed

    async def _run(self, feed: RelayedFeed) -> None:
        following = asyncio.create_task(feed.run(self._dial, self._line))
        try:
            while not following.done() and not feed.idle:
                await asyncio.wait({following}, timeout=1.0)
            if feed.ended:
                await asyncio.sleep(self._ended_kept_s)
        finally:
            self._feeds.pop((feed.session_id, feed.name), None)
            feed.forget()
            feed.answer_everyone()
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
