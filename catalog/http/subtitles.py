"""Subtitles of a lesson over HTTP: put and delete one language."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
from aiohttp import web

from catalog.db.pool import Pool
from catalog.db.subtitles import Subtitles, delete_subtitles, put_subtitles
from catalog.errors import NotFound
from catalog.http.endpoint import Endpoint
from catalog.http.lessons import editable
from catalog.http.payload import bytes_of, query_of
from catalog.subtitles import (
    LABEL_LIMIT_CHARS,
    LIMIT_BYTES,
    clean_language,
    read_cues,
    transcript,
    usual_label,
    write_webvtt,
)
from catalog.text import line

PATH = "/api/v1/lessons/{id}/subtitles/{language}"
TYPES = ("text/vtt", "application/x-subrip", "text/plain", "application/octet-stream")


class Label(msgspec.Struct):
    """What viewers see in the menu; empty takes the language's own name."""

    label: str = ""


class SubtitlesApi:
    """The endpoints of a lesson's subtitles."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def endpoints(self) -> Sequence[Endpoint]:
        """List what this part answers."""
        return [
            Endpoint("PUT", PATH, self.put, "Set the subtitles of one language (WebVTT or SRT)",
                     "lessons", query=Label, body_type="text/vtt", status=204,
                     errors=(401, 403, 404, 415, 422)),
            Endpoint("DELETE", PATH, self.delete, "Remove the subtitles of one language",
                     "lessons", status=204),
        ]  # fmt: skip

    async def put(self, request: web.Request) -> web.StreamResponse:
        """Check, clean and keep."""
        if request.content_type not in TYPES:
            raise web.HTTPUnsupportedMediaType(text="send text/vtt or application/x-subrip")
        language = clean_language(request.match_info["language"])
        label = line(query_of(request, Label).label, "label", LABEL_LIMIT_CHARS, empty=True)
        async with self._pool.connection() as connection:
            await editable(connection, request)
        # Reading a large file takes a while and no other request should wait for it.
        kept = await asyncio.to_thread(_read, language, label, await bytes_of(request, LIMIT_BYTES))
        async with self._pool.connection() as connection:
            record = await editable(connection, request, lock=True)
            await put_subtitles(connection, record.id, kept)
        return web.Response(status=204)

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """Remove."""
        language = clean_language(request.match_info["language"])
        async with self._pool.connection() as connection:
            record = await editable(connection, request, lock=True)
            if not await delete_subtitles(connection, record.id, language):
                raise NotFound("this lesson has no subtitles in that language")
        return web.Response(status=204)


def _read(language: str, label: str, raw: bytes) -> Subtitles:
    cues = read_cues(raw)
    return Subtitles(language, label or usual_label(language), write_webvtt(cues), transcript(cues))
