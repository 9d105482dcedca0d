"""Edges in the database: made with a code, enrolled with a key, revoked.

Functions take an open connection: the caller owns the transaction and decides who may do what. Each
change holds the row and goes through the table of states, so of two boxes that come with one code
at the same instant one finds it used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from catalog.db.logins import at
from catalog.db.pool import Connection
from catalog.db.tell import told
from catalog.edges import (
    CODE_LASTS_S,
    EDGES_OF_SCHOOL_LIMIT,
    EdgeInput,
    EdgeState,
    KnownEdge,
    digest_of_code,
    new_code,
    step,
)
from catalog.errors import Conflict, NotFound, SignInNeeded
from catalog.ids import new_id

_EDGE: LiteralString = """
select e.id, e.name, e.state, e.school_id, s.name as school_name, s.district_id, s.group_id,
  e.public_key, e.names, e.version, e.created_at, e.enrolled_at, e.seen_at, e.code_expires_at
from edge e join school s on s.id = e.school_id
"""


@dataclass(frozen=True, slots=True)
class EdgeRecord:
    """An edge's row with its school. `code_expires_at` is None when no code waits to be used."""

    id: str
    name: str
    state: str
    school_id: str
    school_name: str
    district_id: str
    group_id: str | None
    public_key: bytes | None
    names: Sequence[str]
    version: str
    created_at: datetime
    enrolled_at: datetime | None
    seen_at: datetime | None
    code_expires_at: datetime | None

    @property
    def known(self) -> KnownEdge | None:
        """The edge as the origin lets it in; None unless it is enrolled."""
        if self.public_key is None or self.state != EdgeState.ENROLLED.value:
            return None
        return KnownEdge(
            self.id, self.name, self.school_id, self.school_name, self.district_id, self.group_id,
            self.public_key, tuple(self.names),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewCode:
    """A one-time code, told once, and its end."""

    code: str
    expires_at: datetime


async def add_edge(
    connection: Connection, name: str, school: str, created_by: str | None, now_utc: float
) -> tuple[str, NewCode]:
    """Add an edge that waits for its box; give id and code. Raises: Conflict, Invalid."""
    # Who adds at the same time to one school waits, or both would be the last one allowed.
    await connection.execute("select from school where id = %s for no key update", (school,))
    if await _count(connection, school) >= EDGES_OF_SCHOOL_LIMIT:
        raise Conflict(f"a school has at most {EDGES_OF_SCHOOL_LIMIT} edges: use a revoked one")
    key, made = new_id(), _made_code(now_utc)
    with told("edge"):
        await connection.execute(
            "insert into edge (id, name, school_id, created_by, created_at, code_digest,"
            " code_expires_at) values (%s, %s, %s, %s, %s, %s, %s)",
            (key, name, school, created_by, at(now_utc), digest_of_code(made.code),
             made.expires_at),
        )  # fmt: skip
    return key, made


async def _count(connection: Connection, school: str) -> int:
    cursor = await connection.execute(
        "select count(*) as n from edge where school_id = %s", (school,)
    )
    row = await cursor.fetchone()
    return int(row["n"]) if row else 0


def _made_code(now_utc: float) -> NewCode:
    return NewCode(new_code(), at(now_utc + CODE_LASTS_S))


async def read_edge(connection: Connection, edge: str, lock: bool = False) -> EdgeRecord | None:
    """Give one edge; with lock, held for update until the transaction ends."""
    if lock:
        await connection.execute("select from edge where id = %s for update", (edge,))
    row = await (await connection.execute(_EDGE + " where e.id = %s", (edge,))).fetchone()
    return _record(row) if row else None


async def schools_heard(connection: Connection, limit: int) -> dict[str, datetime]:
    """Give when the box of each school was heard last; of several the one that is longest away."""
    cursor = await connection.execute(
        "select school_id, min(coalesce(seen_at, enrolled_at, created_at)) as heard_at from edge"
        " where state = 'enrolled' group by school_id order by school_id limit %s",
        (limit,),
    )
    return {row["school_id"]: row["heard_at"] for row in await cursor.fetchall()}


async def find_edge(connection: Connection, name: str) -> EdgeRecord | None:
    """Give an edge by its id or its name."""
    cursor = await connection.execute(
        _EDGE + " where e.id = %(name)s or lower(e.name) = lower(%(name)s)", {"name": name}
    )
    row = await cursor.fetchone()
    return _record(row) if row else None


async def list_edges(
    connection: Connection,
    limit: int,
    after: tuple[str, str] = ("", ""),
    districts: Sequence[str] | None = None,
    school: str = "",
    state: str = "",
    text: str = "",
) -> list[EdgeRecord]:
    """Give edges by name, after a place in the list; of these districts only, None: of all."""
    cursor = await connection.execute(
        _EDGE + " where (e.name, e.id) > (%(after_name)s, %(after_id)s)"
        " and (%(districts)s::text[] is null or s.district_id = any(%(districts)s))"
        " and (%(school)s = '' or e.school_id = %(school)s)"
        " and (%(state)s = '' or e.state = %(state)s)"
        " and strpos(lower(e.name || ' ' || s.name), lower(%(text)s)) > 0"
        " order by e.name, e.id limit %(limit)s",
        {"after_name": after[0], "after_id": after[1], "school": school, "state": state,
         "districts": None if districts is None else list(districts), "text": text,
         "limit": limit},
    )  # fmt: skip
    return [_record(row) for row in await cursor.fetchall()]


async def enrolled_edges(connection: Connection, ids: Sequence[str] | None) -> list[KnownEdge]:
    """Give the edges that may come in, of these ids; None: all."""
    cursor = await connection.execute(
        _EDGE + " where e.state = 'enrolled' and (%(ids)s::text[] is null or e.id = any(%(ids)s))",
        {"ids": None if ids is None else list(ids)},
    )
    return [known for row in await cursor.fetchall() if (known := _record(row).known)]


def _record(row: Mapping[str, Any]) -> EdgeRecord:
    key = row["public_key"]
    return EdgeRecord(**{**row, "public_key": None if key is None else bytes(key)})


async def give_code(connection: Connection, edge: str, now_utc: float) -> NewCode:
    """Make a code in place of the one before. Raises: NotFound."""
    record = await _held(connection, edge)
    after, made = step(EdgeState(record.state), EdgeInput.CODE_GIVEN), _made_code(now_utc)
    await connection.execute(
        "update edge set state = %s, code_digest = %s, code_expires_at = %s where id = %s",
        (after.value, digest_of_code(made.code), made.expires_at, edge),
    )
    return made


async def revoke(connection: Connection, edge: str) -> None:
    """Shut an edge out, and its code with it. Raises: NotFound, Conflict."""
    record = await _held(connection, edge)
    after = step(EdgeState(record.state), EdgeInput.REVOKED)
    await connection.execute(
        "update edge set state = %s, public_key = null, code_digest = null,"
        " code_expires_at = null where id = %s",
        (after.value, edge),
    )


async def remove_edge(connection: Connection, edge: str) -> None:
    """Remove an edge with its reports. Raises: NotFound, Conflict while it is enrolled."""
    record = await _held(connection, edge)
    if record.state == EdgeState.ENROLLED.value:
        raise Conflict("this edge is enrolled: revoke it first")
    await connection.execute("delete from edge where id = %s", (edge,))


async def enrol(connection: Connection, code: str, public_key: bytes, now_utc: float) -> EdgeRecord:
    """Let a box be the edge that the code is for: its key replaces the one before.

    Raises: SignInNeeded for a code that is not known, was used or is too old. Conflict for a key
    that is another edge's.
    """
    cursor = await connection.execute(
        "select id, state from edge where code_digest = %s and code_expires_at > %s for update",
        (digest_of_code(code), at(now_utc)),
    )
    row = await cursor.fetchone()
    if row is None:
        raise SignInNeeded("this code is wrong, used or older than a day: ask for a new one")
    after = step(EdgeState(row["state"]), EdgeInput.ENROLLED)
    with told("edge"):
        await connection.execute(
            "update edge set state = %s, public_key = %s, enrolled_at = %s, names = '{}',"
            " code_digest = null, code_expires_at = null where id = %s",
            (after.value, public_key, at(now_utc), row["id"]),
        )
    return await _held(connection, row["id"])


async def set_names(connection: Connection, edge: str, names: Sequence[str]) -> None:
    """Keep the names that the edge's certificate is for."""
    await connection.execute("update edge set names = %s where id = %s", (list(names), edge))


async def _held(connection: Connection, edge: str) -> EdgeRecord:
    record = await read_edge(connection, edge, lock=True)
    if record is None:
        raise NotFound("there is no such edge")
    return record
