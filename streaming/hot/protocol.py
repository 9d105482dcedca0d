"""One connection: requests are read, answered by the door, or lent to aiohttp one by one.

A request that the door knows is answered here. Any other is lent: aiohttp gets exactly its bytes,
writes its answer, and the connection comes back. What becomes no HTTP (WebSocket), and a body whose
end only its reader knows (chunked), is given to aiohttp for good with the transport.

One request at a time: what is sent ahead waits unread, up to a limit.

Spec: RFC 9112 9.3.2 (pipelining), 9.6 (tear-down).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import cast

from streaming.hot.answering import Answering, Free
from streaming.hot.connection import (
    LEAVING,
    LENT,
    LINGERING,
    OVER,
    READING,
    SENDING,
    WORKING,
    HotConnection,
    State,
)
from streaming.hot.door import Answer, Broken, Chunks, refusal
from streaming.hot.head import Head, Refused
from streaming.hot.lent import Loan
from streaming.hot.outbox import SocketOutbox
from streaming.hot.port import HOT_METHODS, TURN_REQUESTS
from streaming.hot.tls_outbox import TransportOutbox
from streaming.hot.work import NothingSent, Work


class HotProtocol(HotConnection):
    """Reads what a viewer asks, and has it answered."""

    __slots__ = ()

    # What the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to listen to a viewer."""
        self._transport = cast(asyncio.Transport, transport)
        if transport.get_extra_info("sslcontext") is None:
            self._outbox = SocketOutbox(self._transport, self._port.loop, self._drained)
        else:
            self._outbox = TransportOutbox(self._transport, self._drained)
        self._work = Work(self._port.loop, self._outbox, self._worked)
        self._answering = Answering(self._outbox, self._work)
        self._loan = Loan(self, self._transport, self._outbox, self._port.server)
        self._port.enter(self)

    def data_received(self, data: bytes) -> None:
        """Take bytes, whoever they are for."""
        if self._state is not READING:
            _ON_DATA[self._state](self, data)
            return
        head = self._port.known.get(data) if self._inbox.empty else None
        if head is None:
            self._inbox.add(data)
            self._proceed()
            return
        self._ask(head, data)
        if self._state is READING:
            self._patience.until = self._port.idle_until

    def eof_received(self) -> bool:
        """The viewer sends no more; what it has asked for is still answered, except over TLS."""
        self.half_closed = True
        if self._state is LENT or (self._state is WORKING and not self._answering.begun):
            self._patience.promise(self._port.loop.time(), True)
        waits = self._state in (WORKING, SENDING, LENT, LEAVING)
        return waits and not self._loan.owed_bytes and self._outbox.sends_files

    # Reading

    def _keep_ahead(self, data: bytes) -> None:
        self._inbox.add(data)
        self._hold()

    def _pass_on(self, data: bytes) -> None:
        """Give aiohttp what belongs to the body of its request."""
        rest = self._loan.feed(data)
        if rest:
            self._keep_ahead(rest)
        self._take_back()

    def _forget(self, data: bytes) -> None:
        """Nobody answers it any more."""

    def _proceed(self) -> None:
        """Begin what has been asked, a few requests a turn; then wait."""
        turns = TURN_REQUESTS
        while self._state is READING and len(self._inbox) and turns:
            head = self._inbox.read()
            if not isinstance(head, Head):
                self._stop_at(head)
                break
            turns -= 1
            self._patience.in_head = False
            raw = self._inbox.head()
            if self._inbox.alone:
                self._port.remember(raw, head)
            self._begin(head, raw)
        if self._state is OVER:
            return
        self._inbox.pack()
        self._hold()
        if self._state is not READING:
            return
        if not turns and len(self._inbox):
            self._port.loop.call_soon(self._go_on)
        elif self.half_closed:
            self._hang_up()
        elif self._inbox.empty:
            self._patience.rest(self._port.loop.time())

    def _go_on(self) -> None:
        if self._state is READING:
            self._proceed()

    def _stop_at(self, found: Refused | None) -> None:
        """Wait for the rest of a head, or say why there is none, and read no more: where the next
        request begins is unknown.
        """
        if found is None:
            self._patience.begin_head(self._port.loop.time())
            return
        self._port.metrics.refused.labels(str(found.status)).inc()
        self._inbox.clear()
        fields, body = refusal(found)
        self._outbox.write(self._port.finish_head(fields, None, False) + body)
        self._linger()

    # Answering

    def _begin(self, head: Head, raw: bytes) -> None:
        if head.method in HOT_METHODS and head.plain:
            self._ask(head, raw)
        elif head.fields.upgrade or head.fields.chunked:
            self._give(raw)
        else:
            self._keep = head.fields.keep_alive and not self._port.draining
            self._lend(raw, head.fields.body_bytes)

    def _ask(self, head: Head, raw: bytes) -> None:
        """Ask the door for what is asked for."""
        self._keep = head.fields.keep_alive and not self._port.draining
        found = self._port.door.find(head, self)
        if isinstance(found, Answer):
            self._write(found, head, raw)
        elif found is None:
            self._lend(raw, 0)
        else:
            free = found.close if isinstance(found, Coroutine) else _nothing
            self._turn_to(self._await(found, head, raw), free)

    def _write(self, answer: Answer, asked: Head, raw: bytes, took_s: float = 0.0) -> None:
        port = self._port
        port.metrics.hot.value += 1
        head = port.finish_head(answer.head, asked.fields.request_id, self._keep)
        streamed = self._answering.write(answer, head, took_s)
        if streamed is not None:
            chunks, free = streamed
            self._turn_to(self._stream(head, chunks, raw), free)
        elif self._outbox.pending:
            self._state = SENDING
        elif self._outbox.broken is None:
            self._state = READING
            if not self._keep:
                self._leave()

    def _finish(self) -> None:
        """An answer has been written whole."""
        self._state = READING
        self._answering.finish()
        if not self._keep:
            self._leave()

    def _drained(self) -> None:
        """All that was queued has been sent."""
        self._patience.taken()
        if self._state is SENDING:
            self._finish()
            self._go_on()
        elif self._state is LEAVING:
            self._hang_up()
        elif self._state is LENT:
            self._loan.drained()
            self._take_back()
        else:
            self._work.drained()

    def _turn_to(self, work: Coroutine[None, None, None], free: Free) -> None:
        self._state = WORKING
        if self._answering.begun:
            self._patience.answer()
        else:
            self._patience.promise(self._port.loop.time(), self.half_closed)
        self._work.begin(work, free)

    def _worked(self, error: BaseException | None) -> None:
        if error is not None:
            self._cut(Broken.STORE)
        else:
            self._go_on()

    async def _await(self, promise: Awaitable[Answer | None], asked: Head, raw: bytes) -> None:
        begun = self._port.loop.time()
        answer = await self._work.promised(promise)
        if answer is None:
            self._lend(raw, 0)
        else:
            self._write(answer, asked, raw, self._port.loop.time() - begun)

    async def _stream(self, head: bytes, body: Chunks, raw: bytes) -> None:
        try:
            await self._answering.stream(head, body)
        except NothingSent:
            self._lend(raw, 0)
        else:
            self._finish()

    # Lending, and what its handler asks

    def _lend(self, raw: bytes, body_bytes: int) -> None:
        """Let aiohttp answer one request, which has its head in `raw`."""
        self._port.metrics.lent.inc()
        self._state = LENT
        self._patience.promise(self._port.loop.time(), self.half_closed)
        self._loan.begin(raw, body_bytes)
        if body_bytes:
            self._loan.feed(self._inbox.take(body_bytes))

    def answered(self, keep_alive: bool) -> None:
        """aiohttp has written an answer whole; it will close what it does not keep."""
        self._loan.answered(keep_alive)
        self._port.loop.call_soon(self._take_back)

    def _take_back(self) -> None:
        if self._state is not LENT or not self._loan.over:
            return
        self._state, self._handler_full = READING, False
        if self._port.draining:
            self._leave()
        else:
            self._proceed()

    def _give(self, raw: bytes) -> None:
        """Let aiohttp have the connection for good."""
        self._port.metrics.given.inc()
        self._state = OVER
        self._outbox.end()
        self._loan.retire(None)
        self._port.leave(self)
        self._transport.set_write_buffer_limits()
        handler = self._port.server()
        self._transport.set_protocol(handler)
        handler.connection_made(self._transport)
        handler.data_received(raw + self._inbox.take(len(self._inbox)))


def _nothing() -> None:
    """There is nothing to free."""


_ON_DATA: dict[State, Callable[[HotProtocol, bytes], None]] = {
    WORKING: HotProtocol._keep_ahead,
    SENDING: HotProtocol._keep_ahead,
    LENT: HotProtocol._pass_on,
    LEAVING: HotProtocol._forget,
    LINGERING: HotProtocol._forget,
    OVER: HotProtocol._forget,
}
