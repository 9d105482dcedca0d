"""A lesson through a school's box: once over the line, and still there without it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from blockbuster import BlockBuster

from loadtests.client import signed_in
from loadtests.lectures import Lecture, make
from loadtests.school import Box, new_code, new_school, running_box
from loadtests.service import ADMIN_PASSWORD, Service, end, running
from tests.integration.streaming.test_players_in_chromium import HLS
from tests.support.chromium import PLAYWRIGHT_LOOKS_FOR_ITS_DRIVER, launched
from tests.support.playback import frames_of, play_by_mpv
from tests.support.player_page import player_page, read_players, until

DURATION_S = 12
TITLE = "勾股定理的证明"


@pytest.fixture(scope="module")
def city() -> Iterator[Service]:
    """A city of its own, because it goes away in the middle."""
    with running() as service:
        yield service


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the box keeps its things over a restart."""
    return tmp_path_factory.mktemp("box") / "data"


async def a_lesson(city: Service, path: Path) -> tuple[str, str]:
    """Make a school and a lesson; give the lesson and the code of the school's box."""
    async with signed_in(city.url, "admin", ADMIN_PASSWORD) as admin:
        made = await new_school(admin)
        lesson = await admin.upload(path, {"title": TITLE, "subject": "math"})
        done = await admin.until(lesson, "ready", limit_s=90)
        assert done["error"] is None
    return lesson, await new_code(city.url, made)


async def fills(box: Box) -> int:
    """How many pieces were asked for upstream."""
    async with aiohttp.ClientSession() as http, http.get(f"{box.url}/metrics") as answer:
        text = await answer.text()
    (line,) = (x for x in text.splitlines() if x.startswith("tongbu_edge_upstream_requests_total"))
    return int(float(line.split()[-1]))


async def watched(box: Box, lesson: str) -> tuple[str, int, dict[str, str]]:
    """Watch by three at once and by one more; give the address, the frames, and who that was."""
    async with signed_in(box.url, "admin", ADMIN_PASSWORD) as client:
        hls = str((await client.get(f"lessons/{lesson}"))["urls"]["hls"])
        url = box.url + hls
        frames = await asyncio.gather(*(asyncio.to_thread(frames_of, url) for _ in range(3)))
        assert len(set(frames)) == 1
        assert frames[0] > DURATION_S * 10
        asked = await fills(box)
        assert asked > 0
        assert await asyncio.to_thread(frames_of, url) == frames[0]
        assert await fills(box) == asked, "each piece once, whoever watches"
        async with client.http.get(f"{box.url}/edge/status") as answer:
            (stream,) = (await answer.json())["streams"]
        seen = {name: stream[name] for name in ("id", "live", "title", "viewers")}
        assert seen == {"id": lesson, "live": False, "title": TITLE, "viewers": 1}
        return hls, frames[0], {"Authorization": client.http.headers["Authorization"]}


async def played_by_hls_js(chromium_path: str, url: str) -> None:
    players = await asyncio.to_thread(read_players)
    async with launched(chromium_path) as browser, player_page(browser, players, "hls") as page:
        await page.evaluate(HLS.start, url)
        await page.evaluate("void video.play()")
        found = await until(page, "seen.ended")
    assert (found["errors"], found["stalls"], found["gaps"]) == ([], 0, 0)


async def watched_without_a_line(
    box: Box, lesson: str, hls: str, frames: int, who: dict[str, str]
) -> None:
    assert await asyncio.to_thread(frames_of, box.url + hls) == frames, "the token still holds"
    async with aiohttp.ClientSession(headers=who) as http:
        async with http.get(f"{box.url}/api/v1/lessons/{lesson}") as answer:
            assert answer.status == 200
            assert answer.headers["Tongbu-Line"] == "down"
            assert (await answer.json())["title"] == TITLE
        async with http.post(f"{box.url}/api/v1/series", json={"title": "数学"}) as answer:
            assert answer.status == 503
            assert "line to the city is down" in (await answer.json())["detail"]
        async with http.get(f"{box.url}/edge/status") as answer:
            status = await answer.json()
        assert not status["line"]["up"]
        assert status["findings"][0]["code"] == "line_cut"
        assert [one["title"] for one in status["lessons"]] == [TITLE]


def test_a_lesson_crosses_the_line_once_and_stays(
    city: Service, home: Path, tmp_path: Path, chromium_path: str, blockbuster: BlockBuster
) -> None:
    blockbuster.functions["os.stat"].can_block_in(*PLAYWRIGHT_LOOKS_FOR_ITS_DRIVER)
    path = make(Lecture("slides", DURATION_S, 640, 360, 25, 5.0), tmp_path / "勾股定理.mp4")
    lesson, code = asyncio.run(a_lesson(city, path))
    with running_box(city.url, code, data=home) as box:
        hls, frames, who = asyncio.run(watched(box, lesson))
        play_by_mpv(box.url + hls)
        asyncio.run(played_by_hls_js(chromium_path, box.url + hls))
    end(city.process)
    with running_box(city.url, data=home) as box:
        asyncio.run(watched_without_a_line(box, lesson, hls, frames, who))
