"""The room's WebSocket of a simulated classroom: the shell of room_member.py."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from loadtests.live_readers import StreamReader, Tally
from loadtests.live_wire import TEXT, ws_text
from loadtests.room_member import Member


class RoomConnection(StreamReader):
    """One member's connection; `welcomed` is called when the room has let it in."""

    def __init__(
        self, tally: Tally, viewer: int, url: str, member: Member, welcomed: Callable[[], None]
    ) -> None:
        super().__init__(tally, viewer, url)
        self._member, self._welcomed = member, welcomed
        self._timer: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """Join once the handshake is answered."""
        super().data_received(data)
        if self.greeted and self._timer is None:
            self._say(self._member.begin(asyncio.get_running_loop().time()))

    def connection_lost(self, exc: Exception | None) -> None:
        """Say no more."""
        super().connection_lost(exc)
        if self._timer is not None:
            self._timer.cancel()

    def on_frame(self, data: bytes, opcode: int, start: int, end: int) -> None:
        """Pass on what the room says; what it refuses is an error."""
        if opcode != TEXT:
            super().on_frame(data, opcode, start, end)
            return
        was_in, refused = self._member.welcomed, self._member.refused
        self._member.heard(data[start:end])
        self.tally.errors += self._member.refused - refused
        if self._member.welcomed and not was_in:
            self._welcomed()

    def _on_timer(self) -> None:
        self._say(self._member.on_timer(asyncio.get_running_loop().time()))

    def _say(self, texts: Sequence[str]) -> None:
        for text in texts:
            self.transport.write(ws_text(text))
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(self._member.next_deadline(), self._on_timer)
