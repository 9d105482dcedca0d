"""What is still to be written on a connection with TLS: with the transport, which encrypts.

It takes no files: the kernel cannot encrypt what it sends by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from streaming.hot.door import Broken, FileSlice
from streaming.hot.outbox import unacknowledged_bytes

HIGH_WATER_BYTES = 256 * 1024


class TransportOutbox:
    """Writes with the transport, which encrypts; told by its protocol when the reader lags."""

    sends_files = False

    def __init__(self, transport: asyncio.Transport, on_drained: Callable[[], None]) -> None:
        self._transport = transport
        self._on_drained = on_drained
        self._socket = transport.get_extra_info("socket")
        self.sent_bytes = 0
        self.pending = False
        self.broken: Broken | None = None
        transport.set_write_buffer_limits(high=HIGH_WATER_BYTES, low=0)

    def write(self, data: bytes) -> None:
        """Hand over to the transport."""
        if not self._transport.is_closing():
            self.sent_bytes += len(data)
            self._transport.write(data)

    def write_file(self, head: bytes, body: FileSlice) -> None:
        """Refuse: files are read and written as chunks."""
        body.release()
        raise TypeError("a file cannot be sent through TLS; write its chunks")

    def taken_bytes(self) -> int:
        """Count what was given to the kernel and is acknowledged, nearly."""
        unsent = self._transport.get_write_buffer_size()
        return self.sent_bytes - unsent - unacknowledged_bytes(self._socket)

    def unsent_bytes(self) -> int:
        """Count what the transport holds."""
        return self._transport.get_write_buffer_size()

    def release(self) -> None:
        """Nothing is held."""

    def end(self) -> None:
        """Nothing is queued here."""
        self.pending = False

    def pause(self) -> None:
        """The transport holds enough."""
        self.pending = True

    def resume(self) -> None:
        """The transport has sent all."""
        if self.pending:
            self.pending = False
            self._on_drained()
