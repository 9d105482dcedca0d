"""Boxes of schools for tests: a desk that knows edges, and boxes that have enrolled at it."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from catalog.db.edges_known import KnownEdges
from catalog.db.keys import open_keyring
from catalog.db.listen import listening
from catalog.db.pool import Pool
from catalog.db.presentations import Presentations
from catalog.edge_ca_files import CaFolder
from catalog.edge_credential import SCHEME, sign
from catalog.http.edge_feed import EdgeFeedApi
from catalog.http.edges import EdgesApi
from catalog.http.signin import SignIn, SignInSettings
from catalog.passwords import Passwords
from catalog.people import Affiliation, Role
from catalog.tokens import Keyring
from deploy.tasks import running
from tests.support.api import QUICK, Caller, Client, Desk, open_desk
from tests.support.lessons import SINCE


@dataclass(slots=True)
class Box:
    """A box with its own key; a caller like any other, with a fresh credential each time."""

    client: Client
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    id: str = ""
    clock: Callable[[], float] = time.time

    @property
    def public(self) -> str:
        return b64encode(self.key.public_key().public_bytes_raw()).decode()

    @property
    def header(self) -> dict[str, str]:
        return {"Authorization": f"{SCHEME} {sign(self.id, self.key, self.clock())}"}

    async def enrol(self, code: str, csr: str = "") -> tuple[int, Any]:
        """Show a code; from then on this is that edge."""
        body = {"code": code, "public_key": self.public, "csr": csr}
        status, found = await Caller(self.client).ask("POST", "/edges/enrol", body)
        if status == 200:
            self.id = found["id"]
        return status, found

    async def ask(
        self, method: str, path: str, body: Any = None, **options: Any
    ) -> tuple[int, Any]:
        """Send a request with a credential of this moment."""
        return await Caller(self.client, headers=self.header).ask(method, path, body, **options)


@dataclass(slots=True)
class Bureau:
    """A running API that keeps edges; `boss` is its administrator."""

    desk: Desk
    boss: Caller
    known: KnownEdges
    keyring: Keyring
    ca: CaFolder

    async def code(self, school: str, name: str = "tianye") -> tuple[str, str]:
        """Add an edge; give id and code."""
        status, made = await self.boss.ask("POST", "/edges", {"name": name, "school": school})
        assert status == 201, made
        return made["id"], made["code"]

    async def box(self, school: str, name: str = "tianye", csr: str = "") -> Box:
        """Add an edge and let a box enrol."""
        _, code = await self.code(school, name)
        box = Box(self.desk.client)
        status, found = await box.enrol(code, csr)
        assert status == 200, found
        return box


@asynccontextmanager
async def open_bureau(
    dsn: str, pool: Pool, folder: Path, clock: Callable[[], float] = time.time
) -> AsyncIterator[Bureau]:
    """Serve sign-in, the edges' endpoints and theirs."""
    async with AsyncExitStack() as stack:
        listener = await stack.enter_async_context(listening(dsn))
        keyring = await stack.enter_async_context(open_keyring(pool))
        known, ca = KnownEdges(pool, clock), CaFolder(folder / "edge-ca", clock)
        known.attach(listener)
        await listener.listening()
        await stack.enter_async_context(running(known.run(), "edges"))
        sign_in = SignIn(pool, SignInSettings(), clock, known)

        def parts(pool: Pool, _: Passwords) -> list[EdgesApi | EdgeFeedApi]:
            return [
                EdgesApi(pool, sign_in, keyring, ca, clock),
                EdgeFeedApi(pool, Presentations(pool), keyring, ca, clock),
            ]

        desk = await stack.enter_async_context(
            open_desk(pool, parts, clock=clock, hasher=QUICK, edges=known)
        )
        boss = await desk.person("boss", Affiliation(Role.ADMINISTRATOR, SINCE))
        yield Bureau(desk, boss, known, keyring, ca)
