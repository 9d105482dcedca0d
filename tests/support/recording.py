"""A live recorder for tests: segments of real or made-up tracks into store and catalogue."""

from __future__ import annotations

from collections.abc import Sequence

from catalog.db.pool import Pool
from catalog.live import Recorded, RecordedSegment
from catalog.media import Media, Rendition
from catalog.store.port import ObjectStore

VIDEO_SCALE, AUDIO_SCALE = 15_360, 48_000
SEGMENT_S = 2


def rendition(name: str = "720p", rung: int = 0, init: bytes = b"init") -> Rendition:
    """A rendition as the live encoder announces it: no objects, no id."""
    audio = name.startswith("aac")
    return Rendition(
        id="", name=name, media=Media.AUDIO if audio else Media.VIDEO,
        codecs="mp4a.40.2" if audio else "avc1.64001f",
        timescale=AUDIO_SCALE if audio else VIDEO_SCALE, init=init, rung=rung, complete=False,
        objects=(),
    )  # fmt: skip


def key_of(recorded: Recorded, name: str, number: int, attempt: int = 0) -> str:
    """Where a segment lies."""
    return f"media/{recorded.lesson}/{recorded.generation}/{name}/{number:06d}-a{attempt}.mp4"


def segment(
    recorded: Recorded, name: str, number: int, after_s: float = 0.0, attempt: int = 0
) -> RecordedSegment:
    """A made-up segment of two seconds; `after_s` later than its number says."""
    scale = AUDIO_SCALE if name.startswith("aac") else VIDEO_SCALE
    start_ts = round((SEGMENT_S * number + after_s) * scale)
    return RecordedSegment(
        number, key_of(recorded, name, number, attempt), 1000 + number, start_ts,
        SEGMENT_S * scale, 0 if name.startswith("aac") else 100,
    )  # fmt: skip


def segments(
    recorded: Recorded, name: str, numbers: Sequence[int], after_s: float = 0.0
) -> list[RecordedSegment]:
    """Some made-up segments."""
    return [segment(recorded, name, number, after_s) for number in numbers]


async def put(store: ObjectStore, items: Sequence[RecordedSegment]) -> None:
    """Store made-up bytes of those sizes."""
    for item in items:
        body = item.number.to_bytes(4, "big") * (item.size_bytes // 4 + 1)
        await store.put_bytes(item.key, body[: item.size_bytes], "video/mp4")


async def objects_of(pool: Pool, rendition_id: str) -> list[tuple[int, str]]:
    """Read number and key of a rendition's objects."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "select first_number, key from media_object where rendition_id = %s"
            " order by first_number",
            (rendition_id,),
        )
        return [(row["first_number"], row["key"]) for row in await cursor.fetchall()]


async def garbage_of(pool: Pool) -> set[str]:
    """Read the keys that wait to be swept."""
    async with pool.connection() as connection:
        cursor = await connection.execute("select key from garbage where swept_at is null")
        return {row["key"] for row in await cursor.fetchall()}
