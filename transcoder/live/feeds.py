"""All feeds of this machine that have a publisher: who may come in, and where to find each.

Knows keys through the catalogue's port and the origin through `Feeds`. Every way in (RTMP, browser,
SRT, RTSP) asks `admit` before it reads media, and gets a `Publisher`.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

from catalog.errors import Conflict, NotFound, TongbuError, Unavailable
from catalog.live import FeedName, SessionBook
from streaming.live.port import Feeds
from transcoder.live.address import Address
from transcoder.live.admission import Admission, usable_cores
from transcoder.live.errors import Refusal, Refused
from transcoder.live.feed_state import END_STATES, FeedState
from transcoder.live.figures import IngestFigures
from transcoder.live.ladder import COPY_CORES, SOUND_CORES, usual_cores
from transcoder.live.live_feed import LiveFeed, Publisher, refuse_ended
from transcoder.live.metrics import LiveMetrics
from transcoder.live.settings import IngestSettings
from transcoder.live.tries import Tries

log = logging.getLogger(__name__)


class LiveIngest:
    """The feeds on air. Make it with `live_ingest`."""

    def __init__(
        self, feeds: Feeds, book: SessionBook, settings: IngestSettings, metrics: LiveMetrics
    ) -> None:
        self.settings = settings
        self.metrics = metrics
        self.admission = Admission(settings.encode_cores or usable_cores(os.cpu_count() or 1))
        metrics.cores.set_function(lambda: self.admission.taken_cores)
        self._feeds = feeds
        self._book = book
        self._live: dict[tuple[str, FeedName], LiveFeed] = {}
        self._opening: set[tuple[str, FeedName]] = set()
        self._tries = Tries()
        self._tasks: set[asyncio.Task[None]] = set()

    async def admit(
        self, read: Callable[[], Address], peer: str, *, trusted: bool = False
    ) -> Publisher:
        """Judge a publisher and let it in. trusted: a signed-in right stands for the key.

        `read` gives the address or raises Refused: one that cannot be read is a wrong key too.

        Raises: Refused, which is counted.
        """
        try:
            if not trusted:
                self._check_tries(peer)
            address = self._read(read, peer)
            return await self._let_in(address, peer, trusted=trusted)
        except Refused as refused:
            self.metrics.refused.labels(refused.why.value).inc()
            log.info("publisher %s refused (%s)", peer, refused.why.value)
            raise

    def feeds_at_once(self) -> int:
        """Give how many usual feeds the machine encodes at once (`catalog.live.Capacity`)."""
        return max(1, int(self.admission.cores / usual_cores()))

    async def end(self, session: str, feed: FeedName | None = None) -> None:
        """End a feed of a session, or all of them; comes back when they have ended."""
        ending = [
            live
            for (one, name), live in self._live.items()
            if one == session and feed in (None, name)
        ]
        for live in ending:
            live.close()
        names = {live.name for live in ending}
        await asyncio.gather(*(task for task in self._tasks if task.get_name() in names))

    def find(self, session: str, feed: FeedName) -> LiveFeed | None:
        """Give a feed that is on air."""
        return self._live.get((session, feed))

    def sessions(self) -> set[str]:
        """Give the sessions that have a feed on air, or one that waits for its publisher."""
        return {session for session, _ in self._live}

    def figures(self) -> Iterator[IngestFigures]:
        """Give the figures of all feeds that have not ended."""
        for (session, name), live in self._live.items():
            if live.state not in END_STATES:
                yield live.figures_of(session, name)

    async def close(self) -> None:
        """Stop all encoders; the sessions are not ended, another process may go on with them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _let_in(self, address: Address, peer: str, *, trusted: bool) -> Publisher:
        try:
            if not trusted:
                await self._judge(address, peer)
            return await self._enter(address)
        except Unavailable as error:
            raise Refused(Refusal.AWAY, "the service is busy; try again in a moment") from error

    def _check_tries(self, peer: str) -> None:
        if wait_s := self._tries.wait_s(peer, asyncio.get_running_loop().time()):
            raise Refused(Refusal.TRIES, f"too many wrong keys; try again in {wait_s:.0f} s")

    def _read(self, read: Callable[[], Address], peer: str) -> Address:
        try:
            return read()
        except Refused:
            self._tries.count(peer, asyncio.get_running_loop().time())
            raise

    async def _judge(self, address: Address, peer: str) -> None:
        if not await self._book.publishes(address.session, address.feed, address.key):
            self._tries.count(peer, asyncio.get_running_loop().time())
            raise Refused(Refusal.KEY, "this stream key does not open this session now")

    async def _enter(self, address: Address) -> Publisher:
        at = (address.session, address.feed)
        live = self._live.get(at)
        if at in self._opening or (live is not None and live.publisher and not live.is_silent()):
            raise Refused(Refusal.BUSY, "another encoder is publishing to this session")
        if live is None or live.state in END_STATES:
            self._check_capacity()
            live = await self._open(at)
        elif live.state is FeedState.RESTING:
            self._check_capacity()
        else:
            live.replace()
        return live.join()

    def _check_capacity(self) -> None:
        if self.admission.free_cores < COPY_CORES + SOUND_CORES:
            raise Refused(Refusal.CAPACITY, "this machine carries no further session now")

    async def _open(self, at: tuple[str, FeedName]) -> LiveFeed:
        """Open a feed at the origin and give it a task. Raises: Refused."""
        session, name = at
        self._opening.add(at)
        try:
            feed = await self._feeds.open(session, name)
        except (Conflict, NotFound) as error:
            raise refuse_ended() from error
        finally:
            self._opening.discard(at)
        title = f"{session}/{name.value}"
        rests = name is not FeedName.FLOOR  # the floor goes to someone else
        live = LiveFeed(title, feed, self.settings, self.admission, self.metrics, rests=rests)
        self._live[at] = live
        task = asyncio.create_task(self._own(at, live), name=title)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return live

    async def _own(self, at: tuple[str, FeedName], live: LiveFeed) -> None:
        try:
            await live.run()
        except TongbuError as error:
            log.warning("feed %s ended badly: %s", live.name, error)
        except Exception:
            log.exception("feed %s broke", live.name)
        finally:
            if self._live.get(at) is live:
                del self._live[at]


@asynccontextmanager
async def live_ingest(
    feeds: Feeds, book: SessionBook, settings: IngestSettings, metrics: LiveMetrics
) -> AsyncIterator[LiveIngest]:
    """Give the ingest; all encoders are gone when the block is left."""
    ingest = LiveIngest(feeds, book, settings, metrics)
    try:
        yield ingest
    finally:
        await ingest.close()
