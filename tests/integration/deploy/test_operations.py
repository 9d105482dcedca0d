"""A running service names who is at fault within 15 s of the fault, and nobody when all is well."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from urllib.parse import urlsplit

from loadtests.city_door import Door
from loadtests.school import Box, new_code, running_box
from loadtests.service import Service
from tests.support.operations import Lesson, board, lesson_on
from tests.support.publishing import publisher
from tests.support.service import service as service
from tests.support.wait import eventually


@contextmanager
def held(process: int) -> Iterator[None]:
    """Let a process stand still."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


@contextmanager
def stopped(process: int) -> Iterator[None]:
    """Let a process stand still, and end it."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGKILL)


async def test_an_encoder_that_stops_and_a_device_that_is_slow(service: Service) -> None:
    async with (
        lesson_on(service.url) as lesson,
        publisher(lesson.push) as encoder,
        board(service.url, lesson, lesson.rooms[0]) as slow,
        board(service.url, lesson, lesson.rooms[1]),
    ):
        await lesson.well()
        (session,) = (await lesson.school(lesson.rural))["sessions"]
        assert (session["title"], session["rooms"], session["bad"]) == ("两位数乘法", 3, 0)
        assert session["ingest_bps"] > 0

        slow.says |= {"skew_ms": 900, "delay_ms": 1350, "stalls": 3}
        assert await lesson.names(lesson.rural, "device") <= 15
        found = await lesson.school(lesson.rural)
        (evidence,) = found["school"]["evidence"]
        assert evidence["about"] == "三年级1班"
        assert {room["name"]: room["state"] for room in found["rooms"]} == {
            "三年级1班": "bad", "三年级2班": "well"
        }  # fmt: skip
        assert (await lesson.school(lesson.urban))["school"]["cause"] is None

        with stopped(encoder.pid):
            assert await lesson.names(lesson.rural, "encoder") <= 15, "upstream of the device"
            assert await lesson.names(lesson.urban, "encoder") <= 15
            assert await lesson.codes(lesson.rural) == {"encoder_silent"}
            wall = await lesson.admin.get("operations")
            alert = wall["alerts"][f"EncoderStopped:session:{lesson.session}"]
            assert alert["severity"] == "critical"
            text = await lesson.admin.get(f"operations/runbooks/{alert['name']}")
            assert text["text"].startswith("# EncoderStopped")
        async with publisher(lesson.push):
            await lesson.names(lesson.rural, "device", 20)
            slow.says |= {"skew_ms": 4, "delay_ms": 450}
            await lesson.names(lesson.rural, None, 20)


@asynccontextmanager
async def open_door(url: str, port: int = 0) -> AsyncIterator[int]:
    """Pass everything on to a service; nothing passes any more when the block ends."""
    target = urlsplit(url)
    door = Door(str(target.hostname), int(target.port or 0))
    server = await asyncio.start_server(door.take, "127.0.0.1", port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await door.close()


async def started(stack: AsyncExitStack, service: Service, lesson: Lesson, url: str) -> Box:
    """Start the far school's box and wait until it has told something."""
    code = await new_code(service.url, lesson.rural, f"box-{lesson.rural}")
    manager = running_box(url, code)
    box = await asyncio.to_thread(manager.__enter__)
    stack.push_async_callback(asyncio.to_thread, manager.__exit__, None, None, None)

    async def tells() -> bool:
        return bool((await lesson.school(lesson.rural))["school"]["box"] == "telling")

    await eventually(tells)
    return box


async def test_a_box_that_stands_still_looks_like_its_line_and_one_that_died_is_named(
    service: Service,
) -> None:
    async with lesson_on(service.url, 1) as lesson, AsyncExitStack() as stack:
        box = await started(stack, service, lesson, service.url)
        found = (await lesson.school(lesson.rural))["school"]
        assert found["cause"] is None
        with held(box.process.pid):
            assert await lesson.names(lesson.rural, "line") <= 15
            assert await lesson.codes(lesson.rural) == {"box_untold"}
        assert await lesson.names(lesson.rural, None) <= 15
        box.process.kill()
        assert await lesson.names(lesson.rural, "edge") <= 15
        assert await lesson.codes(lesson.rural) == {"box_closed"}
