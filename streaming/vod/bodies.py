"""Bytes from the store to the wire, never a whole segment in memory.

`BodySource` is the seam: it opens a part of an object as a stream of chunks. `send` is the aiohttp
shell that writes a `Reply`; a faster server writes the same replies its own way.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Protocol, runtime_checkable

from aiohttp import ClientError, web

from catalog.store.port import StoreAway
from streaming.metrics import MediaMetrics
from streaming.vod.reply import Reply, Stored

log = logging.getLogger(__name__)


class BodySource(Protocol):
    """Where stored bytes come from; an ObjectStore is one."""

    def read(
        self, key: str, offset: int = 0, length: int | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open a part of an object as chunks; closing early frees all. Raises: StoreError."""


@runtime_checkable
class BodiesForViewers(Protocol):
    """A `BodySource` to which it is not all the same who asks."""

    def bodies_for(self, lesson: str, viewer: str, headers: Mapping[str, str]) -> BodySource:
        """Give the source for one request: the viewer's address, its header fields by name in
        lower case.
        """


async def send(
    request: web.Request, reply: Reply, bodies: BodySource, metrics: MediaMetrics
) -> tuple[web.StreamResponse, int]:
    """Write the reply; give the response and how many bytes of body went out.

    Raises: ObjectMissing, StoreAway while nothing has been sent. What breaks later ends the
    connection, so that no one takes half a segment for a whole one.
    """
    if isinstance(reply.body, Stored):
        return await _send_stored(request, reply, reply.body, bodies, metrics)
    if reply.body is None:
        return await _send_head(request, reply), 0
    return web.Response(status=reply.status, headers=reply.headers, body=reply.body), reply.length


async def _send_head(request: web.Request, reply: Reply) -> web.StreamResponse:
    response = web.StreamResponse(status=reply.status, headers=reply.headers)
    if reply.status != 304:
        response.content_length = reply.length
    await response.prepare(request)
    await response.write_eof()
    return response


async def _send_stored(
    request: web.Request, reply: Reply, stored: Stored, bodies: BodySource, metrics: MediaMetrics
) -> tuple[web.StreamResponse, int]:
    response = web.StreamResponse(status=reply.status, headers=reply.headers)
    response.content_length = reply.length
    sent = 0
    async with AsyncExitStack() as stack:
        started = time.monotonic()
        body = bodies.read(stored.key, stored.offset, stored.size_bytes)
        chunks = await stack.enter_async_context(body)
        chunk = await anext(chunks, b"")
        metrics.store_wait.observe(time.monotonic() - started)
        try:
            await response.prepare(request)
            while chunk and sent < reply.length:
                await response.write(chunk)
                sent += len(chunk)
                chunk = await anext(chunks, b"")
            await _finish(response, sent, reply.length)
        except (ConnectionResetError, ClientError):
            metrics.aborted.labels("viewer").inc()
        except (StoreAway, OSError) as error:
            metrics.aborted.labels("store").inc()
            log.warning("%s broke off after %d bytes: %s", stored.key, sent, error)
            _hang_up(request)
    return response, sent


async def _finish(response: web.StreamResponse, sent: int, length: int) -> None:
    if sent != length:
        raise StoreAway(f"the store gave {sent} bytes where {length} were announced")
    await response.write_eof()


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
