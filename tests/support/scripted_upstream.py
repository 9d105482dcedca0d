"""An upstream whose behaviour the test scripts: it holds bytes back, breaks off, lies.

A `Script` answers one request; a path without one is answered well. Whatever is asked is noted.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import blake2b
from random import Random

from aiohttp import web
from multidict import CIMultiDict

from streaming.edge.fill import Place
from streaming.edge.piece import Group, Piece

CHUNK_BYTES = 16 * 1024
Script = Callable[[web.Request, bytes], Awaitable[web.StreamResponse]]


def body_of(path: str, size_bytes: int) -> bytes:
    """Give the bytes that are right for a path."""
    return Random(path).randbytes(size_bytes)


def place_of(number: int, size_bytes: int = 256 * 1024, rendition: str = "r") -> Place:
    """Name segment `number`, which is one of several in an object."""
    path = f"/media/lesson/{rendition}/{number}.m4s"
    piece = Piece(f"media/lesson/1/{rendition}/000000-a1.mp4", number * size_bytes, size_bytes)
    return Place(path, piece, Group("lesson", rendition))


class ScriptedUpstream:
    """What was asked, and what to answer next."""

    def __init__(self) -> None:
        self.sizes: dict[str, int] = defaultdict(lambda: 256 * 1024)
        self.requests: list[tuple[str, CIMultiDict[str]]] = []
        self.scripts: dict[str, deque[Script]] = defaultdict(deque)
        self.left: list[str] = []
        self.url = ""

    def asked(self, path: str) -> list[CIMultiDict[str]]:
        """Give the headers of each request for a path."""
        return [headers for asked, headers in self.requests if asked == path]

    def script(self, path: str, *scripts: Script) -> None:
        """Answer the next requests for a path so."""
        self.scripts[path].extend(scripts)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer by the script, or well."""
        path = request.path
        self.requests.append((path, CIMultiDict(request.headers)))
        body = body_of(path, self.sizes[path])
        try:
            if self.scripts[path]:
                return await self.scripts[path].popleft()(request, body)
            return await well(request, body)
        except asyncio.CancelledError:
            self.left.append(path)
            raise


@asynccontextmanager
async def serving(
    upstream: ScriptedUpstream, port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[ScriptedUpstream]:
    """Run it on 127.0.0.1."""
    app = web.Application()
    app.router.add_get("/{path:.*}", upstream.serve)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls)
    await site.start()
    scheme = "https" if tls else "http"
    upstream.url = f"{scheme}://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield upstream
    finally:
        await runner.cleanup()


def etag_of(body: bytes) -> str:
    """Give a strong entity tag."""
    return f'"{blake2b(body, digest_size=8).hexdigest()}"'


def head(request: web.Request, body: bytes, **changes: str) -> tuple[web.StreamResponse, bytes]:
    """Give the right head and body, of the range if one was asked for; `changes` are lies."""
    headers = CIMultiDict({"Content-Type": "video/mp4", "ETag": etag_of(body)})
    status, first = 200, 0
    asked = request.headers.get("Range")
    if asked and request.headers.get("If-Range", etag_of(body)) == etag_of(body):
        first = int(asked.removeprefix("bytes=").split("-")[0])
        headers["Content-Range"] = f"bytes {first}-{len(body) - 1}/{len(body)}"
        status = 206
    headers["Content-Length"] = str(len(body) - first)
    for name, value in changes.items():
        headers[name.replace("_", "-")] = value
    return web.StreamResponse(status=status, headers=headers), body[first:]


async def well(request: web.Request, body: bytes) -> web.StreamResponse:
    """Answer well."""
    response, body = head(request, body)
    await response.prepare(request)
    for at in range(0, len(body), CHUNK_BYTES):
        await response.write(body[at : at + CHUNK_BYTES])
    await response.write_eof()
    return response


def status(code: int) -> Script:
    """Answer with an error."""

    async def script(request: web.Request, body: bytes) -> web.StreamResponse:
        return web.Response(status=code, text="no")

    return script


def lying(**changes: str) -> Script:
    """Answer well but for some headers."""

    async def script(request: web.Request, body: bytes) -> web.StreamResponse:
        response, body = head(request, body, **changes)
        await response.prepare(request)
        await response.write(body)
        return response

    return script


def breaking_at(share: float) -> Script:
    """Break the connection after this share of what was asked for."""

    async def script(request: web.Request, body: bytes) -> web.StreamResponse:
        response, body = head(request, body)
        await response.prepare(request)
        await response.write(body[: int(len(body) * share)])
        assert request.transport is not None
        request.transport.close()
        return response

    return script


def holding(share: float, go: asyncio.Event) -> Script:
    """Send this share, and the rest once the event is set."""

    async def script(request: web.Request, body: bytes) -> web.StreamResponse:
        response, body = head(request, body)
        await response.prepare(request)
        cut = int(len(body) * share)
        await response.write(body[:cut])
        await go.wait()
        await response.write(body[cut:])
        await response.write_eof()
        return response

    return script
