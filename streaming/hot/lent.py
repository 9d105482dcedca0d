"""A connection lent to aiohttp for one request: the transport that its handler writes to.

What the handler writes goes through the connection's outbox, so that answers from both sides keep
their order. aiohttp tells its access logger when an answer has been written whole; that is how the
connection knows that it has its turn again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from streaming.hot.outbox import Outbox


class Lender(Protocol):
    """The connection behind a lent transport."""

    def answered(self, keep_alive: bool) -> None:
        """The answer has been written whole."""

    def leave(self, at_once: bool) -> None:
        """The handler wants the connection to end, when all is sent or `at_once`."""

    def hold_reading(self, held: bool) -> None:
        """The handler has enough to read, or not any more."""


class Lent(asyncio.Transport):
    """What aiohttp takes for the transport. Without its lender it does nothing any more."""

    def __init__(
        self, lender: Lender, transport: asyncio.Transport, outbox: Outbox,
        handler: web.RequestHandler,
    ) -> None:  # fmt: skip
        super().__init__()
        self._lender: Lender | None = lender
        self._transport = transport
        self._outbox = outbox
        self._handler = handler
        self._held = False
        handler.connection_made(self)

    def feed(self, data: bytes) -> None:
        """Give the handler bytes of the request."""
        self._handler.data_received(data)

    def answered(self, keep_alive: bool) -> None:
        """The access logger has seen an answer."""
        if self._lender is not None:
            self._lender.answered(keep_alive)

    def drained(self) -> None:
        """All that was written has been sent: the handler may go on."""
        if self._held:
            self._held = False
            self._handler.resume_writing()

    def retire(self, error: Exception | None) -> None:
        """The connection is over, or no longer lent: end the handler."""
        self._lender = None
        self._handler.connection_lost(error)

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Send behind what is queued; hold the handler while the reader lags."""
        if self._lender is None:
            return
        self._outbox.write(bytes(data))
        if self._outbox.pending and not self._held:
            self._held = True
            self._handler.pause_writing()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview[Any]]) -> None:
        """Send in one go."""
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        """No half of the connection is closed from here."""
        return False

    def close(self) -> None:
        """End the connection when all is sent."""
        if self._lender is not None:
            self._lender.leave(at_once=False)

    def abort(self) -> None:
        """End the connection now."""
        if self._lender is not None:
            self._lender.leave(at_once=True)

    def is_closing(self) -> bool:
        """Tell whether writing is in vain."""
        return self._lender is None or self._transport.is_closing()

    def pause_reading(self) -> None:
        """Take no more of the request for now."""
        if self._lender is not None:
            self._lender.hold_reading(True)

    def resume_reading(self) -> None:
        """Take more of the request."""
        if self._lender is not None:
            self._lender.hold_reading(False)

    def get_write_buffer_size(self) -> int:
        """Count what has not been sent."""
        return self._outbox.unsent_bytes()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """The outbox holds the handler as soon as the kernel takes no more."""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Ask the real transport."""
        return self._transport.get_extra_info(name, default)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Give the handler."""
        return self._handler


class Loan:
    """The turns of aiohttp on one connection; its handler is made for the first and kept."""

    __slots__ = ("_answered", "_guest", "_lender", "_outbox", "_server", "_transport", "owed_bytes")

    def __init__(
        self, lender: Lender, transport: asyncio.Transport, outbox: Outbox,
        server: Callable[[], web.RequestHandler],
    ) -> None:  # fmt: skip
        self._lender = lender
        self._transport = transport
        self._outbox = outbox
        self._server = server
        self._guest: Lent | None = None
        self._answered = False
        self.owed_bytes = 0

    @property
    def over(self) -> bool:
        """Tell whether the request has been read and answered whole, and the answer sent."""
        return self._answered and not self.owed_bytes and not self._outbox.pending

    def begin(self, head: bytes, body_bytes: int) -> None:
        """Lend for one request; the bytes of its body are owed."""
        if self._guest is None:
            self._guest = Lent(self._lender, self._transport, self._outbox, self._server())
        self._answered, self.owed_bytes = False, body_bytes
        self._guest.feed(head)

    def feed(self, data: bytes) -> bytes:
        """Give the handler what it is owed, and the caller the rest."""
        part = data[: self.owed_bytes]
        if part and self._guest is not None:
            self.owed_bytes -= len(part)
            self._guest.feed(part)
        return data[len(part) :]

    def answered(self, keep_alive: bool) -> None:
        """An answer has been written; what is not kept the handler will close."""
        self._answered = keep_alive

    def drained(self) -> None:
        """All that was written has been sent."""
        if self._guest is not None:
            self._guest.drained()

    def retire(self, error: Exception | None) -> None:
        """No more turns."""
        guest, self._guest = self._guest, None
        if guest is not None:
            guest.retire(error)


class Returns(AbstractAccessLogger):
    """Not a log: aiohttp calls it after each answer, the last bytes of which have been written."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """Tell the connection that it has its turn again."""
        transport = request.transport
        if isinstance(transport, Lent):
            transport.answered(bool(response.keep_alive))
