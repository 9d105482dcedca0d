"""Looks at all that was published of a lesson, as a player would meet it."""

from __future__ import annotations

import asyncio
import subprocess
from fractions import Fraction
from typing import Any

from catalog.db.pool import Pool
from catalog.store.port import ObjectStore
from streaming.isobmff.fragment import Fragment
from streaming.isobmff.reader import CmafReader, Init
from tests.support import worker as w
from tests.support.objects import content


async def check_lesson(pool: Pool, store: ObjectStore, lesson: str, seconds: int) -> None:
    """Every rendition is complete, whole, without a gap or a doubled segment, and decodes."""
    row = await w.lesson_row(pool, lesson)
    assert (row["state"], row["error_code"]) == ("ready", "")
    renditions = await w.objects(pool, lesson)
    assert set(renditions) >= {"180p", "90p", "aac"}
    for name, published in renditions.items():
        data = await rendition_bytes(store, published)
        fragments = read_all(data)
        assert all(item["complete"] for item in published)
        assert len(fragments) == sum(len(item["sizes"]) for item in published)
        end = Fraction(fragments[-1].start_ts + fragments[-1].duration_ts)
        assert abs(end / published[0]["timescale"] - seconds) < Fraction(1, 10), name
        assert await decoded_frames(data) == (seconds * w.FRAME_RATE if "p" in name else None)


async def rendition_bytes(store: ObjectStore, published: list[dict[str, Any]]) -> bytes:
    """One init, then all segments; every object begins with the same init."""
    bodies = [await content(store, item["key"]) for item in published]
    init = bodies[0][: published[0]["init_bytes"]]
    number = 0
    for item, body in zip(published, bodies, strict=True):
        assert body.startswith(init)
        assert item["first_number"] == number
        assert len(body) == len(init) + sum(item["sizes"])
        number += len(item["sizes"])
    return init + b"".join(body[len(init) :] for body in bodies)


def read_all(data: bytes) -> list[Fragment]:
    """The fragments, each beginning where the one before ended."""
    reader = CmafReader()
    found = [item for item in reader.feed(data) if not isinstance(item, Init)]
    reader.finish()
    end = 0
    for fragment in found:
        assert fragment.start_ts == end
        assert fragment.starts_with_sync
        end = fragment.start_ts + fragment.duration_ts
    return found


async def decoded_frames(data: bytes) -> int | None:
    """Decode without a word of complaint; give the number of pictures, None for sound."""

    def decode() -> subprocess.CompletedProcess[bytes]:
        command = [str(w.FFMPEG), "-nostdin", "-v", "warning", "-i", "pipe:0", "-f", "null",
                   "-progress", "pipe:1", "-"]  # fmt: skip
        return subprocess.run(command, input=data, capture_output=True, check=True)

    done = await asyncio.to_thread(decode)
    assert done.stderr == b"", done.stderr
    frames = [line for line in done.stdout.decode().splitlines() if line.startswith("frame=")]
    return int(frames[-1].removeprefix("frame=")) if frames else None
