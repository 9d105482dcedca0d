"""The units of work on one source: what each makes, and how it ends.

`prepare` decides the plan; `audio`, `side` and `video/N` make the lesson ready; `av1/N` follows at
leisure. A recording is ready before, and only `stills` is done for it (transcoder/stills.py). Knows
nothing of queues, leases or failures.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from catalog.db import publication, work
from catalog.db.pool import Connection
from catalog.db.publication import SideProduct
from catalog.db.work import STILLS
from transcoder.bench import Bench, Job
from transcoder.encode import encode_audio, encode_chunk
from transcoder.plan import EncodePlan, VideoRung
from transcoder.side import SideKeeper, chapter_product, make_poster
from transcoder.stills import make_stills
from transcoder.together import patiently

log = logging.getLogger(__name__)

Extra = Callable[[Connection], Awaitable[None]]


def unit_names(plan: EncodePlan) -> list[str]:
    """Name the units that make a lesson ready."""
    names = ["audio"] if plan.audio else []
    names += ["side"] if plan.side else []
    return names + [f"video/{chunk.index}" for chunk in (plan.video.chunks if plan.video else ())]


def late_names(plan: EncodePlan) -> list[str]:
    """Name the units that follow when the lesson is ready."""
    if plan.video is None or not plan.video.late_rungs:
        return []
    return [f"av1/{chunk.index}" for chunk in plan.video.chunks]


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


async def _video(bench: Bench, job: Job) -> None:
    plan = job.plan()
    assert plan.video is not None
    chunk = plan.video.chunks[job.unit.number]
    keeper = SideKeeper(bench, job, plan.side, plan.video, chunk) if plan.side else None
    await encode_chunk(bench, job, plan.video, chunk, plan.video.rungs, keeper)
    if keeper is not None:
        await keeper.make_up()

    async def name_side(connection: Connection) -> None:
        if keeper is None:
            return
        await work.keep_result(connection, job.unit, keeper.result())
        results = await work.read_results(connection, job.unit, "video/")
        found = [*keeper.products(), chapter_product(results, plan.duration_s)]
        await publication.add_side(connection, job.unit, found)

    await _finish(bench, job, _names(plan.video.rungs), name_side)


async def _late(bench: Bench, job: Job) -> None:
    plan = job.plan()
    assert plan.video is not None
    chunk, rungs = plan.video.chunks[job.unit.number], plan.video.late_rungs
    await encode_chunk(bench, job, plan.video, chunk, rungs, None)
    await _finish(bench, job, _names(rungs))


async def _audio(bench: Bench, job: Job) -> None:
    audio = job.plan().audio
    assert audio is not None
    await encode_audio(bench, job, audio)
    await _finish(bench, job, [rung.name for rung in audio.rungs])


async def _side(bench: Bench, job: Job) -> None:
    plan = job.plan()
    assert plan.video is not None
    assert plan.side is not None
    poster: SideProduct = await make_poster(bench, job, plan.video, plan.side)

    async def name_poster(connection: Connection) -> None:
        await publication.add_side(connection, job.unit, [poster])

    await _finish(bench, job, [], name_poster)


async def _nothing(connection: Connection) -> None:
    pass


async def _finish(bench: Bench, job: Job, names: Sequence[str], extra: Extra = _nothing) -> None:
    """End the unit and write what goes with it, in one transaction."""

    async def finish() -> bool:
        async with bench.pool.connection() as connection:
            await work.hold(connection, job.taken.claim)
            await extra(connection)
            late = late_names(job.plan())
            return await publication.finish(connection, job.taken.claim, names, late)

    if await patiently(finish, bench.settings.patience_s):
        log.info("lesson %s is ready", job.unit.lesson)


def _names(rungs: Sequence[VideoRung]) -> list[str]:
    return [rung.name for rung in rungs]


_KINDS: Mapping[str, Callable[[Bench, Job], Awaitable[None]]] = {
    "prepare": _prepare,
    "video": _video,
    "audio": _audio,
    "side": _side,
    "av1": _late,
    STILLS: make_stills,
}
