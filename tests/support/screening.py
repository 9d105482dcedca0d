"""A real lesson to play: encoded by ffmpeg, kept in a store, in the catalogue, served over HTTP."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from prometheus_client import CollectorRegistry

from catalog.http.problem import problems
from catalog.ids import new_id
from catalog.media import (
    Chapter,
    Media,
    MediaObject,
    Presentation,
    PresentationSource,
    Rendition,
    Sprite,
    SubtitleTrack,
)
from catalog.store.port import ObjectStore
from catalog.tokens import Grant, Signer, Verifier
from deploy.observe import HttpMetrics
from streaming.hot.door import Doors
from streaming.hot.doors import doors_of
from streaming.hot.listening import listening
from streaming.isobmff.fragment import Fragment
from streaming.isobmff.reader import CmafReader, Init
from streaming.isobmff.segmenter import CmafSegment, Segmenter
from streaming.metrics import MediaMetrics
from streaming.vod import app as vod
from streaming.vod.access import Gate
from streaming.vod.bodies import BodySource
from tests.support.media import FRAME_RATE, Recipe, encoded

SUBTITLES = SubtitleTrack(
    "zh-CN",
    "中文",
    "WEBVTT\n\n00:00.500 --> 00:03.000\n同步课堂\n\n00:03.500 --> 00:06.000\n第二句\n",
)
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")
FIRST_OBJECT_SEGMENTS = 1
DURATION_S = 7
DRAIN_S = 5.0
MayWatch = Callable[[web.Request, str], Awaitable[bool]]


def tracks(recipe: Recipe) -> tuple[Init, list[CmafSegment]]:
    """Encode a recipe and cut it into segments."""
    reader, segmenter = CmafReader(), Segmenter()
    items = reader.feed(encoded(recipe))
    reader.finish()
    init = items[0]
    assert isinstance(init, Init)
    cut = [segmenter.push(item) for item in items if isinstance(item, Fragment)]
    return init, [segment for segment in cut if segment is not None]


async def stored(
    store: ObjectStore, lesson: str, name: str, rung: int, recipe: Recipe
) -> Rendition:
    """Encode a recipe and put it into the store as two objects: one segment, then the rest."""
    init, segments = await asyncio.to_thread(tracks, recipe)
    parts = [segments[:FIRST_OBJECT_SEGMENTS], segments[FIRST_OBJECT_SEGMENTS:]]
    objects: list[MediaObject] = []
    number = 0
    video = init.track.handler == "vide"
    for part in parts:
        if not part:
            continue
        key = f"media/{lesson}/1/{name}/{number:06d}-a1.mp4"
        body = init.data + b"".join(segment.data for segment in part)
        await store.put_bytes(key, body, "video/mp4")
        objects.append(
            MediaObject(
                key=key,
                first_number=number,
                init_bytes=len(init.data),
                base_ts=part[0].start_ts,
                sizes=tuple(len(segment.data) for segment in part),
                durations_ts=tuple(segment.duration_ts for segment in part),
                keyframe_sizes=tuple(s.keyframe_bytes for s in part) if video else (),
            )
        )
        number += len(part)
    return Rendition(
        id=new_id(),
        name=name,
        media=Media.VIDEO if video else Media.AUDIO,
        codecs=init.track.codecs,
        timescale=init.track.timescale,
        init=init.data,
        rung=rung,
        complete=True,
        objects=tuple(objects),
        width_px=init.track.width_px,
        height_px=init.track.height_px,
        frame_rate=(FRAME_RATE, 1) if video else None,
        sample_rate_hz=init.track.sample_rate_hz,
        channels=init.track.channels,
    )


async def make_lesson(store: ObjectStore, duration_s: int = 7, av1: bool = False) -> Presentation:
    """Put a whole lesson into the store: two H.264 rungs, AAC and Opus, subtitles, pictures."""
    lesson = new_id()
    recipes = [
        ("360p", Recipe("h264", duration_s, 640, 360)),
        ("180p", Recipe("h264", duration_s)),
        *([("180p-av1", Recipe("av1", duration_s))] if av1 else []),
        ("AAC", Recipe("aac", duration_s)),
        ("Opus", Recipe("opus", duration_s)),
    ]
    renditions = [
        await stored(store, lesson, name, rung, recipe)
        for rung, (name, recipe) in enumerate(recipes)
    ]
    for key in ("poster-a1-0", "sprite-a1-0"):
        await store.put_bytes(f"side/{lesson}/1/{key}", JPEG, "image/jpeg")
    times = tuple(float(second) for second in range(duration_s))
    return Presentation(
        lesson=lesson,
        generation=1,
        visibility="public",
        complete=True,
        renditions=tuple(renditions),
        subtitles=(SUBTITLES,),
        sprites=(Sprite(f"side/{lesson}/1/sprite-a1-0", 4, 2, 160, 90, times),),
        poster_key=f"side/{lesson}/1/poster-a1-0",
        chapters=(Chapter(0.0, "导入"), Chapter(3.0, "练习")),
    )


def begun(presentation: Presentation) -> Presentation:
    """The same lesson when only the first segments of its video are out."""
    video = [
        replace(item, complete=False, objects=item.objects[:1])
        if item.media is Media.VIDEO
        else item
        for item in presentation.renditions
    ]
    return replace(presentation, complete=False, renditions=tuple(video))


@dataclass(frozen=True, slots=True)
class Served:
    """A running /media: its address, its parts, and a key that signs tokens for it."""

    url: str
    media: vod.Media
    signer: Signer
    registry: CollectorRegistry

    def token(self, lesson: str, lasts_s: int = 60) -> str:
        """Sign a playback token."""
        now = int(time.time())
        return self.signer.sign(Grant(lesson, now, now + lasts_s))

    def at(self, lesson: str, path: str) -> str:
        """Address of a part of a lesson."""
        return f"{self.url}/media/{lesson}/{path}"


async def nobody(request: web.Request, lesson: str) -> bool:
    """No one is signed in."""
    return False


@asynccontextmanager
async def serving(
    source: PresentationSource,
    store: ObjectStore,
    may_watch: MayWatch = nobody,
    bodies: BodySource | None = None,
    hot: bool = True,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Served]:
    """Serve /media (and nothing else) on loopback, the short way unless not `hot`."""
    key = Ed25519PrivateKey.generate()
    gate = Gate(Verifier({"k": key.public_key()}), may_watch)
    registry = CollectorRegistry()
    media = vod.Media(source, store, gate, MediaMetrics(registry), bodies)
    app = web.Application(middlewares=[problems])
    app.add_subapp("/media", media.app())
    doors, metrics = doors_of(app, HttpMetrics(registry))
    door = doors if hot else Doors({}, doors.close)
    try:
        async with listening(app, door, metrics, "127.0.0.1", 0, DRAIN_S, tls) as opened:
            host, port = opened.address[:2]
            scheme = "https" if tls else "http"
            yield Served(f"{scheme}://{host}:{port}", media, Signer("k", key), registry)
    finally:
        doors.close()
