"""The same journey with the media in an S3 bucket, read segment by segment from there."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg
import pytest

from catalog.store.s3 import s3_store
from loadtests.client import signed_in
from loadtests.lectures import Lecture, make
from loadtests.service import ADMIN_PASSWORD, Service, running
from loadtests.weed import Weed
from tests.support.objects import keys_below
from tests.support.weed import s3_settings

FRAME_RATE = 25
DURATION_S = 6
BUCKET = "city-media"


@pytest.fixture
def lecture(tmp_path: Path) -> Path:
    return make(Lecture("slides", DURATION_S, 320, 180, FRAME_RATE, 3.0), tmp_path / "分数.mp4")


@pytest.fixture
def on_s3(weed: Weed) -> Iterator[Service]:
    """The service with its store in a bucket that it makes itself."""
    store = {
        "TONGBU_STORE_ENDPOINT": weed.endpoint,
        "TONGBU_STORE_BUCKET": BUCKET,
        "TONGBU_STORE_ACCESS_KEY": weed.access_key,
        "TONGBU_STORE_SECRET_KEY": weed.secret_key,
    }
    with running(extra=store) as service:
        yield service


def frames_of(url: str) -> int:
    run = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-i", url, "-map", "0:v:0",
         "-f", "null", "-progress", "pipe:1", "-"],
        capture_output=True, text=True, timeout=50, check=True,
    )  # fmt: skip
    return int([line for line in run.stdout.splitlines() if line.startswith("frame=")][-1][6:])


async def test_a_lesson_lives_in_a_bucket(on_s3: Service, weed: Weed, lecture: Path) -> None:
    async with signed_in(on_s3.url, "admin", ADMIN_PASSWORD) as client:
        lesson = await client.upload(lecture, {"title": "分数的意义"})
        done = await client.until(lesson, "ready", limit_s=90)
        assert done["error"] is None
        assert await asyncio.to_thread(frames_of, on_s3.url + done["urls"]["hls"]) == (
            DURATION_S * FRAME_RATE // 2
        )
    async with s3_store(s3_settings(weed, BUCKET)) as store:
        keys = await keys_below(store, "")
    assert {key.split("/")[0] for key in keys} == {"source", "media", "side"}
    assert not await asyncio.to_thread((on_s3.data / "objects").exists)
    log = await asyncio.to_thread(on_s3.log.read_text)
    assert weed.secret_key not in log
    assert "X-Amz-Signature" not in log
