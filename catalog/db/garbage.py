"""Keys of the object store that nothing needs any more, and when they may go.

Players may still read what a newer version has replaced, so objects stay for a grace time, and with
them the rows that say where their segments lie. Functions take an open connection.
"""

from __future__ import annotations

from collections.abc import Sequence

from catalog.db.pool import Connection


async def throw_away(connection: Connection, keys: Sequence[str]) -> None:
    """Mark objects for removal after the grace time."""
    if keys:
        await connection.execute(
            "insert into garbage (key) select unnest(%s::text[]) on conflict do nothing",
            (list(keys),),
        )


async def due(connection: Connection, grace_s: float, limit: int) -> list[str]:
    """Give keys whose grace time is over, the oldest first."""
    cursor = await connection.execute(
        "select key from garbage where since < now() - make_interval(secs => %s)"
        " order by since limit %s",
        (grace_s, limit),
    )
    return [row["key"] for row in await cursor.fetchall()]


_FORGET = """
with objects as (delete from media_object where key = any(%(keys)s) returning rendition_id),
  sides as (delete from side_product where key = any(%(keys)s)),
  swept as (delete from garbage where key = any(%(keys)s))
select distinct rendition_id from objects
"""


async def forget(connection: Connection, keys: Sequence[str]) -> None:
    """Remove what the catalogue says about objects that are gone from the store."""
    cursor = await connection.execute(_FORGET, {"keys": list(keys)})
    renditions = [row["rendition_id"] for row in await cursor.fetchall()]
    await connection.execute(
        "delete from rendition r where id = any(%s)"
        " and not exists (select from media_object o where o.rendition_id = r.id)",
        (renditions,),
    )


_REFERENCED = """
select key from media_object where key = any(%(keys)s)
union select key from side_product where key = any(%(keys)s)
union select key from source where key = any(%(keys)s)
union select key from garbage where key = any(%(keys)s)
"""


async def unreferenced(connection: Connection, keys: Sequence[str]) -> list[str]:
    """Give those of the keys that nothing points at, not even the garbage."""
    cursor = await connection.execute(_REFERENCED, {"keys": list(keys)})
    kept = {row["key"] for row in await cursor.fetchall()}
    return [key for key in keys if key not in kept]
