"""A /media of one lesson with segments of round sizes, for loadtests/hot_bench.py.

    python -m tests.support.hot_origin DIRECTORY

Prints one line of JSON: where segments of 1 MB and 64 KB and a media playlist are. SIGTERM ends it.
CERTIFICATE names a file with a key and a certificate, for TLS; HOT=0 is the way by aiohttp.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import ssl
import sys
from pathlib import Path

import uvloop

from catalog.ids import new_id
from catalog.media import Media as Kind
from catalog.media import MediaObject, Presentation, Rendition
from catalog.store.local import LocalSettings, LocalStore
from tests.support.screening import serving

SIZES = {"1MB": 1_000_000, "64KB": 65_536}
SEGMENTS = 16
SCALE = 30


class OneLesson:
    """A catalogue of one lesson."""

    def __init__(self, lesson: Presentation) -> None:
        self.lesson = lesson

    async def presentation(self, lesson: str) -> Presentation | None:
        """Give the lesson."""
        return self.lesson if lesson == self.lesson.lesson else None

    async def rendition(self, rendition: str) -> None:
        """Give nothing old."""


async def rendition_of(store: LocalStore, lesson: str, name: str, size_bytes: int) -> Rendition:
    """Store one rendition."""
    init, key = os.urandom(700), f"media/{lesson}/1/{name}/000000-a1.mp4"
    await store.put_bytes(key, init + os.urandom(size_bytes * SEGMENTS), "video/mp4")
    media = MediaObject(
        key=key, first_number=0, init_bytes=len(init), base_ts=0, sizes=(size_bytes,) * SEGMENTS,
        durations_ts=(4 * SCALE,) * SEGMENTS, keyframe_sizes=(size_bytes // 10,) * SEGMENTS,
    )  # fmt: skip
    return Rendition(
        id=new_id(), name=name, media=Kind.VIDEO, codecs="avc1.64001f", timescale=SCALE, init=init,
        rung=len(name), complete=True, objects=(media,), width_px=640, height_px=360,
        frame_rate=(SCALE, 1), sample_rate_hz=None, channels=None,
    )  # fmt: skip


def context_of(certificate: str) -> ssl.SSLContext | None:
    """Give what to serve TLS with, if anything."""
    if not certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def serve(directory: Path) -> None:
    """Serve until SIGTERM."""
    store = await asyncio.to_thread(LocalStore, LocalSettings(directory, 0))
    lesson = new_id()
    made = {name: await rendition_of(store, lesson, name, size) for name, size in SIZES.items()}
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    shown = OneLesson(
        Presentation(
            lesson=lesson, generation=1, visibility="public", complete=True,
            renditions=tuple(made.values()), subtitles=(), sprites=(), poster_key="", chapters=(),
        )
    )  # fmt: skip
    tls = context_of(os.environ.get("CERTIFICATE", ""))
    async with serving(shown, store, hot=os.environ.get("HOT") != "0", tls=tls) as served:
        where = {name: served.at(lesson, f"{item.id}/0.m4s") for name, item in made.items()}
        where["playlist"] = served.at(lesson, f"{made['64KB'].id}/media.m3u8")
        sys.stdout.write(json.dumps(where) + "\n")
        sys.stdout.flush()
        await over.wait()
    await store.close()


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1])))
