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

from catalog.edges import KnownEdge
from catalog.errors import NoRight, SignInNeeded
from catalog.people import GUEST, Viewer

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
VIEWER = web.RequestKey("tongbu.viewer", Viewer)
EDGE = web.RequestKey("tongbu.edge", KnownEdge)
JSON_LIMIT_BYTES = 256 * 1024
ONLY_EDGES = "this is for the box in a school, with its own credential"
ONLY_PEOPLE = "the box in a school reads what its school may watch, and nothing else"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method on one path.

    `query` and `body` are msgspec structs; `result` is what a success carries (a struct, a list of
    one, or None); `errors` are the extra statuses that the document lists. `edge`: for the boxes in
    the schools, and nobody else. `other_types`: what a success may come as when it is asked for.
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
    edge: bool = False
    body_type: str = "application/json"
    result_type: str = "application/json"
    other_types: Sequence[str] = ()
    errors: Sequence[int] = field(default=(401, 403, 404, 422))


class Api(Protocol):
    """A part of the API."""

    def endpoints(self) -> Sequence[Endpoint]:
        """List what this part answers."""


def add_endpoints(app: web.Application, endpoints: Sequence[Endpoint]) -> None:
    """Route every endpoint; those not open to guests answer 401 before their handler runs."""
    for item in endpoints:
        handler = item.handler if item.guest else _guarded(item.handler, item.edge)
        app.router.add_route(item.method, item.path, handler)


def _guarded(handler: Handler, for_edges: bool) -> Handler:
    async def known_only(request: web.Request) -> web.StreamResponse:
        if not viewer_of(request).signed_in:
            raise SignInNeeded("sign in first")
        if (EDGE in request) is not for_edges:
            raise NoRight(ONLY_EDGES if for_edges else ONLY_PEOPLE)
        return await handler(request)

    return known_only


def viewer_of(request: web.Request) -> Viewer:
    """Give who is asking; the sign-in middleware put them there, else it is a guest."""
    viewer: Viewer = request.get(VIEWER, GUEST)
    return viewer


def edge_of(request: web.Request) -> KnownEdge:
    """Give the edge that asks, in a handler of an endpoint for edges."""
    return request[EDGE]
