"""From the last byte to a lesson: bytes into the object store, then rows in one transaction.

    1 reserve   the upload's row gets its generation, so the store's key is fixed
    2 store     the file goes under that key (a link, where it can); again after a crash
    3 finish    upload, lesson, source and work change together
    4 remove    the file; one that is left over has an ended row and is swept

A crash between any two leaves an open row with a whole file: whoever asks next (the client, the
sweeper) does the same steps again and comes to the same lesson.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from catalog.db.sources import StoredSource
from catalog.db.uploads import UploadRow, UploadRows
from catalog.errors import Conflict, NotFound
from catalog.store.keys import source_key
from catalog.store.port import ObjectStore
from catalog.store.taking import take_file
from catalog.tus import Concat, Gone
from catalog.uploads.files import UploadFiles

log = logging.getLogger(__name__)

SOURCE_TYPE = "application/octet-stream"

_R = TypeVar("_R")


class Finisher:
    """Turns whole uploads into lessons; one task an upload, shared by all who wait for it."""

    def __init__(self, rows: UploadRows, files: UploadFiles, store: ObjectStore) -> None:
        self._rows = rows
        self._files = files
        self._store = store
        self._running: dict[str, asyncio.Task[str]] = {}

    async def finish(self, upload: str) -> str:
        """Give the lesson of a whole upload. A caller that goes away does not stop it.

        Raises: Locked, Gone, NotFound, Conflict, StoreError, psycopg.Error.
        """
        task = self._running.get(upload)
        if task is None:
            task = asyncio.create_task(self._finish(upload), name=f"finish {upload}")
            self._running[upload] = task
            task.add_done_callback(lambda done: self._ended(upload, done))
        return await asyncio.shield(task)

    def _ended(self, upload: str, task: asyncio.Task[str]) -> None:
        self._running.pop(upload, None)
        if not task.cancelled():
            task.exception()

    async def drain(self) -> None:
        """Wait for what is being finished."""
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _finish(self, upload: str) -> str:
        row = await self._rows.read(upload)
        if row is None or row.target_id is None:
            raise NotFound("there is no such upload")
        if row.state == "finished":
            return row.target_id
        await self._join(row)
        async with self._files.writing(upload) as writer:
            if writer.offset != row.length_bytes:
                raise Conflict(f"this upload is not whole: it has {writer.offset} bytes")
            await self._store_and_finish(row, writer.offset)
        await self._remove(row)
        log.info("upload %s is lesson %s", upload, row.target_id)
        return row.target_id

    async def _join(self, row: UploadRow) -> None:
        if row.concat is Concat.FINAL and await self._files.offset(row.id) is None:
            await self._files.join(row.id, row.parts)

    async def _store_and_finish(self, row: UploadRow, size_bytes: int) -> None:
        reserved = await self._give_up_if_gone(row, lambda: self._rows.reserve(row.id))
        assert reserved.target_id is not None
        assert reserved.generation is not None
        key = source_key(reserved.target_id, reserved.generation)
        await take_file(self._store, key, self._files.path(row.id), SOURCE_TYPE)
        source = StoredSource(
            reserved.target_id, reserved.generation, key, row.filename, size_bytes
        )
        await self._give_up_if_gone(reserved, lambda: self._rows.finish(row.id, source))

    async def _give_up_if_gone(self, row: UploadRow, act: Callable[[], Awaitable[_R]]) -> _R:
        """Let an upload go whose lesson was deleted while it came in."""
        try:
            return await act()
        except NotFound:
            await self._rows.end(row, "terminated", kept_key(row))
            await self._remove(row)
            raise Gone("the lesson was deleted while its new version came in") from None

    async def _remove(self, row: UploadRow) -> None:
        for each in (*row.parts, row.id):
            await self._files.delete(each)


def kept_key(row: UploadRow) -> str:
    """Give the key that an upload may have stored its bytes under; "" when it had none yet."""
    if row.target_id is None or row.generation is None:
        return ""
    return source_key(row.target_id, row.generation)
