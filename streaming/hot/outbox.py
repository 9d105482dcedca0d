"""What is still to be written on one connection, in order: bytes and slices of files.

`SocketOutbox` writes with send and sendfile on a duplicate of the connection's descriptor (uvloop
lets nobody watch its own), made when it is first needed and given back when the connection idles.
Nothing may be written with the transport beside it. TLS has an outbox of its own (tls_outbox.py).
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import socket
import struct
import termios
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from streaming.hot.door import Broken, FileSlice

TURN_BYTES = 1024 * 1024
HEAD_ALONE_BYTES = 256 * 1024
_MORE = int(socket.MSG_MORE)
_AGAIN = (BlockingIOError, InterruptedError)
_GONE = frozenset({errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN, errno.ETIMEDOUT})


class Outbox(Protocol):
    """Takes everything at once; `pending` says that the reader has not kept up."""

    sends_files: bool
    pending: bool
    sent_bytes: int
    broken: Broken | None

    def write(self, data: bytes) -> None:
        """Send bytes after all that is queued."""

    def write_file(self, head: bytes, body: FileSlice) -> None:
        """Send a head and a slice of a file; releases the slice in any case."""

    def taken_bytes(self) -> int:
        """Count what the reader's machine has taken so far."""

    def unsent_bytes(self) -> int:
        """Count what waits here."""

    def release(self) -> None:
        """Give back what an idle connection does not need."""

    def end(self) -> None:
        """Forget all: the connection is over."""

    def pause(self) -> None:
        """The transport says that it holds enough."""

    def resume(self) -> None:
        """The transport says that it has sent all."""


class SocketOutbox:
    """Writes past the transport. `on_drained` is called when nothing is pending any more."""

    sends_files = True

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        on_drained: Callable[[], None],
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._on_drained = on_drained
        self._socket: socket.socket | None = None
        self._fd = -1
        self._queue: deque[memoryview | FileSlice] = deque()
        self._over = False
        self.sent_bytes = 0
        self.pending = False
        self.broken: Broken | None = None

    def write(self, data: bytes) -> None:
        """Send at once what the kernel takes, the rest when it can."""
        if self._over:
            return
        left = memoryview(data) if self.pending else self._send(data)
        if left is not None:
            self._queue.append(left)
            self._watch()

    def write_file(self, head: bytes, body: FileSlice) -> None:
        """Send head and body without copying the body through this process.

        The head of a large body goes by itself: see the README.
        """
        if self._over:
            body.release()
            return
        if self.pending:
            self._queue += (memoryview(head), body)
            return
        connection = self._socket or self._open()
        sent = count = 0
        try:
            sent = connection.send(head, _MORE if body.size_bytes < HEAD_ALONE_BYTES else 0)
            if sent == len(head):
                count = _sendfile(self._fd, body, TURN_BYTES)
        except OSError:
            pass  # met again, and told, when the kernel says that it takes more
        self.sent_bytes += sent + count
        if count == body.size_bytes:
            body.release()
            return
        if sent < len(head):
            self._queue.append(memoryview(head)[sent:])
        self._queue.append(_behind(body, count))
        self._watch()

    def taken_bytes(self) -> int:
        """Count what was given to the kernel and is acknowledged."""
        return self.sent_bytes - unacknowledged_bytes(self._socket)

    def unsent_bytes(self) -> int:
        """Count what is queued here."""
        return sum(i.size_bytes if isinstance(i, FileSlice) else len(i) for i in self._queue)

    def release(self) -> None:
        """Close the duplicate; it is made again when needed."""
        if self._socket is not None and not self.pending:
            self._socket.close()
            self._socket = None

    def end(self) -> None:
        """Drop what is queued."""
        self._over = True
        if self.pending and self._socket is not None:
            self._loop.remove_writer(self._socket.fileno())
        self.pending = False
        for item in self._queue:
            if isinstance(item, FileSlice):
                item.release()
        self._queue.clear()
        self.release()

    def pause(self) -> None:
        """The transport is written to by nobody."""

    def resume(self) -> None:
        """The transport is written to by nobody."""

    def _open(self) -> socket.socket:
        connection = self._socket = _duplicate(self._transport)
        self._fd = connection.fileno()
        return connection

    def _send(self, data: bytes | memoryview) -> memoryview | None:
        """Send, and give what is left over, if anything."""
        connection = self._socket or self._open()
        try:
            count = connection.send(data)
        except _AGAIN:
            count = 0
        except OSError:
            self._fail(Broken.VIEWER)
            return None
        self.sent_bytes += count
        return None if count == len(data) else memoryview(data)[count:]

    def _fail(self, broken: Broken) -> None:
        """Hang up; the duplicate first, or the other side would not see it."""
        self.broken = broken
        self.end()
        self._transport.abort()

    def _watch(self) -> None:
        if not self.pending and self._socket is not None:
            self.pending = True
            self._loop.add_writer(self._fd, self._on_writable)

    def _on_writable(self) -> None:
        self._pump()
        if not self._queue and self.pending and self._socket is not None:
            self._loop.remove_writer(self._fd)
            self.pending = False
            self._on_drained()

    def _pump(self) -> None:
        """Send until the kernel is full, but no more than a turn: others wait too."""
        room = TURN_BYTES
        while self._queue and room > 0:
            before = self.sent_bytes
            item = self._queue.popleft()
            left = self._send_slice(item) if isinstance(item, FileSlice) else self._send(item)
            if left is not None:
                self._queue.appendleft(left)
                break
            room -= self.sent_bytes - before
        if self._queue:
            self._watch()

    def _send_slice(self, item: FileSlice) -> FileSlice | None:
        try:
            count = _sendfile(self._fd, item, TURN_BYTES)
        except _AGAIN:
            return item
        except OSError as error:
            item.release()
            self._fail(Broken.VIEWER if error.errno in _GONE else Broken.STORE)
            return None
        if not count:  # the file is shorter than it was: nobody may wait for the rest
            item.release()
            self._fail(Broken.STORE)
            return None
        self.sent_bytes += count
        if count == item.size_bytes:
            item.release()
            return None
        return _behind(item, count)


def _behind(item: FileSlice, count: int) -> FileSlice:
    """Give what is left of a slice."""
    return FileSlice(item.fd, item.offset + count, item.size_bytes - count, item.release)


def _duplicate(transport: asyncio.Transport) -> socket.socket:
    twin = socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno()))
    twin.setblocking(False)
    return twin


def _sendfile(to_fd: int, item: FileSlice, limit_bytes: int) -> int:
    return os.sendfile(to_fd, item.fd, item.offset, min(item.size_bytes, limit_bytes))


def unacknowledged_bytes(connection: socket.socket | None) -> int:
    """Count what the kernel holds until the other side's machine has it."""
    if connection is None:
        return 0
    with suppress(OSError, ValueError):
        found = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, b"\0" * 4)
        return int(struct.unpack("i", found)[0])
    return 0
