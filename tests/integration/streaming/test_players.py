"""Real players read what is served: ffmpeg counts packets, mpv plays, PyAV looks inside."""

import asyncio
from collections import Counter

import imageio_ffmpeg
import pytest

from catalog.media import Presentation
from tests.support.media import FRAME_RATE
from tests.support.playback import play_by_mpv
from tests.support.screening import DURATION_S, Served


async def run(*command: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def packets(url: str, *select: str) -> Counter[str]:
    """Count the packets of each stream as ffmpeg reads it whole."""
    code, out, err = await run(
        imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "warning", "-i", url,
        *select, "-c", "copy", "-f", "framecrc", "-",
    )  # fmt: skip
    assert (code, err) == (0, ""), err
    return Counter(line.split(",")[0] for line in out.splitlines() if not line.startswith("#"))


FRAMES = DURATION_S * FRAME_RATE
AAC_PACKETS = 330
OPUS_PACKETS = 351


@pytest.mark.parametrize(
    ("manifest", "videos"),
    [("multivariant.m3u8", 2), ("multivariant.m3u8?av1=1", 3), ("manifest.mpd", 3)],
)
async def test_ffmpeg_reads_every_packet(
    manifest: str, videos: int, lesson: Presentation, served: Served
) -> None:
    url = served.at(lesson.lesson, manifest)
    everything = await packets(url, "-map", "0:v", "-map", "0:a")
    counts = sorted(everything.values())
    assert set(counts) <= {FRAMES, AAC_PACKETS, OPUS_PACKETS}
    assert counts.count(FRAMES) >= videos
    assert {AAC_PACKETS, OPUS_PACKETS} <= set(counts)


async def test_ffmpeg_reads_one_media_playlist(lesson: Presentation, served: Served) -> None:
    url = served.at(lesson.lesson, f"{lesson.renditions[0].id}/media.m3u8")
    assert await packets(url) == {"0": FRAMES}


@pytest.mark.parametrize("manifest", ["multivariant.m3u8", "manifest.mpd"])
async def test_mpv_plays_to_the_end(manifest: str, lesson: Presentation, served: Served) -> None:
    await asyncio.to_thread(play_by_mpv, served.at(lesson.lesson, manifest))
