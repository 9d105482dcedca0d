"""Whole segments to the object store, then to the catalogue: in order, each once.

The channel only hands segments over; a store that is slow or away holds them in memory, up to
HELD_LIMIT_BYTES a channel, and beyond that the oldest are lost (told, counted, shown as a gap).
A number is the same stretch in all renditions. A rendition whose initialization section changes is
another one in the catalogue.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from catalog.errors import Conflict, NotFound, Unavailable
from catalog.ids import new_id
from catalog.live import Recorded, RecordedSegment, RecordingBook
from catalog.media import Rendition
from catalog.store.port import ObjectStore
from streaming.errors import BadMedia
from streaming.live.metrics import LiveMetrics
from streaming.live.retime import retime
from streaming.live.rows import (
    RecordingTime,
    Row,
    Rows,
    Stored,
    Whole,
    base_name,
    segment_key,
    shift_ticks,
)
from streaming.live.segments import MICROSECONDS

log = logging.getLogger(__name__)

HELD_LIMIT_BYTES = 96 * 1024 * 1024
RETRY_S = 1.0
RETRY_LIMIT_S = 15.0
T = TypeVar("T")


class _Kept:
    """A rendition in the catalogue, and where it ends."""

    def __init__(self, identifier: str, end_ts: int = 0) -> None:
        self.id = identifier
        self.end_ts = end_ts


class Recorder:
    """The recording of one channel. `run` is a task; everything else returns at once."""

    def __init__(
        self,
        book: RecordingBook,
        store: ObjectStore,
        recorded: Recorded,
        metrics: LiveMetrics,
        limit_bytes: int = HELD_LIMIT_BYTES,
        retry_s: float = RETRY_S,
    ) -> None:
        self._book = book
        self._store = store
        self._recorded = recorded
        self._metrics = metrics
        self._retry_s = retry_s
        self._rows = Rows(limit_bytes)
        self._storing: Row | None = None
        self._stored: dict[tuple[str, int], Stored] = {}
        self._kept = {
            (base_name(item.name), item.init): _Kept(item.id, _end_ts(item))
            for item in recorded.renditions.values()
        }
        self._time = RecordingTime(max(map(_end_us, recorded.renditions.values()), default=0))
        self._names: set[str] = set()
        self._changed = asyncio.Event()
        self._closed = False
        self.done = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many rows are not stored yet."""
        return len(self._rows) + (self._storing is not None)

    def remember(self, name: str, number: int, stored: Stored) -> None:
        """Know where a segment of before lies."""
        self._stored[name, number] = stored

    def announce(self, names: set[str]) -> None:
        """Say which renditions a row has from now on."""
        self._names = names

    def take(self, whole: Whole) -> list[int]:
        """Take a whole segment; give the numbers of those that are lost for good."""
        if self.done.is_set():
            return [whole.segment.number]
        before = self._rows.size_bytes
        lost = self._rows.take(whole)
        self._metrics.held.inc(self._rows.size_bytes - before)
        for number in lost:
            self._metrics.lost.inc()
            log.error("the store is too slow: segment %d is not recorded", number)
        self._changed.set()
        return lost

    def close(self) -> None:
        """Say that no segment will follow; `run` returns when all are stored."""
        self._closed = True
        self._rows.close()
        self._changed.set()

    def stop(self) -> None:
        """Say that the origin stops: `run` returns when all rows that are whole are stored."""
        self._closed = True
        self._changed.set()

    def find(self, name: str, number: int) -> bytes | Stored | None:
        """Give a segment's bytes as they were sent, or where they are stored."""
        held = self._rows.find(name, number)
        if held is None and self._storing is not None and self._storing.number == number:
            held = self._storing.find(name)
        return held if held is not None else self._stored.get((name, number))

    async def read(self, name: str, number: int) -> bytes | None:
        """Give a segment's bytes with the times that it was sent with. Raises: Unavailable."""
        found = self.find(name, number)
        if found is None or isinstance(found, bytes):
            return found
        async with self._store.read(found.key, 0, found.size_bytes) as chunks:
            data = b"".join([chunk async for chunk in chunks])
        if len(data) != found.size_bytes:
            raise Unavailable("the store gave half a segment: ask again in a moment")
        return retime(data, found.shift_ts)

    async def run(self) -> None:
        """Store rows as they become whole, until closed and empty."""
        try:
            while await self._step():
                pass
        finally:
            self.done.set()

    async def _step(self) -> bool:
        before = self._rows.size_bytes
        self._storing = self._rows.next(self._names)
        self._metrics.held.dec(before - self._rows.size_bytes)
        if self._storing is not None:
            await self._store_row(self._storing)
            self._storing = None
        elif self._closed:
            return False
        else:
            self._changed.clear()
            await self._changed.wait()
        return True

    async def _store_row(self, row: Row) -> None:
        shift_us = self._time.shift_us(row)
        for whole in row.wholes.values():
            if not whole.segment.gap:
                await self._store_whole(whole, shift_ticks(shift_us, whole))

    async def _store_whole(self, whole: Whole, shift_ts: int) -> None:
        try:
            body = retime(whole.segment.data, -shift_ts)
        except BadMedia as error:
            log.warning("segment %d of %s: %s", whole.segment.number, whole.name, error)
            return
        kept = await self._rendition(whole)
        lesson, generation = self._recorded.lesson, self._recorded.generation
        key = segment_key(lesson, generation, whole.name, whole.segment.number, shift_ts)
        content_type = f"{whole.rendition.media.value}/mp4"
        await self._insist(lambda: self._store.put_bytes(key, body, content_type))
        await self._append(whole, kept, Stored(key, len(body), shift_ts))

    async def _append(self, whole: Whole, kept: _Kept, stored: Stored) -> None:
        """Tell the catalogue; times never run backwards, wherever the media comes from."""
        segment = whole.segment
        start_ts = max(kept.end_ts, segment.start_ts - stored.shift_ts)
        end_ts = segment.start_ts + segment.duration_ts - stored.shift_ts
        row = RecordedSegment(
            number=segment.number,
            key=stored.key,
            size_bytes=stored.size_bytes,
            start_ts=start_ts,
            duration_ts=max(1, end_ts - start_ts),
            keyframe_bytes=segment.keyframe_bytes,
        )
        await self._insist(lambda: self._book.append(self._recorded, kept.id, [row]))
        kept.end_ts = row.start_ts + row.duration_ts
        self._stored[whole.name, segment.number] = stored
        self._metrics.recorded.inc()

    async def _rendition(self, whole: Whole) -> _Kept:
        """Give the rendition's place in the catalogue."""
        key = (whole.name, whole.init.data)
        if key not in self._kept:
            made = _rendition(whole)
            identifier = await self._insist(lambda: self._book.add_rendition(self._recorded, made))
            self._kept[key] = _Kept(identifier)
        return self._kept[key]

    async def _insist(self, act: Callable[[], Awaitable[T]]) -> T:
        """Do it until it works: what is recorded outlives whatever is away for a while."""
        wait_s = self._retry_s
        while True:
            try:
                return await act()
            except (NotFound, Conflict):
                raise
            except Exception as error:
                log.warning("recording waits: %s: %s", type(error).__name__, error)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, RETRY_LIMIT_S)


def _end_ts(rendition: Rendition) -> int:
    if not rendition.objects:
        return 0
    last = rendition.objects[-1]
    return last.base_ts + sum(last.durations_ts)


def _end_us(rendition: Rendition) -> int:
    return _end_ts(rendition) * MICROSECONDS // rendition.timescale


def _rendition(whole: Whole) -> Rendition:
    track, said = whole.init.track, whole.rendition
    return Rendition(
        id=new_id(),
        name=said.name,
        media=said.media,
        codecs=track.codecs,
        timescale=track.timescale,
        init=whole.init.data,
        rung=said.rung,
        complete=False,
        objects=(),
        width_px=track.width_px,
        height_px=track.height_px,
        frame_rate=said.frame_rate,
        sample_rate_hz=track.sample_rate_hz,
        channels=track.channels,
    )
