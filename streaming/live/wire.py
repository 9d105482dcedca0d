"""A viewer's queue to its socket, at once, as long as the socket takes it.

A server's WebSocket frames carry no mask, so a message has the same bytes for all viewers: they are
written as they are, several in one call, without waking a task for each. What the socket does not
take stays in the queue, where the viewer decides what goes.

Spec: RFC 6455 5.2.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from streaming.live.viewer import Frame, Item, RungChanged, Said, Skipped, Viewer

UNSENT_LIMIT_BYTES = 64 * 1024
TEXT, BINARY = 0x81, 0x82
_SHORT_LIMIT, _MIDDLE_LIMIT = 126, 1 << 16


def header(opcode: int, size_bytes: int) -> bytes:
    """Give the head of a whole, unmasked message."""
    if size_bytes < _SHORT_LIMIT:
        return bytes((opcode, size_bytes))
    if size_bytes < _MIDDLE_LIMIT:
        return bytes((opcode, 126)) + size_bytes.to_bytes(2, "big")
    return bytes((opcode, 127)) + size_bytes.to_bytes(8, "big")


def text_of(item: Said | Skipped | RungChanged) -> str:
    """Give the text message of what is not media."""
    match item:
        case Said(text=text):
            return text
        case Skipped(frames=frames):
            return json.dumps({"type": "skipped", "frames": frames})
        case RungChanged(video=video, why=why):
            return json.dumps({"type": "rung", "video": video, "why": why})


class Wire:
    """Writes what is queued; `told` hears of each item that goes out."""

    def __init__(
        self, transport: asyncio.WriteTransport, viewer: Viewer, told: Callable[[Item], None]
    ) -> None:
        self._transport = transport
        self._viewer = viewer
        self._told = told

    @property
    def closing(self) -> bool:
        """Tell whether nothing can be written any more."""
        return self._transport.is_closing()

    def flush(self) -> bool:
        """Write as much as the socket takes; tell whether all that was queued is written."""
        while len(self._viewer):
            if self.closing or self._transport.get_write_buffer_size() >= UNSENT_LIMIT_BYTES:
                return False
            self._transport.writelines(self._batch())
        return True

    def take(self) -> Item | None:
        """Take the next item out, for one who waits until it is sent."""
        item = self._viewer.next()
        if item is not None:
            self._told(item)
        return item

    def _batch(self) -> list[bytes]:
        """Give heads and messages up to about the limit."""
        parts: list[bytes] = []
        size_bytes = 0
        while size_bytes < UNSENT_LIMIT_BYTES and (item := self.take()) is not None:
            media = isinstance(item, Frame)
            data = item.data if isinstance(item, Frame) else text_of(item).encode()
            parts += (header(BINARY if media else TEXT, len(data)), data)
            size_bytes += len(data)
        return parts
