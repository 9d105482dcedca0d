"""Lessons as they change, as server-sent events: state, progress, time left.

Spec: HTML Living Standard 9.2. Each connection begins with how its lessons stand, so one that was
cut and is made again misses nothing; it ends after a while, when rights may have changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from aiohttp import web

from catalog.errors import Invalid, SignInNeeded, TongbuError
from catalog.http.endpoint import Endpoint, viewer_of
from catalog.http.payload import query_of
from catalog.ids import is_id
from catalog.watching import News, Watch, Watcher

LESSONS_LIMIT = 100


@dataclass(frozen=True, slots=True)
class EventSettings:
    """Times of event streams."""

    heartbeat_s: float = 15.0
    longest_s: float = 3600.0
    reconnect_s: float = 2.0
    write_limit_s: float = 30.0


class Asked(msgspec.Struct):
    """Which lessons to watch: some by id, or all of the own ones."""

    lesson: list[str] = []
    mine: bool = False


class EventsApi:
    """GET /api/v1/events."""

    def __init__(self, watch: Watch, settings: EventSettings | None = None) -> None:
        self._watch = watch
        self._settings = settings or EventSettings()

    def endpoints(self) -> Sequence[Endpoint]:
        """List what this part answers."""
        return [
            Endpoint("GET", "/api/v1/events", self.stream, "Lessons as they change", "lessons",
                     query=Asked, result=News, result_type="text/event-stream", guest=True,
                     errors=(401, 422, 429)),
        ]  # fmt: skip

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Send events until the reader goes, the server stops or the time is over."""
        asked = query_of(request, Asked)
        if len(asked.lesson) > LESSONS_LIMIT or not all(map(is_id, asked.lesson)):
            raise Invalid(f"lesson: at most {LESSONS_LIMIT} ids of lessons")
        viewer = viewer_of(request)
        if asked.mine and not viewer.signed_in:
            raise SignInNeeded("sign in to watch your lessons")
        if not asked.mine and not asked.lesson:
            raise Invalid("say which lessons: lesson=ID, or mine=1")
        with self._watch.watching(viewer, frozenset(asked.lesson), asked.mine) as watcher:
            await self._watch.look(watcher)
            response = web.StreamResponse(
                headers={
                    "Content-Type": "text/event-stream",
                    "Cache-Control": "no-store",
                    "X-Accel-Buffering": "no",
                }
            )
            await response.prepare(request)
            await self._send(response, watcher)
        return response

    async def _send(self, response: web.StreamResponse, watcher: Watcher) -> None:
        settings = self._settings
        try:
            async with asyncio.timeout(settings.longest_s):
                await response.write(f"retry: {settings.reconnect_s * 1000:.0f}\n\n".encode())
                while not watcher.ended:
                    await self._write(response, await self._next(watcher))
        except (TimeoutError, ConnectionResetError, TongbuError):
            return  # the reader connects again and is told how things stand

    async def _write(self, response: web.StreamResponse, text: bytes) -> None:
        async with asyncio.timeout(self._settings.write_limit_s):
            await response.write(text)

    async def _next(self, watcher: Watcher) -> bytes:
        """Give what to send next: news, or after a quiet while a comment that keeps the line up."""
        try:
            async with asyncio.timeout(self._settings.heartbeat_s):
                await watcher.stirred.wait()
        except TimeoutError:
            return b":\n\n"
        watcher.stirred.clear()
        if watcher.mailbox.overflowed:
            watcher.mailbox.overflowed = False
            await self._watch.look(watcher)
        return b"".join(b"event: lesson\ndata: " + n + b"\n\n" for n in watcher.mailbox.take())
