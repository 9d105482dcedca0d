"""The journey of the first page of the README: a video goes in, a lesson comes out."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from loadtests.client import Client, Refused, signed_in
from loadtests.lectures import Lecture, make
from loadtests.service import ADMIN_PASSWORD, Service
from tests.support.playback import frames_of
from tests.support.service import service as service
from tests.support.wait import eventually

FRAME_RATE = 25
DURATION_S = 60


@pytest.fixture(scope="module")
def lecture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lecture")
    return make(Lecture("slides", DURATION_S, 640, 360, FRAME_RATE, 5.0), folder / "勾股定理.mp4")


async def found(client: Client, text: str) -> list[dict[str, Any]]:
    answer = await client.get("lessons", q=text)
    items: list[dict[str, Any]] = answer["items"]
    return items


async def test_a_video_becomes_a_lesson_that_plays_and_is_found(
    service: Service, lecture: Path
) -> None:
    async with signed_in(service.url, "admin", ADMIN_PASSWORD) as client:
        lesson = await client.upload(lecture, {"title": "勾股定理的证明", "subject": "math"})
        first = await client.until(lesson, "playable", "ready", limit_s=90)
        assert first["error"] is None
        assert first["state"] == "playable", "it plays before the encoder has ended"
        done = await client.until(lesson, "ready", limit_s=90)
        assert done["error"] is None
        assert done["duration_s"] == pytest.approx(DURATION_S, abs=0.1)
        assert done["progress"] == 1
        loop = asyncio.get_running_loop()
        for kind in ("hls", "dash"):
            url = service.url + done["urls"][kind]
            frames = await loop.run_in_executor(None, frames_of, url)
            assert frames == DURATION_S * FRAME_RATE // 2, f"slides play at half of 25 ({kind})"

        async def is_found() -> bool:
            return [item["id"] for item in await found(client, "勾股定理")] == [lesson]

        await eventually(is_found)
        assert [item["id"] for item in await found(client, "ggdl")] == [lesson]
        assert await found(client, "量子") == []


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text that somebody named like a video."""
    path = tmp_path_factory.mktemp("notes") / "课堂笔记.mp4"
    path.write_text("这不是视频\n" * 200)
    return path


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory, lecture: Path) -> Path:
    """A recording whose beginning is all that was copied."""
    path = tmp_path_factory.mktemp("broken") / "没拷完.mp4"
    path.write_bytes(lecture.read_bytes()[:700])
    return path


async def test_what_is_no_video_is_refused_at_once(service: Service, notes: Path) -> None:
    async with signed_in(service.url, "admin", ADMIN_PASSWORD) as client:
        with pytest.raises(Refused, match="not a video"):
            await client.upload(notes, {"title": "笔记"})


async def test_a_broken_video_fails_with_a_sentence(service: Service, broken: Path) -> None:
    async with signed_in(service.url, "admin", ADMIN_PASSWORD) as client:
        lesson = await client.upload(broken, {"title": "没拷完"})
        failed = await client.until(lesson, "ready", limit_s=90)
        assert failed["state"] == "failed"
        assert failed["error"]["code"]
        assert failed["error"]["message"].endswith(".")


async def test_guests_see_public_lessons_only(service: Service, lecture: Path) -> None:
    async with signed_in(service.url, "admin", ADMIN_PASSWORD) as client:
        lesson = await client.upload(lecture, {"title": "教研录像", "visibility": "private"})
        mine = await client.until(lesson, "playable", "ready", limit_s=90)
        assert "token=" in mine["urls"]["hls"]
        bare = service.url + mine["urls"]["hls"].split("?")[0]
        async with aiohttp.ClientSession() as guest:
            async with guest.get(service.url + mine["urls"]["hls"]) as with_token:
                assert with_token.status == 200
            async with guest.get(bare) as without:
                assert without.status == 403
            async with guest.get(bare + "?token=forged") as forged:
                assert forged.status == 403
            async with guest.get(f"{service.url}/api/v1/lessons/{lesson}") as hidden:
                assert hidden.status == 401
