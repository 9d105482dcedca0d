"""All channels of an origin, by session and feed (`port.Feeds`); one task a channel.

A feed is opened by its encoder. When a session's main feed has ended, its other feeds end too, and
when all of them are recorded the lesson is finished.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from catalog.errors import Conflict, NotFound
from catalog.live import FeedName, RecordingBook, SessionBook
from catalog.session import SessionState
from catalog.store.port import ObjectStore
from streaming.live.events import ChannelState
from streaming.live.feed import LiveFeed
from streaming.live.metrics import LiveMetrics
from streaming.live.recorder import Recorder

log = logging.getLogger(__name__)

OVER = frozenset(
    {SessionState.ENDED, SessionState.RECORDED, SessionState.CANCELLED, SessionState.FAILED}
)
FINISH_TRIES = 30
FINISH_WAIT_S = 2.0
ENDED_KEPT_S = 60.0

Finished = Callable[[str, str], None]
OnState = Callable[[str, FeedName, ChannelState], None]


class Origin:
    """Opens feeds, finds them for viewers, finishes lessons. Close it before the store."""

    def __init__(
        self,
        sessions: SessionBook,
        recordings: RecordingBook,
        store: ObjectStore,
        metrics: LiveMetrics,
        finished: Finished = lambda session, lesson: None,
        clock_utc: Callable[[], float] = time.time,
        ended_kept_s: float = ENDED_KEPT_S,
        on_state: OnState = lambda session, feed, state: None,
    ) -> None:
        self._sessions = sessions
        self._recordings = recordings
        self._store = store
        self._metrics = metrics
        self._finished = finished
        self._on_state = on_state
        self._clock_utc = clock_utc
        self._ended_kept_s = ended_kept_s
        self._feeds: dict[str, dict[FeedName, LiveFeed]] = {}
        self._opening: set[tuple[str, FeedName]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()
        metrics.segments.feeds = self._all

    def find(self, session: str, feed: FeedName) -> LiveFeed | None:
        """Give a feed that is open, or has ended a moment ago."""
        return self._feeds.get(session, {}).get(feed)

    def on_air(self) -> Iterator[LiveFeed]:
        """Give all feeds that have not ended."""
        return (feed for feed in self._all() if not feed.ended)

    def _all(self) -> Iterator[LiveFeed]:
        for feeds in self._feeds.values():
            yield from feeds.values()

    async def seek(self, session: str, feed: FeedName) -> LiveFeed | None:
        """Give a feed that is open, or has ended a moment ago (`audience.WatchedFeeds`)."""
        return self.find(session, feed)

    async def open(self, session: str, feed: FeedName) -> LiveFeed:
        """Open a feed for its encoder. Raises: NotFound, Conflict (it has one; it has ended).

        The floor is taken again and again: where one has ended the next goes on.
        """
        before = self.find(session, feed)
        again = before is not None and before.ended and feed is FeedName.FLOOR
        if (session, feed) in self._opening or (before is not None and not again):
            raise Conflict("this feed has an encoder already, or has ended")
        self._opening.add((session, feed))
        try:
            if before is not None:
                await before.recorder.done.wait()
            return await self._open(session, feed)
        finally:
            self._opening.discard((session, feed))

    async def _open(self, session: str, name: FeedName) -> LiveFeed:
        found = await self._sessions.find(session)
        if found is None:
            raise NotFound("there is no such session")
        if found.state in OVER:
            raise Conflict("this session is over: book another one")
        recorded = await self._recordings.open(session, name, self._clock_utc())
        recorder = Recorder(self._recordings, self._store, recorded, self._metrics)
        feed = LiveFeed(
            found,
            name,
            recorded,
            recorder,
            self._metrics,
            lambda: self._sessions.went_live(session),
            self._clock_utc,
            lambda state: self._on_state(session, name, state),
        )
        before = self.find(session, name)
        if before is not None:
            before.forget()
        self._feeds.setdefault(session, {})[name] = feed
        self._start(self._run(feed), f"feed {session} {name.value}")
        return feed

    async def end(self, session: str) -> None:
        """End all feeds of a session (the teacher or the clock says so)."""
        for feed in list(self._feeds.get(session, {}).values()):
            await feed.end()

    async def close(self, grace_s: float = 10.0) -> None:
        """Stop: what is recorded stays, and an origin that starts again goes on from there.

        Viewers are let go. Segments that are not stored within grace_s are lost.
        """
        self._closing.set()
        for feeds in self._feeds.values():
            for feed in feeds.values():
                feed.let_go()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, feed: LiveFeed) -> None:
        try:
            await feed.run()
        except* Exception as group:
            for error in group.exceptions:
                log.error("session %s is recorded no further: %r", feed.session.id, error)
        if feed.ended:
            await self._on_end(feed)

    async def _on_end(self, feed: LiveFeed) -> None:
        session = feed.session.id
        if feed.name is FeedName.MAIN:
            others = [item for item in self._feeds[session].values() if item is not feed]
            for other in others:
                await other.end()
            for other in others:
                await other.recorder.done.wait()
            await self._finish(session)
        await self._linger()
        if self.find(session, feed.name) is feed:
            del self._feeds[session][feed.name]
            feed.forget()
        if not self._feeds.get(session, True):
            del self._feeds[session]

    async def _linger(self) -> None:
        """Serve the end for a while, so that everyone sees it."""
        try:
            async with asyncio.timeout(self._ended_kept_s):
                await self._closing.wait()
        except TimeoutError:
            return

    async def _finish(self, session: str) -> None:
        """Tell the catalogue that the session is over and make the lesson."""
        for _ in range(FINISH_TRIES):
            try:
                await self._sessions.ended(session)
                lesson = await self._recordings.finish(session)
            except (Conflict, NotFound) as error:
                log.warning("session %s has no lesson: %s", session, error)
                return
            except Exception as error:
                log.warning("session %s is not finished yet: %s", session, error)
                await asyncio.sleep(FINISH_WAIT_S)
            else:
                self._finished(session, lesson)
                return
        log.error("session %s could not be finished; its segments are kept", session)
