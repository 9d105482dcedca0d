"""Lessons that go: put aside at once, brought back on wish. catalog/garbage.py removes them."""

from __future__ import annotations

from datetime import datetime
from typing import LiteralString

from catalog.db.pool import Connection
from catalog.errors import NotFound


async def put_aside(connection: Connection, lesson: str, now: datetime) -> None:
    """Delete a lesson so that it can be restored. Raises: NotFound.

    It forgets the import it came from, so that a corrected table brings it again.
    """
    await _must_change(
        connection,
        "update lesson set deleted_at = %s, import_key = null where id = %s and deleted_at is null",
        now,
        lesson,
    )


async def restore(connection: Connection, lesson: str) -> None:
    """Bring a deleted lesson back; work that was waiting is wanted again. Raises: NotFound."""
    await _must_change(
        connection,
        "update lesson set deleted_at = null where id = %s and deleted_at is not null",
        lesson,
    )
    await connection.execute(
        "update work set state = 'wanted' where lesson_id = %s and state = 'wanted'", (lesson,)
    )


async def _must_change(connection: Connection, query: LiteralString, *values: object) -> None:
    if (await connection.execute(query, values)).rowcount == 0:
        raise NotFound("there is no such lesson, or it is removed for good")
