"""Real and hostile files through the probe child in its sandbox."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg
import pytest

from tests.support.hostile import MAKERS
from tests.support.sources import Media
from transcoder.argv import FORMATS
from transcoder.errors import BadSource, Fault
from transcoder.plan import ContentKind, Downmix
from transcoder.prepare import Prepared, decodes_cleanly, prepare, probe_command

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
VERDICT_S = 2.0
VERDICT_EXTRA_KB = 100_000
ACCEPTED = {
    "cut_a_little",
    "damaged",
    "absurd_duration",
    "absurd_dimensions",
    "external_reference",
    "cover_art",
    "eight_k",
}
REFUSED = {
    "zero": Fault.EMPTY,
    "scrambled": Fault.DAMAGED,
    "cut_header_first": Fault.INCOMPLETE,
    "no_frames": Fault.NO_CONTENT,
    "gap_bomb": Fault.TOO_SPARSE,
    "pixel_bomb": Fault.TOO_LARGE_PICTURE,
} | dict.fromkeys(
    (
        "text",
        "noise",
        "cut_header_last",
        "hls",
        "hls_network",
        "hls_subfile",
        "concat",
        "subfile",
        "mpd",
        "sdp",
        "svg",
    ),
    Fault.NOT_MEDIA,
)

Named = Callable[[str], Path]


@pytest.fixture
def source(media: Media, request: pytest.FixtureRequest) -> Path:
    """The file that the test's `source` parameter names."""
    return media.path(request.param)


async def prepared(path: Path) -> Prepared:
    return await prepare(FFMPEG, path)


def test_every_hostile_file_has_a_verdict() -> None:
    assert set(MAKERS) == set(REFUSED) | ACCEPTED


@pytest.mark.parametrize(
    ("source", "fault"), REFUSED.items(), indirect=["source"], ids=REFUSED.keys()
)
async def test_a_refusal_has_a_code_and_a_sentence(source: Path, fault: Fault) -> None:
    with pytest.raises(BadSource) as caught:
        await prepared(source)
    assert caught.value.fault is fault
    assert caught.value.code.startswith("source_")
    assert str(caught.value).endswith(".")
    assert str(source) not in str(caught.value)


# 8K is not hostile: a picture of that size is allowed, and its first frame is decoded.
@pytest.mark.parametrize("name", sorted((set(REFUSED) | ACCEPTED) - {"eight_k"}))
def test_a_verdict_is_quick_and_small(media: Media, name: str) -> None:
    least = _cost(media.path("zero"))[1]
    elapsed_s, peak_kb = _cost(media.path(name))
    assert elapsed_s < VERDICT_S
    assert peak_kb - least < VERDICT_EXTRA_KB


def _cost(path: Path) -> tuple[float, int]:
    """Wall seconds and peak resident kilobytes of the probe child."""
    command, sandbox = probe_command(path)
    began = time.monotonic()
    child = subprocess.Popen(sandbox.wrap(command, os.getpid()), stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    return time.monotonic() - began, usage.ru_maxrss


@pytest.mark.parametrize("source", ["cut_a_little"], indirect=True)
async def test_a_little_missing_is_a_warning(source: Path) -> None:
    found = await prepared(source)
    assert len(found.plan.warnings) == 1
    assert 5.4 < found.plan.duration_s < 6


@pytest.mark.parametrize("source", ["absurd_duration"], indirect=True)
async def test_header_durations_are_not_believed(source: Path) -> None:
    assert (await prepared(source)).plan.duration_s == pytest.approx(6.0, abs=0.05)


@pytest.mark.parametrize("source", ["absurd_dimensions"], indirect=True)
async def test_header_dimensions_are_not_believed(source: Path) -> None:
    found = await prepared(source)
    assert found.plan.video is not None
    assert (found.plan.video.rungs[0].width_px, found.plan.video.rungs[0].height_px) == (320, 180)


@pytest.mark.parametrize("source", ["external_reference", "damaged"], indirect=True)
async def test_files_that_play_all_the_same(source: Path) -> None:
    assert (await prepared(source)).plan.video is not None


@pytest.mark.parametrize("source", ["audio_only", "cover_art"], indirect=True)
async def test_sound_alone_is_a_lesson(source: Path) -> None:
    found = await prepared(source)
    assert found.plan.kind is ContentKind.AUDIO_ONLY
    assert found.plan.video is None
    assert found.plan.audio is not None


@pytest.mark.parametrize("source", ["eight_k"], indirect=True)
async def test_eight_k_is_accepted_and_scaled_down(source: Path) -> None:
    found = await prepared(source)
    assert found.plan.video is not None
    assert found.plan.video.rungs[0].height_px == 1080


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("slides", ContentKind.SLIDES),
        ("slides_with_face", ContentKind.SLIDES_WITH_FACE),
        ("camera", ContentKind.CAMERA),
        ("plain", ContentKind.CAMERA),
    ],
    indirect=["source"],
)
async def test_kinds(source: Path, kind: ContentKind) -> None:
    assert (await prepared(source)).plan.kind is kind


@pytest.mark.parametrize(
    ("source", "size", "rate"),
    [
        ("portrait", (180, 320), (30, 1)),
        ("rotated", (180, 320), (30, 1)),
        ("odd", (320, 180), (30, 1)),
        ("anamorphic", (320, 180), (25, 1)),
        ("fifty", (320, 180), (25, 1)),
        ("ntsc", (320, 180), (30_000, 1001)),
        ("tiny", (64, 48), (10, 1)),
        ("ten_bit_hevc", (320, 180), (30, 1)),
        ("variable_rate", (320, 180), (30, 1)),
    ],
    indirect=["source"],
)
async def test_forms(source: Path, size: tuple[int, int], rate: tuple[int, int]) -> None:
    plan = (await prepared(source)).plan.video
    assert plan is not None
    assert (plan.rungs[0].width_px, plan.rungs[0].height_px) == size
    assert plan.frame_rate == rate


@pytest.mark.parametrize("source", ["interlaced"], indirect=True)
async def test_interlaced(source: Path) -> None:
    plan = (await prepared(source)).plan.video
    assert plan is not None
    assert plan.deinterlace


@pytest.mark.parametrize("source", ["hlg"], indirect=True)
async def test_high_dynamic_range(source: Path) -> None:
    plan = (await prepared(source)).plan.video
    assert plan is not None
    assert plan.tone_map


@pytest.mark.parametrize(
    ("source", "mix", "gain"),
    [
        ("mono", Downmix.MONO, 5.8),
        ("stereo", Downmix.STEREO, 2.4),
        ("left_only", Downmix.LEFT, 5.8),
        ("surround", Downmix.STEREO, 5.8),
        ("quiet", Downmix.MONO, 20.0),
    ],
    indirect=["source"],
)
async def test_sound(source: Path, mix: Downmix, gain: float) -> None:
    plan = (await prepared(source)).plan.audio
    assert plan is not None
    assert plan.downmix is mix
    assert plan.gain_db == pytest.approx(gain, abs=0.6)


@pytest.mark.parametrize("source", ["long_gop"], indirect=True)
async def test_a_cut_is_checked_by_decoding(source: Path) -> None:
    assert await decodes_cleanly(FFMPEG, source, 3.0)


@pytest.mark.parametrize("source", ["damaged"], indirect=True)
async def test_a_cut_in_damaged_bytes_is_not_clean(source: Path) -> None:
    assert not await decodes_cleanly(FFMPEG, source, 3.5)


@pytest.mark.parametrize("source", ["twelve_minutes"], indirect=True)
async def test_a_long_recording_is_cut_at_segments(source: Path) -> None:
    plan = (await prepared(source)).plan.video
    assert plan is not None
    assert [chunk.start_frame for chunk in plan.chunks] == [0, 1200, 2400]
    assert [chunk.frame_count for chunk in plan.chunks] == [1200, 1200, None]
    assert plan.frame_total == 3600
    assert plan.gop_frames == 20


def test_no_playlist_format_is_allowed() -> None:
    allowed = set(FORMATS.split(","))
    assert not allowed & {"hls", "concat", "dash", "sdp", "rtsp", "rtp", "image2", "svg_pipe"}
