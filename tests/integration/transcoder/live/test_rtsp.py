"""A classroom's camera, pulled; a camera that is switched off and on again."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace

import pytest

from catalog.errors import Invalid
from catalog.live import FeedName
from tests.support.children import encoders_of
from tests.support.publishing import studio
from tests.support.rtmp import SESSION
from tests.support.rtsp_camera import camera
from tests.support.wait import eventually
from transcoder.live import relay as relay_module
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


async def test_another_camera_takes_the_place_of_the_first() -> None:
    async with studio() as here, camera() as first, camera() as second:
        rtsp = RtspIngest(here.ingest)
        rtsp.pull(SESSION, FeedName.MAIN, first.url)
        feed = await here.feed()
        await feed.reaches(lambda: feed.end_s("180p") > 0.5)
        rtsp.pull(SESSION, FeedName.MAIN, second.url)
        await eventually(lambda: bool(second.players) and not first.players)
        await feed.grows(1)
        assert rtsp.pulled() == {SESSION}
        await rtsp.close()
        assert rtsp.pulled() == set()


async def test_a_host_that_may_not_be_asked_changes_nothing() -> None:
    async with studio() as here, camera() as source:
        rtsp = RtspIngest(here.ingest)
        rtsp.pull(SESSION, FeedName.MAIN, source.url)
        await eventually(lambda: bool(source.players))
        for url in ("rtsp://10.1.2.3/1", "rtsp://localhost.evil/1", "http://127.0.0.1/"):
            with pytest.raises(Invalid):
                rtsp.pull(SESSION, FeedName.MAIN, url)
        assert source.players, "the camera that is pulled goes on"
        here.ingest.settings = replace(here.ingest.settings, rtsp_hosts=("10.1.2.3",))
        rtsp.pull("another", FeedName.MAIN, "rtsp://10.1.2.3:1/1")
        assert rtsp.pulled() == {SESSION, "another"}
        rtsp.end("another")
        assert rtsp.pulled() == {SESSION}
        await rtsp.close()


async def test_a_camera_that_is_off_is_asked_again_and_again_and_told_of_without_its_password(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(relay_module, "AGAIN_S", 0.05)
    caplog.set_level("INFO", logger=relay_module.__name__)
    async with studio() as here:
        rtsp = RtspIngest(here.ingest)
        rtsp.pull(SESSION, FeedName.MAIN, "rtsp://admin:geheim@127.0.0.1:1/1")
        await eventually(lambda: caplog.text.count("broke off") >= 3)
        assert "geheim" not in caplog.text
        assert not here.feeds.feeds, "nothing is opened for a camera that does not answer"
        await rtsp.close()
        assert not await encoders_of(os.getpid(), "rtsp://")


async def test_a_close_waits_for_cameras_that_were_let_go_before() -> None:
    async with studio() as here, camera() as source:
        rtsp = RtspIngest(here.ingest)
        rtsp.pull(SESSION, FeedName.MAIN, source.url)
        await eventually(lambda: bool(source.players))
        rtsp.stop(SESSION, FeedName.MAIN)
        await rtsp.close()
        assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("rtsp ")]
        assert not await encoders_of(os.getpid(), "rtsp://")


async def test_a_camera_is_let_go_when_its_lesson_has_ended() -> None:
    async with studio() as here, camera() as source:
        rtsp = RtspIngest(here.ingest)
        rtsp.pull(SESSION, FeedName.MAIN, source.url)
        feed = await here.feed()
        await feed.reaches(lambda: feed.end_s("180p") > 0.5)
        await here.ingest.end(SESSION)
        await eventually(lambda: not source.players and not rtsp.pulled())
        assert feed.states[-1] == "ended"
