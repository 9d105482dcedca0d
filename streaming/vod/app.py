"""The /media routes: playlists, manifests, segments, subtitles, pictures of lessons.

    app.add_subapp("/media", media.app())

What is in memory is found by `kept`, for this shell and for the faster one (streaming/hot); what
must be waited for, and every error, is this one's alone.

Raises catalog errors; the middleware around it makes them problem+json. Any origin may read: what
is not public needs its token anyway, and browsers send no cookie to a `*` answer. A page whose
device decodes AV1 smoothly asks for `multivariant.m3u8?av1=1`; one that learns by itself what a
school's line may carry, and keeps to it, adds `whole=1`.

Spec: Fetch 3.3 (CORS); RFC 9110.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from aiohttp import web

from catalog.errors import NotFound
from catalog.media import PresentationSource
from catalog.store.port import ObjectInfo
from streaming.metrics import MediaMetrics
from streaming.vod.access import Asker, Gate
from streaming.vod.bodies import BodiesForViewers, BodySource, send
from streaming.vod.kept import Kept
from streaming.vod.lessons import Lessons
from streaming.vod.reply import Resource, answer
from streaming.vod.target import Kind, Target, read_target
from streaming.vod.view import NEVER, TEXTS, View

MEDIA: web.AppKey[Media] = web.AppKey("media")
AV1_WANTED, WHOLE_WANTED = "av1", "whole"
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
    "Access-Control-Allow-Headers": "Range, If-None-Match, If-Range, Cache-Control, "
    "CMCD-Object, CMCD-Request, CMCD-Session, CMCD-Status",
    "Access-Control-Max-Age": str(PREFLIGHT_S),
}


class MediaStore(BodySource, Protocol):
    """Where a lesson's bytes are; an ObjectStore is one, and so is a school's cache."""

    async def info(self, key: str) -> ObjectInfo:
        """Size of an object. Raises: ObjectMissing, StoreAway."""


class Media:
    """Lessons over HTTP. `view` gives a lesson's view if it is in memory."""

    def __init__(
        self,
        source: PresentationSource,
        store: MediaStore,
        gate: Gate,
        metrics: MediaMetrics,
        bodies: BodySource | None = None,
    ) -> None:
        self._lessons = Lessons(source, metrics)
        self.view = self._lessons.kept
        self._store = store
        self._gate = gate
        self.bodies: BodySource = bodies or store
        self._by_viewer = self.bodies if isinstance(self.bodies, BodiesForViewers) else None
        self.metrics = metrics
        self._picture_sizes: Kept[str, int] = Kept(PICTURE_SIZES_LIMIT)

    def app(self) -> web.Application:
        """Give the application to mount under /media."""
        app = web.Application()
        app[MEDIA] = self
        app.router.add_route("GET", "/{path:.*}", self._serve)
        app.router.add_route("HEAD", "/{path:.*}", self._serve)
        app.router.add_route("OPTIONS", "/{path:.*}", _preflight)
        app.on_response_prepare.append(_allow_any_origin)
        return app

    def forget(self, lesson: str) -> None:
        """The catalogue says that the lesson has changed (NOTIFY `lesson`)."""
        self._lessons.forget(lesson)

    def admitted(self, asker: Asker, view: View) -> tuple[str, float] | None:
        """Give the suffix of child URLs, and until when, if that needs no catalogue."""
        return self._gate.at_once(asker, view)

    def kept(self, target: Target, view: View, suffix: str) -> Resource | None:
        """Give a resource that is in memory, or whose place in the store is known."""
        if target.kind in TEXTS:
            return view.kept_text(target, suffix)
        if target.kind not in (Kind.POSTER, Kind.SPRITE):
            return view.find_part(target)
        key = view.picture_key(target)
        size_bytes = None if key is None else self._picture_sizes.fresh(key, 0.0)
        return None if key is None or size_bytes is None else view.picture(key, size_bytes)

    def bodies_for(self, lesson: str, viewer: str, headers: Mapping[str, str]) -> BodySource:
        """Give where a viewer's bytes come from: its address, its header fields in lower case."""
        if self._by_viewer is None:
            return self.bodies
        return self._by_viewer.bodies_for(lesson, viewer, headers)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        target = read_asked(request.match_info["path"], request.query)
        if target is None:
            raise NotFound("there is nothing under this address")
        view = await self._lessons.view(target.lesson)
        if view is None:
            raise NotFound("there is no such lesson, or it cannot be watched yet")
        suffix = await self._gate.admit(request, view)
        resource = self.kept(target, view, suffix) or await self._find(target, view, suffix)
        if resource is None:
            raise NotFound("this lesson has no such part")
        reply = answer(request.method, request.headers, resource)
        bodies = self.bodies_for(target.lesson, request.remote or "", request.headers)
        response, sent = await send(request, reply, bodies, self.metrics)
        self.metrics.count(target.kind.value, reply.status, sent)
        return response

    async def _find(self, target: Target, view: View, suffix: str) -> Resource | None:
        """Find what is not in memory."""
        if target.kind in TEXTS:
            return await asyncio.to_thread(view.text, target, suffix)
        if target.kind in (Kind.POSTER, Kind.SPRITE):
            return await self._picture(target, view)
        return await self._part(target, view)

    async def _picture(self, target: Target, view: View) -> Resource | None:
        key = view.picture_key(target)
        if key is None:
            return None
        size_bytes = (await self._store.info(key)).size_bytes
        self._picture_sizes.put(key, size_bytes, NEVER)
        return view.picture(key, size_bytes)

    async def _part(self, target: Target, view: View) -> Resource | None:
        """Find what the view in memory lacks: in a newer one, in an older generation."""
        newer = await self._lessons.newer_view(target.lesson)
        found = newer.find_part(target) if newer else None
        if found is None:
            old = await self._lessons.old_rendition(target.lesson, target.rendition)
            found = view.part(old, target) if old else None
        return found


def read_asked(path: str, query: Mapping[str, str]) -> Target | None:
    """Read a path below /media, without its leading slash, and its query."""
    target = read_target(path)
    if target is not None and target.kind is Kind.MULTIVARIANT:
        av1, whole = (query.get(name) == "1" for name in (AV1_WANTED, WHOLE_WANTED))
        return replace(target, av1=av1, whole=whole) if av1 or whole else target
    return target


async def _preflight(request: web.Request) -> web.Response:
    return web.Response(status=204, headers=PREFLIGHT)


async def _allow_any_origin(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(CORS)
