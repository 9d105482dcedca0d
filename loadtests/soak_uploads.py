"""Uploads of a soak by tus: whole, interrupted and resumed, or abandoned.

Spec: tus 1.0.0 (core protocol: HEAD, PATCH).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from enum import Enum

from loadtests.client import Client, Refused
from loadtests.soak_books import Ledger, What
from loadtests.soak_viewers import AGAIN_S, BROKEN

TRIES = 60
PIECE_BYTES = 16 * 1024


class Course(Enum):
    """How an upload goes."""

    WHOLE = "in one go"
    INTERRUPTED = "cut off in the middle and resumed, perhaps again"
    ABANDONED = "cut off in the middle and left"


WEIGHTS = (4, 4, 2)
BUSY = (409, 423)


class CutOff(Exception):
    """This request ends here: the one who uploads has hung up, or another has not quite yet."""


class Uploading:
    """Uploads clips; `lessons` has the ids of those that were finished."""

    def __init__(self, client: Client, clip: bytes, ledger: Ledger) -> None:
        self.lessons: list[str] = []
        self._client, self._clip, self._ledger = client, clip, ledger

    async def run(self, chance: random.Random) -> None:
        """Upload once, however that goes. Raises: Refused when it cannot be finished."""
        (course,) = chance.choices(list(Course), WEIGHTS)
        name = {"filename": "片段.mp4", "title": f"微课 {chance.getrandbits(32):08x}"}
        where = await self._client.create_upload(len(self._clip), name)
        self._ledger.note(What.UPLOADS)
        if course is Course.WHOLE:
            self._finished(await self._send(where, 0, len(self._clip)))
            return
        offset, last = 0, len(self._clip) - 1
        for _ in range(chance.randint(1, 3)):
            until = chance.randint(offset, last)
            with suppress(*BROKEN, CutOff):
                await self._send(where, offset, until)
            offset = await self._offset(where)
        if course is Course.ABANDONED:
            self._ledger.note(What.ABANDONED)
            return
        self._ledger.note(What.INTERRUPTED)
        self._finished(await self._resume(where))

    def _finished(self, lesson: str) -> None:
        self.lessons.append(lesson)
        self._ledger.note(What.FINISHED)

    async def _send(self, where: str, offset: int, until: int) -> str:
        """Send from an offset; hang up at `until` unless that is the end. Gives the lesson."""
        headers = {
            "Tus-Resumable": "1.0.0", "Upload-Offset": str(offset),
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(len(self._clip) - offset),
        }  # fmt: skip
        body = self._pieces(offset, until)
        async with self._client.http.patch(where, data=body, headers=headers) as answer:
            if answer.status in BUSY:
                raise CutOff
            if answer.status != 204:
                raise Refused(f"PATCH: {answer.status} {await answer.text()}")
            return answer.headers.get("Tongbu-Lesson", "")

    async def _resume(self, where: str) -> str:
        """Send the rest; what was cut off may only now be seen to be. Raises: Refused."""
        for _ in range(TRIES):
            with suppress(*BROKEN, CutOff):
                return await self._send(where, await self._offset(where), len(self._clip))
            await asyncio.sleep(AGAIN_S)
        raise Refused(f"PATCH {where}: still held after {TRIES} tries")

    async def _pieces(self, offset: int, until: int) -> AsyncIterator[bytes]:
        for at in range(offset, until, PIECE_BYTES):
            yield self._clip[at : min(at + PIECE_BYTES, until)]
        if until < len(self._clip):
            raise CutOff

    async def _offset(self, where: str) -> int:
        """Ask where it stands, as soon as nobody holds it any more. Raises: Refused."""
        headers = {"Tus-Resumable": "1.0.0"}
        for _ in range(TRIES):
            async with self._client.http.head(where, headers=headers) as answer:
                if answer.status == 200:
                    return int(answer.headers["Upload-Offset"])
            await asyncio.sleep(AGAIN_S)
        raise Refused(f"HEAD {where}: no offset after {TRIES} tries")
