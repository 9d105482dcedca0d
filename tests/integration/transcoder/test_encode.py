"""Real encodes of small sources: timelines that join, pictures and sound that are right."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path

import imageio_ffmpeg
import pytest

from tests.support import playback
from tests.support.sources import Media
from transcoder.argv import SidePipes, VideoJob, side_command, video_command
from transcoder.encode_file import Encoded, FileEncoder, Rendition, SideCollector
from transcoder.errors import ProcessError
from transcoder.plan import (
    Chunk,
    ContentKind,
    EncodePlan,
    VideoCodec,
    VideoPlan,
    VideoRung,
)
from transcoder.prepare import prepare
from transcoder.process import Watch, run
from transcoder.sandbox import Limits, Sandbox

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
ROOT = Path(__file__).parents[3]
FRAME_S = 1 / 30
GOP = 30


@pytest.fixture
def source(media: Media, request: pytest.FixtureRequest) -> Path:
    """The file that the test's `source` parameter names."""
    return media.path(request.param)


def of(*names: str) -> pytest.MarkDecorator:
    """Run the test on these sources."""
    return pytest.mark.parametrize("source", names, indirect=True)


async def encode(
    source: Path, directory: Path, plan: EncodePlan | None = None, *, late: bool = False
) -> Encoded:
    plan = plan or (await prepare(FFMPEG, source)).plan
    return await FileEncoder(FFMPEG, source, plan, directory).encode(late=late)


async def track(path: Path) -> playback.Track:
    return await asyncio.to_thread(playback.read_track, path)


async def pictures(path: Path) -> list[bytes]:
    return await asyncio.to_thread(playback.pictures, path)


async def short_segments(source: Path, chunks: tuple[Chunk, ...] | None = None) -> EncodePlan:
    """A plan with segments of one second and the given chunks."""
    plan = (await prepare(FFMPEG, source)).plan
    assert plan.video is not None
    video = replace(plan.video, gop_frames=GOP, chunks=chunks or plan.video.chunks)
    return replace(plan, video=video)


@of("camera")
async def test_every_rung_decodes_on_one_grid(source: Path, tmp_path: Path) -> None:
    await encode(source, tmp_path, late=True)
    rungs = [await track(tmp_path / f"{name}.mp4") for name in ("360p", "240p", "360p-av1")]
    assert rungs[0].grid == [(0.0, 4.0), (4.0, 2.0)]
    assert all(rung.grid == rungs[0].grid and all(rung.sync) for rung in rungs)
    for name in ("360p", "240p", "360p-av1"):
        assert len(await pictures(tmp_path / f"{name}.mp4")) == 150
    sounds = [await track(tmp_path / f"{name}.mp4") for name in ("aac", "opus")]
    assert all(sound.end_s == pytest.approx(6.014, abs=0.06) for sound in sounds)
    codecs = [one.init.track.codecs for one in (*rungs, *sounds)]
    assert [name.split(".")[0] for name in codecs] == ["avc1", "avc1", "av01", "mp4a", "opus"]


@of("long_gop", "variable_rate", "late_video")
async def test_chunks_join_without_a_seam(source: Path, tmp_path: Path) -> None:
    whole = await short_segments(source)
    assert whole.video is not None
    total = whole.video.frame_total
    cut = (Chunk(0, 0, 60, True), Chunk(1, 60, 60, True), Chunk(2, 120, None, True))
    await encode(source, tmp_path / "whole", whole)
    await encode(source, tmp_path / "cut", replace(whole, video=replace(whole.video, chunks=cut)))
    name = f"{whole.video.rungs[0].name}.mp4"
    # FileEncoder refuses a chunk whose initialization section differs by a byte.
    assert (await track(tmp_path / "cut" / name)).grid == (
        await track(tmp_path / "whole" / name)
    ).grid
    one, other = await pictures(tmp_path / "whole" / name), await pictures(tmp_path / "cut" / name)
    assert len(one) == len(other)
    assert len(one) == pytest.approx(total, abs=1)
    assert max(map(playback.difference, one, other)) < 6


async def encode_from(source: Path, plan: EncodePlan, chunk: Chunk, first: int, path: Path) -> None:
    """Encode the largest rung of a chunk from a frame on."""
    video = plan.video
    assert video is not None
    rungs = video.rungs[:1]

    def build(fds: list[int]) -> list[str]:
        return video_command(FFMPEG, source, video, None, VideoJob(rungs, tuple(fds), chunk, first))

    with await asyncio.to_thread(path.open, "wb", 0) as file:
        rendition = Rendition(Blocking(file))
        await run(
            lambda fds: build(list(fds)),
            [rendition.take],
            sandbox=Sandbox(Limits(), (source,)),
            watch=Watch(60),
        )


class Blocking:
    """An ordinary file with the awaitable `write` that Rendition wants."""

    def __init__(self, file: object) -> None:
        self._file = file

    async def write(self, data: bytes) -> None:
        await asyncio.to_thread(self._file.write, data)  # type: ignore[attr-defined]


@of("long_gop")
@pytest.mark.parametrize("clean", [True, False])
async def test_a_resumed_run_goes_on_where_the_other_stopped(
    source: Path, tmp_path: Path, clean: bool
) -> None:
    plan = await short_segments(source)
    chunk = Chunk(1, 60, 90, clean)
    await encode_from(source, plan, chunk, 60, tmp_path / "all.mp4")
    await encode_from(source, plan, chunk, 90, tmp_path / "rest.mp4")
    whole, rest = await track(tmp_path / "all.mp4"), await track(tmp_path / "rest.mp4")
    assert whole.grid == [(2.0, 1.0), (3.0, 1.0), (4.0, 1.0)]
    assert rest.grid == whole.grid[1:]
    assert rest.init.data == whole.init.data
    one, other = await pictures(tmp_path / "all.mp4"), await pictures(tmp_path / "rest.mp4")
    assert len(other) == 60
    assert max(map(playback.difference, one[30:], other)) < 6


@pytest.mark.parametrize(
    ("source", "name", "size", "rate", "frames"),
    [
        ("portrait", "180p", (180, 320), (30, 1), 120),
        ("rotated", "180p", (180, 320), (30, 1), 180),
        ("odd", "180p", (320, 180), (30, 1), 120),
        ("anamorphic", "180p", (320, 180), (25, 1), 75),
        ("ten_bit_hevc", "180p", (320, 180), (30, 1), 90),
        ("interlaced", "240p", (320, 240), (25, 1), 75),
        ("hlg", "180p", (320, 180), (25, 1), 50),
        ("fifty", "180p", (320, 180), (25, 1), 75),
        ("ntsc", "180p", (320, 180), (30_000, 1001), 90),
        ("tiny", "48p", (64, 48), (10, 1), 20),
        ("short_video", "180p", (320, 180), (30, 1), 180),
        ("damaged", "180p", (320, 180), (30, 1), 180),
    ],
    indirect=["source"],
)
async def test_every_form_becomes_one_that_browsers_play(
    source: Path,
    name: str,
    size: tuple[int, int],
    rate: tuple[int, int],
    frames: int,
    tmp_path: Path,
) -> None:
    await encode(source, tmp_path)
    path = tmp_path / f"{name}.mp4"
    found = await asyncio.to_thread(playback.form, path)
    assert (found.width_px, found.height_px, found.rate) == (*size, rate)
    assert (found.pixel_format, found.profile, found.square) == ("yuv420p", "High", True)
    assert len(await pictures(path)) == frames


@of("late_video", "late_audio")
async def test_picture_and_sound_stay_in_step(source: Path, tmp_path: Path) -> None:
    await encode(source, tmp_path, (await prepare(FFMPEG, source, ContentKind.CAMERA)).plan)
    shown = await pictures(tmp_path / "180p.mp4")
    flash_s = next(n for n, one in enumerate(shown) if playback.mean(one) > 128) * FRAME_S
    for name in ("aac", "opus"):
        heard = await asyncio.to_thread(playback.samples, tmp_path / f"{name}.mp4")
        click_s = next(n for n, one in enumerate(heard) if abs(one) > 3000) / 48_000
        assert flash_s == pytest.approx(3.0, abs=FRAME_S)
        assert abs(flash_s - click_s) <= FRAME_S


@of("short_video")
async def test_a_picture_that_ends_early_is_held(source: Path, tmp_path: Path) -> None:
    await encode(source, tmp_path)
    shown = await pictures(tmp_path / "180p.mp4")
    assert playback.difference(shown[95], shown[-1]) < 3
    assert playback.difference(shown[5], shown[-1]) > 6


@of("left_only")
async def test_sound_on_one_side_is_heard_in_full(source: Path, tmp_path: Path) -> None:
    await encode(source, tmp_path)
    heard = await asyncio.to_thread(playback.samples, tmp_path / "aac.mp4")
    middle = heard[48_000:96_000]
    # A tone at -16 LUFS has its peaks at about 0.2 of full scale.
    assert 4000 < max(middle) < 12_000


@of("no_audio", "audio_only")
async def test_only_what_there_is(source: Path, tmp_path: Path) -> None:
    await encode(source, tmp_path)
    names = {path.name for path in await asyncio.to_thread(lambda: list(tmp_path.iterdir()))}
    sound = {"aac.mp4", "opus.mp4"}
    picture = {"180p.mp4", "poster.jpg", "sprite-0.jpg"}
    assert names == (sound if source.stem == "audio_only" else picture)


@of("slides")
async def test_side_products_come_with_the_encode_or_alone(source: Path, tmp_path: Path) -> None:
    plan = (await prepare(FFMPEG, source)).plan
    video, side = plan.video, plan.side
    assert video is not None
    assert side is not None
    encoded = await encode(source, tmp_path, plan)
    assert encoded.sheets == [{"name": "sprite-0.jpg", "times_s": (0, 2, 4, 6, 8, 10)}]
    sheet = await asyncio.to_thread(playback.form, tmp_path / "sprite-0.jpg")
    poster = await asyncio.to_thread(playback.form, tmp_path / "poster.jpg")
    assert (sheet.width_px, sheet.height_px) == (800, 450)
    assert (poster.width_px, poster.height_px) == (640, 360)
    alone = await side_alone(source, plan, video, tmp_path / "alone")
    assert [sheet["times_s"] for sheet in alone.sheets] == [encoded.sheets[0]["times_s"]]
    assert [change.at_s for change in alone.changes] == [4.0, 8.0]


async def side_alone(
    source: Path, plan: EncodePlan, video: VideoPlan, directory: Path
) -> SideCollector:
    assert plan.side is not None
    await asyncio.to_thread(directory.mkdir)
    collector = SideCollector(directory, plan.side)
    side = plan.side
    await run(
        lambda fds: side_command(FFMPEG, source, video, side, video.chunks[0], SidePipes(*fds)),
        collector.consumers(0, plan.duration_s),
        sandbox=Sandbox(Limits(), (source,)),
        watch=Watch(60),
    )
    return collector


@of("gap_bomb")
async def test_a_gap_never_makes_more_than_the_plan_says(source: Path, tmp_path: Path) -> None:
    rung = VideoRung("180p", VideoCodec.H264, 320, 180, 30, 100_000, 200_000, "", "ultrafast")
    video = VideoPlan((30, 1), 90, GOP, (rung,), (), (Chunk(0, 0, None, True),))
    plan = EncodePlan(ContentKind.CAMERA, 3.0, video, None)
    await encode(source, tmp_path, plan)
    assert (await track(tmp_path / "180p.mp4")).end_s == 3.0


@of("anamorphic", "rotated")
async def test_the_poster_has_the_shape_of_the_picture(source: Path, tmp_path: Path) -> None:
    await encode(source, tmp_path)
    poster = await asyncio.to_thread(playback.form, tmp_path / "poster.jpg")
    wide = source.stem == "anamorphic"
    assert (poster.width_px, poster.height_px) == ((320, 180) if wide else (180, 320))


@of("plain")
async def test_the_encoder_cannot_read_another_file(source: Path, tmp_path: Path) -> None:
    plan = (await prepare(FFMPEG, source)).plan
    assert plan.video is not None
    job = VideoJob((), (), plan.video.chunks[0], 0, SidePipes(0, 0))
    assert plan.side is not None
    command = side_command(FFMPEG, source, plan.video, plan.side, job.chunk, SidePipes(2, 2))
    with pytest.raises(ProcessError, match="Permission denied"):
        await run(lambda _fds: command, [], sandbox=Sandbox(), watch=Watch(20))


@of("plain")
async def test_the_command_line_writes_a_plan(source: Path, tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "transcoder", "encode", str(source), str(tmp_path), "--plan-only"),
        *("--rungs", "180,90", "--kind", "slides"),
        cwd=ROOT,
    )
    assert await process.wait() == 0
    plan = json.loads(await asyncio.to_thread((tmp_path / "plan.json").read_text))["plan"]
    assert plan["kind"] == "slides"
    assert [rung["name"] for rung in plan["video"]["rungs"]] == ["180p", "90p"]


@of("text")
async def test_the_command_line_says_what_is_wrong(source: Path, tmp_path: Path) -> None:
    command = (sys.executable, "-m", "transcoder", "encode")
    for file, code, word in ((source, 1, b"not a complete"), (tmp_path / "none", 2, b"no such")):
        process = await asyncio.create_subprocess_exec(
            *command, str(file), str(tmp_path), cwd=ROOT, stderr=asyncio.subprocess.PIPE
        )
        _, said = await process.communicate()
        assert process.returncode == code
        assert word in said
