"""Workers on small real videos: a source, a plan for it, a waiting lesson, a running worker."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import imageio_ffmpeg

from catalog.db import sources
from catalog.db.pool import Pool
from catalog.db.work import want
from catalog.store.keys import source_key
from catalog.store.port import ObjectStore
from tests.support.children import encoders_of
from tests.support.lessons import add_lesson
from tests.support.wait import eventually
from transcoder.plan import (
    AudioCodec,
    AudioPlan,
    AudioRung,
    Chunk,
    ContentKind,
    EncodePlan,
    SidePlan,
    VideoCodec,
    VideoPlan,
    VideoRung,
)
from transcoder.prepare import Prepared
from transcoder.probe import Probe
from transcoder.service import run_worker
from transcoder.settings import Slots, WorkerSettings

FFMPEG = Path(imageio_ffmpeg.get_ffmpeg_exe())
FRAME_RATE = 10
GOP_FRAMES = 20


@cache
def source_bytes(duration_s: int = 12) -> bytes:
    """A test picture that moves, with a tone, as Matroska."""
    command = [
        str(FFMPEG), "-nostdin", "-v", "error",
        "-f", "lavfi", "-i", f"testsrc2=size=320x180:rate={FRAME_RATE}",
        "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000",
        "-t", str(duration_s), "-c:v", "libx264", "-preset", "ultrafast", "-g", str(GOP_FRAMES),
        "-c:a", "aac", "-f", "matroska", "pipe:1",
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, check=True).stdout


def rung(name: str, height_px: int, codec: VideoCodec = VideoCodec.H264) -> VideoRung:
    """A small rung."""
    av1 = codec is VideoCodec.AV1
    return VideoRung(
        name, codec, height_px * 16 // 9, height_px, 35, 400_000, 800_000,
        "" if not av1 else "keyint=20", "12" if av1 else "ultrafast",
    )  # fmt: skip


def plan(duration_s: float = 12, chunks: int = 1, late: bool = False) -> EncodePlan:
    """Two rungs and a sound, in chunks of the same length."""
    frames = round(duration_s * FRAME_RATE)
    each = frames // chunks // GOP_FRAMES * GOP_FRAMES
    cuts = tuple(
        Chunk(i, i * each, each if i + 1 < chunks else None, clean=True) for i in range(chunks)
    )
    video = VideoPlan(
        (FRAME_RATE, 1), frames, GOP_FRAMES, (rung("180p", 180), rung("90p", 90)),
        (rung("90p-av1", 90, VideoCodec.AV1),) if late else (), cuts,
    )  # fmt: skip
    audio = AudioPlan(0.0, (AudioRung("aac", AudioCodec.AAC, 48_000, 1),))
    side = SidePlan(1.0, 32, 18, 3, 3, 1.0, 90, chapters=True)
    return EncodePlan(ContentKind.CAMERA, duration_s, video, audio, side)


@dataclass(slots=True)
class FixedPlan:
    """A `Prepare` that decides the same for every source."""

    plan: EncodePlan

    async def __call__(self, source: Path) -> Prepared:
        assert await asyncio.to_thread(source.is_file)
        return Prepared(Probe("matroska", 1, self.plan.duration_s, None, None), self.plan)


def settings(folder: Path, **changes: Any) -> WorkerSettings:
    """Quick and impatient."""
    quick = WorkerSettings(
        scratch=folder / "scratch", ffmpeg=FFMPEG, slots=Slots(), heartbeat_s=0.1, lease_s=1.5,
        poll_s=0.2, tries=3, retry_wait_s=0.1, patience_s=20, drain_s=0.2, stall_s=20,
    )  # fmt: skip
    return replace(quick, **changes)


@asynccontextmanager
async def worker(
    options: WorkerSettings, dsn: str, pool: Pool, store: ObjectStore, made: EncodePlan
) -> AsyncIterator[asyncio.Task[None]]:
    """Run a worker in this process until the end of the block."""
    task = asyncio.create_task(run_worker(options, dsn, pool, store, FixedPlan(made)))
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def add_waiting(
    pool: Pool, store: ObjectStore, body: bytes, priority: str = "fresh", generation: int = 1
) -> str:
    """Store a source and queue a lesson for it."""
    async with pool.connection() as connection:
        lesson = await add_lesson(connection, state="queued", generation=generation)
    await add_source(pool, store, lesson, body, priority=priority, generation=generation)
    return lesson


async def add_source(
    pool: Pool,
    store: ObjectStore,
    lesson: str,
    body: bytes,
    *,
    priority: str = "fresh",
    generation: int = 1,
) -> None:
    """Store a version of a lesson and ask for its first unit."""
    key = source_key(lesson, generation)
    await store.put_bytes(key, body, "video/x-matroska")
    async with pool.connection() as connection:
        await connection.execute(
            "insert into source (lesson_id, generation, key, filename, size_bytes)"
            " values (%s, %s, %s, %s, %s)",
            (lesson, generation, key, "课.mkv", len(body)),
        )
        await want(connection, lesson, generation, ["prepare"], priority)


async def lesson_row(pool: Pool, lesson: str) -> dict[str, Any]:
    """The lesson as it is now."""
    async with pool.connection() as connection:
        cursor = await connection.execute("select * from lesson where id = %s", (lesson,))
        row = await cursor.fetchone()
    assert row is not None
    return row


async def units(pool: Pool, lesson: str) -> dict[str, dict[str, Any]]:
    """The lesson's units by name."""
    async with pool.connection() as connection:
        cursor = await connection.execute("select * from work where lesson_id = %s", (lesson,))
        return {row["unit"]: row for row in await cursor.fetchall()}


async def objects(pool: Pool, lesson: str) -> dict[str, list[dict[str, Any]]]:
    """The lesson's media objects by rendition, in order."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "select r.name, r.complete, r.timescale, o.* from rendition r join media_object o"
            " on o.rendition_id = r.id where lesson_id = %s order by name, first_number",
            (lesson,),
        )
        rows = await cursor.fetchall()
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["name"], []).append(row)
    return found


async def in_state(pool: Pool, lesson: str, state: str) -> bool:
    """Tell whether the lesson is in this state."""
    row = await lesson_row(pool, lesson)
    assert row["state"] != "failed" or state == "failed", row["error_detail"]
    return bool(row["state"] == state)


async def video_encoder(pool: Pool, lesson: str) -> int:
    """Wait until this process encodes video; give the encoder's process id."""

    async def running() -> bool:
        row = (await units(pool, lesson)).get("video/0")
        return row is not None and row["progress"] > 0

    await eventually(running)
    return (await encoders_of(os.getpid(), "libx264"))[0]


async def try_again(pool: Pool, lesson: str) -> None:
    """What the retry button does."""
    async with pool.connection() as connection:
        await sources.retry(connection, lesson)
