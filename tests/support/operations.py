"""A city with a live lesson between two schools, and what operations say of it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from catalog.ending import end_task
from loadtests.client import Client, Refused, signed_in
from loadtests.school import Box, new_code, running_box
from loadtests.service import ADMIN_PASSWORD, Service
from loadtests.thin_line import Shaper
from tests.support.runbooks import figures
from tests.support.wait import eventually

PASSWORD = "a-password-for-boards-1"
LIMIT_S = 15.0
WIDE_BPS = 20_000_000
SLOW_BPS = 160_000
SLOW_READ_BYTES = 32 * 1024
WELL = {"rung": "360p", "delay_ms": 450, "skew_ms": 4, "stalls": 0, "buffer_ms": 300,
        "can_ms": 380, "error_ms": 2, "lowest": True}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lesson:
    """A lesson that is booked: of the town's school, listened to by classrooms of the far one."""

    admin: Client
    session: str
    push: str
    district: str
    urban: str
    rural: str
    rooms: tuple[str, ...]

    async def school(self, school: str) -> dict[str, Any]:
        """Give what operations say of a school."""
        found: dict[str, Any] = await self.admin.get(f"operations/schools/{school}")
        return found

    async def names(self, school: str, cause: str | None, limit_s: float = LIMIT_S) -> float:
        """Wait until a school's cause is this one; give how long that took."""
        began = time.monotonic()

        async def named() -> bool:
            return bool((await self.school(school))["school"]["cause"] == cause)

        await eventually(named, limit_s)
        return time.monotonic() - began

    async def until(self, school: str, codes: set[str], limit_s: float = LIMIT_S) -> float:
        """Wait until a school's evidence has these codes; give how long that took."""
        began = time.monotonic()

        async def told() -> bool:
            return codes <= await self.codes(school)

        await eventually(told, limit_s)
        return time.monotonic() - began

    async def well(self) -> None:
        """Wait until the lesson is live, with all its far rooms in it and nobody at fault."""

        async def live() -> bool:
            try:
                found = await self.school(self.rural)
            except Refused:
                return False  # a new school is known within seconds
            states = [room["state"] for room in found["rooms"]]
            return found["school"]["cause"] is None and states == ["well"] * len(self.rooms)

        await eventually(live)

    async def fires(self, alert: str, subject: str) -> dict[str, Any]:
        """Wait until an alert stands on the wall, of a `kind:id`; give it."""
        found: dict[str, Any] = {}

        async def open_() -> bool:
            found.update((await self.admin.get("operations"))["alerts"])
            return f"{alert}:{subject}" in found

        await eventually(open_, LIMIT_S)
        return dict(found[f"{alert}:{subject}"])

    async def open(self, school: str) -> set[str]:
        """Give the names of the alerts that stand of a school."""
        alerts = (await self.admin.get("operations"))["alerts"].values()
        return {one["name"] for one in alerts if one["subject"] == school}

    async def codes(self, school: str) -> set[str]:
        """Give the codes of a school's evidence."""
        return {one["code"] for one in (await self.school(school))["school"]["evidence"]}


@asynccontextmanager
async def lesson_on(url: str, rooms: int = 2) -> AsyncIterator[Lesson]:
    """Make districts, schools and classrooms with boards, and open a lesson between them."""
    async with signed_in(url, "admin", ADMIN_PASSWORD) as admin:
        mark = datetime.now(UTC).strftime("%H%M%S%f")
        district = await _made(admin, "districts", name=f"莱西市{mark}")
        city = await _made(admin, "districts", name=f"市南区{mark}")
        urban = await _made(
            admin, "schools", name=f"海滨小学{mark}", district=city, setting="urban"
        )
        rural = await _made(
            admin, "schools", name=f"店埠小学{mark}", district=district, setting="rural"
        )
        main = await _made(admin, "classrooms", name="主讲教室", school=urban)
        far = [
            await _made(admin, "classrooms", name=f"三年级{n + 1}班", school=rural)
            for n in range(rooms)
        ]
        for room in far:
            await admin.post(
                "users",
                {"username": f"board-{room}", "name": "智慧教室", "password": PASSWORD,
                 "affiliations": [{"role": "classroom", "classroom": room}]},
            )  # fmt: skip
        booked = await admin.post(
            "sessions",
            {"title": "两位数乘法", "kind": "sync_class", "duration_s": 1200,
             "main_classroom": main, "listening_classrooms": far,
             "starts_at": datetime.now(UTC).isoformat()},
        )  # fmt: skip
        await admin.post(f"sessions/{booked['id']}/open")
        rtmp = booked["ingest"]["rtmp"]
        push = f"{rtmp['server']}/{rtmp['key']}"
        try:
            yield Lesson(admin, booked["id"], push, district, urban, rural, tuple(far))
        finally:
            await admin.post(f"sessions/{booked['id']}/end")


async def _made(admin: Client, kind: str, **fields: str) -> str:
    return str((await admin.post(kind, fields))["id"])


@dataclass(slots=True)
class Board:
    """A classroom's board: it reports once a second what `says` gives."""

    says: dict[str, Any]


@asynccontextmanager
async def board(url: str, lesson: Lesson, room: str) -> AsyncIterator[Board]:
    """Let a classroom's board sit in the room and report until the block is left."""
    found = Board(dict(WELL))
    async with signed_in(url, f"board-{room}", PASSWORD) as device:
        path = f"{url}/live/{lesson.session}/room"
        async with device.http.ws_connect(path) as socket:
            await socket.send_json({"type": "join", "device": "kiosk", "client": "board"})
            while (await socket.receive_json(timeout=20))["type"] != "welcome":
                pass
            talking = asyncio.create_task(_talk(socket, found), name="board")
            try:
                yield found
            finally:
                talking.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await talking


async def _talk(socket: aiohttp.ClientWebSocketResponse, board: Board) -> None:
    while True:
        await socket.send_json({"type": "report", **board.says})
        try:
            async with asyncio.timeout(1.0):
                while True:
                    await socket.receive()
        except TimeoutError:
            pass


async def box_of(
    stack: AsyncExitStack, service: Service, lesson: Lesson, url: str, *more: str,
    data: Path | None = None,
) -> Box:  # fmt: skip
    """Start the far school's box and wait until it has told something."""
    code = await new_code(service.url, lesson.rural, f"box-{lesson.rural}")
    manager = running_box(url, code, *more, data=data)
    box = await asyncio.to_thread(manager.__enter__)
    stack.push_async_callback(asyncio.to_thread, manager.__exit__, None, None, None)

    async def tells() -> bool:
        return bool((await lesson.school(lesson.rural))["school"]["box"] == "telling")

    await eventually(tells)
    return box


@asynccontextmanager
async def viewer(url: str, session: str, username: str, password: str) -> AsyncIterator[None]:
    """Let somebody watch a lesson at an address, as soon as it can be watched."""
    async with signed_in(url, username, password) as person:
        path = f"{url}/live/{session}/stream"
        await eventually(lambda: _can_watch(person, path))
        async with person.http.ws_connect(path) as stream:
            looking = asyncio.create_task(_look(stream), name="viewer")
            try:
                yield
            finally:
                await end_task(looking)


async def _can_watch(person: Client, path: str) -> bool:
    try:
        async with person.http.ws_connect(path):
            return True
    except aiohttp.ClientError:
        return False


async def _look(stream: aiohttp.ClientWebSocketResponse) -> None:
    async for _ in stream:
        pass


@asynccontextmanager
async def slow_reader(client: Client, path: str) -> AsyncIterator[None]:
    """Let a device watch a lesson that takes so little from its socket that it cannot follow."""
    host, port = client.url.removeprefix("http://").split(":")
    ask = (
        f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"Authorization: {client.http.headers['Authorization']}\r\n\r\n"
    )
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_READ_BYTES)
        slow.setblocking(False)
        await asyncio.get_running_loop().sock_connect(slow, (host, int(port)))
        reader, writer = await asyncio.open_connection(sock=slow, limit=SLOW_READ_BYTES)
        writer.write(ask.encode())
        assert b" 101 " in await reader.readline()
        reading = asyncio.create_task(_take(reader, Shaper(SLOW_BPS)), name="slow reader")
        try:
            yield
        finally:
            await end_task(reading)
            writer.close()


async def _take(reader: asyncio.StreamReader, shaper: Shaper) -> None:
    while data := await reader.read(SLOW_READ_BYTES):
        await shaper.shape(len(data))


@asynccontextmanager
async def store_away(service: Service) -> AsyncIterator[None]:
    """Take a service's store away, as a directory that is not mounted."""
    objects, away = service.data / "objects", service.data / "away"
    await asyncio.to_thread(objects.rename, away)
    await asyncio.to_thread(objects.touch)
    try:
        yield
    finally:
        await asyncio.to_thread(objects.unlink)
        await asyncio.to_thread(away.rename, objects)


async def parts_made(service: Service, lesson: Lesson) -> float:
    """Give how many parts of a lesson there were, as the runbook of old ones shows it."""
    ages = await figures("PartsOld", origin=service.url)
    return next(n for name, n in ages.items() if lesson.session in name and "_count" in name)
