"""Lessons that go: put aside at once, brought back on wish, removed for good after a grace time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import LiteralString

from catalog.db.pool import Connection, Pool
from catalog.errors import NotFound, TongbuError

log = logging.getLogger(__name__)

AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class RemovalSettings:
    """How long a deleted lesson can be brought back, and how often old ones are removed."""

    grace_s: float = 30 * 86_400.0
    sweep_every_s: float = 600.0


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


_REMOVE = """
with old as (
  select id from lesson where deleted_at <= %(before)s
  order by deleted_at limit %(limit)s for update skip locked
), keys as (
  select s.key from source s join old on old.id = s.lesson_id
  union select o.key from media_object o join rendition r on r.id = o.rendition_id
    join old on old.id = r.lesson_id
  union select p.key from side_product p join old on old.id = p.lesson_id where p.key <> ''
), thrown as (
  insert into garbage (key) select key from keys on conflict do nothing
)
delete from lesson where id in (select id from old)
"""


async def remove_old(connection: Connection, before: datetime) -> int:
    """Remove lessons deleted before that time; what they stored becomes garbage."""
    cursor = await connection.execute(_REMOVE, {"before": before, "limit": AT_ONCE})
    return cursor.rowcount


class Remover:
    """Removes old deleted lessons; safe beside other processes."""

    def __init__(self, pool: Pool, settings: RemovalSettings, now: Callable[[], datetime]) -> None:
        self._pool = pool
        self._settings = settings
        self._now = now

    async def run(self) -> None:
        """Sweep at once and then again and again, until cancelled."""
        while True:
            try:
                await self.sweep()
            except TongbuError as error:
                log.warning("deleted lessons were not removed: %s", error)
            await asyncio.sleep(self._settings.sweep_every_s)

    async def sweep(self) -> int:
        """Remove all that is due; give how many lessons."""
        removed = 0
        while True:
            async with self._pool.connection() as connection:
                before = self._now() - timedelta(seconds=self._settings.grace_s)
                found = await remove_old(connection, before)
            removed += found
            if found < AT_ONCE:
                return removed


async def _must_change(connection: Connection, query: LiteralString, *values: object) -> None:
    if (await connection.execute(query, values)).rowcount == 0:
        raise NotFound("there is no such lesson, or it is removed for good")
