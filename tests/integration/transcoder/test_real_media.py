"""Recordings from elsewhere through probe and encode: old codecs, odd headers, broken seeks."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import imageio_ffmpeg
import pytest

from tests.support import playback
from tests.support.realmedia import real_media
from transcoder.encode_file import FileEncoder
from transcoder.plan import ContentKind
from transcoder.prepare import decodes_cleanly, prepare

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
CAMERA, FACE = ContentKind.CAMERA, ContentKind.SLIDES_WITH_FACE
FILES = {
    "Effet_force_magnetique.ogv": (CAMERA, 34),
    "Force_constante.avi": (CAMERA, 26),
    "Principe_inertie.avi": (CAMERA, 28),
    "balle-jbart.mp4": (CAMERA, 255),
    "balle1-vp9.avi": (CAMERA, 44),
    "g1.avi": (CAMERA, 16),
    "g2.avi": (CAMERA, 16),
    "retroMars2018.avi": (FACE, 25),
    "cockatoo.mp4": (CAMERA, 280),
    "realshort.mp4": (CAMERA, 36),
    "newtonscradle.gif": (CAMERA, 20),
}


@pytest.fixture(scope="module")
def real() -> dict[str, Path]:
    """The videos by name."""
    return real_media()


@pytest.mark.parametrize(("name", "expected"), FILES.items(), ids=FILES.keys())
async def test_real_recordings_are_encoded(
    real: dict[str, Path], name: str, expected: tuple[ContentKind, int], tmp_path: Path
) -> None:
    kind, frames = expected
    prepared = await prepare(FFMPEG, real[name])
    plan = prepared.plan
    assert plan.kind is kind
    assert plan.video is not None
    plan = replace(plan, video=replace(plan.video, rungs=plan.video.rungs[-2:]))
    assert plan.video is not None
    await FileEncoder(FFMPEG, real[name], plan, tmp_path).encode()
    grids = set()
    for rung in plan.video.rungs:
        path = tmp_path / f"{rung.name}.mp4"
        track = await asyncio.to_thread(playback.read_track, path)
        grids.add(tuple(track.grid))
        shown = await asyncio.to_thread(playback.pictures, path)
        assert len(shown) == pytest.approx(frames, abs=1)
    assert len(grids) == 1
    if plan.audio:
        sound = await asyncio.to_thread(playback.read_track, tmp_path / "aac.mp4")
        assert sound.end_s == pytest.approx(plan.duration_s, abs=0.15)


async def test_a_recording_whose_seeks_lie_is_not_cut(real: dict[str, Path]) -> None:
    assert not await decodes_cleanly(FFMPEG, real["cockatoo.mp4"], 5.0)
    assert await decodes_cleanly(FFMPEG, real["balle-jbart.mp4"], 5.0)
