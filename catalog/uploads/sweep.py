"""What crashes and people leave behind: whole uploads without a lesson, old ones, lost files."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

import psycopg

from catalog.db.uploads import UploadRow, UploadRows
from catalog.errors import TongbuError
from catalog.tus import Concat, Gone, Locked
from catalog.uploads.files import UploadFiles
from catalog.uploads.finish import Finisher, kept_key

log = logging.getLogger(__name__)

EXPIRED_AT_ONCE = 100
ROWS_KEPT = timedelta(days=30)


class Sweeper:
    """Completes and clears uploads; safe beside other processes on the same directory."""

    def __init__(
        self,
        rows: UploadRows,
        files: UploadFiles,
        finisher: Finisher,
        now: Callable[[], datetime],
    ) -> None:
        self._rows = rows
        self._files = files
        self._finisher = finisher
        self._now = now

    async def run(self, every_s: float) -> None:
        """Sweep at once and then again and again, until cancelled."""
        while True:
            try:
                await self.sweep()
            except (psycopg.Error, TongbuError) as error:
                log.warning("uploads were not swept: %s", error)
            await asyncio.sleep(every_s)

    async def sweep(self) -> None:
        """Do everything once."""
        here = await self._files.ids()
        opened = {row.id: row for row in await self._rows.open_among(here)}
        for upload in here:
            if upload not in opened:
                await self._files.delete(upload)
        finals = {row.id: row for row in await self._rows.open_finals()}
        for row in {**opened, **finals}.values():
            await self._complete(row)
        for row in await self._rows.expired(self._now(), EXPIRED_AT_ONCE):
            await self._expire(row)
        await self._rows.forget(self._now() - ROWS_KEPT)

    async def _complete(self, row: UploadRow) -> None:
        if row.concat is Concat.PARTIAL or not await self._whole(row):
            return
        try:
            await self._finisher.finish(row.id)
        except Locked:
            return
        except (TongbuError, psycopg.Error) as error:
            log.warning("upload %s is whole but cannot become a lesson yet: %s", row.id, error)

    async def _whole(self, row: UploadRow) -> bool:
        offset = await self._files.offset(row.id)
        if offset is None and row.concat is Concat.FINAL:
            return await self._files.offset(row.parts[0]) is not None
        return offset is not None and offset == row.length_bytes

    async def _expire(self, row: UploadRow) -> None:
        if row.concat is not Concat.PARTIAL and await self._whole(row):
            return
        try:
            async with self._files.writing(row.id):
                await self._end(row)
        except Gone:
            await self._end(row)
        except Locked:
            return

    async def _end(self, row: UploadRow) -> None:
        await self._rows.end(row, "expired", kept_key(row))
        await self._files.delete(row.id)
        log.info("upload %s has expired", row.id)
