"""Sessions in the database: by the digest of their token, with an end.

Functions take an open connection: the caller owns the transaction. Times are Unix seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from catalog.db.people import affiliation_of
from catalog.db.pool import Connection
from catalog.people import Viewer, city_day, viewer_on

SESSIONS_LIMIT = 50
USER_AGENT_LIMIT_CHARS = 200


@dataclass(frozen=True, slots=True)
class Credentials:
    """What signing in needs to know of a person."""

    id: str
    username: str
    password_hash: str | None
    disabled: bool


def at(now_utc: float) -> datetime:
    """Give Unix seconds as the database's time."""
    return datetime.fromtimestamp(now_utc, UTC)


async def read_credentials(connection: Connection, username: str) -> Credentials | None:
    """Give a person by user name."""
    cursor = await connection.execute(
        "select id, username, password_hash, disabled from person where username = %s", (username,)
    )
    row = await cursor.fetchone()
    return Credentials(**row) if row else None


async def add_login(
    connection: Connection, digest: bytes, person: str, now_utc: float, end_utc: float, agent: str
) -> None:
    """Begin a session; ended ones, and the oldest beyond SESSIONS_LIMIT, go."""
    await connection.execute(
        "insert into login (digest, person_id, created_at, expires_at, user_agent)"
        " values (%s, %s, %s, %s, %s)",
        (digest, person, at(now_utc), at(end_utc), agent[:USER_AGENT_LIMIT_CHARS]),
    )
    await connection.execute("delete from login where expires_at <= %s", (at(now_utc),))
    await connection.execute(
        "delete from login where digest in (select digest from login where person_id = %s"
        " order by created_at desc, digest offset %s)",
        (person, SESSIONS_LIMIT),
    )


async def end_login(connection: Connection, digest: bytes) -> None:
    """End one session."""
    await connection.execute("delete from login where digest = %s", (digest,))


async def end_logins(connection: Connection, person: str, besides: bytes = b"") -> None:
    """End all sessions of a person, but not the one of digest `besides`."""
    await connection.execute(
        "delete from login where person_id = %s and digest <> %s", (person, besides)
    )


_VIEWER = """
select p.id as viewer_id, p.name as viewer_name, a.* from login l
  join person p on p.id = l.person_id and not p.disabled
  left join affiliation_place a on a.person_id = p.id
where l.digest = %s and l.expires_at > %s order by a.since, a.id
"""


async def read_viewer(connection: Connection, digest: bytes, now_utc: float) -> Viewer | None:
    """Give the person of a session that holds now, as of the city's day; None when it does not."""
    rows = await (await connection.execute(_VIEWER, (digest, at(now_utc)))).fetchall()
    if not rows:
        return None
    held = (affiliation_of(row).held for row in rows if row["id"])
    return viewer_on(city_day(now_utc), rows[0]["viewer_id"], rows[0]["viewer_name"], held)
