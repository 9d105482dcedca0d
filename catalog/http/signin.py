"""Who is asking: the middleware that reads the session of a request, and guards its cookie.

A session comes as `Authorization: Bearer` or as the cookie. A browser sends the cookie by itself,
also when a foreign page makes it ask; so what changes something needs, with the cookie, the value
of X-CSRF-Token that only our page can read (GET /api/v1/me), and an Origin that is ours.

Spec: RFC 6750 2.1 (bearer), RFC 6265bis 5.6 (SameSite), Fetch 3.2 (Origin).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Middleware

from catalog.credentials import csrf_of, digest_of, is_token, network_of, same
from catalog.db.logins import read_viewer
from catalog.db.pool import Pool
from catalog.errors import NoRight, SignInNeeded
from catalog.http.endpoint import VIEWER, Handler
from catalog.people import GUEST, Viewer

COOKIE = "tongbu_session"
CSRF_HEADER = "X-CSRF-Token"
API_PREFIX = "/api/"
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


class SignIn:
    """Finds the viewer of requests; `middleware` does so for the API, others ask `viewer`."""

    def __init__(
        self, pool: Pool, settings: SignInSettings, clock: Callable[[], float] = time.time
    ) -> None:
        self._pool = pool
        self._settings = settings
        self._clock = clock

    @property
    def middleware(self) -> Middleware:
        """Puts the viewer into requests below /api/. Raises: SignInNeeded, NoRight."""

        @web.middleware
        async def sign_in(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path.startswith(API_PREFIX):
                request[VIEWER] = await self.viewer(request)
                self._guard(request)
            return await handler(request)

        return sign_in

    async def viewer(self, request: web.Request) -> Viewer:
        """Give who asks: a guest when there is no session, or a cookie whose session has ended.

        Raises: SignInNeeded for a bearer token that does not hold.
        """
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
        """Give the network that rate limits count, looking behind the proxies that are ours."""
        hops = [h.strip() for h in request.headers.get("X-Forwarded-For", "").split(",")]
        address = request.remote or ""
        if 0 < self._settings.proxies <= len(hops):
            address = hops[-self._settings.proxies]
        return network_of(address)


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


def _scheme(origin: str) -> str:
    return origin.partition("://")[0].casefold()


def _origin_of(url: str) -> tuple[str, str, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:
        return "", "", -1
    return parts.scheme, (parts.hostname or ""), port
