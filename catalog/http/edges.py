"""The edges as people keep them, and the door by which a box comes in.

An administrator or an officer of the school's district adds an edge and gets a code; the box shows
the code once, with its public key, and is that edge from then on. The code is told only once, kept
as a digest, and wrong tries are few.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from catalog.attempts import Attempts, Rate, take_all
from catalog.db.edges import (
    EdgeRecord,
    NewCode,
    add_edge,
    enrol,
    give_code,
    list_edges,
    read_edge,
    remove_edge,
    revoke,
    set_names,
)
from catalog.db.pool import Connection, Pool
from catalog.db.registry import place_of_school
from catalog.edge_ca import CsrAsked, read_csr
from catalog.edge_ca_files import CaFolder
from catalog.edges import (
    CODE_LIMIT_CHARS,
    EdgeState,
    code_of,
    may_keep_edges,
    public_key_of,
    shown_code,
)
from catalog.errors import Invalid, NoRight, NotFound, TooMany
from catalog.http.endpoint import Endpoint, viewer_of
from catalog.http.lesson_json import Named
from catalog.http.listing import Id, IdOrNone, ListQuery, Page, id_in_path, page_of, read_cursor
from catalog.http.payload import answer, body_of, query_of
from catalog.http.signin import SignIn
from catalog.people import Role, Viewer
from catalog.rights import require
from catalog.text import line
from catalog.tokens import Keyring, public_words

TRIES_A_NETWORK = Rate(burst=10, refill_s=15.0)
TRIES_OF_ALL = Rate(burst=200, refill_s=0.5)
CSR_LIMIT_CHARS = 8192
ONLY_OFFICERS = "only an administrator or the school's district keeps edges"

StateWord = Annotated[str, Meta(extra_json_schema={"enum": [state.value for state in EdgeState]})]


class NewEdge(msgspec.Struct, forbid_unknown_fields=True):
    """A box for a school. A name of letters, digits and hyphens is its name in the DNS, too."""

    name: str
    school: Id


class EdgeCode(msgspec.Struct):
    """A one-time code, shown only now; spaces, hyphens and small letters do not matter."""

    id: str
    code: str
    expires_at: datetime


class EdgeShown(msgspec.Struct):
    """An edge in the list. `code_expires_at` says until when a code waits to be used."""

    id: str
    name: str
    school: Named
    state: StateWord
    version: str
    names: list[str]
    created_at: datetime
    enrolled_at: datetime | None
    seen_at: datetime | None
    code_expires_at: datetime | None


class EdgesQuery(ListQuery, forbid_unknown_fields=True):
    """Which edges: of a school, in a state."""

    school: IdOrNone = ""
    state: Annotated[str, Meta(max_length=20)] = ""


class Enrolment(msgspec.Struct):
    """What a box shows: code, Ed25519 public key, and a request for a certificate (PEM)."""

    code: Annotated[str, Meta(max_length=CODE_LIMIT_CHARS)]
    public_key: bytes
    csr: Annotated[str, Meta(max_length=CSR_LIMIT_CHARS)] = ""


class Enrolled(msgspec.Struct):
    """Who the box is now. `keys`: the public keys of playback tokens, base64 by key id."""

    id: str
    name: str
    school: Named
    keys: dict[str, str]
    names: list[str]
    certificate: str


class EdgesApi:
    """/api/v1/edges: list, add, read, new code, revoke, remove; and enrol, open to everybody."""

    def __init__(
        self,
        pool: Pool,
        sign_in: SignIn,
        keyring: Keyring,
        ca: CaFolder,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._pool = pool
        self._sign_in = sign_in
        self._keyring = keyring
        self._ca = ca
        self._clock = clock
        self._networks = Attempts(TRIES_A_NETWORK)
        self._all = Attempts(TRIES_OF_ALL, 1)

    def endpoints(self) -> Sequence[Endpoint]:
        """List what this part answers."""
        many, one, tag = "/api/v1/edges", "/api/v1/edges/{id:(?!enrol$)[^/]+}", "edges"
        return [
            Endpoint("GET", many, self.list, "List edges", tag, query=EdgesQuery,
                     result=Page[EdgeShown], errors=(401, 403, 422)),
            Endpoint("POST", many, self.add, "Add an edge and get its one-time code", tag,
                     body=NewEdge, result=EdgeCode, status=201, errors=(401, 403, 409, 422)),
            Endpoint("POST", f"{many}/enrol", self.enrol, "Let a box be the edge of a code", tag,
                     body=Enrolment, result=Enrolled, guest=True, errors=(401, 409, 422, 429)),
            Endpoint("GET", one, self.read, "Read an edge", tag, result=EdgeShown,
                     errors=(401, 403, 404)),
            Endpoint("DELETE", one, self.remove, "Remove an edge that is not enrolled, and its"
                     " reports", tag, status=204, errors=(401, 403, 404, 409)),
            Endpoint("POST", f"{one}/code", self.code, "Give an edge a new code", tag,
                     result=EdgeCode, errors=(401, 403, 404)),
            Endpoint("POST", f"{one}/revoke", self.revoke, "Shut an edge out", tag,
                     result=EdgeShown, errors=(401, 403, 404, 409)),
        ]  # fmt: skip

    async def list(self, request: web.Request) -> web.Response:
        """Answer the edges of the whole city, or of the viewer's districts."""
        asked, viewer = query_of(request, EdgesQuery), viewer_of(request)
        async with self._pool.connection() as connection:
            rows = await list_edges(
                connection, asked.limit + 1, read_cursor(asked.cursor), _districts(viewer),
                asked.school, asked.state, asked.q,
            )  # fmt: skip
        return answer(page_of(rows, asked.limit, shown, lambda edge: (edge.name, edge.id)))

    async def add(self, request: web.Request) -> web.Response:
        """Add an edge that waits for its box."""
        asked, viewer = await body_of(request, NewEdge), viewer_of(request)
        name = line(asked.name, "name")
        async with self._pool.connection() as connection:
            place = await place_of_school(connection, asked.school)
            if place is None or place.district_id is None:
                raise Invalid("there is no such school", {"school": "there is none with this id"})
            require(may_keep_edges(viewer, place.district_id), ONLY_OFFICERS)
            key, made = await add_edge(
                connection, name, asked.school, viewer.person_id, self._clock()
            )
        return answer(_code(key, made), 201, {"Location": f"/api/v1/edges/{key}"})

    async def read(self, request: web.Request) -> web.Response:
        """Answer one edge."""
        async with self._pool.connection() as connection:
            return answer(shown(await _kept(connection, request)))

    async def remove(self, request: web.Request) -> web.Response:
        """Forget an edge that no box is."""
        async with self._pool.connection() as connection:
            edge = await _kept(connection, request)
            await remove_edge(connection, edge.id)
        return web.Response(status=204)

    async def code(self, request: web.Request) -> web.Response:
        """Give a new code; an enrolled box goes on until another comes with it."""
        async with self._pool.connection() as connection:
            edge = await _kept(connection, request)
            made = await give_code(connection, edge.id, self._clock())
        return answer(_code(edge.id, made))

    async def revoke(self, request: web.Request) -> web.Response:
        """Shut an edge out, at every origin within the second."""
        async with self._pool.connection() as connection:
            edge = await _kept(connection, request)
            await revoke(connection, edge.id)
            return answer(shown(await _kept(connection, request)))

    async def enrol(self, request: web.Request) -> web.Response:
        """Let a box be the edge of a code, and say what it needs to begin."""
        asked = await body_of(request, Enrolment)
        code, key = code_of(asked.code), public_key_of(asked.public_key)
        csr = read_csr(asked.csr) if asked.csr else None
        tries = [(self._networks, self._sign_in.network_of(request)), (self._all, "")]
        wait_s = take_all(tries, time.monotonic())
        if wait_s > 0.0:
            raise TooMany("too many wrong codes: wait a little, then try again", wait_s)
        enrolled = await self._enrolled(code, key, csr)
        for attempts, who in tries:
            attempts.give_back(who, time.monotonic())
        return answer(enrolled)

    async def _enrolled(self, code: str, key: bytes, csr: CsrAsked | None) -> Enrolled:
        now = self._clock()
        ca = await asyncio.to_thread(self._ca.read)
        async with self._pool.connection() as connection:
            edge = await enrol(connection, code, key, now)
            names: tuple[str, ...] = ()
            certificate = ""
            if ca is not None and csr is not None:
                names = ca.names_for(edge.id, edge.name, csr)
                certificate = ca.issue(csr, names, now)
                await set_names(connection, edge.id, names)
        school = Named(edge.school_id, edge.school_name)
        keys = public_words(self._keyring.public_keys)
        return Enrolled(edge.id, edge.name, school, keys, [*names], certificate)


async def _kept(connection: Connection, request: web.Request) -> EdgeRecord:
    edge = await read_edge(connection, id_in_path(request))
    viewer = viewer_of(request)
    if edge is None or not may_keep_edges(viewer, edge.district_id):
        _districts(viewer)
        raise NotFound("there is no such edge, or it is another district's")
    return edge


def _districts(viewer: Viewer) -> Sequence[str] | None:
    """Give the districts whose edges the viewer keeps; None: all. Raises: NoRight."""
    if viewer.has(Role.ADMINISTRATOR):
        return None
    held = viewer.affiliations
    own = [a.district_id for a in held if a.role is Role.DISTRICT and a.district_id]
    if not own:
        raise NoRight(ONLY_OFFICERS)
    return own


def shown(edge: EdgeRecord) -> EdgeShown:
    """Give an edge as JSON."""
    return EdgeShown(
        edge.id, edge.name, Named(edge.school_id, edge.school_name), edge.state, edge.version,
        [*edge.names], edge.created_at, edge.enrolled_at, edge.seen_at, edge.code_expires_at,
    )  # fmt: skip


def _code(edge: str, made: NewCode) -> EdgeCode:
    return EdgeCode(edge, shown_code(made.code), made.expires_at)
