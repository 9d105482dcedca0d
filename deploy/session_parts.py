"""Sessions put together: their endpoints, the clock that moves them, and what the data plane asks.

`SessionPorts` is what the live origin, the rooms and the ingest are made with.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web

from catalog.db.listen import Listener
from catalog.db.pool import Pool
from catalog.db.recordings import Recordings
from catalog.db.recordings_join import Joiner
from catalog.db.room_log import RoomEvents
from catalog.db.sessions_life import Sessions, TimeKeeper, open_secret
from catalog.http.endpoint import Endpoint
from catalog.http.sessions import SessionsApi
from catalog.http.sessions_attendance import AttendanceApi
from catalog.http.sessions_camera import CameraApi
from catalog.http.sessions_classroom import Bells, ClassroomApi
from catalog.http.sessions_device import DeviceLogin
from catalog.http.sessions_json import IngestAddresses, SessionShow
from catalog.http.signin import SignIn
from catalog.http.timetable import TimetableApi
from catalog.live import Cameras, Capacity
from catalog.store.port import ObjectStore
from catalog.tokens import Keyring
from deploy.settings import ServerSettings
from deploy.tasks import running
from streaming.room.attendance import summary
from streaming.room.chapters import chapters


@dataclass(frozen=True, slots=True)
class SessionGround:
    """What sessions stand on."""

    pool: Pool
    store: ObjectStore
    listener: Listener
    keyring: Keyring
    sign_in: SignIn
    server: ServerSettings


@dataclass(frozen=True, slots=True)
class SessionPorts:
    """What the catalogue is to the data plane."""

    book: Sessions
    recordings: Recordings
    room_log: RoomEvents


async def session_ports(stack: AsyncExitStack, ground: SessionGround) -> SessionPorts:
    """Make the ports; the tasks beside them end with the stack."""
    pool, clock = ground.pool, time.time
    book = Sessions(pool, await open_secret(pool), clock)
    recordings = Recordings(pool, clock, chapters)
    keeper = TimeKeeper(pool, recordings.finish, clock)
    joiner = Joiner(pool, ground.store, ground.server.data / "join", clock)
    await stack.enter_async_context(running(keeper.run(), "clock of sessions"))
    await stack.enter_async_context(running(joiner.run(), "joiner of recordings"))
    return SessionPorts(book, recordings, RoomEvents(pool))


def session_endpoints(
    app: web.Application,
    ground: SessionGround,
    ports: SessionPorts,
    addresses: IngestAddresses,
    capacity: Capacity,
    cameras: Cameras,
) -> Sequence[Endpoint]:
    """Make the API of sessions; those who wait in it are let go with the app."""
    pool, clock, book = ground.pool, time.time, ports.book
    show = SessionShow(
        book.key, ground.keyring.sign_session, addresses, clock, ground.server.token_s
    )
    bells = _bells(app, ground.listener)
    parts = (
        SessionsApi(pool, capacity, show, clock),
        CameraApi(pool, cameras),
        AttendanceApi(pool, summary, clock),
        ClassroomApi(
            pool, bells, show, DeviceLogin(ground.sign_in, clock), lambda: datetime.now(UTC)
        ),
        TimetableApi(pool, capacity, clock),
    )
    return [item for part in parts for item in part.endpoints()]


def _bells(app: web.Application, listener: Listener) -> Bells:
    bells = Bells()
    bells.attach(listener)

    async def close(_: web.Application) -> None:
        bells.close()

    app.on_shutdown.append(close)
    return bells
