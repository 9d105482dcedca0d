"""Pupils' players over sockets, on the bench's origin."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp.test_utils import RawTestServer

from loadtests.pupil import Pupil
from loadtests.pupils import Class, Watching, seat
from loadtests.pupils_at_once import Part, ask_at_once, connection
from loadtests.school_origin import Origin
from tests.support.wait import eventually

Served = tuple[Origin, str]


@asynccontextmanager
async def served() -> AsyncIterator[Served]:
    origin = Origin(time.time() - 60)
    async with RawTestServer(origin.answer) as server:
        yield origin, str(server.make_url("/"))


async def test_a_recording_is_fetched_until_the_buffer_is_full() -> None:
    async with served() as (origin, url), connection() as lists, connection() as media:
        core = Pupil(f"{url}recorded/1/index.m3u8", most_height_px=2160)
        watching = asyncio.create_task(Watching(core, lists, media).run(float("inf")))
        await eventually(lambda: core.playback.buffer_s >= 28)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    assert origin.asked["/recorded/1/360p/0.m4s"] == 1
    assert origin.asked["/recorded/1/720p/1.m4s"] == 1
    assert max(origin.asked.values()) == 1
    assert (core.failed, core.switches) == (0, 1)


async def test_live_begins_three_behind_and_knows_its_delay() -> None:
    async with served() as (origin, url), connection() as lists, connection() as media:
        core = Pupil(f"{url}live/1/index.m3u8", most_height_px=360, unix_offset_s=_unix_offset_s())
        watching = asyncio.create_task(Watching(core, lists, media).run(float("inf")))
        await eventually(lambda: core.playback.buffer_s > 4)
        report = core.report(asyncio.get_running_loop().time())
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    assert report.join_s is not None
    assert report.delay_s is not None
    assert 5.9 < report.delay_s < 9
    assert not any(path.startswith("/live/1/720p") for path in origin.asked)


async def test_what_is_not_there_is_asked_for_again() -> None:
    async with served() as (_, url), connection() as lists, connection() as media:
        core = Pupil(f"{url}nowhere/index.m3u8", most_height_px=2160)
        watching = asyncio.create_task(Watching(core, lists, media).run(float("inf")))
        await eventually(lambda: core.failed >= 2)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    assert core.playback.started_at is None


async def test_pupils_leave_and_others_take_their_chairs() -> None:
    async with served() as (_, url):
        order = Class([f"{url}recorded/1/index.m3u8"], 1, 0.0, 1.0, stay_s=(0.05, 0.1))
        until = asyncio.get_running_loop().time() + 0.5
        reports = await seat(order, 0, until)
    assert len(reports) > 1


async def test_everybody_asks_for_one_part_after_it_was_fetched_alone() -> None:
    async with served() as (origin, url):
        took = await ask_at_once(Part(f"{url}part/", 5, 1))
    assert [len(took["alone_s"]), len(took["together_s"])] == [1, 5]
    assert (origin.asked["/part/0"], origin.asked["/part/alone0"]) == (5, 1)


def _unix_offset_s() -> float:
    return time.time() - asyncio.get_running_loop().time()
