"""What a connection is made of, and how it ends. What is asked on it is in protocol.py.

Spec: RFC 9112 9.6 (tear-down).
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from enum import Enum

from streaming.hot.answering import Answering
from streaming.hot.door import Broken
from streaming.hot.inbox import Inbox
from streaming.hot.lent import Loan
from streaming.hot.outbox import Outbox
from streaming.hot.patience import Patience, Why
from streaming.hot.port import AHEAD_LIMIT_BYTES, Port
from streaming.hot.work import Work


class State(Enum):
    """Whose turn it is."""

    READING = "reading"  # the viewer's
    WORKING = "working"  # a task finds or streams an answer
    SENDING = "sending"  # the kernel's
    LENT = "lent"  # aiohttp's
    LEAVING = "leaving"  # nothing more is read; what is queued is sent
    LINGERING = "lingering"  # what still arrives is forgotten
    OVER = "over"


# Looking a member up costs 60 ns, five times an answer.
READING, WORKING, SENDING, LENT, LEAVING, LINGERING, OVER = State


class HotConnection(asyncio.Protocol):
    """A viewer's connection: its parts, its end, and what doors, port and handler ask of it."""

    __slots__ = (
        "_answering", "_handler_full", "_inbox", "_keep", "_loan", "_outbox", "_patience",
        "_paused", "_port", "_state", "_transport", "_work", "half_closed",
    )  # fmt: skip

    _transport: asyncio.Transport
    _outbox: Outbox
    _work: Work
    _answering: Answering
    _loan: Loan

    def __init__(self, port: Port) -> None:
        self._port = port
        self._state = READING
        self._inbox = Inbox()
        self._patience = Patience(port.loop.time())
        self.half_closed = self._paused = self._handler_full = False
        self._keep = True

    # What the transport tells

    def pause_writing(self) -> None:
        """TLS: the transport holds enough."""
        self._outbox.pause()

    def resume_writing(self) -> None:
        """TLS: the transport has sent all."""
        self._outbox.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        """Free everything."""
        self._state = OVER
        self._outbox.end()
        self._work.cancel()
        self._answering.break_off(self._outbox.broken or Broken.VIEWER)
        self._loan.retire(exc)
        self._inbox.clear()
        self._port.leave(self)

    # What the handler asks

    def leave(self, at_once: bool) -> None:
        """End the connection on behalf of the handler."""
        if at_once:
            self._cut(Broken.VIEWER)
        elif self._state in (LENT, READING):
            self._leave()
        else:
            self._keep = False

    def hold_reading(self, held: bool) -> None:
        """Stop reading, or go on, on behalf of the handler."""
        self._handler_full = held
        self._hold()

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

    # The end

    def _leave(self) -> None:
        """Read no more, send what is queued, hang up."""
        self._state = LEAVING
        if not self._outbox.pending:
            self._hang_up()

    def _hang_up(self) -> None:
        """The duplicate goes first, or the other side would not see the end."""
        self._state = LEAVING
        self._outbox.end()
        self._transport.close()

    def _cut(self, broken: Broken) -> None:
        self._answering.break_off(broken)
        self._state = LEAVING
        self._outbox.end()
        self._transport.abort()

    def _linger(self) -> None:
        """Close our half; what still arrives is read, or the answer were lost with a reset."""
        self._state = LINGERING
        self._patience.linger(self._port.loop.time())
        if self.half_closed or self._outbox.pending or not self._transport.can_write_eof():
            self._leave()
            return
        self._outbox.release()
        with suppress(OSError):
            self._transport.write_eof()

    # What doors and the port ask

    @property
    def address(self) -> str:
        """The viewer's address."""
        name = self._transport.get_extra_info("peername")
        return str(name[0]) if name else ""

    @property
    def in_head(self) -> bool:
        """Tell whether a part of a request has come."""
        return self._patience.in_head

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
        return self._patience.idle_since() if self._state is READING else None

    def sweep(self, now: float) -> None:
        """End the connection if it is overdue."""
        why = None
        if self._outbox.pending:
            if self._patience.judges(now):
                slow = self._patience.too_slow(now, self._outbox.taken_bytes())
                why = Why.SLOW if slow else None
        elif self._state in _BOUNDED:
            why = self._patience.overdue(now)
        if why is not None:
            self.end(why)
        elif self._state is READING and self._patience.rests(now):
            self._outbox.release()

    def end(self, why: Why) -> None:
        """End the connection now."""
        self._port.metrics.closed.labels(why.value).inc()
        self._cut(Broken.VIEWER)

    def drain(self) -> None:
        """End the connection once what was asked is answered; aiohttp ends what it was lent."""
        self._keep = False
        if self._state in (READING, LINGERING):
            self._hang_up()


_BOUNDED = frozenset({READING, WORKING, LENT, LINGERING})
