"""From a connection to a file in bounded pieces, and what is kept when the connection breaks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from catalog.store.port import StoreFull
from catalog.tus import Checksum, Interrupted, TooLarge
from catalog.uploads.files import Writer

PIECE_BYTES = 1024 * 1024


class Incoming(Protocol):
    """The body of a request; size_bytes None when it was not told."""

    size_bytes: int | None

    async def read(self) -> bytes:
        """Give what has come, b"" at the end. Raises: OSError when the sender went away."""

    def abort(self) -> None:
        """Cut the connection."""


class Pour:
    """One body on its way into one file."""

    def __init__(
        self, body: Incoming, idle_limit_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._body = body
        self._idle_limit_s = idle_limit_s
        self._clock = clock
        self._heard_at = clock()
        self._gave_way = False
        self.received_bytes = 0

    def silent_s(self) -> float:
        """Tell for how long the sender has sent nothing."""
        return self._clock() - self._heard_at

    def give_way(self) -> None:
        """Write no more: another connection has taken over."""
        self._gave_way = True

    async def into(
        self,
        writer: Writer,
        most_bytes: int,
        checksum: Checksum | None,
        sniff: Callable[[bytes], None] | None,
    ) -> None:
        """Append the body, at most most_bytes, and make it durable.

        sniff sees the first piece before it is written. When the sender breaks off, unchecked bytes
        are taken back and the others kept. Raises: Interrupted, TooLarge, BadChecksum, StoreFull
        and what sniff raises.
        """
        if checksum:
            await writer.expect(checksum)
        try:
            await self._pieces(writer, most_bytes, sniff)
        except (Interrupted, TooLarge, StoreFull, asyncio.CancelledError):
            await (writer.cut() if checksum else writer.settle())
            raise
        except BaseException:
            await writer.cut()
            raise
        await writer.settle()

    async def _pieces(
        self, writer: Writer, most_bytes: int, sniff: Callable[[bytes], None] | None
    ) -> None:
        piece = bytearray()
        while True:
            try:
                came = await self._read()
            except Interrupted:
                await self._write(writer, piece, sniff)
                raise
            self.received_bytes += len(came)
            if self.received_bytes > most_bytes:
                raise TooLarge("these are more bytes than the upload was announced with, or than "
                               "your space holds")  # fmt: skip
            piece += came
            if len(piece) >= PIECE_BYTES or not came:
                await self._write(writer, piece, sniff)
                piece, sniff = bytearray(), None
            if not came:
                return

    async def _write(
        self, writer: Writer, piece: bytearray, sniff: Callable[[bytes], None] | None
    ) -> None:
        if not piece or self._gave_way:
            return
        if sniff:
            sniff(bytes(piece))
        await writer.write(piece)

    async def _read(self) -> bytes:
        try:
            async with asyncio.timeout(self._idle_limit_s):
                came = await self._body.read()
        except (OSError, TimeoutError) as error:
            raise Interrupted("the connection broke off: go on from where the upload is") from error
        self._heard_at = self._clock()
        return came
