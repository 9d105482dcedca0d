"""Resumable uploads as a whole: creating, appending, finishing, taking back.

Between the protocol (catalog/tus.py) and files, rows and store. One writer an upload: a second one
is told to wait, unless the first has fallen silent: then that one's connection is cut.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from catalog.db.pool import Pool
from catalog.db.uploads import UploadRow, UploadRows
from catalog.errors import Conflict, Invalid, NoRight, NotFound, TongbuError, Unavailable
from catalog.ids import is_id, new_id
from catalog.people import Viewer, may_upload
from catalog.tus import Append, Concat, Creation, Gone, Locked, Progress, TooLarge, accept
from catalog.uploads.files import UploadFiles
from catalog.uploads.finish import Finisher, kept_key
from catalog.uploads.intake import Intake, intake
from catalog.uploads.pour import Incoming, Pour
from catalog.uploads.settings import UploadSettings
from catalog.uploads.sniff import HEAD_BYTES, require_media

log = logging.getLogger(__name__)

GIVE_WAY_LIMIT_S = 5.0


@dataclass(slots=True)
class _Turn:
    """A connection that writes, or whose upload is being taken back."""

    body: Incoming
    pour: Pour
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Uploads:
    """The service; the composition root makes one a process."""

    def __init__(
        self,
        settings: UploadSettings,
        pool: Pool,
        rows: UploadRows,
        files: UploadFiles,
        finisher: Finisher,
        now: Callable[[], datetime],
    ) -> None:
        self.settings = settings
        self._pool = pool
        self._rows = rows
        self._files = files
        self._finisher = finisher
        self._now = now
        self._turns: dict[str, _Turn] = {}
        self._draining = False

    async def create(self, viewer: Viewer, wish: Creation) -> UploadRow:
        """Make an upload. Raises: NoRight, Invalid, OverQuota, TooMany, StoreFull, Conflict."""
        if wish.concat is Concat.FINAL:
            return await self._create_final(viewer, wish)
        if wish.length_bytes == 0 and wish.concat is Concat.ALONE:
            raise Invalid("this file is empty (0 bytes): choose the recording itself")
        await self._files.require_room(wish.length_bytes or 0)
        row = await self._row(viewer, wish, wish.length_bytes)
        await self._rows.create(row)
        await self._files.create(row.id)
        return row

    async def _create_final(self, viewer: Viewer, wish: Creation) -> UploadRow:
        made = await self._rows.find_final(viewer.person_id, wish.parts)
        if made is not None:
            return made
        try:
            return await self._join_parts(viewer, wish)
        except TongbuError:
            # Asked twice at once, the other may have used up the parts meanwhile.
            made = await self._rows.find_final(viewer.person_id, wish.parts)
            if made is None:
                raise
            return made

    async def _join_parts(self, viewer: Viewer, wish: Creation) -> UploadRow:
        length = 0
        for part in wish.parts:
            length += await self._part_length(viewer, part)
        if length == 0:
            raise Invalid("this file is empty (0 bytes): choose the recording itself")
        if length > self.settings.limit_bytes:
            raise TooLarge(f"one upload may have {self.settings.limit_bytes} bytes in all")
        await self._require_media(wish, length)
        await self._files.require_room(length)
        return await self._rows.create(await self._row(viewer, wish, length))

    async def _require_media(self, wish: Creation, length: int) -> None:
        """Let parts go that surely make no recording. Raises: Invalid."""
        head = await self._files.head(wish.parts[0], HEAD_BYTES)
        try:
            require_media(head, whole=len(head) == length)
        except Invalid:
            for part in wish.parts:
                row = await self.find_open(part)
                if row is not None:
                    await self.terminate(row)
            raise

    async def _part_length(self, viewer: Viewer, part: str) -> int:
        row = await self.owned(viewer, part)
        if row.concat is not Concat.PARTIAL or not row.open:
            raise Conflict(f"{part} is no open part of an upload")
        offset = await self._files.offset(part)
        if offset is None or offset != row.length_bytes:
            raise Conflict(f"part {part} is not whole yet: send the rest of it first")
        return offset

    async def _row(self, viewer: Viewer, wish: Creation, length: int | None) -> UploadRow:
        becomes = await self._becomes(viewer, wish)
        return UploadRow(
            new_id(), viewer.person_id, becomes.target_id if becomes else None,
            becomes.new_version if becomes else False, None, length,
            becomes.filename if becomes else "", becomes.fields if becomes else {},
            wish.metadata, wish.concat, wish.parts, "open", self.expiry(),
        )  # fmt: skip

    async def _becomes(self, viewer: Viewer, wish: Creation) -> Intake | None:
        """Decide what a wish becomes; a part becomes nothing, but its words are checked early."""
        if wish.concat is not Concat.PARTIAL:
            return await intake(self._pool, viewer, wish.metadata)
        if not may_upload(viewer):
            raise NoRight("your account may not add lessons: ask your school's administrator")
        if wish.metadata:
            await intake(self._pool, viewer, wish.metadata)
        return None

    async def owned(self, viewer: Viewer, upload: str) -> UploadRow:
        """Give a person's own upload. Raises: NotFound, Gone."""
        row = await self._rows.read(upload) if is_id(upload) else None
        if row is None or row.owner_id != viewer.person_id:
            raise NotFound("there is no such upload, or it is not yours")
        if row.state in ("expired", "terminated"):
            raise Gone("this upload has ended: begin again")
        return row

    async def find_open(self, upload: str) -> UploadRow | None:
        """Give an upload if it still is open."""
        row = await self._rows.read(upload)
        return row if row is not None and row.open else None

    async def progress(self, row: UploadRow) -> Progress:
        """Tell where an upload stands. Raises: Gone."""
        if not row.open:
            return Progress(row.length_bytes or 0, row.length_bytes)
        offset = await self._files.offset(row.id)
        if offset is None and row.concat is Concat.FINAL:
            return Progress(row.length_bytes or 0, row.length_bytes)
        if offset is None:
            raise Gone("the bytes of this upload are not on this server: begin again")
        return Progress(offset, row.length_bytes)

    async def append(self, row: UploadRow, wish: Append, body: Incoming) -> Progress:
        """Add the body's bytes; durable when this returns.

        Raises: Locked, Gone, TusError's others, OverQuota, StoreFull, Invalid for what is no
        media, Interrupted when the sender went away.
        """
        if row.concat is Concat.FINAL:
            raise NoRight("a final upload is made of its parts: it takes no bytes")
        if not row.open:
            return accept(await self.progress(row), wish, body.size_bytes)
        pour = Pour(body, self.settings.idle_limit_s)
        async with self._turn(row.id, body, pour), self._files.writing(row.id) as writer:
            at = accept(Progress(writer.offset, row.length_bytes), wish, body.size_bytes)
            if row.length_bytes is None and at.length_bytes is not None:
                await self._rows.set_length(row, at.length_bytes)
            await self._files.require_room(body.size_bytes or 0)
            try:
                await pour.into(writer, await self._most(row, at) - at.offset, wish.checksum,
                                _sniffer(row, at))  # fmt: skip
            except Invalid:
                await self._end(row)
                raise
            at = Progress(writer.offset, at.length_bytes)
        await self._rows.received(row.id, at.offset, self.expiry())
        if at.length_bytes == 0 and row.concat is Concat.ALONE:
            await self._end(row)
            raise Invalid("this file is empty (0 bytes): choose the recording itself")
        return at

    async def _most(self, row: UploadRow, at: Progress) -> int:
        if at.length_bytes is not None:
            return at.length_bytes
        return min(self.settings.limit_bytes, await self._rows.room(row))

    async def finish(self, row: UploadRow) -> str:
        """Give the lesson of a whole upload, making it when nobody has yet."""
        return await self._finisher.finish(row.id)

    async def terminate(self, row: UploadRow) -> None:
        """Take an upload back. Raises: Conflict when it is a lesson already, Locked."""
        if not row.open:
            raise Conflict("this upload is a lesson already: delete the lesson")
        turn = self._turns.get(row.id)
        if turn is not None:
            await self._give_way(turn)
        try:
            async with self._files.writing(row.id):
                await self._end(row)
        except Gone:
            await self._end(row)

    async def _end(self, row: UploadRow) -> None:
        await self._rows.end(row, "terminated", kept_key(row))
        await self._files.delete(row.id)

    async def drain(self) -> None:
        """Cut the connections that send (they resume elsewhere or later), finish what is whole."""
        self._draining = True
        for turn in list(self._turns.values()):
            turn.body.abort()
        await self._finisher.drain()

    @asynccontextmanager
    async def _turn(self, upload: str, body: Incoming, pour: Pour) -> AsyncIterator[None]:
        if self._draining:
            raise Unavailable("the server is stopping: go on in a moment")
        before = self._turns.get(upload)
        if before is not None:
            if before.pour.silent_s() < self.settings.stale_after_s:
                raise Locked("another connection is sending this upload: try again in a moment")
            log.info("upload %s: a silent connection gives way", upload)
            await self._give_way(before)
        turn = _Turn(body, pour)
        self._turns[upload] = turn
        try:
            yield
        finally:
            turn.ended.set()
            if self._turns.get(upload) is turn:
                del self._turns[upload]

    async def _give_way(self, turn: _Turn) -> None:
        turn.pour.give_way()
        turn.body.abort()
        try:
            async with asyncio.timeout(GIVE_WAY_LIMIT_S):
                await turn.ended.wait()
        except TimeoutError:
            raise Locked("another connection is still writing this upload: try again") from None

    def expiry(self) -> datetime:
        """Give when an upload that is touched now ends."""
        return self._now() + timedelta(seconds=self.settings.expiry_s)


def _sniffer(row: UploadRow, at: Progress) -> Callable[[bytes], None] | None:
    if at.offset or row.concat is not Concat.ALONE:
        return None
    return lambda head: require_media(
        head[:HEAD_BYTES], whole=len(head) == at.length_bytes and len(head) <= HEAD_BYTES
    )
