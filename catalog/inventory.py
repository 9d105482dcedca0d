"""Which of the objects that the catalogue names are in the store, with the size they should have.

The store's listing goes through a file into a temporary table and PostgreSQL compares: memory does
not grow with the library. The file has a line a key: key, tab, size in bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import LiteralString

import aiofiles
import psycopg

from catalog.db.dump import Database
from catalog.store.port import ObjectStore

STORED_BELOW = ("source/", "media/", "side/")
SHOWN_LIMIT = 200
BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Inventory:
    """Counts, and the first keys that are not as they should be."""

    named: int
    missing: int
    wrong: int
    shown: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Tell whether every named object is there in its size."""
        return not (self.missing or self.wrong)


async def list_objects(store: ObjectStore, path: Path) -> int:
    """Write the list of what is stored; give how many objects."""
    count = 0
    async with aiofiles.open(path, "wb") as file:
        for prefix in STORED_BELOW:
            async for info in store.list(prefix):
                await file.write(f"{info.key}\t{info.size_bytes}\n".encode())
                count += 1
    return count


_COMPARED: LiteralString = """
create temporary view compared as
with named as (
  select key, size_bytes from source
  union all
  select key, init_bytes + (select coalesce(sum(s), 0) from unnest(sizes) s) from media_object
  union all
  select key, null from side_product where key <> ''
)
select n.key, s.key is null as missing,
  s.size_bytes <> coalesce(n.size_bytes, l.size_bytes) as wrong
from named n left join stored s using (key) left join listed l using (key)
"""


def inventory(dsn: str, stored: Path, listed: Iterable[bytes] = ()) -> Inventory:
    """Compare the catalogue with a list of what is stored now.

    `listed` is the list of a backup, for the sizes that the catalogue does not know.
    """
    with psycopg.connect(dsn) as connection, stored.open("rb") as file:
        _load(connection, "stored", iter(partial(file.read, BLOCK_BYTES), b""))
        _load(connection, "listed", listed)
        connection.execute(_COMPARED)
        row = connection.execute(
            "select count(*), count(*) filter (where missing), count(*) filter (where wrong)"
            " from compared"
        ).fetchone()
        assert row is not None
        shown = tuple(_shown(connection))
        connection.rollback()
    return Inventory(row[0], row[1], row[2], shown)


def _load(connection: Database, name: LiteralString, blocks: Iterable[bytes]) -> None:
    create: LiteralString = "create temporary table " + name + " (key text, size_bytes bigint)"
    connection.execute(create)
    with connection.cursor().copy("copy " + name + " from stdin") as copy:
        for block in blocks:
            copy.write(block)
    connection.execute("analyze " + name)


def _shown(connection: Database) -> Iterator[str]:
    rows = connection.execute(
        "select key, missing from compared where missing or wrong order by key limit %s",
        (SHOWN_LIMIT,),
    )
    for key, missing in rows:
        yield f"{key}: {'missing' if missing else 'of another size'}"
