"""Live put together: ingest, origin, rooms, and the catalogue that tells them what has ended.

One process holds all of it: an encoder pushes into the origin it shares a loop with, and a room
tells its members what the origin sees.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imageio_ffmpeg
from aiohttp import web
from prometheus_client import CollectorRegistry

from catalog.db.listen import Listener
from catalog.errors import TongbuError
from catalog.http.signin import SignIn
from catalog.live import Cameras, Capacity, FeedName
from catalog.session import SessionState
from catalog.store.port import ObjectStore
from catalog.tokens import Keyring
from deploy.live_figures import SessionFigures
from deploy.live_floor import BookWithFloor, FloorKeys
from deploy.live_gate import SessionGate
from deploy.live_lease import LeasedFeeds, live_lease
from deploy.live_settings import LiveSettings
from deploy.live_ways import Ways
from deploy.operations_readings import Live, live_now
from deploy.session_parts import SessionPorts
from streaming.live.app import Live as LiveApi
from streaming.live.events import ChannelState
from streaming.live.figures import figures_of
from streaming.live.metrics import LiveMetrics
from streaming.live.origin import Origin
from streaming.room.inputs import CourseState
from streaming.room.metrics import RoomMetrics
from streaming.room.rooms import Rooms
from streaming.room.sockets import RoomSockets
from transcoder.live.browser import BrowserIngest
from transcoder.live.feeds import LiveIngest, live_ingest
from transcoder.live.metrics import LiveMetrics as IngestMetrics
from transcoder.live.rtmp_server import rtmp_server
from transcoder.live.rtsp import RtspIngest
from transcoder.live.srt import SrtIngest

log = logging.getLogger(__name__)

OVER = frozenset(
    {SessionState.ENDED, SessionState.RECORDED, SessionState.CANCELLED, SessionState.FAILED}
)


@dataclass(frozen=True, slots=True)
class LiveGround:
    """What live stands on."""

    settings: LiveSettings
    dsn: str
    registry: CollectorRegistry
    store: ObjectStore
    listener: Listener
    keyring: Keyring
    sign_in: SignIn
    sessions: SessionPorts


@dataclass(frozen=True, slots=True)
class LiveDoors:
    """Where encoders come in (0 or None: that way is shut), how many, and cameras to pull; and
    what is on the air now."""

    rtmp_port: int
    srt_port: Callable[[str, FeedName], int | None]
    cameras: Cameras
    capacity: Capacity
    live: Callable[[], Live]


class Turns:
    """Carries what happens at one place to the others: origin → room, catalogue → all."""

    def __init__(self, sessions: SessionPorts) -> None:
        self.rooms: Rooms
        self.origin: Origin
        self.ingest: LiveIngest
        self.ways: Ways
        self._book = sessions.book
        self._tasks: set[asyncio.Task[None]] = set()

    def on_channel(self, session: str, feed: FeedName, state: ChannelState) -> None:
        """The origin says where a feed stands."""
        if feed is FeedName.MAIN and state is not ChannelState.WAITING:
            self._start(self._tell(session, CourseState(state.value)))

    def on_finished(self, session: str, lesson: str) -> None:
        """The recording is a lesson."""
        self._start(self._tell(session, CourseState.RECORDED, lesson))

    def on_session(self, session: str) -> None:
        """The catalogue's row of a session has changed."""
        self._start(self._follow(session))

    def on_gap(self) -> None:
        """What the catalogue said was not heard for a while, or not yet: all is read again."""
        self._start(self._look_again())

    async def end_feed(self, session: str, feed: FeedName) -> None:
        """Take one feed off the air."""
        await self.ingest.end(session, feed)

    def live(self) -> Live:
        """Give the figures of all that is on the air."""
        feeds = map(figures_of, self.origin.on_air())
        return live_now(self.ingest.figures(), feeds, self.rooms.figures(), self.rooms.members())

    async def close(self) -> None:
        """Leave nothing running."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _follow(self, session: str) -> None:
        if self.origin.find(session, FeedName.MAIN) or self.ingest.find(session, FeedName.MAIN):
            await self._end_if_over(session)
        await self.ways.look(session)

    async def _look_again(self) -> None:
        for session in self.ingest.sessions():
            await self._end_if_over(session)
        await self.ways.look_again()

    async def _end_if_over(self, session: str) -> None:
        found = await self._book.find(session)
        if found is not None and found.state in OVER:
            await self.ingest.end(session)
            await self.origin.end(session)

    async def _tell(self, session: str, state: CourseState, lesson: str | None = None) -> None:
        feed = self.origin.find(session, FeedName.MAIN)
        began_utc = feed.anchor_utc if feed is not None else None
        await self.rooms.tell(session, state, began_utc, lesson)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except TongbuError as error:
            log.warning("a session's turn was not told: %s", error)
        except Exception:
            log.exception("a session's turn was not told")


async def live_parts(stack: AsyncExitStack, app: web.Application, ground: LiveGround) -> LiveDoors:
    """Make everything of live and mount /live; it ends with the app and the stack."""
    sessions, turns = ground.sessions, Turns(ground.sessions)
    keys = FloorKeys(turns.end_feed)
    book = BookWithFloor(sessions.book, keys)
    metrics = LiveMetrics(ground.registry)
    turns.rooms = Rooms(book, sessions.room_log, keys, RoomMetrics(ground.registry))
    turns.origin = Origin(
        book, sessions.recordings, ground.store, metrics,
        finished=turns.on_finished, on_state=turns.on_channel,
    )  # fmt: skip
    stack.push_async_callback(turns.close)
    stack.push_async_callback(turns.origin.close)
    lease = await stack.enter_async_context(live_lease(ground.dsn))
    turns.ingest = await stack.enter_async_context(
        live_ingest(
            LeasedFeeds(turns.origin, lease), book, ground.settings.ingest(_ffmpeg()),
            IngestMetrics(ground.registry),
        )
    )  # fmt: skip
    ground.registry.register(
        SessionFigures(
            lambda: map(figures_of, turns.origin.on_air()),
            turns.ingest.figures,
            turns.rooms.figures,
        )
    )
    srt, rtsp = SrtIngest(turns.ingest), RtspIngest(turns.ingest)
    turns.ways = Ways(sessions.book, srt, rtsp)
    stack.push_async_callback(turns.ways.close)
    gate = SessionGate(sessions.book, ground.keyring, ground.sign_in)
    app.router.add_get(
        "/live/{session}/publish", BrowserIngest(turns.ingest, gate.publishes).handle
    )
    app.router.add_get("/live/{session}/room", RoomSockets(turns.rooms, gate.member).serve)
    app.add_subapp("/live", LiveApi(turns.origin, gate, metrics).app())

    async def let_go(_: web.Application) -> None:
        await turns.ways.close()
        await turns.ingest.close()
        await turns.origin.close()
        await turns.rooms.close()

    app.on_shutdown.append(let_go)
    ground.listener.subscribe("session", turns.on_session, turns.on_gap)
    turns.on_gap()
    rtmp_port = await _rtmp_port(stack, ground.settings, turns.ingest)
    return LiveDoors(rtmp_port, srt.port, rtsp, turns.ingest, turns.live)


async def _rtmp_port(stack: AsyncExitStack, settings: LiveSettings, ingest: LiveIngest) -> int:
    if not settings.rtmp:
        return 0
    server = await stack.enter_async_context(rtmp_server(ingest))
    return server.port


def _ffmpeg() -> Path:
    return Path(imageio_ffmpeg.get_ffmpeg_exe())
