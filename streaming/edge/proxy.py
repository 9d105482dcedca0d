"""The city's API through the box: asked upstream each time, and from memory while the line is cut.

Requests go upstream as they came, with the asker's own credentials and not the box's. A JSON answer
to GET is kept for whoever asked, by a hash of its credentials; while the line is cut that is the
answer, marked `Tongbu-Line: down`. What would change something is refused then, in plain words.

Headers that belong to one connection are not passed on (RFC 9110 7.6.1).
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from hashlib import blake2b
from typing import Protocol

import aiohttp
from aiohttp import web

from catalog.errors import Unavailable
from streaming.edge.answers import Answers
from streaming.edge.upstream import LineCut

log = logging.getLogger(__name__)

PREFIX = "api/"
KEPT_LIMIT_BYTES = 1024 * 1024
REFUSALS = frozenset({401, 403, 404, 410})  # what may no longer be seen is not kept either
LINE_HEADER = "Tongbu-Line"
HOPS = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
     "transfer-encoding", "upgrade", "content-length", "host", "expect", "tongbu-edge"}
)  # fmt: skip
CREDENTIALS = ("Cookie", "Authorization")
LINE_DOWN = "the line to the city is down: this works again when it is back"


class Forwarding(Protocol):
    """Sends requests of others upstream."""

    def forward(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: AsyncIterator[bytes] | None,
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Send a request with these headers and nothing of ours. Raises: LineCut, ClientError."""


Heard = Callable[[str, bytes], Awaitable[None]]
"""Learns what was answered to GET of a path."""


async def _deaf(path: str, body: bytes) -> None:
    """Learn nothing."""


class Proxy:
    """Passes requests on. `heard` learns of what is kept."""

    def __init__(self, upstream: Forwarding, answers: Answers, heard: Heard = _deaf) -> None:
        self._upstream = upstream
        self._answers = answers
        self._heard = heard

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer a request with what the upstream says. Raises: Unavailable."""
        name = _name(request, request.raw_path)
        try:
            body = request.content.iter_any() if request.can_read_body else None
            headers = _passed_on(request)
            async with self._upstream.forward(
                request.method, request.raw_path, headers, body
            ) as found:
                return await self._pass_back(request, found, name)
        except (LineCut, aiohttp.ClientError, TimeoutError) as error:
            log.info("%s %s is not answered upstream: %r", request.method, request.path, error)
            return await self._of_before(request, name, error)

    async def allows(self, request: web.Request, path: str) -> bool:
        """Tell whether who asks may read that address; while the line is cut: could, before."""
        headers = {name: request.headers[name] for name in CREDENTIALS if name in request.headers}
        name = _name(request, path)
        try:
            async with self._upstream.forward("GET", path, headers, None) as found:
                if found.status == 200 and found.content_type == "application/json":
                    data = await found.content.read(KEPT_LIMIT_BYTES)
                    await self._answers.put(name, data, found.headers.get("ETag", ""))
                    await self._heard(path, data)
                if found.status in REFUSALS:
                    await self._answers.drop(name)
                return found.status == 200
        except (LineCut, aiohttp.ClientError, TimeoutError):
            return await self._answers.get(name) is not None

    async def _pass_back(
        self, request: web.Request, found: aiohttp.ClientResponse, name: str
    ) -> web.StreamResponse:
        headers = [
            (key, value)
            for key, value in found.headers.items()
            if key.lower() not in HOPS and key.lower() != "content-encoding"
        ]
        if request.method == "GET" and found.status in REFUSALS:
            await self._answers.drop(name)
        if _is_kept(request, found):
            data = await found.content.read(KEPT_LIMIT_BYTES + 1)
            if len(data) <= KEPT_LIMIT_BYTES and found.content.at_eof():
                await self._answers.put(name, data, found.headers.get("ETag", ""))
                await self._heard(request.raw_path, data)
                answer = web.Response(status=found.status, body=data)
                _set(answer, headers)
                return answer
        else:
            data = b""
        response = web.StreamResponse(status=found.status)
        _set(response, headers)
        length = found.headers.get("Content-Length", "")
        if length.isdecimal() and "Content-Encoding" not in found.headers:
            response.content_length = int(length)
        await response.prepare(request)
        if data:
            await response.write(data)
        async for chunk in found.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
        return response

    async def _of_before(
        self, request: web.Request, name: str, error: Exception
    ) -> web.StreamResponse:
        if request.method in ("GET", "HEAD"):
            kept = await self._answers.get(name)
            if kept is not None:
                headers = {LINE_HEADER: "down", "Cache-Control": "no-store"}
                return web.Response(
                    body=kept.body, content_type="application/json", headers=headers
                )
        raise Unavailable(LINE_DOWN) from error


def _name(request: web.Request, path: str) -> str:
    """Name what is kept: the address and who asked."""
    who = "\n".join(request.headers.get(name, "") for name in CREDENTIALS)
    digest = blake2b(who.encode(), digest_size=16).hexdigest()
    return f"{PREFIX}{digest}{path}"


def _is_kept(request: web.Request, found: aiohttp.ClientResponse) -> bool:
    length = found.content_length
    return (
        request.method == "GET"
        and found.status == 200
        and found.content_type == "application/json"
        and (length is None or length <= KEPT_LIMIT_BYTES)
    )


def _passed_on(request: web.Request) -> dict[str, str]:
    headers = {key: value for key, value in request.headers.items() if key.lower() not in HOPS}
    headers["Host"] = request.host
    headers["X-Forwarded-For"] = forwarded_for(request)
    if "Content-Length" in request.headers:
        headers["Content-Length"] = request.headers["Content-Length"]
    return headers


def forwarded_for(request: web.Request) -> str:
    """Say whose request it is; what was said before stays in front."""
    before = request.headers.get("X-Forwarded-For", "")
    return ", ".join(filter(None, (before, request.remote or "")))


def _set(response: web.StreamResponse, headers: list[tuple[str, str]]) -> None:
    for key, value in headers:
        response.headers.add(key, value)
