"""A box tells our player what the line allows; a plain player sees no more than that."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from loadtests.client import signed_in
from loadtests.lectures import Lecture, make
from loadtests.school import Box, new_code, new_school, running_box
from loadtests.service import ADMIN_PASSWORD, Service, running
from streaming.hls.parse import parse_multivariant
from tests.support.wait import eventually

DURATION_S = 12
WHOLE = "?whole=1"


async def two_lessons(city: Service, path: Path) -> tuple[list[str], str]:
    """Make a school and two lessons for all; give their addresses and the code of the box."""
    async with signed_in(city.url, "admin", ADMIN_PASSWORD) as admin:
        made = await new_school(admin)
        found = []
        for title in ("圆的周长", "圆的面积"):
            lesson = await admin.upload(path, {"title": title, "subject": "math"})
            done = await admin.until(lesson, "ready", limit_s=90)
            assert done["error"] is None
            found.append(str(done["urls"]["hls"]))
    return found, await new_code(city.url, made)


async def pictures(http: aiohttp.ClientSession, url: str) -> dict[str, int]:
    """Give the pictures of a multivariant playlist by id, and what each needs."""
    async with http.get(url) as answer:
        found = parse_multivariant(await answer.text())
    return {v.uri.split("/")[-2]: v.bandwidth_bps for v in found.variants if v.resolution_px}


async def cap(http: aiohttp.ClientSession, url: str, hls: str) -> dict[str, Any]:
    async with http.get(f"{url}/edge/cap/{hls.split('/')[2]}") as answer:
        assert answer.status == 200
        found: dict[str, Any] = await answer.json()
    return found


async def watch(http: aiohttp.ClientSession, box: Box, hls: str) -> None:
    """Ask for a piece of the thinnest picture, as a player would."""
    offered = await pictures(http, box.url + hls)
    thinnest = min(offered, key=lambda one: offered[one])
    lesson = hls.split("/")[2]
    async with http.get(f"{box.url}/media/{lesson}/{thinnest}/0.m4s") as answer:
        assert answer.status == 200
        await answer.read()


async def the_second_caps_the_first(box: Box, first: str, second: str) -> None:
    async with aiohttp.ClientSession() as http:
        everything = await pictures(http, box.url + first)
        assert len(everything) > 1
        await watch(http, box, first)
        assert await cap(http, box.url, first) == {"line": "up", "rungs": None, "why": None}
        await pictures(http, box.url + second)
        await watch(http, box, second)

        async def capped() -> bool:
            return (await cap(http, box.url, first))["rungs"] is not None

        await eventually(capped)
        told = await cap(http, box.url, first)
        assert told["why"] == "ceiling"
        plain = await pictures(http, box.url + first)
        assert set(plain) == set(everything) & set(told["rungs"])
        assert len(plain) < len(everything)
        assert await pictures(http, box.url + first + WHOLE) == everything


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lecture = Lecture("slides", DURATION_S, 1280, 720, 10, 5.0)
    return make(lecture, tmp_path_factory.mktemp("lecture") / "圆.mp4")


def test_what_a_box_tells_its_players(video: Path) -> None:
    with running() as city:
        (first, second), code = asyncio.run(two_lessons(city, video))

        async def all_bps() -> int:
            async with aiohttp.ClientSession() as http:
                return sum((await pictures(http, city.url + first)).values())

        async def at_the_origin() -> int:
            url = f"{city.url}/edge/cap/{first.split('/')[2]}"
            async with aiohttp.ClientSession() as http, http.get(url) as answer:
                return answer.status

        assert asyncio.run(at_the_origin()) == 204
        # Room for one lesson in all its pictures, each with the heaviest sound, and not for two.
        line_bps = round(asyncio.run(all_bps()) / 0.8 * 1.6)
        with running_box(city.url, code, "--edge-line", str(line_bps)) as box:
            asyncio.run(the_second_caps_the_first(box, first, second))
