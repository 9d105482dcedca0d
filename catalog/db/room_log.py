"""What happened in a session's room, kept in order: implements `catalog.live.RoomLog`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg.types.json import Jsonb

from catalog.db.pool import Connection, Pool
from catalog.errors import NotFound


class RoomEvents:
    """The logs of all rooms."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def append(self, session: str, events: Sequence[Mapping[str, Any]]) -> None:
        """Keep events in order. Raises: NotFound, Unavailable."""
        async with self._pool.connection() as connection:
            await append_events(connection, session, events)

    async def read(self, session: str) -> Sequence[Mapping[str, Any]]:
        """Give all events in order. Raises: Unavailable."""
        async with self._pool.connection() as connection:
            return await read_events(connection, session)


async def append_events(
    connection: Connection, session: str, events: Sequence[Mapping[str, Any]]
) -> None:
    """Keep events after those that are there; writers of one room take turns. Raises: NotFound."""
    cursor = await connection.execute(
        "select from session where id = %s for no key update", (session,)
    )
    if cursor.rowcount == 0:
        raise NotFound("there is no such session")
    await connection.execute(
        "insert into room_event (session_id, number, event)"
        " select %(session)s, last.number + e.place, e.event"
        " from unnest(%(events)s::jsonb[]) with ordinality as e (event, place),"
        " (select coalesce(max(number), 0) as number from room_event"
        "  where session_id = %(session)s) as last",
        {"session": session, "events": [Jsonb(dict(event)) for event in events]},
    )


async def read_events(connection: Connection, session: str) -> list[dict[str, Any]]:
    """Give a room's events in order."""
    cursor = await connection.execute(
        "select event from room_event where session_id = %s order by number", (session,)
    )
    return [row["event"] for row in await cursor.fetchall()]
