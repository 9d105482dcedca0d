"""A running service names who is at fault within 15 s of the fault, and nobody when all is well."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from deploy.monitoring import ORIGIN
from loadtests.client import signed_in
from loadtests.school import Box
from loadtests.service import ADMIN_PASSWORD, Service
from loadtests.thin_line import line
from tests.support.alerts import Watch, until_clear, until_fires
from tests.support.alerts import prometheus_path as prometheus_path
from tests.support.alerts import watcher as watcher
from tests.support.children import encoders_of
from tests.support.operations import (
    PASSWORD,
    WIDE_BPS,
    Lesson,
    board,
    box_of,
    lesson_on,
    parts_made,
    store_away,
    viewer,
)
from tests.support.publishing import publisher
from tests.support.runbooks import figures, shown
from tests.support.service import service as service
from tests.support.standstill import database_of, held, slowed, stopped
from tests.support.valve import valve_to
from tests.support.wait import eventually

# A box that nobody asks for anything learns of a cut by its ping.
KNOWS_CUT_S = 30
THIN_BPS = 150_000
# Real processes, and faults that take up to 15 s each to be named.
pytestmark = pytest.mark.timeout(150)


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
        alert = await lesson.fires("DeviceSlow", f"school:{lesson.rural}")
        assert [one["code"] for one in alert["evidence"]] == [evidence["code"]]
        assert (found["school"]["rung"], found["school"]["rungs"]) == ("360p", {"360p": 2})
        district = (await lesson.admin.get("operations"))["districts"][lesson.district]
        assert (district["rooms"], district["delay_ms"], district["skew_ms"]) == (2, 1350, 900)
        assert not any((await figures("DeviceSlow", origin=service.url)).values()), "no queue: it"
        assert {room["name"]: room["state"] for room in found["rooms"]} == {
            "三年级1班": "bad", "三年级2班": "well"
        }  # fmt: skip
        assert (await lesson.school(lesson.urban))["school"]["cause"] is None

        with stopped(encoder.pid):
            assert await lesson.names(lesson.rural, "encoder") <= 15, "upstream of the device"
            assert await lesson.names(lesson.urban, "encoder") <= 15
            assert await lesson.codes(lesson.rural) == {"encoder_silent"}
            alert = await lesson.fires("EncoderStopped", f"session:{lesson.session}")
            assert alert["severity"] == "critical"
            rates = await figures("EncoderStopped", origin=service.url)
            assert [rate for name, rate in rates.items() if lesson.session in name] == [0]
        async with publisher(lesson.push):
            await lesson.names(lesson.rural, "device", 20)
            slow.says |= {"skew_ms": 4, "delay_ms": 450}
            await lesson.names(lesson.rural, None, 20)


async def test_an_encoding_that_stands_or_is_slow_is_the_origins(
    service: Service, watcher: Watch
) -> None:
    async def is_alone() -> bool:
        return len(await encoders_of(service.process.pid)) == 1

    async with (
        lesson_on(service.url, 1) as lesson,
        publisher(lesson.push),
        board(service.url, lesson, lesson.rooms[0]),
        watcher({ORIGIN: service.url}) as watch,
    ):
        await lesson.well()
        await eventually(is_alone)
        (ffmpeg,) = await encoders_of(service.process.pid)
        with held(ffmpeg):
            assert await lesson.names(lesson.rural, "origin") <= 15

            async def is_said() -> bool:
                return await lesson.codes(lesson.rural) == {"parts_stopped"}

            await eventually(is_said)  # a busy machine says first that they are old
            await lesson.fires("PartsOld", f"session:{lesson.session}")
            assert await parts_made(service, lesson) == await parts_made(service, lesson)
        await lesson.names(lesson.rural, None, 30)
        async with slowed(ffmpeg, 0.2):
            assert await lesson.names(lesson.rural, "origin") <= 15
            await lesson.fires("EncoderSlow", f"session:{lesson.session}")
            speeds = await figures("EncoderSlow", origin=service.url)
            (speed,) = (value for name, value in speeds.items() if lesson.session in name)
            assert speed < 0.95
            for name in ("PartsOld", "EncoderSlow"):
                assert (await until_fires(watch, name))["labels"]["session"] == lesson.session
        await until_clear(watch, "EncoderSlow")


async def test_some_boards_of_a_school_that_suffer_are_its_wireless(
    service: Service, watcher: Watch
) -> None:
    async with (
        lesson_on(service.url, 4) as lesson,
        publisher(lesson.push),
        AsyncExitStack() as seats,
        watcher({ORIGIN: service.url}) as watch,
    ):
        boards = [
            await seats.enter_async_context(board(service.url, lesson, room))
            for room in lesson.rooms
        ]
        await lesson.well()
        for one in boards[:3]:
            one.says |= {"skew_ms": 600, "delay_ms": 1050}
        assert await lesson.names(lesson.rural, "wifi") <= 15
        assert await lesson.codes(lesson.rural) == {"wifi_some", "wifi_spread"}
        await lesson.fires("RoomsLate", f"school:{lesson.rural}")

        async def lie_between() -> bool:
            skews = await figures("RoomsLate", origin=service.url)
            ours = {name: n for name, n in skews.items() if lesson.session in name}
            (late, near) = (
                next(n for name, n in ours.items() if f'le="{bound}"' in name)
                for bound in ("1.0", "0.1")
            )
            return late - near >= 3

        await eventually(lie_between)  # as many reports as boards that suffer
        assert (await until_fires(watch, "RoomsLate"))["labels"]["session"] == lesson.session


async def test_a_box_that_stands_still_looks_like_its_line_and_one_that_died_is_named(
    service: Service,
) -> None:
    async with lesson_on(service.url, 1) as lesson, AsyncExitStack() as stack:
        box = await box_of(stack, service, lesson, service.url)
        found = (await lesson.school(lesson.rural))["school"]
        assert found["cause"] is None
        with held(box.process.pid):
            assert await lesson.names(lesson.rural, "line") <= 15
            assert await lesson.codes(lesson.rural) == {"box_untold"}
            await lesson.fires("LineCut", f"school:{lesson.rural}")
            (silence,) = await shown("LineCut", box=box.url)
            assert "timed out" in silence, "the runbook sends whom no box answers to BoxAway"
        assert await lesson.names(lesson.rural, None) <= 15
        box.process.kill()
        assert await lesson.names(lesson.rural, "edge") <= 15
        assert await lesson.codes(lesson.rural) == {"box_closed"}
        await lesson.fires("BoxAway", f"school:{lesson.rural}")
        await eventually(lambda: is_unheard(service, lesson.rural))


async def is_unheard(service: Service, school: str) -> bool:
    """Tell whether a box that tells every 3 s has missed one, by the runbook's first step."""
    heard = await figures("BoxAway", origin=service.url)
    (age_s,) = (value for name, value in heard.items() if school in name)
    return age_s > 6


async def knows_its_cut(box: Box) -> bool:
    """Tell whether the box itself says that its line is cut."""
    return list((await figures("LineCut", box=box.url)).values()) == [0]


async def test_a_line_that_is_cut_without_a_word(service: Service) -> None:
    async with (
        lesson_on(service.url, 1) as lesson,
        valve_to(service.url) as (line, url),
        AsyncExitStack() as stack,
    ):
        box = await box_of(stack, service, lesson, url)
        line.shut()
        assert await lesson.names(lesson.rural, "line") <= 15
        assert await lesson.codes(lesson.rural) == {"box_untold"}
        await lesson.fires("LineCut", f"school:{lesson.rural}")
        await eventually(lambda: knows_its_cut(box), KNOWS_CUT_S)
        line.open()
        await lesson.names(lesson.rural, None, 20)


async def test_a_line_that_becomes_too_thin_in_the_lesson_and_then_its_box_dies(
    service: Service,
) -> None:
    async with (
        lesson_on(service.url, 1) as lesson,
        publisher(lesson.push),
        line(service.url, WIDE_BPS) as way,
        AsyncExitStack() as stack,
    ):
        box = await box_of(stack, service, lesson, way.url)
        pupil = f"board-{lesson.rooms[0]}"
        await stack.enter_async_context(viewer(box.url, lesson.session, pupil, PASSWORD))
        await eventually(lambda: carries(lesson))
        way.limit(THIN_BPS)
        assert await lesson.names(lesson.rural, "line") <= 15
        await lesson.fires("LineThin", f"school:{lesson.rural}")
        await lesson.until(lesson.rural, {"line_thin"}, 25)
        assert list((await figures("LineThin", box=box.url)).values()) == [1]
        box.process.kill()
        assert await lesson.names(lesson.rural, "edge") <= 15, "its line is not known any more"
        await lesson.fires("BoxAway", f"school:{lesson.rural}")
        assert await lesson.open(lesson.rural) == {"BoxAway"}
        school = (await lesson.school(lesson.rural))["school"]
        assert (school["use_bps"], school["viewers"]) == (None, 0)


async def carries(lesson: Lesson) -> bool:
    """Tell whether the box tells that the lesson is watched through it, and nobody suffers."""
    school = (await lesson.school(lesson.rural))["school"]
    return bool(school["cause"] is None and school["viewers"] and school["use_bps"] > THIN_BPS)


async def test_a_database_that_hangs_is_told_on_a_wall_that_is_open(service: Service) -> None:
    processes = await asyncio.to_thread(database_of, service)
    async with (
        signed_in(service.url, "admin", ADMIN_PASSWORD) as admin,
        admin.http.get(f"{service.url}/api/v1/operations/events") as events,
    ):
        began = time.monotonic()
        with held(*processes):
            alert = await until_told(events, "DatabaseAway:city:")
            assert alert["said"] == "no answer within 3 s"
            (ready,) = await shown("DatabaseAway", origin=service.url)
            assert json.loads(ready)["checks"]["database"] == "no answer within 3 s"
        assert time.monotonic() - began <= 15


async def test_a_store_that_is_away_is_told_with_what_its_check_said(service: Service) -> None:
    async with (
        signed_in(service.url, "admin", ADMIN_PASSWORD) as admin,
        admin.http.get(f"{service.url}/api/v1/operations/events") as events,
    ):
        began = time.monotonic()
        async with store_away(service):
            alert = await until_told(events, "StoreAway:city:")
            (ready,) = await shown("StoreAway", origin=service.url)
            assert alert["said"] == json.loads(ready)["checks"]["store"]
        assert time.monotonic() - began <= 15
        (evidence,) = alert["evidence"]
        assert (evidence["code"], evidence["about"]) == ("store_away", "store")


async def until_told(events: aiohttp.ClientResponse, name: str) -> dict[str, Any]:
    """Read the wall's changes until this alert is open; give it."""
    async with asyncio.timeout(20):
        async for line in events.content:
            if line.startswith(b"data: "):
                alert = json.loads(line.removeprefix(b"data: "))["alerts"].get(name)
                if alert is not None:
                    return dict(alert)
    raise AssertionError("the events have ended")
