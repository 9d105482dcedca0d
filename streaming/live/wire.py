"""A viewer's queue to its socket, at once, as long as the socket takes it.

Messages are written as they are, several in one call, without waking a task for each. What the
socket does not take stays in the queue, where the viewer decides what goes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from streaming.live.frame import TEXT, Frame, header
from streaming.live.viewer import Item, RungChanged, Said, Skipped, Viewer

UNSENT_LIMIT_BYTES = 64 * 1024


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
    """Writes what is queued; `told` hears of each item that goes out of the queue."""

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

    def put(self, data: bytes) -> bool:
        """Write past an empty queue; False when the socket takes nothing now."""
        transport = self._transport
        if transport.is_closing() or transport.get_write_buffer_size() >= UNSENT_LIMIT_BYTES:
            return False
        transport.write(data)
        return True

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
        """Give messages up to about the limit."""
        parts: list[bytes] = []
        size_bytes = 0
        while size_bytes < UNSENT_LIMIT_BYTES and (item := self.take()) is not None:
            parts.append(item.wire if isinstance(item, Frame) else _text(item))
            size_bytes += len(parts[-1])
        return parts


def _text(item: Said | Skipped | RungChanged) -> bytes:
    data = text_of(item).encode()
    return header(TEXT, len(data)) + data
