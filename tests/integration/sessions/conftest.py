"""A small city in a fresh catalogue."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from catalog.db.listen import listening
from catalog.db.pool import Pool
from catalog.db.sessions_booking import FixedCapacity
from catalog.db.sessions_life import Sessions
from catalog.http.endpoint import Api
from catalog.http.sessions import SessionsApi
from catalog.http.sessions_attendance import AttendanceApi
from catalog.http.sessions_camera import CameraApi
from catalog.http.sessions_classroom import Bells, ClassroomApi
from catalog.http.sessions_device import DeviceLogin
from catalog.http.sessions_json import IngestAddresses, SessionShow
from catalog.http.signin import SignIn, SignInSettings
from catalog.http.timetable import TimetableApi
from catalog.live import FeedName, NoCameras
from catalog.passwords import Passwords
from catalog.people import CITY_ZONE, Affiliation, Role
from catalog.tokens import Keyring, SigningKey
from streaming.room.attendance import summary
from tests.support.api import Caller, Desk, open_desk
from tests.support.lessons import SINCE
from tests.support.sessions import LESSON_S, START_UTC, Town, make_town

SRT_PORTS = {FeedName.MAIN: 9000}


@pytest.fixture
async def town(pool: Pool) -> Town:
    """Two paired schools and a stranger."""
    async with pool.connection() as connection:
        return await make_town(connection)


@dataclass(slots=True)
class Clock:
    """The wall clock of all parts; a day before the first session unless it is moved."""

    now_utc: float = START_UTC - 86_400

    def __call__(self) -> float:
        return self.now_utc


class KeptCameras(NoCameras):
    """Cameras that may all be asked, but for those of the host `refused`."""

    def __init__(self) -> None:
        self.pulled: dict[tuple[str, FeedName], str] = {}

    def pull(self, session: str, feed: FeedName, url: str) -> None:
        if "refused" in url:
            super().pull(session, feed, url)
        self.pulled[session, feed] = url

    def stop(self, session: str, feed: FeedName) -> None:
        self.pulled.pop((session, feed), None)


@dataclass(slots=True)
class City:
    """The API of sessions, and people of each kind who are signed in."""

    desk: Desk
    town: Town
    clock: Clock
    cameras: KeptCameras
    sessions: Sessions
    teacher: Caller
    colleague: Caller
    rural: Caller
    officer: Caller
    district: Caller
    admin: Caller
    researcher: Caller
    board: Caller
    main_board: Caller
    stranger: Caller

    def lesson(self, after_s: float = 0.0, **changes: Any) -> dict[str, Any]:
        """What a teacher sends to book a lesson with the far classroom."""
        starts = datetime.fromtimestamp(START_UTC + after_s, CITY_ZONE)
        body = {
            "title": "两位数乘法", "kind": "sync_class", "main_classroom": self.town.main,
            "listening_classrooms": [self.town.far], "starts_at": starts.isoformat(),
            "duration_s": LESSON_S,
        }  # fmt: skip
        return {**body, **changes}

    async def booked(self, who: Caller, after_s: float = 0.0, **changes: Any) -> dict[str, Any]:
        """Book, and give the session."""
        status, found = await who.ask("POST", "/sessions", self.lesson(after_s, **changes))
        assert status == 201, found
        return dict(found)


@pytest.fixture
async def city(pool: Pool, town: Town, dsn: str) -> AsyncIterator[City]:
    """Everything that is served of sessions, on a real listener."""
    clock, bells = Clock(), Bells()
    sessions = Sessions(pool, bytes(32), clock)
    ring = Keyring([SigningKey("k1", bytes(32), 0.0)], clock())
    addresses = IngestAddresses(srt_port=lambda _, feed: SRT_PORTS.get(feed))
    show = SessionShow(sessions.key, ring.sign_session, addresses, clock, 3600)

    sign_in, cameras = SignIn(pool, SignInSettings(), clock), KeptCameras()

    def now() -> datetime:
        return datetime.fromtimestamp(clock(), UTC)

    def parts(pool: Pool, _: Passwords) -> list[Api]:
        return [
            SessionsApi(pool, FixedCapacity(50), show, clock),
            CameraApi(pool, cameras),
            AttendanceApi(pool, summary, clock),
            ClassroomApi(pool, bells, show, DeviceLogin(sign_in, clock), now),
            TimetableApi(pool, FixedCapacity(50), clock),
        ]

    async with listening(dsn) as listener, open_desk(pool, parts, clock=clock) as desk:
        bells.attach(listener)
        await listener.listening()

        async def enter(name: str, role: Role, **place: Any) -> Caller:
            return await desk.person(name, Affiliation(role, SINCE, **place))

        yield City(
            desk, town, clock, cameras, sessions,
            await enter("wangfang", Role.TEACHER, school_id=town.urban),
            await enter("liqiang", Role.TEACHER, school_id=town.urban),
            await enter("sunlei", Role.TEACHER, school_id=town.rural),
            await enter("officer", Role.SCHOOL, school_id=town.urban),
            await enter("district", Role.DISTRICT, district_id=town.districts[1]),
            await enter("admin", Role.ADMINISTRATOR),
            await enter("zhaomin", Role.RESEARCHER, district_id=town.districts[0]),
            await enter("board", Role.CLASSROOM, classroom_id=town.far),
            await enter("mainboard", Role.CLASSROOM, classroom_id=town.main),
            await enter("stranger", Role.TEACHER, school_id=town.other),
        )  # fmt: skip
        bells.close()
