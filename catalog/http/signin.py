"""Who is asking: the middleware that reads the session of a request, and guards its cookie.

The box in a school comes with a credential of its own (catalog/edge_credential.py). It is known by
it everywhere, and below /api/ nothing is open to it but what begins with EDGE_PREFIX.

A session comes as `Authorization: Bearer` or as the cookie. A browser sends the cookie by itself,
also when a foreign page makes it ask; so what changes something needs, with the cookie, the value
of X-CSRF-Token that only our page can read (GET /api/v1/me), and an Origin that is ours.

Spec: RFC 6750 2.1 (bearer), RFC 6265bis 5.6 (SameSite), Fetch 3.2 (Origin).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Middleware

from catalog.credentials import csrf_of, digest_of, is_token, network_of, same
from catalog.db.logins import read_viewer
from catalog.db.pool import Pool
from catalog.edge_credential import SCHEME as EDGE_SCHEME
from catalog.edges import KnownEdge
from catalog.errors import NoRight, SignInNeeded
from catalog.http.endpoint import EDGE, ONLY_PEOPLE, VIEWER, Handler
from catalog.people import GUEST, Viewer

COOKIE = "tongbu_session"
CSRF_HEADER = "X-CSRF-Token"
API_PREFIX = "/api/"
EDGE_PREFIX = "/api/v1/edge/"
EDGE_VERSION = "Tongbu-Edge-Version"
EDGE_VOUCHER = "Tongbu-Edge"
LOGIN_PATH = "/api/v1/login"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class SignInSettings:
    """How sessions are kept. `proxies`: how many proxies of ours stand in front of the service."""

    session_s: float = 14 * 86400.0
    public_url: str = ""
    proxies: int = 0


@dataclass(frozen=True, slots=True)
class Session:
    """The token that a request carries, and whether the browser sent it by itself."""

    token: str
    by_cookie: bool


SESSION = web.RequestKey("session", Session)


class EdgeDoor(Protocol):
    """Who knows the edges (catalog/db/edges_known.py)."""

    async def enter(self, credential: str, version: str = "") -> KnownEdge:
        """Give the edge whose credential this is. Raises: SignInNeeded, Unavailable."""

    def holds(self, credential: str) -> bool:
        """Tell whether a credential that came in before still lets its edge in."""

    def vouches(self, credential: str) -> bool:
        """Tell whether this is a known edge's credential, which tells whom a request is of."""

    def visiting(self, edge: str, task: asyncio.Task[Any]) -> Callable[[], None]:
        """Cut this task when the edge is revoked, until the result is called."""


class SignIn:
    """Finds the viewer of requests; `middleware` does so for the API, others ask `viewer`."""

    def __init__(
        self,
        pool: Pool,
        settings: SignInSettings,
        clock: Callable[[], float] = time.time,
        edges: EdgeDoor | None = None,
    ) -> None:
        self._edges = edges
        self._pool = pool
        self._settings = settings
        self._clock = clock

    @property
    def middleware(self) -> Middleware:
        """Puts the viewer into requests below /api/. Raises: SignInNeeded, NoRight."""

        @web.middleware
        async def sign_in(request: web.Request, handler: Handler) -> web.StreamResponse:
            if _credential_of(request) is not None:
                return await self._visit(request, handler)
            if request.path.startswith(API_PREFIX):
                request[VIEWER] = await self.viewer(request)
                self._guard(request)
            return await handler(request)

        return sign_in

    async def viewer(self, request: web.Request) -> Viewer:
        """Give who asks: a guest when there is no session, or a cookie whose session has ended.

        Raises: SignInNeeded for a bearer token or an edge's credential that does not hold.
        """
        if _credential_of(request) is not None:
            return (await self._edge(request)).viewer
        session = session_of(request)
        if session is None:
            return GUEST
        async with self._pool.connection() as connection:
            found = await read_viewer(connection, digest_of(session.token), self._clock())
        if found is None and not session.by_cookie:
            raise SignInNeeded("this token no longer holds: sign in again")
        if found is None:
            return GUEST
        request[SESSION] = session
        return found

    def still_holds(self, authorization: str) -> bool:
        """Tell whether what is remembered of this header may be used; an edge's may be over."""
        credential = _credential_in(authorization)
        if credential is None:
            return True
        return self._edges is not None and self._edges.holds(credential)

    async def _edge(self, request: web.Request) -> KnownEdge:
        """Give the edge that asks; asked anew each time, for it may have been revoked."""
        credential = _credential_of(request)
        if self._edges is None or credential is None:
            raise SignInNeeded("no edges are known here: ask the city's origin")
        return await self._edges.enter(credential, request.headers.get(EDGE_VERSION, ""))

    async def _visit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        edge = await self._edge(request)
        below_api = request.path.startswith(API_PREFIX)
        if below_api and not request.path.startswith(EDGE_PREFIX):
            raise NoRight(ONLY_PEOPLE)
        request[EDGE], request[VIEWER] = edge, edge.viewer
        task = asyncio.current_task()
        assert self._edges is not None, "it knew the edge"
        assert task is not None, "a handler runs in a task"
        leave = self._edges.visiting(edge.id, task)
        try:
            return await handler(request)
        finally:
            leave()

    def _guard(self, request: web.Request) -> None:
        if request.method in SAFE_METHODS:
            return
        session = request.get(SESSION)
        if session is not None and not session.by_cookie:
            return
        origin = request.headers.get("Origin")
        if origin is not None and not self._is_ours(request, origin):
            raise NoRight("this request comes from a page of another site")
        if session is None or request.path == LOGIN_PATH:
            return
        if not same(request.headers.get(CSRF_HEADER, ""), csrf_of(session.token)):
            raise NoRight(f"the header {CSRF_HEADER} is missing or wrong: load the page again")

    def _is_ours(self, request: web.Request, origin: str) -> bool:
        """Compare host and port; the scheme too when the public address is known."""
        public = self._settings.public_url
        if public and _origin_of(origin) == _origin_of(public):
            return True
        return _origin_of(origin)[1:] == _origin_of(f"{_scheme(origin)}://{request.host}")[1:]

    def is_secure(self, request: web.Request) -> bool:
        """Tell whether browsers reach us by HTTPS, so that the cookie may say so."""
        return request.secure or self._settings.public_url.startswith("https://")

    def network_of(self, request: web.Request) -> str:
        """Give the network that rate limits count, looking behind the proxies that are ours.

        A school's box is one: it says whose request it passes on, and proves that it is a box.
        """
        hops = [h.strip() for h in request.headers.get("X-Forwarded-For", "").split(",")]
        address = request.remote or ""
        behind = self._settings.proxies + self.by_a_box(request)
        if 0 < behind <= len(hops):
            address = hops[-behind]
        return network_of(address)

    def by_a_box(self, request: web.Request) -> bool:
        """Tell whether a school's box passes this request on, and has proved that it is one."""
        voucher = request.headers.get(EDGE_VOUCHER)
        return voucher is not None and self._edges is not None and self._edges.vouches(voucher)


def session_of(request: web.Request) -> Session | None:
    """Read the session token of a request. Raises: SignInNeeded for a broken bearer header."""
    header = request.headers.get("Authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        if scheme.casefold() != "bearer" or not is_token(token.strip()):
            raise SignInNeeded("the Authorization header holds no token of ours: sign in again")
        return Session(token.strip(), by_cookie=False)
    token = request.cookies.get(COOKIE, "")
    return Session(token, by_cookie=True) if is_token(token) else None


def _credential_of(request: web.Request) -> str | None:
    return _credential_in(request.headers.get("Authorization", ""))


def _credential_in(authorization: str) -> str | None:
    """Give what an edge shows, unproven; None for everybody else."""
    scheme, _, rest = authorization.partition(" ")
    return rest.strip() if scheme.casefold() == EDGE_SCHEME.casefold() else None


def _scheme(origin: str) -> str:
    return origin.partition("://")[0].casefold()


def _origin_of(url: str) -> tuple[str, str, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:
        return "", "", -1
    return parts.scheme, (parts.hostname or ""), port
