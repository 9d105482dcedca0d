"""The catalogue's API on a real server and database, and people who are signed in to it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher
from yarl import URL

from catalog.accounts import NewPerson, add_person, make_secret
from catalog.db.pool import Pool
from catalog.http.endpoint import Api, add_endpoints
from catalog.http.login import LoginApi
from catalog.http.problem import problems
from catalog.http.signin import EdgeDoor, SignIn, SignInSettings
from catalog.passwords import Passwords
from catalog.people import Affiliation

PASSWORD = "correct-horse-battery"
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
Client = TestClient[web.Request, web.Application]


@dataclass(slots=True)
class Caller:
    """Someone who asks: a guest, or signed in with a bearer token."""

    client: Client
    person: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    async def ask(
        self, method: str, path: str, body: Any = None, **options: Any
    ) -> tuple[int, Any]:
        """Send a request; give status and JSON (None for an empty answer)."""
        if body is not None:
            options["json"] = body
        headers = {**self.headers, **options.pop("headers", {})}
        async with self.client.request(
            method, URL(f"/api/v1{path}", encoded="%" in path), headers=headers, **options
        ) as response:
            return response.status, await _json_of(response)


async def _json_of(response: ClientResponse) -> Any:
    raw = await response.read()
    return await response.json(content_type=None) if raw else None


@dataclass(slots=True)
class Desk:
    """A running API on which people can be added and signed in."""

    client: Client
    pool: Pool
    passwords: Passwords

    @property
    def guest(self) -> Caller:
        """Somebody who is not signed in."""
        return Caller(self.client)

    async def add(self, username: str, *affiliations: Affiliation) -> str:
        """Add an account with the password PASSWORD; give its id."""
        secret = await make_secret(self.passwords, username, PASSWORD)
        new = NewPerson(username, f"Name of {username}", secret, affiliations)
        async with self.pool.connection() as connection:
            return await add_person(connection, new)

    async def enter(self, username: str, password: str = PASSWORD) -> Caller:
        """Sign in with a bearer token."""
        status, found = await self.guest.ask(
            "POST", "/login", {"username": username, "password": password}
        )
        self.client.session.cookie_jar.clear()
        assert status == 200, found
        caller = Caller(self.client, headers={"Authorization": f"Bearer {found['token']}"})
        caller.person = (await caller.ask("GET", "/me"))[1]["person_id"]
        return caller

    async def person(self, username: str, *affiliations: Affiliation) -> Caller:
        """Add an account and sign in."""
        await self.add(username, *affiliations)
        return await self.enter(username)


@asynccontextmanager
async def open_desk(
    pool: Pool,
    parts: Callable[[Pool, Passwords], Sequence[Api]] = lambda pool, passwords: (),
    settings: SignInSettings | None = None,
    clock: Callable[[], float] | None = None,
    hasher: PasswordHasher = QUICK,
    edges: EdgeDoor | None = None,
) -> AsyncIterator[Desk]:
    """Serve sign-in and the given parts on a free port."""
    settings = settings or SignInSettings()
    passwords = Passwords(hasher)
    timed = {"clock": clock} if clock else {}
    sign_in = SignIn(pool, settings, clock or time.time, edges)
    app = web.Application(middlewares=[problems, sign_in.middleware])
    for part in (LoginApi(pool, sign_in, passwords, settings, **timed), *parts(pool, passwords)):
        add_endpoints(app, part.endpoints())
    async with TestClient(TestServer(app)) as client:
        yield Desk(client, pool, passwords)
