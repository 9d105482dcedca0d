"""Cameras over HTTP: who runs a session has its picture pulled from a classroom's camera.

The address is handed on and kept nowhere, for it may hold the camera's password: it is neither
shown nor logged, and after a restart of the service it has to be given again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from aiohttp import web
from msgspec import Meta

from catalog.db.pool import Pool
from catalog.db.sessions import SessionRecord
from catalog.errors import Conflict, Invalid
from catalog.http.endpoint import Endpoint
from catalog.http.payload import body_of, query_of
from catalog.http.sessions import runnable
from catalog.live import Cameras, FeedName
from catalog.session import JOINABLE, SessionKind

CAMERA = "/api/v1/sessions/{id}/camera"
URL_LIMIT_CHARS = 512
FeedWord = Literal["main", "second"]


class NewCamera(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A camera to pull; `second` is the other lesson of a paired one."""

    url: Annotated[str, Meta(min_length=1, max_length=URL_LIMIT_CHARS)]
    feed: FeedWord = "main"


class CameraQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which of a session's cameras."""

    feed: FeedWord = "main"


class CameraApi:
    """The endpoints of a session's cameras."""

    def __init__(self, pool: Pool, cameras: Cameras) -> None:
        self._pool = pool
        self._cameras = cameras

    def endpoints(self) -> Sequence[Endpoint]:
        """List what this part answers."""
        return [
            Endpoint("POST", CAMERA, self.pull, "Pull a session's picture from an RTSP camera",
                     "sessions", body=NewCamera, status=204, errors=(401, 403, 404, 409, 422)),
            Endpoint("DELETE", CAMERA, self.stop, "Let go of a session's camera", "sessions",
                     query=CameraQuery, status=204, errors=(401, 403, 404, 422)),
        ]  # fmt: skip

    async def pull(self, request: web.Request) -> web.Response:
        """Pull from now on until the session is over, in place of another camera."""
        asked = await body_of(request, NewCamera)
        async with self._pool.connection() as connection:
            record = await runnable(connection, request)
            feed = _feed_of(record, asked.feed)
            if record.session_state not in JOINABLE:
                raise Conflict(
                    f"this session is {record.state}: a camera is pulled while its room is open"
                )
            # Held until here: the session cannot end between the look and the pull.
            self._cameras.pull(record.id, feed, asked.url)
        return web.Response(status=204)

    async def stop(self, request: web.Request) -> web.Response:
        """Let go of a camera; the session waits for another picture, as when an encoder drops."""
        asked = query_of(request, CameraQuery)
        async with self._pool.connection() as connection:
            record = await runnable(connection, request)
        self._cameras.stop(record.id, _feed_of(record, asked.feed))
        return web.Response(status=204)


def _feed_of(record: SessionRecord, word: FeedWord) -> FeedName:
    feed = FeedName(word)
    if feed is FeedName.SECOND and record.session_kind is not SessionKind.PAIRED_LESSON:
        raise Invalid("feed: only a paired lesson has a second picture", {"feed": "must be main"})
    return feed
