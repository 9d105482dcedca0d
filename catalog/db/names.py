"""Names of schools and series by id, remembered for a few seconds: facets ask for the same ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import LiteralString

from catalog.db.pool import Pool

AGE_S = 5.0
NAMES_LIMIT = 20_000
_QUERIES: dict[str, LiteralString] = {
    "school": "select id, name from school where id = any(%s)",
    "series": "select id, name from series where id = any(%s)",
}


class Names:
    """A small cache in front of the registry."""

    def __init__(self, pool: Pool, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._clock = clock
        self._known: dict[str, tuple[float, str]] = {}

    async def of(self, kind: str, ids: Sequence[str]) -> Mapping[str, str]:
        """Give the names of ids of one kind, `school` or `series`; unknown ones are missing."""
        fresh_since = self._clock() - AGE_S
        missing = [key for key in ids if self._known.get(key, (0.0,))[0] <= fresh_since]
        if missing:
            await self._read(kind, missing)
        return {key: self._known[key][1] for key in ids if key in self._known}

    async def _read(self, kind: str, ids: list[str]) -> None:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_QUERIES[kind], (ids,))
            rows = await cursor.fetchall()
        if len(self._known) > NAMES_LIMIT:
            self._known.clear()
        now = self._clock()
        self._known.update({row["id"]: (now, row["name"]) for row in rows})
