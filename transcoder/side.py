"""Poster, thumbnail sheets and slide changes: stored as they come, named when the unit ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from catalog.db.presentations import chapters_detail, sprite_detail
from catalog.db.publication import SideProduct
from catalog.media import Sprite
from catalog.store.keys import side_key
from transcoder.argv import SidePipes, poster_command, side_command
from transcoder.bench import Bench, Job
from transcoder.errors import ProcessError
from transcoder.plan import Chunk, SidePlan, VideoPlan
from transcoder.process import Consumer, Output, Watch, run
from transcoder.sideproducts import Change, ChangeReader, SheetSplitter, chapters, sheet_times
from transcoder.together import patiently

JPEG = "image/jpeg"
POSTER_LIMIT_BYTES = 8 << 20
POSTER_WALL_S = 120.0
LONGEST_WALL_S = 24 * 3600.0


class SideKeeper:
    """Keeps what the side branch of one chunk's encoder says."""

    def __init__(
        self, bench: Bench, job: Job, side: SidePlan, video: VideoPlan, chunk: Chunk
    ) -> None:
        self._bench = bench
        self._job = job
        self._side = side
        self._video = video
        self._chunk = chunk
        self._start_s = video.at_s(chunk.start_frame)
        self._end_s = video.at_s(chunk.start_frame + video.frames_of(chunk))
        self._sprites: list[Sprite] = []
        self._changes: list[Change] = []
        self._asked = False

    def consumers(self) -> list[Consumer]:
        """Give the readers of the two side pipes of a run from the chunk's start."""
        self._asked = True
        return [self._take_sheets, self._take_changes]

    async def make_up(self) -> None:
        """Make the side products alone when no run from the chunk's start did."""
        if self._asked:
            return
        settings, side, source = self._bench.settings, self._side, self._job.source

        def build(fds: Sequence[int]) -> list[str]:
            pipes = SidePipes(*fds)
            return side_command(str(settings.ffmpeg), source, self._video, side, self._chunk, pipes)

        sandbox = self._job.sandbox(self._end_s)
        watch = Watch(LONGEST_WALL_S, settings.stall_s)
        await run(build, self.consumers(), sandbox=sandbox, watch=watch)

    def products(self) -> list[SideProduct]:
        """Give the sheets that are stored."""
        return [SideProduct("sprite", s.key, JPEG, sprite_detail(s)) for s in self._sprites]

    def result(self) -> dict[str, Any]:
        """Give the slide changes, to be kept with the unit until all chunks are known."""
        return {"changes": [[change.at_s, change.score] for change in self._changes]}

    async def _take_sheets(self, output: Output) -> None:
        splitter = SheetSplitter()
        waiting = sheet_times(self._side, self._start_s, self._end_s)
        while data := await output.read():
            for image in splitter.feed(data):
                if len(self._sprites) < len(waiting):
                    await self._store(image, waiting[len(self._sprites)])

    async def _take_changes(self, output: Output) -> None:
        reader = ChangeReader()
        while data := await output.read():
            found = reader.feed(data)
            self._changes += [Change(self._start_s + one.at_s, one.score) for one in found]

    async def _store(self, image: bytes, times_s: tuple[float, ...]) -> None:
        side, unit = self._side, self._job.unit
        kind = f"sprite{self._chunk.index}"
        attempt, index = self._job.taken.claim.attempt, len(self._sprites)
        key = side_key(unit.lesson, unit.generation, kind, attempt, index)
        await _put(self._bench, key, image)
        self._sprites.append(
            Sprite(
                key, side.columns, side.rows, side.cell_width_px, side.cell_height_px, times_s
            )
        )  # fmt: skip


def chapter_product(results: Sequence[dict[str, Any]], duration_s: float) -> SideProduct:
    """Join the slide changes of all chunks that are done by now."""
    changes = [Change(*pair) for result in results for pair in result.get("changes", ())]
    return SideProduct("chapters", detail=chapters_detail(chapters(changes, duration_s)))


async def make_poster(bench: Bench, job: Job, video: VideoPlan, side: SidePlan) -> SideProduct:
    """Make and store the poster."""
    image = bytearray()

    async def keep(output: Output) -> None:
        while data := await output.read():
            image.extend(data)
            if len(image) > POSTER_LIMIT_BYTES:
                raise ProcessError(f"the poster is larger than {POSTER_LIMIT_BYTES} bytes")

    def build(fds: Sequence[int]) -> list[str]:
        return poster_command(str(bench.settings.ffmpeg), job.source, video, side, fds[0])

    await run(build, [keep], sandbox=job.sandbox(1.0), watch=Watch(POSTER_WALL_S))
    unit = job.unit
    key = side_key(unit.lesson, unit.generation, "poster", job.taken.claim.attempt, 0)
    await _put(bench, key, bytes(image))
    return SideProduct("poster", key, JPEG)


async def _put(bench: Bench, key: str, image: bytes) -> None:
    await patiently(lambda: bench.store.put_bytes(key, image, JPEG), bench.settings.patience_s)
