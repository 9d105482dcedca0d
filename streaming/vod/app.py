"""The /media routes: playlists, manifests, segments, subtitles, pictures of lessons.

    app.add_subapp("/media", media.app())

Raises catalog errors; the middleware around it makes them problem+json. Any origin may read: what
is not public needs its token anyway, and browsers send no cookie to a `*` answer. A page whose
device decodes AV1 smoothly asks for `multivariant.m3u8?av1=1`.

Spec: Fetch 3.3 (CORS); RFC 9110.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Protocol

from aiohttp import web

from catalog.errors import NotFound
from catalog.media import PresentationSource
from catalog.store.port import ObjectInfo
from streaming.metrics import MediaMetrics
from streaming.vod.access import Gate
from streaming.vod.bodies import BodySource, send
from streaming.vod.kept import Kept
from streaming.vod.lessons import Lessons
from streaming.vod.reply import Resource, answer
from streaming.vod.target import Kind, Target, read_target
from streaming.vod.view import NEVER, TEXTS, View

AV1_WANTED = "av1"
PICTURE_SIZES_LIMIT = 50_000
PREFLIGHT_S = 86_400
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Content-Length, Content-Range, Accept-Ranges, ETag, Date",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Timing-Allow-Origin": "*",
    "X-Content-Type-Options": "nosniff",
}
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "Range, If-None-Match, If-Range, Cache-Control",
    "Access-Control-Max-Age": str(PREFLIGHT_S),
}


class MediaStore(BodySource, Protocol):
    """Where a lesson's bytes are; an ObjectStore is one, and so is a school's cache."""

    async def info(self, key: str) -> ObjectInfo:
        """Size of an object. Raises: ObjectMissing, StoreAway."""


class Media:
    """Lessons over HTTP."""

    def __init__(
        self,
        source: PresentationSource,
        store: MediaStore,
        gate: Gate,
        metrics: MediaMetrics,
        bodies: BodySource | None = None,
    ) -> None:
        self._lessons = Lessons(source, metrics)
        self._store = store
        self._bodies: BodySource = bodies or store
        self._gate = gate
        self._metrics = metrics
        self._picture_sizes: Kept[str, int] = Kept(PICTURE_SIZES_LIMIT)

    def app(self) -> web.Application:
        """Give the application to mount under /media."""
        app = web.Application()
        app.router.add_route("GET", "/{path:.*}", self._serve)
        app.router.add_route("HEAD", "/{path:.*}", self._serve)
        app.router.add_route("OPTIONS", "/{path:.*}", _preflight)
        app.on_response_prepare.append(_allow_any_origin)
        return app

    def forget(self, lesson: str) -> None:
        """The catalogue says that the lesson has changed (NOTIFY `lesson`)."""
        self._lessons.forget(lesson)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        target = read_target(request.match_info["path"])
        if target is None:
            raise NotFound("there is nothing under this address")
        if target.kind is Kind.MULTIVARIANT and request.query.get(AV1_WANTED) == "1":
            target = replace(target, av1=True)
        view = await self._lessons.view(target.lesson)
        if view is None:
            raise NotFound("there is no such lesson, or it cannot be watched yet")
        suffix = await self._gate.admit(request, view)
        resource = await self._find(target, view, suffix)
        if resource is None:
            raise NotFound("this lesson has no such part")
        reply = answer(request.method, request.headers, resource)
        response, sent = await send(request, reply, self._bodies, self._metrics)
        self._metrics.answers.labels(target.kind.value, str(reply.status)).inc()
        self._metrics.sent.labels(target.kind.value).inc(sent)
        return response

    async def _find(self, target: Target, view: View, suffix: str) -> Resource | None:
        if target.kind in TEXTS:
            return await self._text(target, view, suffix)
        if target.kind in (Kind.POSTER, Kind.SPRITE):
            return await self._picture(target, view)
        return await self._part(target, view)

    async def _text(self, target: Target, view: View, suffix: str) -> Resource | None:
        kept = view.kept_text(target, suffix)
        return kept or await asyncio.to_thread(view.text, target, suffix)

    async def _picture(self, target: Target, view: View) -> Resource | None:
        key = view.picture_key(target)
        if key is None:
            return None
        size_bytes = self._picture_sizes.fresh(key, 0.0)
        if size_bytes is None:
            size_bytes = (await self._store.info(key)).size_bytes
            self._picture_sizes.put(key, size_bytes, NEVER)
        return view.picture(key, size_bytes)

    async def _part(self, target: Target, view: View) -> Resource | None:
        """Find an init or a segment: in this view, in a newer one, in an older generation."""
        found = view.find_part(target)
        if found is None:
            newer = await self._lessons.newer_view(target.lesson)
            found = newer.find_part(target) if newer else None
        if found is None:
            old = await self._lessons.old_rendition(target.lesson, target.rendition)
            found = view.part(old, target) if old else None
        return found


async def _preflight(request: web.Request) -> web.Response:
    return web.Response(status=204, headers=PREFLIGHT)


async def _allow_any_origin(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(CORS)
