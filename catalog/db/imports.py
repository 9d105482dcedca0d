"""What an import asks the database: names of the city, and what is imported already."""

from __future__ import annotations

from collections.abc import Sequence

from catalog.db.pool import Connection
from catalog.importing import Names


async def read_names(connection: Connection) -> Names:
    """Give schools and series by name and by id."""
    schools = await (await connection.execute("select id, name from school")).fetchall()
    series = await (await connection.execute("select id, name from series")).fetchall()
    return Names(
        {key: row["id"] for row in schools for key in (row["id"], row["name"])},
        {key: row["id"] for row in series for key in (row["id"], row["name"])},
    )


async def known_import_keys(connection: Connection, keys: Sequence[str]) -> set[str]:
    """Give those keys that a lesson has."""
    cursor = await connection.execute(
        "select import_key from lesson where import_key = any(%s)", (list(keys),)
    )
    return {row["import_key"] for row in await cursor.fetchall()}
