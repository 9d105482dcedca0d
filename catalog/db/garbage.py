"""Keys of the object store that nothing needs any more; catalog/garbage.py sweeps them.

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
