"""A live lesson on /metrics: its figures come with it, move, and are gone when it is over."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import aiohttp
import pytest

from loadtests.client import Client, signed_in
from loadtests.service import ADMIN_PASSWORD, Service, running
from tests.support.publishing import publisher
from tests.support.wait import eventually

Figures = dict[str, float]
OF_A_FEED = ("ingest_bytes_total", "ingest_bitrate_bps", "frame_gaps_total", "encoder_speed",
             "part_age_seconds_count", "dropped_fragments_total",
             "encoder_dropped_tags_total", "publisher_reconnects_total")  # fmt: skip
OF_A_ROOM = ("delay_seconds", "skew_seconds_count", "member_reconnects_total",
             "floor_requests_total")  # fmt: skip
CLIENT = {"type": "join", "client": "tab-1", "name": "海风小学"}


@dataclass(frozen=True, slots=True)
class Lesson:
    """A lesson of a running service, and a guest's connection to it."""

    admin: Client
    guest: aiohttp.ClientSession
    session: str
    push: str

    async def scrape(self) -> Figures:
        """Give the lesson's series without its id."""
        async with self.guest.get(f"{self.admin.url}/metrics") as answer:
            lines = (await answer.text()).splitlines()
        rows = (line.rpartition(" ") for line in lines if f'session="{self.session}"' in line)
        return {
            series.removeprefix("tongbu_session_").replace(f'session="{self.session}"', ""):
                float(value)
            for series, _, value in rows
        }  # fmt: skip

    async def until(self, holds: Callable[[Figures], bool]) -> Figures:
        """Scrape until it holds."""
        found: Figures = {}

        async def look() -> bool:
            nonlocal found
            found = await self.scrape()
            return holds(found)

        await eventually(look)
        return found

    @asynccontextmanager
    async def in_the_room(self) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """Join the room, always as the same guest."""
        async with self.guest.ws_connect(f"{self.admin.url}/live/{self.session}/room") as room:
            await room.send_json(CLIENT)
            while (await room.receive_json(timeout=20))["type"] != "welcome":
                pass
            yield room

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[dict[str, Any]]:
        """Watch by WebSocket; gives the hello."""
        path = f"{self.admin.url}/live/{self.session}/stream"
        async with self.guest.ws_connect(path) as stream:
            yield json.loads((await stream.receive(timeout=20)).data)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    manager = running()
    yield await asyncio.to_thread(manager.__enter__)
    await asyncio.to_thread(manager.__exit__, None, None, None)


@pytest.fixture
async def lesson(service: Service) -> AsyncIterator[Lesson]:
    async with (
        signed_in(service.url, "admin", ADMIN_PASSWORD) as admin,
        aiohttp.ClientSession() as guest,
    ):
        booked = await admin.post(
            "sessions",
            {"title": "两位数乘法", "kind": "open_class", "open_to_all": True, "duration_s": 1200,
             "starts_at": datetime.now(UTC).isoformat()},
        )  # fmt: skip
        await admin.post(f"sessions/{booked['id']}/open")
        rtmp = booked["ingest"]["rtmp"]
        yield Lesson(admin, guest, booked["id"], f"{rtmp['server']}/{rtmp['key']}")


def main(name: str) -> str:
    return f'{name}{{feed="main",}}'


def has_all(found: Figures) -> bool:
    """Tell whether everything that is promised of a session with a room is there."""
    wanted = {main(name) for name in OF_A_FEED} | {f"{name}{{}}" for name in OF_A_ROOM}
    return wanted <= found.keys()


def grew(name: str, past: float, found: Figures) -> bool:
    return found.get(name, 0.0) > past


async def test_figures_come_with_a_lesson_move_and_go_with_it(lesson: Lesson) -> None:
    assert await lesson.scrape() == {}
    async with lesson.in_the_room() as room:
        assert await lesson.scrape() == {}, "a room alone is not live"
        async with publisher(lesson.push):
            before = await lesson.until(has_all)
            assert before["delay_seconds{}"] > 0
            assert before["skew_seconds_count{}"] == before["floor_requests_total{}"] == 0
            await follows_who_watches(lesson)
            await room.send_json({"type": "report", "skew_ms": -12, "can_ms": 410})
            await room.send_json({"type": "hand", "up": True})
            after = await lesson.until(partial(grew, "floor_requests_total{}", 0))
            assert after['skew_seconds_bucket{le="0.01",}'] == 0
            assert after['skew_seconds_bucket{le="0.02",}'] == after["skew_seconds_count{}"] == 1
            for name in ("ingest_bytes_total", "part_age_seconds_count"):
                await lesson.until(partial(grew, main(name), before[main(name)]))
    async with lesson.in_the_room(), publisher(lesson.push):
        last = await lesson.until(partial(grew, main("publisher_reconnects_total"), 0))
        assert last["member_reconnects_total{}"] == 1
        assert last[main("ingest_bytes_total")] >= after[main("ingest_bytes_total")]
        await lesson.admin.post(f"sessions/{lesson.session}/end")
        await lesson.until(lambda found: found == {})


async def follows_who_watches(lesson: Lesson) -> None:
    """Viewers are seen by delivery and rung, while they are there."""
    async with lesson.watching() as hello:
        assert hello["type"] == "hello"
        rung = next(one["name"] for one in hello["renditions"] if one["id"] == hello["video"])
        watches = f'viewers{{delivery="ws",feed="main",rung="{rung}",}}'
        skips = f'queue_skips_total{{feed="main",rung="{rung}",}}'
        assert (await lesson.scrape())[skips] == 0, "the first one is to be seen as a change"
        await lesson.until(lambda found: found.get(watches) == 1)
    await lesson.until(lambda found: watches not in found)
