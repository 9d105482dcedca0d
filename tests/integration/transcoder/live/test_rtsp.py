"""A classroom's camera, pulled; a camera that is switched off and on again."""

from __future__ import annotations

from catalog.live import FeedName
from tests.support.publishing import studio
from tests.support.rtmp import SESSION
from tests.support.rtsp_camera import camera
from tests.support.wait import eventually
from transcoder.live.rtsp import RtspIngest


async def test_a_camera_is_pulled_until_it_is_let_go() -> None:
    async with studio() as here, camera() as source:
        rtsp = RtspIngest(here.ingest)
        rtsp.pull(SESSION, FeedName.MAIN, source.url)
        feed = await here.feed()
        await feed.reaches(lambda: feed.end_s("180p") > 1)
        assert feed.names() == ["360p", "180p"]
        rtsp.stop(SESSION, FeedName.MAIN)
        await feed.reaches(lambda: feed.states == ["interrupted"])
        await eventually(lambda: not source.players)
        await rtsp.close()
