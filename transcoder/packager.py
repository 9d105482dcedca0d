"""Take what an encoder writes while it runs, and hand on whole objects of all renditions at once.

Every output goes through a `TrackCutter` into a file of its own; as soon as each rendition has its
next object whole, the files go to `publish` as one `Cut`. Publishing runs beside the encoder; when
it falls behind by `CUTS_AHEAD`, reading stops and the encoder waits at its pipes. Keeps no media
in memory but the fragment that is being read. Knows neither store nor database.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import aiofiles
from aiofiles.threadpool.binary import AsyncBufferedIOBase

from transcoder.objects import Close, OffGrid, TrackCutter, Write
from transcoder.process import Consumer, Output
from transcoder.together import beside

CUTS_AHEAD = 2


@dataclass(frozen=True, slots=True)
class Packed:
    """One rendition's next object: a CMAF file of our own making, and what lies in it."""

    name: str
    path: Path
    contents: Close


Cut = tuple[Packed, ...]
Publish = Callable[[Cut], Awaitable[None]]
Encode = Callable[[Sequence[Consumer]], Awaitable[object]]


class Packager:
    """Runs one encode. `tracks` are (rendition name, cutter), in the order of the outputs.

    With `alike` every cut holds the same segments of every rendition (video); otherwise each
    rendition has a timeline of its own and may end with a cut that others have no part in (audio).
    """

    def __init__(
        self,
        tracks: Sequence[tuple[str, TrackCutter]],
        folder: Path,
        publish: Publish,
        *,
        alike: bool,
    ) -> None:
        self._spools = [_Spool(name, cutter, folder) for name, cutter in tracks]
        self._publish = publish
        self._alike = alike
        self._cuts: deque[Cut] = deque()
        self._changed = asyncio.Condition()

    async def run(self, encode: Encode) -> None:
        """Encode and publish until both are done.

        Raises: whatever encode or publish raises; nothing is published after that.
        """
        try:
            await beside(self._encode(encode), self._publish_all())
        finally:
            for spool in self._spools:
                await spool.close()

    async def _encode(self, encode: Encode) -> None:
        await encode([self._consumer(spool) for spool in self._spools])
        for spool in self._spools:
            await spool.finish()
        await self._gather(any)
        async with self._changed:
            await self._changed.wait_for(lambda: not self._cuts)

    def _consumer(self, spool: _Spool) -> Consumer:
        async def consume(output: Output) -> None:
            while data := await output.read():
                if await spool.feed(data):
                    await self._gather(all)

        return consume

    async def _gather(self, enough: Callable[[Iterable[bool]], bool]) -> None:
        """Make cuts of what enough renditions have, and wait while the publisher is behind."""
        async with self._changed:
            while enough(bool(spool.closed) for spool in self._spools):
                cut = tuple(spool.closed.popleft() for spool in self._spools if spool.closed)
                if self._alike:
                    _check_alike(cut, len(self._spools))
                self._cuts.append(cut)
            self._changed.notify_all()
            await self._changed.wait_for(lambda: len(self._cuts) < CUTS_AHEAD)

    async def _publish_all(self) -> None:
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: bool(self._cuts))
                cut = self._cuts[0]
            await self._publish(cut)
            for packed in cut:
                await asyncio.to_thread(packed.path.unlink)
            async with self._changed:
                self._cuts.popleft()
                self._changed.notify_all()


def _check_alike(cut: Cut, renditions: int) -> None:
    numbers = {(item.contents.first_number, len(item.contents.sizes)) for item in cut}
    if len(numbers) != 1 or len(cut) != renditions:
        raise OffGrid(f"the renditions of one cut hold different segments: {sorted(numbers)}")


class _Spool:
    """One rendition on its way: the file that is being written, and the closed ones in order."""

    def __init__(self, name: str, cutter: TrackCutter, folder: Path) -> None:
        self._name = name
        self._cutter = cutter
        self._folder = folder
        self._numbers = count()
        self._path = folder
        self._file: AsyncBufferedIOBase | None = None
        self.closed: deque[Packed] = deque()

    async def feed(self, data: bytes) -> bool:
        """Take bytes; tell whether an object was closed."""
        return await self._apply(self._cutter.feed(data))

    async def finish(self) -> None:
        """Close the last object after a good end."""
        await self._apply(self._cutter.finish())

    async def close(self) -> None:
        """Let go of the open file."""
        if self._file is not None:
            await self._file.close()
            self._file = None

    async def _apply(self, steps: Sequence[Write | Close]) -> bool:
        closed = False
        for step in steps:
            if isinstance(step, Write):
                await self._write(step.data)
            else:
                await self.close()
                self.closed.append(Packed(self._name, self._path, step))
                closed = True
        return closed

    async def _write(self, data: bytes) -> None:
        file = self._file or await self._open()
        await file.write(data)

    async def _open(self) -> AsyncBufferedIOBase:
        """Open the next file; also when cancelled meanwhile, `close` must find it."""
        self._path = self._folder / f"{self._name}-{next(self._numbers)}.mp4"
        opening = asyncio.ensure_future(_opened(self._path))
        try:
            self._file = await asyncio.shield(opening)
        except asyncio.CancelledError:
            self._file = await opening
            raise
        return self._file


async def _opened(path: Path) -> AsyncBufferedIOBase:
    return await aiofiles.open(path, "wb")
