"""The tags that wait for an encoder: in order, bounded, dropped up to a keyframe.

ffmpeg looks at the first packet alone, so where there is a picture, that must be it: sound that
came before it follows it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable

from transcoder.live.flv import Kind, Tag, look

QUEUE_LIMIT_BYTES = 64 << 20
QUEUE_LIMIT_MS = 8_000


class TagQueue:
    """One writer, one reader. An encoder that is too slow loses pictures up to a keyframe."""

    def __init__(self, first: Iterable[Tag] = (), *, picture_first: bool = False) -> None:
        self._tags = deque(first)
        self._awaits_picture = picture_first
        self._bytes = sum(len(tag.data) for tag in self._tags)
        self._changed = asyncio.Event()
        self._changed.set()
        self._closed = False
        self.skipping = False
        self.dropped = 0

    def push(self, tag: Tag) -> None:
        """Take the next tag; nothing after `close`."""
        if self._closed:
            return
        if self.skipping and tag.kind is Kind.VIDEO:
            if not look(tag).keyframe:
                self.dropped += 1
                return
            self.skipping = False
        self._tags.append(tag)
        self._bytes += len(tag.data)
        if self._bytes > QUEUE_LIMIT_BYTES or self._span_ms() > QUEUE_LIMIT_MS:
            self._drop()
        self._changed.set()

    def close(self) -> None:
        """Say that no more comes."""
        self._closed = True
        self._changed.set()

    async def next(self) -> list[Tag]:
        """Give all that waits, at least one tag; empty when it is closed and read to the end."""
        while not self._is_ready() and not self._closed:
            self._changed.clear()
            await self._changed.wait()
        if self._awaits_picture and not self._turn_picture_first():
            return []
        found = list(self._tags)
        self._tags.clear()
        self._bytes = 0
        return found

    def _is_ready(self) -> bool:
        return any(map(_is_picture, self._tags)) if self._awaits_picture else bool(self._tags)

    def _turn_picture_first(self) -> bool:
        """Put the first picture in front of the sound; tell whether there is one."""
        picture = next(filter(_is_picture, self._tags), None)
        if picture is not None:
            self._awaits_picture = False
            self._tags.remove(picture)
            headers = [tag for tag in self._tags if look(tag).header]
            others = [tag for tag in self._tags if not look(tag).header]
            self._tags = deque([*headers, picture, *others])
        return picture is not None

    def _span_ms(self) -> int:
        return self._tags[-1].time_ms - next((t.time_ms for t in self._tags if t.time_ms), 0)

    def _drop(self) -> None:
        """Leave out what waits, and pictures until the next keyframe; headers stay."""
        kept = [tag for tag in self._tags if look(tag).header]
        self.dropped += len(self._tags) - len(kept)
        self._tags = deque(kept)
        self._bytes = sum(len(tag.data) for tag in kept)
        self.skipping = True


def _is_picture(tag: Tag) -> bool:
    return tag.kind is Kind.VIDEO and not look(tag).header
