"""Signing in and out, who one is, and changing one's own password.

Wrong tries are few: so many for a user name, so many for a network, whether or not the name exists
and with the same work for both, so that neither answer nor time tells which names are known.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from catalog.attempts import Attempts, Rate, take_all
from catalog.credentials import (
    PASSWORD_LIMIT_CHARS,
    USERNAME_LIMIT_CHARS,
    csrf_of,
    digest_of,
    new_token,
    password_of,
    username_of,
)
from catalog.db.logins import Credentials, add_login, end_login, end_logins, read_credentials
from catalog.db.people import read_person, set_password
from catalog.db.pool import Pool
from catalog.errors import Invalid, SignInNeeded, TooMany
from catalog.http.endpoint import Endpoint, viewer_of
from catalog.http.payload import answer, body_of
from catalog.http.person_json import AffiliationBody, affiliation_body
from catalog.http.signin import COOKIE, SESSION, SignIn, SignInSettings
from catalog.passwords import Passwords
from catalog.people import Role, city_day, may_upload

TRIES_A_NAME = Rate(burst=8, refill_s=15.0)
TRIES_A_NETWORK = Rate(burst=100, refill_s=1.0)
WRONG = "the user name or the password is wrong"

Name = Annotated[str, Meta(max_length=USERNAME_LIMIT_CHARS)]
Password = Annotated[str, Meta(max_length=PASSWORD_LIMIT_CHARS)]


class LoginBody(msgspec.Struct):
    """User name and password."""

    username: Name
    password: Password


class LoginAnswer(msgspec.Struct):
    """A bearer token and its end."""

    token: str
    expires_at: datetime


class PasswordBody(msgspec.Struct):
    """The present and the new password."""

    old: Password
    new: Password


class Me(msgspec.Struct):
    """Who is asking; a guest has an empty person_id."""

    person_id: str = ""
    name: str = ""
    username: str = ""
    roles: list[str] = []
    affiliations: list[AffiliationBody] = []
    may_upload: bool = False
    is_administrator: bool = False
    quota_bytes: int = 0
    used_bytes: int = 0
    csrf: str = ""


class LoginApi:
    """POST /login, POST /logout, GET /me, POST /me/password."""

    def __init__(
        self,
        pool: Pool,
        sign_in: SignIn,
        passwords: Passwords,
        settings: SignInSettings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._pool = pool
        self._sign_in = sign_in
        self._passwords = passwords
        self._settings = settings
        self._clock = clock
        self._names = Attempts(TRIES_A_NAME)
        self._networks = Attempts(TRIES_A_NETWORK)

    def endpoints(self) -> Sequence[Endpoint]:
        """List what this part answers."""
        return [
            Endpoint("POST", "/api/v1/login", self.login, "Sign in", "people", body=LoginBody,
                     result=LoginAnswer, guest=True, errors=(401, 403, 422, 429)),
            Endpoint("POST", "/api/v1/logout", self.logout, "Sign out", "people", status=204,
                     guest=True, errors=(403,)),
            Endpoint("GET", "/api/v1/me", self.me, "Who is asking", "people", result=Me,
                     guest=True, errors=(401,)),
            Endpoint("POST", "/api/v1/me/password", self.change_password,
                     "Change one's own password; other sessions end", "people",
                     body=PasswordBody, status=204, errors=(401, 403, 422, 429)),
        ]  # fmt: skip

    async def login(self, request: web.Request) -> web.Response:
        """Check the password, begin a session, answer its token and set the cookie."""
        asked = await body_of(request, LoginBody)
        person = await self._proven(request, asked.username, asked.password)
        now_utc, token = self._clock(), new_token()
        end_utc = now_utc + self._settings.session_s
        async with self._pool.connection() as connection:
            agent = request.headers.get("User-Agent", "").encode("ascii", "replace").decode()
            await add_login(connection, digest_of(token), person.id, now_utc, end_utc, agent)
        response = answer(LoginAnswer(token, datetime.fromtimestamp(end_utc, UTC)))
        response.set_cookie(
            COOKIE, token, max_age=int(self._settings.session_s), httponly=True, samesite="Lax",
            secure=self._sign_in.is_secure(request), path="/",
        )  # fmt: skip
        return response

    async def _proven(self, request: web.Request, username: str, password: str) -> Credentials:
        """Give the account that the password fits. Raises: SignInNeeded, TooMany."""
        name = _username_or_nobody(username)
        tries = [(self._names, name), (self._networks, self._sign_in.network_of(request))]
        wait_s = take_all(tries, time.monotonic())
        if wait_s > 0.0:
            raise TooMany("too many wrong passwords: wait a little, then try again", wait_s)
        async with self._pool.connection() as connection:
            known = await read_credentials(connection, name)
        verdict = await self._passwords.check(known.password_hash if known else None, password)
        if known is None or known.disabled or not verdict.fits:
            raise SignInNeeded(WRONG)
        for attempts, key in tries:
            attempts.give_back(key, time.monotonic())
        if verdict.rehashed:
            async with self._pool.connection() as connection:
                await set_password(connection, known.id, verdict.rehashed)
        return known

    async def logout(self, request: web.Request) -> web.Response:
        """End the session, if there is one, and take the cookie back."""
        session = request.get(SESSION)
        if session is not None:
            async with self._pool.connection() as connection:
                await end_login(connection, digest_of(session.token))
        response = web.Response(status=204)
        response.del_cookie(COOKIE, path="/")
        return response

    async def me(self, request: web.Request) -> web.Response:
        """Tell who is asking, and what a page needs to know of them."""
        viewer = viewer_of(request)
        async with self._pool.connection() as connection:
            person = await read_person(connection, viewer.person_id) if viewer.signed_in else None
        if person is None:
            return answer(Me())
        session = request.get(SESSION)
        day = city_day(self._clock())
        return answer(
            Me(
                person.id,
                person.name,
                person.username,
                sorted({item.role.value for item in viewer.affiliations}),
                [affiliation_body(a) for a in person.affiliations if a.held.holds_on(day)],
                may_upload(viewer),
                viewer.has(Role.ADMINISTRATOR),
                person.quota_bytes,
                person.used_bytes,
                csrf_of(session.token) if session and session.by_cookie else "",
            )
        )

    async def change_password(self, request: web.Request) -> web.Response:
        """Set a new password for the asker; every other session of theirs ends."""
        asked = await body_of(request, PasswordBody)
        viewer = viewer_of(request)
        async with self._pool.connection() as connection:
            person = await read_person(connection, viewer.person_id)
        if person is None:
            raise SignInNeeded("sign in again")
        fresh = password_of(asked.new, person.username)
        try:
            await self._proven(request, person.username, asked.old)
        except SignInNeeded:
            raise Invalid("the present password is wrong", {"old": "is wrong"}) from None
        hashed = await self._passwords.hash(fresh)
        session = request[SESSION]
        async with self._pool.connection() as connection:
            await set_password(connection, person.id, hashed)
            await end_logins(connection, person.id, besides=digest_of(session.token))
        return web.Response(status=204)


def _username_or_nobody(text: str) -> str:
    # A name that cannot exist takes the same way as one that does not.
    try:
        return username_of(text)
    except Invalid:
        return ""
