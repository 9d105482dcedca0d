"""Attendance of a school whose line is cut, whose box is killed and whose city begins anew."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from loadtests.client import signed_in
from loadtests.school import Box, new_code, running_box
from loadtests.service import ADMIN_PASSWORD, Service, end, running, start, wait_for_address
from tests.acceptance.live.conftest import DEVICE, SECOND_TEACHER, TEACHER, City, book, settle
from tests.support.wait import eventually

LATE_S = 3.0


@pytest.fixture(scope="module")
def city() -> Iterator[City]:
    """A city of its own, because it goes away in the middle."""
    with running() as service:
        yield asyncio.run(settle(service))


@dataclass(frozen=True, slots=True)
class Lesson:
    """A session, and what opens it to a device and a person."""

    session: str
    device: dict[str, str]
    person: dict[str, str]
    code: str


async def prepared(city: City) -> Lesson:
    async with signed_in(city.url, "admin", ADMIN_PASSWORD) as admin:
        schools = (await admin.get("schools"))["items"]
    rural = next(item["id"] for item in schools if item["name"].startswith("西海岸"))
    session = str((await book(city, "圆的认识"))["id"])
    tokens = []
    for name in (DEVICE, SECOND_TEACHER):
        async with signed_in(city.url, name, city.passwords[name]) as one:
            tokens.append({"Authorization": one.http.headers["Authorization"]})
    return Lesson(session, tokens[0], tokens[1], await new_code(city.url, rural))


@asynccontextmanager
async def in_room(
    box: Box, lesson: Lesson, who: dict[str, str], client: str
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with (
        aiohttp.ClientSession(headers=who) as http,
        http.ws_connect(f"{box.url}/live/{lesson.session}/room") as socket,
    ):
        await socket.send_json({"type": "join", "client": client})
        yield socket


async def told(socket: aiohttp.ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    while True:
        found: dict[str, Any] = await socket.receive_json(timeout=30)
        if found["type"] == kind:
            return found


async def known_at_the_box(box: Box, lesson: Lesson) -> None:
    """Whoever may come while the line is cut has been let in before."""
    url = f"{box.url}/api/v1/sessions/{lesson.session}"
    for who in (lesson.device, lesson.person):
        async with aiohttp.ClientSession(headers=who) as http, http.get(url) as answer:
            assert answer.status == 200


async def two_are_kept(box: Box) -> None:
    """Wait until the classroom's stay and the other, which is over, are on the box's disk."""

    def count() -> tuple[int, int]:
        with closing(sqlite3.connect(box.data / "edge" / "stays.sqlite")) as database:
            found = database.execute("SELECT count(*), sum(gone) FROM stays").fetchone()
        return int(found[0]), int(found[1] or 0)

    async def there() -> bool:
        return await asyncio.to_thread(count) == (2, 1)

    await eventually(there)


async def before_the_kill(city: City, box: Box, lesson: Lesson) -> tuple[float, float, float]:
    """Give when the classroom came, and when somebody came and left behind the cut line."""
    await known_at_the_box(box, lesson)
    async with in_room(box, lesson, lesson.device, "board") as room:
        await told(room, "welcome")
        since_utc = time.time()
        await asyncio.to_thread(end, city.service.process)
        assert not (await told(room, "line"))["up"]
        async with in_room(box, lesson, lesson.person, "tab1") as person:
            came_utc = time.time()
            await told(person, "line")
        left_utc = time.time()
        await two_are_kept(box)
        await asyncio.to_thread(box.process.send_signal, signal.SIGKILL)
        await asyncio.to_thread(box.process.wait)
    return since_utc, came_utc, left_utc


async def attendance_with(city: City, lesson: Lesson, name: str) -> dict[str, Any]:
    """Wait until somebody is in the attendance, and give it."""
    found: dict[str, Any] = {}
    async with signed_in(city.url, TEACHER, city.passwords[TEACHER]) as teacher:

        async def is_there() -> bool:
            found.update(await teacher.get(f"sessions/{lesson.session}/attendance"))
            return any(one["name"] == name for one in found["people"])

        await eventually(is_there, 50.0)
    return found


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


async def after_it(
    city: City, box: Box, lesson: Lesson, seen: tuple[float, float, float], begin: Any
) -> None:
    since_utc, came_utc, left_utc = seen
    async with in_room(box, lesson, lesson.device, "board") as room:
        await told(room, "line")
        again: City = replace(city, service=await asyncio.to_thread(begin))
        try:
            await told(room, "welcome")
            found = await attendance_with(again, lesson, "赵磊")
            (person,) = (one for one in found["people"] if one["name"] == "赵磊")
            assert moment(person["first_seen"]) == pytest.approx(came_utc, abs=LATE_S)
            assert moment(person["last_seen"]) == pytest.approx(left_utc, abs=LATE_S)
            assert not person["here"]
            (classroom,) = found["classrooms"]
            assert moment(classroom["first_seen"]) == pytest.approx(since_utc, abs=LATE_S)
            assert classroom["here"]
        finally:
            await asyncio.to_thread(end, again.service.process)


def test_who_was_there_is_known_in_the_end(city: City, tmp_path: Path) -> None:
    def begin() -> Service:
        netloc = urlsplit(city.url).netloc
        process, log = start(city.service.data, "--listen", netloc)
        return Service(wait_for_address(process, log), city.service.data, process, log)

    lesson, home = asyncio.run(prepared(city)), tmp_path / "box"
    with running_box(city.url, lesson.code, data=home) as box:
        seen = asyncio.run(before_the_kill(city, box, lesson))
    with running_box(city.url, data=home) as box:
        asyncio.run(after_it(city, box, lesson, seen, begin))
