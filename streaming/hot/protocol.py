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
from contextlib import suppress
from enum import Enum
from typing import cast

from streaming.hot.door import Answer, Broken, Chunks, FileSlice, refusal
from streaming.hot.files import chunks_of
from streaming.hot.head import Head, Refused
from streaming.hot.inbox import Inbox
from streaming.hot.lent import Loan
from streaming.hot.outbox import Outbox, SocketOutbox, TransportOutbox
from streaming.hot.pace import Pace
from streaming.hot.port import (
    AHEAD_LIMIT_BYTES,
    HALF_CLOSED_S,
    HEAD_S,
    IDLE_S,
    LINGER_S,
    RELEASE_S,
    TURN_REQUESTS,
    Port,
    Why,
)
from streaming.hot.work import NothingSent, Work

NEVER = float("inf")
HOT_METHODS = frozenset({"GET", "HEAD"})


class State(Enum):
    """Whose turn it is."""

    READING = "reading"  # the viewer's
    WORKING = "working"  # a task finds or streams an answer
    SENDING = "sending"  # the kernel's
    LENT = "lent"  # aiohttp's
    LEAVING = "leaving"  # nothing more is read; what is queued is sent
    LINGERING = "lingering"  # what still arrives is forgotten
    OVER = "over"


class HotProtocol(asyncio.Protocol):
    """A viewer's connection."""

    __slots__ = (
        "_answer", "_handler_full", "_inbox", "_keep", "_loan", "_outbox", "_pace", "_paused",
        "_port", "_sent_before", "_state", "_transport", "_until", "_work", "half_closed",
        "in_head",
    )  # fmt: skip

    _transport: asyncio.Transport
    _outbox: Outbox
    _work: Work
    _loan: Loan

    def __init__(self, port: Port) -> None:
        self._port = port
        self._state = State.READING
        self._inbox = Inbox()
        self.in_head = self.half_closed = self._paused = False
        self._keep = True
        self._answer: Answer | None = None
        self._sent_before = 0
        self._handler_full = False
        self._pace = Pace()
        self._until = 0.0

    # What the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to listen to a viewer."""
        self._transport = cast(asyncio.Transport, transport)
        if transport.get_extra_info("sslcontext") is None:
            self._outbox = SocketOutbox(self._transport, self._port.loop, self._drained)
        else:
            self._outbox = TransportOutbox(self._transport, self._drained)
        self._work = Work(self._port.loop, self._outbox, self._worked)
        self._loan = Loan(self, self._transport, self._outbox, self._port.server)
        self._rest()
        self._port.enter(self)

    def data_received(self, data: bytes) -> None:
        """Take bytes, whoever they are for."""
        _ON_DATA[self._state](self, data)

    def eof_received(self) -> bool:
        """The viewer sends no more; what it has asked for is still answered, except over TLS."""
        self.half_closed = True
        if self._state is State.LENT or (self._state is State.WORKING and self._answer is None):
            self._until = self._port.loop.time() + HALF_CLOSED_S
        waits = self._state in (State.WORKING, State.SENDING, State.LENT, State.LEAVING)
        return waits and not self._loan.owed_bytes and self._outbox.sends_files

    def pause_writing(self) -> None:
        """TLS: the transport holds enough."""
        self._outbox.pause()

    def resume_writing(self) -> None:
        """TLS: the transport has sent all."""
        self._outbox.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        """Free everything."""
        self._state = State.OVER
        self._outbox.end()
        self._work.cancel()
        self._broke_off(self._outbox.broken or Broken.VIEWER)
        self._loan.retire(exc)
        self._inbox.clear()
        self._port.leave(self)

    # Reading

    def _read(self, data: bytes) -> None:
        self._inbox.add(data)
        self._proceed()

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
        while self._state is State.READING and self._inbox and turns:
            head = self._inbox.read()
            if not isinstance(head, Head):
                self._stop_at(head)
                break
            turns -= 1
            self._begin(head)
        if self._state is State.OVER:
            return
        self._inbox.pack()
        self._hold()
        if self._state is not State.READING:
            return
        if not turns and self._inbox:
            self._port.loop.call_soon(self._go_on)
        elif self.half_closed:
            self._hang_up()
        elif not self._inbox:
            self._rest()

    def _go_on(self) -> None:
        if self._state is State.READING:
            self._proceed()

    def _rest(self) -> None:
        self.in_head = False
        self._until = self._port.loop.time() + IDLE_S

    def _patience(self) -> float:
        """Until when to wait for others to answer: one who has closed a half may be gone."""
        return self._port.loop.time() + HALF_CLOSED_S if self.half_closed else NEVER

    def _stop_at(self, found: Refused | None) -> None:
        if found is not None:
            self._refuse(found)
        elif not self.in_head:
            self.in_head = True
            self._until = self._port.loop.time() + HEAD_S

    def _refuse(self, refused: Refused) -> None:
        """Say why, and read no more: where the next request begins is unknown."""
        self._port.metrics.refused.labels(str(refused.status)).inc()
        self._inbox.clear()
        self._outbox.write(refusal(refused, self._port.tail(False)))
        self._linger()

    def _linger(self) -> None:
        """Close our half; what still arrives is read, or the answer were lost with a reset."""
        self._state = State.LINGERING
        self._until = self._port.loop.time() + LINGER_S
        if self.half_closed or self._outbox.pending or not self._transport.can_write_eof():
            self._leave()
            return
        self._outbox.release()
        with suppress(OSError):
            self._transport.write_eof()

    def _hold(self) -> None:
        """Stop reading while enough waits here, or the handler has enough."""
        wanted = self._handler_full or len(self._inbox) > AHEAD_LIMIT_BYTES
        if wanted == self._paused or self._transport.is_closing():
            return
        self._paused = wanted
        if wanted:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    # Answering

    def _begin(self, head: Head) -> None:
        fields = head.fields
        if fields.upgrade or fields.chunked:
            self._give()
            return
        self._keep = fields.keep_alive and not self._port.draining
        found = None
        if head.method in HOT_METHODS and not fields.body_bytes:
            found = self._port.door.find(head)
        if isinstance(found, Answer):
            self._write(found)
        elif found is None:
            self._lend(self._inbox.head(), fields.body_bytes)
        else:
            free = found.close if isinstance(found, Coroutine) else _nothing
            self._turn_to(self._await(found, self._inbox.head()), free)

    def _write(self, answer: Answer, raw: bytes | None = None) -> None:
        self._port.metrics.hot.inc()
        head, body, outbox = answer.head + self._port.tail(self._keep), answer.body, self._outbox
        self._answer = answer
        self._sent_before = outbox.sent_bytes + len(head)
        if body is None:
            outbox.write(head)
        elif isinstance(body, bytes):
            outbox.write(head + body)
        elif isinstance(body, FileSlice) and outbox.sends_files:
            outbox.write_file(head, body)
        else:
            raw = self._inbox.head() if raw is None else raw
            free = body.release if isinstance(body, FileSlice) else _nothing
            chunks = chunks_of(body) if isinstance(body, FileSlice) else body
            self._turn_to(self._stream(answer, head, chunks, raw), free)
            return
        if outbox.pending:
            self._state = State.SENDING
        elif outbox.broken is None:
            self._finish()

    def _finish(self) -> None:
        """An answer has been written whole."""
        self._state = State.READING
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.done(0 if answer.body is None else answer.length, None)
        if not self._keep:
            self._leave()

    def _broke_off(self, broken: Broken) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            sent = self._outbox.sent_bytes - self._sent_before
            answer.done(max(0, min(answer.length, sent)), broken)

    def _drained(self) -> None:
        """All that was queued has been sent."""
        self._pace.rest()
        if self._state is State.SENDING:
            self._finish()
            self._go_on()
        elif self._state is State.LEAVING:
            self._hang_up()
        elif self._state is State.LENT:
            self._loan.drained()
            self._take_back()
        else:
            self._work.drained()

    def _turn_to(self, work: Coroutine[None, None, None], free: Callable[[], None]) -> None:
        self._state = State.WORKING
        self._until = NEVER if self._answer is not None else self._patience()
        self._work.begin(work, free)

    def _worked(self, error: BaseException | None) -> None:
        if error is not None:
            self._cut(Broken.STORE)
        else:
            self._go_on()

    async def _await(self, promise: Awaitable[Answer | None], raw: bytes) -> None:
        answer = await self._work.promised(promise)
        if answer is None:
            self._lend(raw, 0)
        else:
            self._write(answer, raw)

    async def _stream(self, answer: Answer, head: bytes, body: Chunks, raw: bytes) -> None:
        try:
            await self._work.stream(head, body, answer.length)
        except NothingSent:
            self._answer = None
            self._lend(raw, 0)
        else:
            self._finish()

    # Lending, and what its handler asks

    def _lend(self, raw: bytes, body_bytes: int) -> None:
        """Let aiohttp answer one request, which has its head in `raw`."""
        self._port.metrics.lent.inc()
        self._state, self._until = State.LENT, self._patience()
        self._loan.begin(raw, body_bytes)
        if body_bytes:
            self._loan.feed(self._inbox.take(body_bytes))

    def answered(self, keep_alive: bool) -> None:
        """aiohttp has written an answer whole; it will close what it does not keep."""
        self._loan.answered(keep_alive)
        self._port.loop.call_soon(self._take_back)

    def _take_back(self) -> None:
        if self._state is not State.LENT or not self._loan.over:
            return
        self._state, self._handler_full = State.READING, False
        if self._port.draining:
            self._leave()
        else:
            self._proceed()

    def leave(self, at_once: bool) -> None:
        """End the connection on behalf of the handler."""
        if at_once:
            self._cut(Broken.VIEWER)
        elif self._state in (State.LENT, State.READING):
            self._leave()
        else:
            self._keep = False

    def hold_reading(self, held: bool) -> None:
        """Stop reading, or go on, on behalf of the handler."""
        self._handler_full = held
        self._hold()

    def _give(self) -> None:
        """Let aiohttp have the connection for good."""
        self._port.metrics.given.inc()
        self._state = State.OVER
        self._outbox.end()
        self._loan.retire(None)
        self._port.leave(self)
        self._transport.set_write_buffer_limits()
        handler = self._port.server()
        self._transport.set_protocol(handler)
        handler.connection_made(self._transport)
        handler.data_received(self._inbox.head() + self._inbox.take(len(self._inbox)))

    # The end

    def _leave(self) -> None:
        """Read no more, send what is queued, hang up."""
        self._state = State.LEAVING
        if not self._outbox.pending:
            self._hang_up()

    def _hang_up(self) -> None:
        """The duplicate goes first, or the other side would not see the end."""
        self._state = State.LEAVING
        self._outbox.end()
        self._transport.close()

    def _cut(self, broken: Broken) -> None:
        self._broke_off(broken)
        self._state = State.LEAVING
        self._outbox.end()
        self._transport.abort()

    # What the port asks

    @property
    def lags(self) -> bool:
        """Tell whether the viewer takes less than there is."""
        return self._outbox.pending

    @property
    def holds(self) -> bool:
        """Tell whether nothing more is read for now."""
        return self._paused

    @property
    def waiting_bytes(self) -> int:
        """Count what has been read ahead."""
        return len(self._inbox)

    def idle_since(self) -> float | None:
        """Since when the viewer owes a request, or the rest of one."""
        if self._state is not State.READING:
            return None
        return self._until - (HEAD_S if self.in_head else IDLE_S)

    def sweep(self, now: float) -> None:
        """End the connection if it is overdue."""
        if self._outbox.pending:
            if self._pace.due(now) and self._pace.too_slow(now, self._outbox.taken_bytes()):
                self.end(Why.SLOW)
        elif self._state not in _BOUNDED:
            return
        elif now >= self._until:
            self.end(Why.HEAD if self.in_head else Why.IDLE)
        elif self._state is State.READING and self._until - now < IDLE_S - RELEASE_S:
            self._outbox.release()

    def end(self, why: Why) -> None:
        """End the connection now."""
        self._port.metrics.closed.labels(why.value).inc()
        self._cut(Broken.VIEWER)

    def drain(self) -> None:
        """End the connection once what was asked is answered; aiohttp ends what it was lent."""
        self._keep = False
        if self._state in (State.READING, State.LINGERING):
            self._hang_up()


def _nothing() -> None:
    """There is nothing to free."""


_BOUNDED = frozenset({State.READING, State.WORKING, State.LENT, State.LINGERING})
_ON_DATA: dict[State, Callable[[HotProtocol, bytes], None]] = {
    State.READING: HotProtocol._read,
    State.WORKING: HotProtocol._keep_ahead,
    State.SENDING: HotProtocol._keep_ahead,
    State.LENT: HotProtocol._pass_on,
    State.LEAVING: HotProtocol._forget,
    State.LINGERING: HotProtocol._forget,
    State.OVER: HotProtocol._forget,
}
