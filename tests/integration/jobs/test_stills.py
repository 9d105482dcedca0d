"""A recording gets its poster and thumbnails after it is ready, and nothing else of it changes."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import imageio_ffmpeg
import pytest

from catalog.db import publication, sources
from catalog.db.lessons import read_lesson
from catalog.db.listen import listening
from catalog.db.migrate import catalog_migrations
from catalog.db.pool import Pool
from catalog.db.presentations import Presentations
from catalog.db.publication import SideProduct
from catalog.db.recordings_join import Joiner
from catalog.db.work import Unit
from catalog.media import Presentation
from catalog.store.local import LocalStore
from streaming.isobmff.fragment import Fragment
from streaming.isobmff.reader import CmafReader, Init
from streaming.isobmff.segmenter import CmafSegment, Segmenter
from tests.support import worker as w
from tests.support.media import FRAME_RATE, GOP_FRAMES, Recipe
from tests.support.objects import content, keys_below
from tests.support.recorded_lesson import Tracks, record
from tests.support.recording import garbage_of
from tests.support.screening import tracks
from tests.support.sessions import Town, make_town
from tests.support.wait import eventually
from tests.support.worker_process import worker_process

SECONDS = 20
CELLS = 10
STEP = 16


@cache
def steps(height_px: int = 180) -> tuple[Init, list[CmafSegment]]:
    """A live rung of one frame a fragment, with B-frames, that is brighter with each keyframe."""
    size = f"{height_px * 16 // 9}x{height_px}"
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-f", "lavfi",
        "-i", f"color=black:size={size}:rate={FRAME_RATE}", "-t", str(SECONDS),
        "-vf", f"geq=lum='32+{STEP}*floor(T/2)':cb=128:cr=128", "-pix_fmt", "yuv420p",
        "-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", str(GOP_FRAMES),
        "-sc_threshold", "0", "-movflags", "+cmaf+frag_every_frame+skip_trailer",
        "-f", "mp4", "pipe:1",
    ]  # fmt: skip
    made = subprocess.run(command, capture_output=True, check=True).stdout
    init, *items = CmafReader().feed(made)
    assert isinstance(init, Init)
    segmenter = Segmenter(GOP_FRAMES * init.track.timescale // FRAME_RATE)
    cut = [segmenter.push(item) for item in items if isinstance(item, Fragment)]
    return init, [segment for segment in (*cut, segmenter.finish()) if segment is not None]


def sound() -> tuple[Init, list[CmafSegment]]:
    """A tone of the same length."""
    return tracks(Recipe("aac", SECONDS))


def brightness(sheet: bytes, columns: int, rows: int) -> list[int]:
    """Mean brightness of each cell, from 0 to 255."""
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-i", "pipe:0",
        "-vf", f"scale={columns}:{rows}:flags=area,format=gray", "-f", "rawvideo", "pipe:1",
    ]  # fmt: skip
    return list(subprocess.run(command, input=sheet, capture_output=True, check=True).stdout)


def as_bright(keyframe: int) -> int:
    """How bright keyframe `keyframe` is in a JPEG."""
    return round((32 + STEP * keyframe - 16) * 255 / 219)


@pytest.fixture
async def town(pool: Pool) -> Town:
    async with pool.connection() as connection:
        return await make_town(connection)


@pytest.fixture
async def lesson(pool: Pool, store: LocalStore, town: Town) -> str:
    """A lesson of ten keyframes in two rungs, just recorded."""
    high, low = await asyncio.to_thread(steps, 360), await asyncio.to_thread(steps)
    return await record(
        pool, store, town, {"360p": high, "180p": low, "aac": await asyncio.to_thread(sound)}
    )


async def shown(pool: Pool, lesson: str) -> Presentation:
    found = await Presentations(pool).presentation(lesson)
    assert found is not None
    return found


async def unit_state(pool: Pool, lesson: str) -> str:
    return str((await w.units(pool, lesson))["stills"]["state"])


@asynccontextmanager
async def at_work(dsn: str, pool: Pool, store: LocalStore, folder: Path) -> AsyncIterator[None]:
    async with w.worker(w.settings(folder), dsn, pool, store, w.plan()):
        yield


async def done(
    dsn: str, pool: Pool, store: LocalStore, folder: Path, lesson: str, state: str = "done"
) -> None:
    """Let a worker do what is wanted."""

    async def so_far() -> bool:
        return await unit_state(pool, lesson) == state

    async with at_work(dsn, pool, store, folder):
        await eventually(so_far)


async def cells_of(pool: Pool, store: LocalStore, lesson: str) -> list[int]:
    """Brightness of the cells that the player shows."""
    (sprite,) = (await shown(pool, lesson)).sprites
    sheet = await content(store, sprite.key)
    found = await asyncio.to_thread(brightness, sheet, sprite.columns, sprite.rows)
    return found[: len(sprite.times_s)]


async def test_a_recording_gets_a_poster_and_thumbnails(
    queue_dsn: str, pool: Pool, store: LocalStore, tmp_path: Path, lesson: str
) -> None:
    before, row = await shown(pool, lesson), await w.lesson_row(pool, lesson)
    assert (before.poster_key, before.sprites, row["state"]) == ("", (), "ready")
    heard: list[str] = []
    async with listening(queue_dsn) as listener:
        listener.subscribe("lesson", heard.append, lambda: None)
        await listener.listening()
        await done(queue_dsn, pool, store, tmp_path, lesson)
        await eventually(lambda: lesson in heard)
    after = await shown(pool, lesson)
    assert (after.renditions, after.chapters) == (before.renditions, before.chapters)
    assert await w.lesson_row(pool, lesson) == row
    (sprite,) = after.sprites
    assert sprite.times_s == tuple(range(0, SECONDS, 2))
    for key in (after.poster_key, sprite.key):
        assert (await content(store, key)).startswith(b"\xff\xd8")
    assert set(await keys_below(store, f"side/{lesson}/")) == {after.poster_key, sprite.key}
    async with pool.connection() as connection:
        record = await read_lesson(connection, lesson)
    assert record is not None
    assert (record.has_poster, record.has_thumbnails) == (True, True)
    assert await asyncio.to_thread(lambda: list((tmp_path / "scratch").iterdir())) == []


async def test_each_cell_shows_its_own_moment(
    queue_dsn: str, pool: Pool, store: LocalStore, tmp_path: Path, lesson: str
) -> None:
    await done(queue_dsn, pool, store, tmp_path, lesson)
    found = await cells_of(pool, store, lesson)
    assert found == pytest.approx([as_bright(n) for n in range(CELLS)], abs=4)


async def test_a_keyframe_that_is_lost_leaves_its_cell_to_the_one_before(
    queue_dsn: str, pool: Pool, store: LocalStore, tmp_path: Path, lesson: str
) -> None:
    kept = await w.objects(pool, lesson)
    await store.delete(kept["180p"][4]["key"])
    await store.put_bytes(kept["180p"][7]["key"], bytes(20_000), "video/mp4")
    await done(queue_dsn, pool, store, tmp_path, lesson)
    found = await cells_of(pool, store, lesson)
    assert found == pytest.approx([as_bright(n) for n in (0, 1, 2, 3, 3, 5, 6, 6, 8, 9)], abs=4)


async def test_joined_objects_and_fragments_of_a_whole_segment_do_as_well(
    queue_dsn: str, pool: Pool, store: LocalStore, town: Town, tmp_path: Path
) -> None:
    made: Tracks = {"180p": await asyncio.to_thread(tracks, Recipe("h264", 7))}
    lesson = await record(pool, store, town, made)
    assert await Joiner(pool, store, tmp_path / "join").join_all() == 1
    await done(queue_dsn, pool, store, tmp_path, lesson)
    after = await shown(pool, lesson)
    assert [sprite.times_s for sprite in after.sprites] == [(0.0, 2.0, 4.0, 6.0)]
    assert after.poster_key


async def test_what_a_killed_worker_had_is_made_by_the_next(
    queue_dsn: str, pool: Pool, store: LocalStore, tmp_path: Path, lesson: str
) -> None:
    async with worker_process(queue_dsn, tmp_path, pictures=1) as process:
        keys = await process.stored(2)
        process.signal(signal.SIGKILL)
        await process.ended()
    assert [key.rpartition("/")[2] for key in keys] == ["sprite-a1-0", "poster-a1-0"]
    assert (await shown(pool, lesson)).poster_key == ""
    await done(queue_dsn, pool, store, tmp_path, lesson)
    unit = (await w.units(pool, lesson))["stills"]
    assert (unit["attempt"], unit["failures"]) == (2, 1)
    after = await shown(pool, lesson)
    assert {after.poster_key, *(item.key for item in after.sprites)} == {
        key.replace("-a1-", "-a2-") for key in keys
    }
    assert await asyncio.to_thread(lambda: list((tmp_path / "scratch").iterdir())) == []


async def test_a_hopeless_recording_stays_ready_without_pictures_and_may_be_tried_again(
    queue_dsn: str, pool: Pool, store: LocalStore, tmp_path: Path, lesson: str
) -> None:
    published = await w.objects(pool, lesson)
    keys = [item["key"] for name in ("180p", "360p") for item in published[name]]
    kept = [(key, await content(store, key)) for key in keys]
    for key, _ in kept:
        await store.delete(key)
    row = await w.lesson_row(pool, lesson)
    await done(queue_dsn, pool, store, tmp_path, lesson, "failed")
    assert (await w.units(pool, lesson))["stills"]["failures"] == w.settings(tmp_path).tries
    assert await w.lesson_row(pool, lesson) == row
    assert (await shown(pool, lesson)).poster_key == ""
    for key, body in kept:
        await store.put_bytes(key, body, "video/mp4")
    async with pool.connection() as connection:
        await sources.retry(connection, lesson)
    await done(queue_dsn, pool, store, tmp_path, lesson)
    assert (await shown(pool, lesson)).poster_key


async def test_recordings_of_before_are_asked_for_once(
    pool: Pool, store: LocalStore, town: Town, lesson: str
) -> None:
    steps = await asyncio.to_thread(catalog_migrations)
    (step,) = [item for item in steps if item.name == "0021_stills"]
    async with pool.connection() as connection:
        await connection.execute("delete from work")
        for _ in range(2):
            await connection.execute(step.sql.encode())
    assert await unit_state(pool, lesson) == "wanted"
    async with pool.connection() as connection:
        await connection.execute("delete from work")
        made = [SideProduct("poster", "side/a")]
        await publication.add_stills(connection, Unit(lesson, 1, "stills"), made)
        await connection.execute(step.sql.encode())
    assert await w.units(pool, lesson) == {}


async def test_sound_alone_asks_for_no_pictures(pool: Pool, store: LocalStore, town: Town) -> None:
    made = {"aac": await asyncio.to_thread(sound)}
    lesson = await record(pool, store, town, made)
    assert await w.units(pool, lesson) == {}


async def test_pictures_that_are_there_stay(pool: Pool, lesson: str) -> None:
    unit = Unit(lesson, 1, "stills")
    first = [SideProduct("poster", "side/a", "image/jpeg"), SideProduct("sprite", "side/b")]
    async with pool.connection() as connection:
        await publication.add_stills(connection, unit, first[:1])
        await publication.add_stills(connection, unit, [SideProduct("poster", "side/c"), first[1]])
        cursor = await connection.execute("select key from side_product order by key")
        assert [row["key"] for row in await cursor.fetchall()] == ["side/a", "side/b"]
    assert await garbage_of(pool) == {"side/c"}
