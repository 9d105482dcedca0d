"""A real Prometheus beside the running service: alerts fire on a fault and clear when it is over.

Those of full disks, of encodings and of rooms fire in test_full_disks.py and test_operations.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from urllib.parse import urlsplit

import aiohttp

from deploy.monitoring import EDGE, ORIGIN
from loadtests.city_door import Door
from loadtests.client import signed_in
from loadtests.school import Box, new_code, running_box
from loadtests.service import ADMIN_PASSWORD, Service
from loadtests.thin_line import line
from tests.support.alerts import Watch, until_clear, until_fires, until_seen
from tests.support.alerts import prometheus_path as prometheus_path
from tests.support.alerts import watcher as watcher
from tests.support.operations import WIDE_BPS, slow_reader, store_away, viewer
from tests.support.publishing import publisher
from tests.support.service import service as service
from tests.support.standstill import database_of, held

THIN_BPS = 150_000
# A tenth of the time has a tenth of the skips of one device.
SLOW_DEVICES = 4


@asynccontextmanager
async def box_behind(service: Service, origin: str, name: str) -> AsyncIterator[Box]:
    """A box of a new school in a district of its own, which reaches the city at this address."""
    async with signed_in(service.url, "admin", ADMIN_PASSWORD) as admin:
        made = await admin.post("districts", {"name": f"{name}区"})
        about = {"name": f"{name}小学", "district": made["id"], "setting": "rural"}
        school = await admin.post("schools", about)
    manager = running_box(origin, await new_code(service.url, school["id"], name))
    box = await asyncio.to_thread(manager.__enter__)
    try:
        yield box
    finally:
        await asyncio.to_thread(manager.__exit__, None, None, None)


async def test_a_line_that_is_thin_a_device_that_is_slow_and_an_encoder_that_stops(
    service: Service, watcher: Watch
) -> None:
    async with AsyncExitStack() as stack:
        admin = await stack.enter_async_context(signed_in(service.url, "admin", ADMIN_PASSWORD))
        booked = await admin.post(
            "sessions",
            {"title": "两位数乘法", "kind": "open_class", "open_to_all": True, "duration_s": 1200,
             "starts_at": datetime.now(UTC).isoformat()},
        )  # fmt: skip
        session, rtmp = booked["id"], booked["ingest"]["rtmp"]
        await admin.post(f"sessions/{session}/open")
        encoder = await stack.enter_async_context(publisher(f"{rtmp['server']}/{rtmp['key']}"))
        way = await stack.enter_async_context(line(service.url, WIDE_BPS))
        box = await stack.enter_async_context(box_behind(service, way.url, "店埠"))
        await stack.enter_async_context(viewer(box.url, session, "admin", ADMIN_PASSWORD))
        way.limit(THIN_BPS)
        watch = await stack.enter_async_context(watcher({ORIGIN: service.url, EDGE: box.url}))
        await until_seen(watch, "tongbu_session_ingest_bitrate_bps > 0")
        assert not (await watch.firing()).keys() & {"EncoderStopped", "DeviceSlow", "LineThin"}
        async with AsyncExitStack() as devices:
            for _ in range(SLOW_DEVICES):
                reader = slow_reader(admin, f"/live/{session}/stream")
                await devices.enter_async_context(reader)
            slow = await until_fires(watch, "DeviceSlow")
        assert slow["labels"]["session"] == session
        # While pictures come: a box measures its line by what crosses it.
        thin = await until_fires(watch, "LineThin")
        with held(encoder.pid):
            stopped = await until_fires(watch, "EncoderStopped")
        assert stopped["labels"]["session"] == session
        assert session in stopped["annotations"]["summary"]
        assert thin["labels"]["instance"] == urlsplit(box.url).netloc
        await until_clear(watch, "EncoderStopped")
        await until_clear(watch, "DeviceSlow")
        await admin.post(f"sessions/{session}/end")


async def asks(box: Box) -> None:
    """Ask for what only the city knows, as a pupil would: a box that nobody asks finds no cut."""
    async with aiohttp.ClientSession() as pupil, pupil.get(f"{box.url}/api/v1/lessons") as answer:
        await answer.read()


@asynccontextmanager
async def open_door(url: str, port: int = 0) -> AsyncIterator[int]:
    """Pass everything on to a service; nothing answers any more when the block ends."""
    target = urlsplit(url)
    door = Door(str(target.hostname), int(target.port or 0))
    server = await asyncio.start_server(door.take, "127.0.0.1", port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await door.close()


async def test_a_line_that_is_cut_and_a_box_that_is_gone(service: Service, watcher: Watch) -> None:
    async with AsyncExitStack() as way:
        port = await way.enter_async_context(open_door(service.url))
        async with (
            box_behind(service, f"http://127.0.0.1:{port}", "田横") as box,
            watcher({ORIGIN: service.url, EDGE: box.url}) as watch,
        ):
            await until_seen(watch, "tongbu_edge_line_up == 1")
            await way.aclose()
            await asks(box)
            await until_fires(watch, "LineCut")
            await way.enter_async_context(open_door(service.url, port))
            await until_clear(watch, "LineCut")
            with held(box.process.pid):
                await until_fires(watch, "BoxAway")
            await until_clear(watch, "BoxAway")


async def test_an_origin_that_hangs(service: Service, watcher: Watch) -> None:
    async with watcher({ORIGIN: service.url}) as watch:
        await until_seen(watch, "count(tongbu_check_up == 1) == 2")
        with held(service.process.pid):
            alert = await until_fires(watch, "OriginDown")
            assert alert["annotations"]["runbook"].endswith("/OriginDown.md")
        await until_clear(watch, "OriginDown")


async def test_a_database_that_hangs_and_a_store_that_is_away(
    service: Service, watcher: Watch
) -> None:
    processes = await asyncio.to_thread(database_of, service)
    async with watcher({ORIGIN: service.url}) as watch:
        await until_seen(watch, "count(tongbu_check_up == 1) == 2")
        async with store_away(service):
            with held(*processes):
                await until_fires(watch, "DatabaseAway")
                await until_fires(watch, "StoreAway")
                assert not await watch.fires("OriginDown")
                assert not await watch.fires("LoopLate")
        await until_clear(watch, "DatabaseAway")
        await until_clear(watch, "StoreAway")
