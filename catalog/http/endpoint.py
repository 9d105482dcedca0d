"""The catalogue's HTTP endpoints as data: what the router, the guard and the OpenAPI document read.

A part of the API is a class that takes what it needs in its constructor and lists its `Endpoint`s;
the composition root collects them. Handlers raise catalog errors; catalog/http/problem.py answers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec
from aiohttp import web

from catalog.errors import SignInNeeded
from catalog.people import GUEST, Viewer

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
VIEWER = web.RequestKey("tongbu.viewer", Viewer)
JSON_LIMIT_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method on one path.

    `query` and `body` are msgspec structs; `result` is what a success carries (a struct, a list of
    one, or None); `errors` are the extra statuses that the document lists.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    tag: str
    query: type[msgspec.Struct] | None = None
    body: Any = None
    result: Any = None
    status: int = 200
    guest: bool = False
    body_type: str = "application/json"
    result_type: str = "application/json"
    errors: Sequence[int] = field(default=(401, 403, 404, 422))


class Api(Protocol):
    """A part of the API."""

    def endpoints(self) -> Sequence[Endpoint]:
        """List what this part answers."""


def add_endpoints(app: web.Application, endpoints: Sequence[Endpoint]) -> None:
    """Route every endpoint; those not open to guests answer 401 before their handler runs."""
    for item in endpoints:
        handler = item.handler if item.guest else _guarded(item.handler)
        app.router.add_route(item.method, item.path, handler)


def _guarded(handler: Handler) -> Handler:
    async def signed_in_only(request: web.Request) -> web.StreamResponse:
        if not viewer_of(request).signed_in:
            raise SignInNeeded("sign in first")
        return await handler(request)

    return signed_in_only


def viewer_of(request: web.Request) -> Viewer:
    """Give who is asking; the sign-in middleware put them there, else it is a guest."""
    viewer: Viewer = request.get(VIEWER, GUEST)
    return viewer
