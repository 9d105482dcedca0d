"""What may be taken out of the object store: SQL of the sweeper (catalog/garbage.py).

A key is in use while a source has it, or a media object or side product of the generation that its
lesson shows or of a newer one. Functions take an open connection: the caller owns the transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString

from catalog.db.pool import Connection

_USES: LiteralString = """
select key from source where key = any(%(keys)s)
union select o.key from media_object o join rendition r on r.id = o.rendition_id
  join lesson l on l.id = r.lesson_id
  where o.key = any(%(keys)s) and r.generation >= l.generation
union select p.key from side_product p join lesson l on l.id = p.lesson_id
  where p.key = any(%(keys)s) and p.generation >= l.generation
"""


async def take_due(connection: Connection, before: datetime, limit: int) -> list[str]:
    """Lock keys that have waited since before that time, the oldest first, and give them."""
    cursor = await connection.execute(
        "select key from garbage where swept_at is null and since < %s"
        " order by since limit %s for update skip locked",
        (before, limit),
    )
    return [row["key"] for row in await cursor.fetchall()]


async def in_use(connection: Connection, keys: Sequence[str]) -> set[str]:
    """Give those of the keys that something points at and players are shown."""
    cursor = await connection.execute(_USES, {"keys": list(keys)})
    return {row["key"] for row in await cursor.fetchall()}


async def keep(connection: Connection, keys: Sequence[str]) -> None:
    """Take keys out of the garbage: they are in use."""
    await connection.execute("delete from garbage where key = any(%s)", (list(keys),))


_FORGET: LiteralString = """
with objects as (delete from media_object where key = any(%(keys)s) returning rendition_id),
  sides as (delete from side_product where key = any(%(keys)s)),
  marked as (update garbage set swept_at = %(now)s where key = any(%(keys)s))
select distinct rendition_id from objects
"""


async def mark_swept(connection: Connection, keys: Sequence[str], now: datetime) -> None:
    """Remove what the catalogue says about keys that are gone; leave their tombstones."""
    cursor = await connection.execute(_FORGET, {"keys": list(keys), "now": now})
    renditions = [row["rendition_id"] for row in await cursor.fetchall()]
    await connection.execute(
        "delete from rendition r where id = any(%s)"
        " and not exists (select from media_object o where o.rendition_id = r.id)",
        (renditions,),
    )


async def drop_tombstones(connection: Connection, before: datetime) -> None:
    """Forget keys that were swept before that time."""
    await connection.execute("delete from garbage where swept_at < %s", (before,))


_ADD_ORPHANS: LiteralString = """
insert into garbage (key, since)
select key, %(now)s from unnest(%(keys)s::text[]) as key
where not exists (select from source s where s.key = key.key)
  and not exists (select from media_object o where o.key = key.key)
  and not exists (select from side_product p where p.key = key.key)
  and not exists (select from upload u where u.state = 'open' and u.generation is not null
    and u.target_id = split_part(key.key, '/', 2)
    and key.key = 'source/' || u.target_id || '/' || u.generation)
on conflict do nothing returning key
"""


async def add_orphans(connection: Connection, keys: Sequence[str], now: datetime) -> list[str]:
    """Put those of the keys that nothing points at into the garbage; give the new ones."""
    cursor = await connection.execute(_ADD_ORPHANS, {"keys": list(keys), "now": now})
    return [row["key"] for row in await cursor.fetchall()]


_DROP_LESSONS: LiteralString = """
with gone as (
  select id from lesson where deleted_at < %(before)s order by deleted_at limit %(limit)s
  for update skip locked
), thrown as (
  insert into garbage (key, since)
  select key, %(now)s from source where lesson_id in (select id from gone)
  union select o.key, %(now)s from media_object o join rendition r on r.id = o.rendition_id
    where r.lesson_id in (select id from gone)
  union select key, %(now)s from side_product
    where key <> '' and lesson_id in (select id from gone)
  on conflict do nothing
)
delete from lesson where id in (select id from gone) returning id
"""


async def drop_lessons(
    connection: Connection, before: datetime, now: datetime, limit: int
) -> list[str]:
    """Remove lessons that were deleted before that time; their objects become garbage."""
    cursor = await connection.execute(_DROP_LESSONS, {"before": before, "now": now, "limit": limit})
    return [row["id"] for row in await cursor.fetchall()]
