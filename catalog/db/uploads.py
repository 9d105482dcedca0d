"""Rows of uploads: what is coming in, from whom, and what it becomes when the last byte is here.

Each method is one transaction, safe to repeat after a crash at any point of its caller.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from catalog.db.pool import Connection, Pool
from catalog.db.sources import (
    NewLesson,
    StoredSource,
    add_lesson,
    add_version,
    as_json,
    next_generation,
)
from catalog.errors import OverQuota, TooMany
from catalog.tus import Concat, Gone

OPEN_LIMIT = 400
OPEN_LIMIT_WAIT_S = 60.0
_COLUMNS: LiteralString = """
select id, owner_id, target_id, new_version, generation, length_bytes, filename, fields, metadata,
  concat, parts, state, expires_at from upload
"""


@dataclass(frozen=True, slots=True)
class UploadRow:
    """An upload. target_id is the lesson that it becomes; None for a part of another upload."""

    id: str
    owner_id: str
    target_id: str | None
    new_version: bool
    generation: int | None
    length_bytes: int | None
    filename: str
    fields: Mapping[str, Any]
    metadata: Mapping[str, str]
    concat: Concat
    parts: tuple[str, ...]
    state: str
    expires_at: datetime

    @property
    def open(self) -> bool:
        """Tell whether bytes may still come or be taken over."""
        return self.state == "open"


class UploadRows:
    """The table of uploads."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def read(self, upload: str) -> UploadRow | None:
        """Give one upload."""
        async with self._pool.connection() as connection:
            return await _read(connection, _COLUMNS + " where id = %s", (upload,))

    async def find_final(self, owner: str, parts: Sequence[str]) -> UploadRow | None:
        """Give the upload that was already made of these parts."""
        async with self._pool.connection() as connection:
            return await _final(connection, owner, parts)

    async def create(self, row: UploadRow) -> UploadRow:
        """Add an upload within its owner's quota, unless the same parts have made one: give that.

        Raises: OverQuota, TooMany.
        """
        async with self._pool.connection() as connection:
            # A final upload's bytes are counted with its parts.
            wanted = 0 if row.concat is Concat.FINAL else row.length_bytes or 0
            await _require_quota(connection, row.owner_id, wanted)
            if row.concat is Concat.FINAL:
                made = await _final(connection, row.owner_id, row.parts)
                if made is not None:
                    return made
            await _require_few_open(connection, row.owner_id)
            await connection.execute(
                "insert into upload (id, owner_id, target_id, new_version, length_bytes, filename,"
                " fields, metadata, concat, parts, state, expires_at)"
                " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'open', %s)",
                (row.id, row.owner_id, row.target_id, row.new_version, row.length_bytes,
                 row.filename, as_json(row.fields), as_json(row.metadata), row.concat.value,
                 list(row.parts), row.expires_at),
            )  # fmt: skip
        return row

    async def set_length(self, row: UploadRow, length_bytes: int) -> None:
        """Keep the length that was told late. Raises: OverQuota."""
        async with self._pool.connection() as connection:
            await _require_quota(connection, row.owner_id, length_bytes, besides=row.id)
            await connection.execute(
                "update upload set length_bytes = %s where id = %s and length_bytes is null",
                (length_bytes, row.id),
            )

    async def room(self, row: UploadRow) -> int:
        """Give how many bytes this upload may have in all within its owner's quota."""
        async with self._pool.connection() as connection:
            quota, used = await _quota(connection, row.owner_id, besides=row.id)
            return max(quota - used, 0)

    async def received(self, upload: str, offset: int, expires_at: datetime) -> None:
        """Write down how far an upload is; it lives until expires_at from now on."""
        async with self._pool.connection() as connection:
            await connection.execute(
                "update upload set received_bytes = %s, expires_at = %s"
                " where id = %s and state = 'open'",
                (offset, expires_at, upload),
            )

    async def reserve(self, upload: str) -> UploadRow:
        """Fix the generation that a whole upload takes; the same when asked again.

        Raises: Gone when the upload has ended, NotFound when its lesson has.
        """
        async with self._pool.connection() as connection:
            row = await _locked(connection, upload)
            if row.state == "finished" or row.generation is not None:
                return row
            assert row.target_id is not None
            first = not row.new_version
            generation = 1 if first else await next_generation(connection, row.target_id)
            await connection.execute(
                "update upload set generation = %s where id = %s", (generation, upload)
            )
            return await _locked(connection, upload)

    async def finish(self, upload: str, source: StoredSource) -> None:
        """Make the lesson or its new version of a stored upload; once, however often asked.

        Raises: Gone when the upload has ended, NotFound when its lesson has.
        """
        async with self._pool.connection() as connection:
            row = await _locked(connection, upload)
            if row.state == "finished":
                return
            if row.new_version:
                await add_version(connection, source)
            else:
                await add_lesson(connection, NewLesson(row.fields, row.owner_id), source)
            await _end(connection, [upload, *row.parts], "finished")

    async def end(self, row: UploadRow, state: str, garbage: str = "") -> bool:
        """Let an open upload go: `expired` or `terminated`; a key it may have stored is swept."""
        async with self._pool.connection() as connection:
            ended = await _end(connection, [row.id], state)
            if ended and garbage:
                await connection.execute(
                    "insert into garbage (key) values (%s) on conflict do nothing", (garbage,)
                )
            return ended > 0

    async def expired(self, now: datetime, limit: int) -> list[UploadRow]:
        """Give open uploads whose time is over."""
        return await self._many(
            _COLUMNS + " where state = 'open' and expires_at <= %s order by expires_at limit %s",
            (now, limit),
        )

    async def open_among(self, uploads: Sequence[str]) -> list[UploadRow]:
        """Give those of these uploads that are open."""
        return await self._many(
            _COLUMNS + " where state = 'open' and id = any(%s)", (list(uploads),)
        )

    async def open_finals(self) -> list[UploadRow]:
        """Give the open uploads that are made of parts."""
        return await self._many(_COLUMNS + " where state = 'open' and concat = 'final'", ())

    async def forget(self, before: datetime) -> int:
        """Remove rows that ended before this time; give how many."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "delete from upload where state <> 'open' and expires_at < %s", (before,)
            )
            return cursor.rowcount

    async def _many(self, query: LiteralString, values: Sequence[Any]) -> list[UploadRow]:
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(query, values)).fetchall()
            return [_row(row) for row in rows]


async def _quota(connection: Connection, person: str, besides: str = "") -> tuple[int, int]:
    row = await (
        await connection.execute(
            "select quota_bytes,"
            " coalesce((select sum(s.size_bytes) from source s join lesson l on l.id = s.lesson_id"
            "   where l.owner_id = p.id and l.deleted_at is null), 0)::bigint"
            " + coalesce((select sum(coalesce(u.length_bytes, u.received_bytes)) from upload u"
            "   where u.owner_id = p.id and u.state = 'open' and u.concat <> 'final'"
            "   and u.id <> %(besides)s), 0)::bigint as used"
            " from person p where p.id = %(person)s",
            {"person": person, "besides": besides},
        )
    ).fetchone()
    return (int(row["quota_bytes"]), int(row["used"])) if row else (0, 0)


async def _require_quota(
    connection: Connection, person: str, wanted: int, besides: str = ""
) -> None:
    # Two uploads created at once take turns here, so that both together stay within the quota.
    await connection.execute("select from person where id = %s for no key update", (person,))
    quota, used = await _quota(connection, person, besides)
    if used + wanted > quota:
        raise OverQuota(
            f"your space is used up: {used >> 20} of {quota >> 20} MiB are taken and this file has "
            f"{wanted >> 20} MiB. Delete lessons, or ask your administrator for more"
        )


async def _require_few_open(connection: Connection, person: str) -> None:
    row = await (
        await connection.execute(
            "select count(*) as n from upload where owner_id = %s and state = 'open'", (person,)
        )
    ).fetchone()
    if row and row["n"] >= OPEN_LIMIT:
        raise TooMany(f"{OPEN_LIMIT} uploads are open: finish or delete some", OPEN_LIMIT_WAIT_S)


async def _final(connection: Connection, owner: str, parts: Sequence[str]) -> UploadRow | None:
    return await _read(
        connection,
        _COLUMNS + " where owner_id = %s and concat = 'final' and parts = %s"
        " and state in ('open', 'finished')",
        (owner, list(parts)),
    )


async def _end(connection: Connection, uploads: Sequence[str], state: str) -> int:
    cursor = await connection.execute(
        "update upload set state = %s where id = any(%s) and state = 'open'",
        (state, list(uploads)),
    )
    return cursor.rowcount


async def _locked(connection: Connection, upload: str) -> UploadRow:
    row = await _read(connection, _COLUMNS + " where id = %s for update", (upload,))
    if row is None or row.state in ("expired", "terminated"):
        raise Gone("this upload has ended: begin again")
    return row


async def _read(
    connection: Connection, query: LiteralString, values: Sequence[Any]
) -> UploadRow | None:
    row = await (await connection.execute(query, values)).fetchone()
    return _row(row) if row else None


def _row(row: Mapping[str, Any]) -> UploadRow:
    parts = tuple(row["parts"])
    return UploadRow(**{**row, "concat": Concat(row["concat"]), "parts": parts})
