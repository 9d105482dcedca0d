"""A recording of real tracks is played by ffmpeg from /media: at once, joined, and after a drop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import imageio_ffmpeg
import pytest

from catalog.db.pool import Pool
from catalog.db.presentations import Presentations
from catalog.db.recordings_join import Joiner
from catalog.store.local import LocalStore
from tests.support.media import FRAME_RATE, Recipe
from tests.support.recorded_lesson import record
from tests.support.screening import Served, serving, tracks
from tests.support.sessions import Town

DURATION_S = 7
RECIPES = {
    "360p": Recipe("h264", DURATION_S, 640, 360),
    "180p": Recipe("h264", DURATION_S),
    "aac": Recipe("aac", DURATION_S),
}


@pytest.fixture
async def served(store: LocalStore, pool: Pool) -> AsyncIterator[Served]:
    async with serving(Presentations(pool), store) as served:
        yield served


@pytest.fixture
async def lesson(pool: Pool, store: LocalStore, town: Town) -> str:
    """A session that was live for seven seconds; its origin was killed after the first segments."""
    made = {name: await asyncio.to_thread(tracks, recipe) for name, recipe in RECIPES.items()}
    return await record(pool, store, town, made, restarts_at=2)


async def packets(url: str) -> list[int]:
    """Count the packets of each stream as ffmpeg reads it whole."""
    process = await asyncio.create_subprocess_exec(
        imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "warning", "-i", url,
        "-map", "0:v", "-map", "0:a", "-c", "copy", "-f", "framecrc", "-",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert (process.returncode, err) == (0, b""), err.decode()
    lines = [line.split(",")[0] for line in out.decode().splitlines() if line[0] != "#"]
    return sorted(lines.count(stream) for stream in set(lines))


@pytest.mark.parametrize("manifest", ["multivariant.m3u8", "manifest.mpd"])
async def test_ffmpeg_plays_the_recording_whole(manifest: str, lesson: str, served: Served) -> None:
    counts = await packets(served.at(lesson, manifest))
    assert counts.count(DURATION_S * FRAME_RATE) >= 2
    assert counts[-1] == 330


async def test_ffmpeg_plays_it_when_its_objects_are_joined(
    lesson: str, served: Served, pool: Pool, store: LocalStore, tmp_path: Path
) -> None:
    before = await packets(served.at(lesson, "multivariant.m3u8"))
    assert await Joiner(pool, store, tmp_path / "join").join_all() == 1
    shown = await Presentations(pool).presentation(lesson)
    assert shown is not None
    assert [len(item.objects) for item in shown.renditions] == [1, 1, 1]
    async with serving(Presentations(pool), store) as fresh:
        assert await packets(fresh.at(lesson, "multivariant.m3u8")) == before
    assert await packets(served.at(lesson, "multivariant.m3u8")) == before
