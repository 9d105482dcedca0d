"""Look at a source and decide its plan: the shell around probe, loudness and planning.

Every look happens in a sandboxed child. What it costs does not grow with the lesson but for reading
the sample table: clips, windows of sound and cuts are sampled.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from transcoder import planning
from transcoder.argv import check_command, loudness_command
from transcoder.errors import BadSource, Fault, ProcessError, ProcessFailed, ProcessOvertime
from transcoder.loudness import SILENT, Loudness, read_loudness, windows
from transcoder.plan import ContentKind, EncodePlan, VideoPlan
from transcoder.probe import ORDERS, Probe, judge
from transcoder.process import Watch, capture
from transcoder.sandbox import Limits, Sandbox

CHILD = Path(__file__).with_name("probe_child.py")
PYTHON = (Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve())
PROBE_LIMITS = Limits(cpu_s=60, memory_bytes=2 << 30)
LOOK_LIMITS = Limits(cpu_s=120, memory_bytes=4 << 30)
PROBE_WATCH = Watch(wall_s=120)
LOOK_WATCH = Watch(wall_s=180)
FACTS_LIMIT_BYTES = 1 << 20
CHECKS_AT_ONCE = 2

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A source that was looked at, and what is to be made of it."""

    probe: Probe
    plan: EncodePlan


async def prepare(ffmpeg: str, path: Path, kind: ContentKind | None = None) -> Prepared:
    """Probe a source and plan it.

    Raises: BadSource; ProcessError when a look itself fails for another reason.
    """
    probe = await probe_source(path)
    loudness = await measure_loudness(ffmpeg, path, probe)
    plan = planning.make_plan(probe, loudness, kind)
    if plan.video is not None:
        plan = replace(plan, video=await _cut(ffmpeg, path, plan.video))
    return Prepared(probe, plan)


async def probe_source(path: Path) -> Probe:
    """Look into a file with PyAV in a child of its own.

    Raises: BadSource.
    """
    size_bytes = (await asyncio.to_thread(path.stat)).st_size
    command, sandbox = probe_command(path)
    try:
        told, _ = await capture(
            command, sandbox=sandbox, watch=PROBE_WATCH, limit_bytes=FACTS_LIMIT_BYTES
        )
    except ProcessOvertime as error:
        raise _too_costly() from error
    except ProcessFailed as error:
        # A signal is the kernel's answer to a broken demuxer or a limit; a code is a bug of ours.
        if error.returncode >= 0:
            raise
        raise _too_costly() from error
    return judge(json.loads(told), size_bytes)


def probe_command(path: Path) -> tuple[tuple[str, ...], Sandbox]:
    """Give the probe child's command and its sandbox."""
    command = (sys.executable, "-I", str(CHILD), str(path), json.dumps(ORDERS))
    return command, Sandbox(PROBE_LIMITS, (path, CHILD, *PYTHON))


def _too_costly() -> BadSource:
    return BadSource(
        Fault.TOO_COSTLY,
        "The file could not be read with the memory and time that a lesson may use. "
        "Please export it again as MP4 (H.264).",
    )


async def measure_loudness(ffmpeg: str, path: Path, probe: Probe) -> Loudness | None:
    """Listen to a source; None when it has no sound that can be decoded."""
    if probe.audio is None:
        return None
    command = loudness_command(ffmpeg, path, windows(probe.audio.start_s, probe.audio.end_s))
    sandbox = Sandbox(LOOK_LIMITS, (path,))
    try:
        _, lines = await capture(command, sandbox=sandbox, watch=LOOK_WATCH, limit_bytes=1)
    except ProcessError as error:
        log.warning("loudness of %s not measured: %s", path.name, error.message)
        return SILENT
    return read_loudness(lines)


async def _cut(ffmpeg: str, path: Path, plan: VideoPlan) -> VideoPlan:
    """Cut a long recording where a decoder that begins there makes no complaint."""
    cuts = planning.wanted_cuts(plan)
    gate = asyncio.Semaphore(CHECKS_AT_ONCE)

    async def is_clean(cut: int) -> bool:
        async with gate:
            return await decodes_cleanly(ffmpeg, path, plan.at_s(cut))

    answers = await asyncio.gather(*(is_clean(cut) for cut in cuts))
    clean = {cut for cut, answer in zip(cuts, answers, strict=True) if answer}
    return replace(plan, chunks=planning.chunks(plan, cuts, clean))


async def decodes_cleanly(ffmpeg: str, path: Path, at_s: float) -> bool:
    """Tell whether one second decodes from at_s without a word."""
    command = check_command(ffmpeg, path, at_s)
    sandbox = Sandbox(LOOK_LIMITS, (path,))
    try:
        said = await capture(command, sandbox=sandbox, watch=LOOK_WATCH, limit_bytes=1)
    except ProcessError:
        return False
    return said == (b"", ())
