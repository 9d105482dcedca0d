"""The units of work on one source: what each encodes and what it hands to the catalogue.

`prepare` decides the plan; `video/N`, `audio` and `side` make the lesson ready; `av1/N` follows at
leisure. A unit that was stopped goes on behind its last published segment. Knows nothing of queues.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import msgspec

from catalog.db import publication, work
from catalog.db.pool import Pool
from catalog.db.work import Taken, Unit
from catalog.media import Media
from catalog.store.port import ObjectStore
from transcoder.argv import AUDIO_FRAGMENT_US, VideoJob, audio_command, video_command
from transcoder.estimate import chunk_s
from transcoder.objects import Grid, TrackCutter
from transcoder.packager import Packager
from transcoder.plan import EncodePlan, VideoPlan, VideoRung
from transcoder.prepare import Prepared
from transcoder.process import Consumer, Watch, run
from transcoder.progress import Progress
from transcoder.publish import CutPublisher, Shape
from transcoder.sandbox import Limits, Sandbox
from transcoder.settings import WorkerSettings
from transcoder.together import patiently

CPU_S_PER_MEDIA_S = 60
LEAST_CPU_S = 120
LONGEST_WALL_S = 24 * 3600.0
NICE = {"fresh": 10, "backlog": 15, "late": 19}

log = logging.getLogger(__name__)


def class_of(unit: Unit, priority: str) -> str:
    """Name the class that decides what goes first: fresh, then backlog, then late."""
    return "late" if unit.late else priority


Prepare = Callable[[Path], Awaitable[Prepared]]
Report = Callable[[float, float | None, float], None]


@dataclass(frozen=True, slots=True)
class Bench:
    """What units work with; `prepare` looks at a source in a sandbox."""

    settings: WorkerSettings
    pool: Pool
    store: ObjectStore
    prepare: Prepare


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt at a unit: its source on this machine, and where to tell how far it is.

    `report` takes the share that is done, the speed, and the seconds of media of this attempt.
    """

    taken: Taken
    source: Path
    report: Report

    @property
    def unit(self) -> Unit:
        """The unit's name."""
        return self.taken.claim.unit

    def plan(self) -> EncodePlan:
        """The generation's plan, which `prepare` has written."""
        return msgspec.convert(self.taken.plan, EncodePlan)


async def do_unit(bench: Bench, job: Job) -> None:
    """Do the unit from where it stands to its end. Raises: Superseded, BadSource, and the rest."""
    await _KINDS[job.unit.kind](bench, job)


async def _prepare(bench: Bench, job: Job) -> None:
    prepared = await bench.prepare(job.source)
    plan = prepared.plan

    async def keep() -> None:
        async with bench.pool.connection() as connection:
            await work.finish_prepare(
                connection,
                job.taken.claim,
                probe=msgspec.to_builtins(prepared.probe),
                plan=msgspec.to_builtins(plan),
                duration_s=plan.duration_s,
                kind=plan.kind.value,
                names=unit_names(plan),
            )

    await patiently(keep, bench.settings.patience_s)


def unit_names(plan: EncodePlan) -> list[str]:
    """Name the units that make a lesson ready."""
    names = ["audio"] if plan.audio else []
    if plan.video:
        names += [f"video/{chunk.index}" for chunk in plan.video.chunks]
    return names


def late_names(plan: EncodePlan) -> list[str]:
    """Name the units that follow when the lesson is ready."""
    if plan.video is None or not plan.video.late_rungs:
        return []
    return [f"av1/{chunk.index}" for chunk in plan.video.chunks]


def first_names(plan: EncodePlan) -> list[str]:
    """Name the renditions that must have begun before a lesson can be played."""
    video = [rung.name for rung in plan.video.rungs] if plan.video else []
    audio = [rung.name for rung in plan.audio.rungs] if plan.audio else []
    return video + audio


async def _video(bench: Bench, job: Job) -> None:
    plan = job.plan()
    assert plan.video is not None
    await _encode_chunk(bench, job, plan, plan.video.rungs)


async def _late(bench: Bench, job: Job) -> None:
    plan = job.plan()
    assert plan.video is not None
    await _encode_chunk(bench, job, plan, plan.video.late_rungs)


async def _encode_chunk(
    bench: Bench, job: Job, plan: EncodePlan, rungs: tuple[VideoRung, ...]
) -> None:
    """Encode what is missing of a chunk in these rungs, and publish it as it comes."""
    video = plan.video
    assert video is not None
    chunk = video.chunks[int(job.unit.name.partition("/")[2])]
    names = [rung.name for rung in rungs]
    number = await _resume(bench, job.unit, names, chunk.start_frame // video.gop_frames)
    first_frame, end = number * video.gop_frames, chunk.start_frame + video.frames_of(chunk)
    if first_frame < end:
        grid = Grid(Fraction(video.gop_frames * video.frame_rate[1], video.frame_rate[0]), True)
        shapes = {
            rung.name: Shape(Media.VIDEO, index, video.frame_rate)
            for index, rung in enumerate(rungs)
        }
        cutters = [(name, TrackCutter(grid, number, number)) for name in names]
        build = partial(
            _video_argv, str(bench.settings.ffmpeg), job.source, video,
            lambda fds: VideoJob(rungs, tuple(fds), chunk, first_frame),
        )  # fmt: skip
        done_s = video.at_s(first_frame - chunk.start_frame)
        report = _progress(job.report, done_s, chunk_s(video, chunk.index))
        await _encode(bench, job, cutters, shapes, build, report, alike=True)
    await _finish(bench, job, plan, names)


def _video_argv(
    program: str,
    source: Path,
    video: VideoPlan,
    shape: Callable[[Sequence[int]], VideoJob],
    fds: Sequence[int],
) -> list[str]:
    return video_command(program, source, video, None, shape(fds))


async def _audio(bench: Bench, job: Job) -> None:
    """Encode all sound from its beginning; what an earlier attempt published is passed over."""
    plan = job.plan()
    audio = plan.audio
    assert audio is not None
    grid = Grid(Fraction(AUDIO_FRAGMENT_US, 1_000_000), False)
    names = [rung.name for rung in audio.rungs]
    begun = {name: await _resume(bench, job.unit, [name], 0) for name in names}
    cutters = [(name, TrackCutter(grid, 0, begun[name])) for name in names]
    shapes = {name: Shape(Media.AUDIO, index) for index, name in enumerate(names)}

    def build(fds: Sequence[int]) -> list[str]:
        return audio_command(str(bench.settings.ffmpeg), job.source, audio, fds, plan.duration_s)

    report = _progress(job.report, 0.0, plan.duration_s)
    await _encode(bench, job, cutters, shapes, build, report, alike=False)
    await _finish(bench, job, plan, names)


async def _encode(
    bench: Bench,
    job: Job,
    cutters: Sequence[tuple[str, TrackCutter]],
    shapes: Mapping[str, Shape],
    build: Callable[[Sequence[int]], Sequence[str]],
    report: Callable[[Progress], None],
    *,
    alike: bool,
) -> None:
    """Run the encoder in its sandbox, with a folder for the spool that goes away with it."""
    settings, plan = bench.settings, job.plan()
    publisher = CutPublisher(
        bench.pool, bench.store, job.taken.claim, shapes, first_names(plan), settings.patience_s
    )
    limits = Limits(
        cpu_s=int(LEAST_CPU_S + CPU_S_PER_MEDIA_S * plan.duration_s),
        nice=NICE[class_of(job.unit, job.taken.priority)],
    )
    sandbox = Sandbox(limits, (job.source,))
    watch = Watch(LONGEST_WALL_S, settings.stall_s)

    async def encode(consumers: Sequence[Consumer]) -> None:
        await run(build, consumers, sandbox=sandbox, watch=watch, on_progress=report)

    folder = await asyncio.to_thread(tempfile.mkdtemp, prefix="spool-", dir=settings.scratch)
    try:
        await Packager(cutters, Path(folder), publisher, alike=alike).run(encode)
    finally:
        await asyncio.to_thread(_remove, Path(folder))


def _remove(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink(missing_ok=True)
    folder.rmdir()


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


async def _finish(bench: Bench, job: Job, plan: EncodePlan, names: Sequence[str]) -> None:
    async def finish() -> bool:
        async with bench.pool.connection() as connection:
            await work.hold(connection, job.taken.claim)
            return await publication.finish(connection, job.taken.claim, names, late_names(plan))

    if await patiently(finish, bench.settings.patience_s):
        log.info("lesson %s is ready", job.unit.lesson)


_KINDS: Mapping[str, Callable[[Bench, Job], Awaitable[None]]] = {
    "prepare": _prepare,
    "video": _video,
    "audio": _audio,
    "av1": _late,
}
