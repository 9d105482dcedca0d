"""Encode one file into a directory: no catalogue, no queue, no store.

What the worker does with object store and database, done with plain files, for an operator who
wants to see what would become of a video, and for comparisons. Each rendition is one CMAF file
(init, then segments), whatever number of chunks it was made of.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiofiles

from catalog.media import Chapter
from streaming.isobmff.box import BoxStream
from transcoder.argv import SidePipes, VideoJob, audio_command, poster_command, video_command
from transcoder.errors import TranscoderError
from transcoder.plan import Chunk, EncodePlan, SidePlan, VideoPlan, VideoRung
from transcoder.process import Consumer, Output, Watch, run
from transcoder.progress import Progress
from transcoder.sandbox import Limits, Sandbox
from transcoder.sideproducts import Change, ChangeReader, SheetSplitter, chapters, sheet_times
from transcoder.together import both

LEAST_CPU_S, CPU_S_PER_MEDIA_S = 120, 60
WATCH = Watch(wall_s=24 * 3600, stall_s=120)
HEADER_BOXES = (b"ftyp", b"moov")

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Rendition:
    """One file that grows: the header of the first chunk, the fragments of all."""

    file: Any
    header: bytes = b""

    async def take(self, output: Output) -> None:
        """Append what one run writes.

        Raises: TranscoderError when a later chunk's header differs, so that it would not join.
        """
        boxes, header = BoxStream(), b""
        while data := await output.read():
            for box in boxes.feed(data):
                if box.kind in HEADER_BOXES:
                    header += box.data
                else:
                    await self._begin(header)
                    await self.file.write(box.data)
        boxes.finish()
        await self._begin(header)

    async def _begin(self, header: bytes) -> None:
        if not self.header:
            self.header = header
            await self.file.write(header)
        elif header != self.header:
            raise TranscoderError("a chunk's initialization section differs from the first one's")


@dataclass(slots=True)
class SideCollector:
    """Writes the sheets of thumbnails and keeps the changes of all chunks."""

    directory: Path
    side: SidePlan
    changes: list[Change] = field(default_factory=list)
    sheets: list[dict[str, Any]] = field(default_factory=list)

    def consumers(self, start_s: float, end_s: float) -> list[Consumer]:
        """Give the readers of one run's two side pipes."""
        times = sheet_times(self.side, start_s, end_s)

        async def take_sheets(output: Output) -> None:
            splitter, waiting = SheetSplitter(), list(times)
            while data := await output.read():
                for image in splitter.feed(data):
                    if waiting:
                        await self._keep(image, waiting.pop(0))

        async def take_changes(output: Output) -> None:
            reader = ChangeReader()
            while data := await output.read():
                found = reader.feed(data)
                self.changes += [Change(start_s + one.at_s, one.score) for one in found]

        return [take_sheets, take_changes]

    async def _keep(self, image: bytes, times: tuple[float, ...]) -> None:
        name = f"sprite-{len(self.sheets)}.jpg"
        self.sheets.append({"name": name, "times_s": times})
        async with aiofiles.open(self.directory / name, "wb") as file:
            await file.write(image)


@dataclass(frozen=True, slots=True)
class Encoded:
    """What came out beside the renditions' files."""

    sheets: list[dict[str, Any]]
    chapters: tuple[Chapter, ...]


@dataclass(frozen=True, slots=True)
class FileEncoder:
    """Encodes one source by one plan; `on_progress` takes seconds done of the video."""

    ffmpeg: str
    source: Path
    plan: EncodePlan
    directory: Path
    on_progress: Callable[[float], None] = lambda _done_s: None

    async def encode(self, *, audio: bool = True, side: bool = True, late: bool = False) -> Encoded:
        """Make all files. Raises: ProcessError, TranscoderError."""
        await asyncio.to_thread(self.directory.mkdir, parents=True, exist_ok=True)
        collector = None
        if side and self.plan.video and self.plan.side:
            collector = SideCollector(self.directory, self.plan.side)
            await self._poster(self.plan.video, self.plan.side)
        await both(self._sound(wanted=audio), self._pictures(collector, late=late))
        found = chapters(collector.changes, self.plan.duration_s) if collector else ()
        return Encoded(collector.sheets if collector else [], found)

    def _sandbox(self) -> Sandbox:
        cpu_s = int(LEAST_CPU_S + CPU_S_PER_MEDIA_S * self.plan.duration_s)
        return Sandbox(Limits(cpu_s=cpu_s), (self.source,))

    async def _poster(self, video: VideoPlan, side: SidePlan) -> None:
        async def keep(output: Output) -> None:
            async with aiofiles.open(self.directory / "poster.jpg", "wb") as file:
                while data := await output.read():
                    await file.write(data)

        def build(fds: Any) -> list[str]:
            return poster_command(self.ffmpeg, self.source, video, side, fds[0])

        await run(build, [keep], sandbox=self._sandbox(), watch=WATCH)

    async def _pictures(self, collector: SideCollector | None, *, late: bool) -> None:
        video = self.plan.video
        if video is None:
            return
        await self._video(video, video.rungs, collector)
        if late:
            await self._video(video, video.late_rungs, None)

    async def _sound(self, *, wanted: bool) -> None:
        audio = self.plan.audio
        if audio is None or not wanted:
            return
        async with AsyncExitStack() as stack:
            renditions = [await self._open(stack, rung.name) for rung in audio.rungs]

            def build(fds: Any) -> list[str]:
                return audio_command(self.ffmpeg, self.source, audio, fds, self.plan.duration_s)

            consumers = [rendition.take for rendition in renditions]
            await run(build, consumers, sandbox=self._sandbox(), watch=WATCH)

    async def _video(
        self, video: VideoPlan, rungs: tuple[VideoRung, ...], collector: SideCollector | None
    ) -> None:
        async with AsyncExitStack() as stack:
            renditions = [await self._open(stack, rung.name) for rung in rungs]
            for chunk in video.chunks:
                await self._chunk(video, rungs, chunk, renditions, collector)

    async def _chunk(
        self,
        video: VideoPlan,
        rungs: tuple[VideoRung, ...],
        chunk: Chunk,
        renditions: list[Rendition],
        collector: SideCollector | None,
    ) -> None:
        start_s = video.at_s(chunk.start_frame)
        end_s = video.at_s(chunk.start_frame + video.frames_of(chunk))
        consumers: list[Consumer] = [rendition.take for rendition in renditions]
        if collector:
            consumers += collector.consumers(start_s, end_s)

        def build(fds: Any) -> list[str]:
            pipes = SidePipes(*fds[len(rungs) :]) if collector else None
            job = VideoJob(rungs, tuple(fds[: len(rungs)]), chunk, chunk.start_frame, pipes)
            return video_command(self.ffmpeg, self.source, video, self.plan.side, job)

        def tell(progress: Progress) -> None:
            self.on_progress(start_s + progress.out_time_s)

        log.info("encode chunk %d from %.1f s", chunk.index, start_s)
        sandbox = self._sandbox()
        await run(build, consumers, sandbox=sandbox, watch=WATCH, on_progress=tell)

    async def _open(self, stack: AsyncExitStack, name: str) -> Rendition:
        path = self.directory / f"{name}.mp4"
        return Rendition(await stack.enter_async_context(aiofiles.open(path, "wb")))
