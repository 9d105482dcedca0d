"""A classroom's device stays signed in while it is used: nobody there can type a password.

It signs in once like everyone, and is let stay each time that it asks for its timetable. A device
that was taken away is disabled or its password reset like any account's, and that ends it at once.
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from catalog.credentials import digest_of
from catalog.db.logins import at
from catalog.db.pool import Connection
from catalog.http.signin import COOKIE, SESSION, SignIn

KEPT_S = 400 * 86_400
RENEWED_S = 86_400.0


class DeviceLogin:
    """Renews the sign-in of a device at most once a day."""

    def __init__(self, sign_in: SignIn, clock: Callable[[], float]) -> None:
        self._sign_in = sign_in
        self._clock = clock

    async def keep(
        self, connection: Connection, request: web.Request, response: web.Response
    ) -> None:
        """Let the request's sign-in last KEPT_S from now, and the browser's cookie with it.

        Spec: RFC 6265bis 5.6.2 (400 days are the longest that a cookie is kept).
        """
        session = request.get(SESSION)
        if session is None:
            return
        end_utc = self._clock() + KEPT_S
        renewed = await connection.execute(
            "update login set expires_at = %s where digest = %s and expires_at < %s",
            (at(end_utc), digest_of(session.token), at(end_utc - RENEWED_S)),
        )
        if renewed.rowcount and session.by_cookie:
            response.set_cookie(
                COOKIE, session.token, max_age=KEPT_S, httponly=True, samesite="Lax",
                secure=self._sign_in.is_secure(request), path="/",
            )  # fmt: skip
