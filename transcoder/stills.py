"""The unit `stills`: poster and thumbnails of a recording, out of its own keyframes.

The lesson is ready before and stays so: pictures are only added, and only where there are none. The
chosen keyframes are put together into a file of this attempt's own, which a sandboxed ffmpeg reads.
A keyframe that is not there any more leaves its cell to the picture before it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

import aiofiles

from catalog.db import publication, work
from catalog.db.presentations import Presentations, sprite_detail
from catalog.db.publication import SideProduct
from catalog.media import Rendition, Segment, Sprite
from catalog.store.keys import side_key
from catalog.store.port import ObjectMissing
from streaming.errors import BadMedia
from streaming.isobmff.reader import CmafReader, Init
from streaming.isobmff.still import first_picture, still
from transcoder.argv import sheets_command, still_command
from transcoder.bench import Bench, Job
from transcoder.errors import TranscoderError
from transcoder.process import Build, Output, Watch, run
from transcoder.sideproducts import SheetSplitter, sheet_times
from transcoder.stillplan import StillPlan, plan_stills
from transcoder.together import patiently

JPEG = "image/jpeg"
WALL_S = 300.0
FILE_LIMIT_BYTES = 256 << 20

log = logging.getLogger(__name__)


class NoPicture(TranscoderError):
    """Not one keyframe of the recording could be read or shown."""


async def make_stills(bench: Bench, job: Job) -> None:
    """Do the unit from its beginning to its end. Raises: Superseded, NoPicture, and the rest."""
    patience_s = bench.settings.patience_s
    source = Presentations(bench.pool)
    shown = await patiently(lambda: source.presentation(job.unit.lesson), patience_s)
    plan = None
    if shown is not None and shown.generation == job.unit.generation:
        plan = plan_stills(shown.renditions)
    products = await _Maker(bench, job).make(plan) if plan is not None else []

    async def finish() -> None:
        async with bench.pool.connection() as connection:
            await work.hold(connection, job.taken.claim)
            await publication.add_stills(connection, job.unit, products)
            await work.mark_done(connection, job.taken.claim)

    await patiently(finish, patience_s)
    log.info("%s: %d pictures", job.unit, len(products))


class _Maker:
    """Makes and stores the pictures of one attempt."""

    def __init__(self, bench: Bench, job: Job) -> None:
        self._bench = bench
        self._job = job
        self._ffmpeg = str(bench.settings.ffmpeg)

    async def make(self, plan: StillPlan) -> list[SideProduct]:
        """Make thumbnails, then the poster."""
        every_s = plan.side.every_s
        cells = [(cell.index * every_s, cell.segment) for cell in plan.cells]
        sheets = await self._sheets(plan, cells)
        poster = await self._poster(plan)
        return [*sheets, poster]

    async def _sheets(
        self, plan: StillPlan, cells: Sequence[tuple[float, Segment]]
    ) -> list[SideProduct]:
        side, path = plan.side, self._job.source
        last_s = await self._gather(path, plan.sheet, side.every_s, cells)
        images = await self._shown(lambda fds: sheets_command(self._ffmpeg, path, side, fds[0]))
        times = sheet_times(side, 0.0, last_s + side.every_s)
        return [
            await self._sprite(plan, number, image, times_s)
            for number, (image, times_s) in enumerate(zip(images, times, strict=False))
        ]

    async def _poster(self, plan: StillPlan) -> SideProduct:
        side, path = plan.side, self._job.source
        await self._gather(path, plan.poster, 1.0, enumerate(plan.posters))
        images = await self._shown(lambda fds: still_command(self._ffmpeg, path, side, fds[0]))
        return SideProduct("poster", await self._put("poster", 0, images[0]), JPEG)

    async def _sprite(
        self, plan: StillPlan, number: int, image: bytes, times_s: tuple[float, ...]
    ) -> SideProduct:
        side, key = plan.side, await self._put("sprite", number, image)
        size = (side.columns, side.rows, side.cell_width_px, side.cell_height_px)
        return SideProduct("sprite", key, JPEG, sprite_detail(Sprite(key, *size, times_s)))

    async def _gather(
        self,
        path: Path,
        rendition: Rendition,
        every_s: float,
        wanted: Iterable[tuple[float, Segment]],
    ) -> float:
        """Write a file that shows each picture at its second; give the last one's.

        Raises: NoPicture.
        """
        track_id, scale = _track_id(rendition.init), rendition.timescale
        number, size_bytes, last_s = 0, 0, 0.0
        async with aiofiles.open(path, "wb") as file:
            await file.write(rendition.init)
            for at_s, segment in wanted:
                picture = await self._picture(segment)
                size_bytes += len(picture)
                if not picture or size_bytes > FILE_LIMIT_BYTES:
                    continue
                number, last_s = number + 1, at_s
                start_ts, duration_ts = round(at_s * scale), round(every_s * scale)
                await file.write(still(track_id, number, start_ts, duration_ts, picture))
        if not number:
            raise NoPicture(f"no keyframe of {rendition.name} is to be had")
        return last_s

    async def _picture(self, segment: Segment) -> bytes:
        """Read a segment's first picture; nothing when it is not there or no picture."""
        try:
            start = await patiently(
                lambda: self._read(segment.key, segment.offset, segment.keyframe_bytes),
                self._bench.settings.patience_s,
            )
            return first_picture(start)
        except (ObjectMissing, BadMedia) as error:
            log.warning("%s: segment %d: %s", self._job.unit, segment.number, error)
            return b""

    async def _read(self, key: str, offset: int, size_bytes: int) -> bytes:
        async with self._bench.store.read(key, offset, size_bytes) as chunks:
            return b"".join([chunk async for chunk in chunks])

    async def _shown(self, build: Build) -> list[bytes]:
        """Run ffmpeg on what was gathered; give its images. Raises: NoPicture when it has none."""
        splitter, images = SheetSplitter(), list[bytes]()

        async def keep(output: Output) -> None:
            while data := await output.read():
                images.extend(splitter.feed(data))

        await run(build, [keep], sandbox=self._job.sandbox(0.0), watch=Watch(WALL_S))
        if not images:
            raise NoPicture("no keyframe of the recording can be decoded")
        return images

    async def _put(self, kind: str, index: int, image: bytes) -> str:
        unit, attempt = self._job.unit, self._job.taken.claim.attempt
        key = side_key(unit.lesson, unit.generation, kind, attempt, index)
        store, patience_s = self._bench.store, self._bench.settings.patience_s
        await patiently(lambda: store.put_bytes(key, image, JPEG), patience_s)
        return key


def _track_id(init: bytes) -> int:
    for item in CmafReader().feed(init):
        if isinstance(item, Init):
            return item.track.id
    raise BadMedia("an initialization section that is cut off")
