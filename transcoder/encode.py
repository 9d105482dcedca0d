"""Encode a chunk of video or all sound, and publish it while the encoder runs.

A chunk goes on behind its last published segment. Sound begins anew each time, because its frames
overlap, and passes over what is published; it costs a hundredth of the picture.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

from catalog.db import publication
from catalog.db.work import Unit
from catalog.media import Media
from transcoder.argv import AUDIO_FRAGMENT_US, SidePipes, VideoJob, audio_command, video_command
from transcoder.bench import Bench, Job, Report
from transcoder.objects import Grid, TrackCutter
from transcoder.packager import Packager
from transcoder.plan import AudioPlan, Chunk, EncodePlan, VideoPlan, VideoRung
from transcoder.process import Build, Consumer, Watch, run
from transcoder.progress import Progress
from transcoder.publish import CutPublisher, Shape
from transcoder.side import SideKeeper

LONGEST_WALL_S = 24 * 3600.0


async def encode_chunk(
    bench: Bench,
    job: Job,
    video: VideoPlan,
    chunk: Chunk,
    rungs: tuple[VideoRung, ...],
    keeper: SideKeeper | None,
) -> None:
    """Encode what is missing of a chunk in these rungs.

    `keeper` takes thumbnails and slide changes along when the chunk is encoded from its start.
    """
    plan, names = job.plan(), [rung.name for rung in rungs]
    number = await _resume(bench, job.unit, names, chunk.start_frame // video.gop_frames)
    first_frame, end = number * video.gop_frames, chunk.start_frame + video.frames_of(chunk)
    if first_frame >= end:
        return
    beside = keeper.consumers() if keeper and first_frame == chunk.start_frame else []
    grid = Grid(Fraction(video.gop_frames * video.frame_rate[1], video.frame_rate[0]), True)
    shapes = {r.name: Shape(Media.VIDEO, i, video.frame_rate) for i, r in enumerate(rungs)}
    cutters = [(name, TrackCutter(grid, number, number)) for name in names]

    def build(fds: Sequence[int]) -> list[str]:
        side = SidePipes(*fds[len(rungs) :]) if beside else None
        what = VideoJob(rungs, tuple(fds[: len(rungs)]), chunk, first_frame, side)
        return video_command(str(bench.settings.ffmpeg), job.source, video, plan.side, what)

    done_s = video.at_s(first_frame - chunk.start_frame)
    tell = _progress(job.report, done_s, video.at_s(video.frames_of(chunk)))
    await _encode(bench, job, cutters, shapes, build, tell, beside, alike=True)


async def encode_audio(bench: Bench, job: Job, audio: AudioPlan) -> None:
    """Encode what is missing of the sound."""
    duration_s, names = job.plan().duration_s, [rung.name for rung in audio.rungs]
    grid = Grid(Fraction(AUDIO_FRAGMENT_US, 1_000_000), False)
    cutters = [
        (name, TrackCutter(grid, 0, await _resume(bench, job.unit, [name], 0))) for name in names
    ]
    shapes = {name: Shape(Media.AUDIO, index) for index, name in enumerate(names)}

    def build(fds: Sequence[int]) -> list[str]:
        return audio_command(str(bench.settings.ffmpeg), job.source, audio, fds, duration_s)

    tell = _progress(job.report, 0.0, duration_s)
    await _encode(bench, job, cutters, shapes, build, tell, [], alike=False)


def first_names(plan: EncodePlan) -> list[str]:
    """Name the renditions that must have begun before a lesson can be played."""
    video = [rung.name for rung in plan.video.rungs] if plan.video else []
    audio = [rung.name for rung in plan.audio.rungs] if plan.audio else []
    return video + audio


async def _encode(
    bench: Bench,
    job: Job,
    cutters: Sequence[tuple[str, TrackCutter]],
    shapes: Mapping[str, Shape],
    build: Build,
    tell: Callable[[Progress], None],
    beside: Sequence[Consumer],
    *,
    alike: bool,
) -> None:
    """Run the encoder in its sandbox, with a folder for the spool that goes away with it."""
    settings, plan = bench.settings, job.plan()
    publisher = CutPublisher(
        bench.pool, bench.store, job.taken.claim, shapes, first_names(plan), settings.patience_s
    )
    sandbox, watch = job.sandbox(plan.duration_s), Watch(LONGEST_WALL_S, settings.stall_s)

    async def encode(consumers: Sequence[Consumer]) -> None:
        every = [*consumers, *beside]
        await run(build, every, sandbox=sandbox, watch=watch, on_progress=tell)

    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="spool-", dir=settings.scratch))
    try:
        await Packager(cutters, folder, publisher, alike=alike).run(encode)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _progress(report: Report, done_s: float, whole_s: float) -> Callable[[Progress], None]:
    """Turn what ffmpeg says into a share of the unit."""

    def tell(progress: Progress) -> None:
        share = min(1.0, (done_s + progress.out_time_s) / whole_s)
        report(share, progress.speed, progress.out_time_s)

    return tell


async def _resume(bench: Bench, unit: Unit, names: Sequence[str], start: int) -> int:
    """Give the number of the first segment that is not published in all of these renditions."""
    async with bench.pool.connection() as connection:
        objects = await publication.read_objects(connection, unit, names)
    return min(next_number(objects[name], start) for name in names)


def next_number(objects: Sequence[tuple[int, int]], start: int) -> int:
    """Follow objects, (first number, segments) in order, without a gap from start."""
    for first, segments in objects:
        if first == start:
            start += segments
    return start
