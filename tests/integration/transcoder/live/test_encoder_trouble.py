"""Encoders that die, hang or talk nonsense: the feed goes on or ends, and nothing is left over."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from itertools import pairwise
from pathlib import Path

import pytest

from catalog.live import FeedName
from tests.support.children import encoders_of
from tests.support.live_feeds import KeptFeed
from tests.support.publishing import Studio, publisher, studio
from tests.support.rtmp import SESSION
from tests.support.wait import eventually
from transcoder.live import encoder as encoder_module
from transcoder.live.encoder import DEATHS_LIMIT
from transcoder.live.feed_state import FeedState

PROGRAMS = {
    name: Path(shutil.which(name) or f"/bin/{name}").resolve() for name in ("true", "false", "yes")
}
# One second of patience, what the pipe holds, and a GOP.
HUNG_LIMIT_S = 6.0


async def the_encoder() -> int:
    """The process id of the one ffmpeg that encodes."""
    (pid,) = await encoders_of(os.getpid(), "pipe:0")
    return pid


async def on_air(here: Studio) -> KeptFeed:
    """The feed once all of its renditions flow."""
    feed = await here.feed()
    await feed.reaches(lambda: feed.end_s("aac") > 1.2 and feed.end_s("180p") > 1.2)
    return feed


@pytest.mark.parametrize("name", ["true", "false"])
async def test_a_program_that_is_no_ffmpeg_turns_the_publisher_out_with_a_sentence(
    name: str,
) -> None:
    async with studio(ffmpeg=PROGRAMS[name]) as here:
        async with publisher(here.url(SESSION)) as process:
            async with asyncio.timeout(30):
                await process.communicate()
        live = here.ingest.find(SESSION, FeedName.MAIN)
        assert live is not None
        assert live.state is FeedState.AWAY
        assert here.figure("tongbu_live_encoder_restarts_total") == DEATHS_LIMIT
        assert live.publisher is None


async def test_one_that_takes_nothing_and_talks_for_ever_is_ended_with_the_feed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(encoder_module, "STUCK_LIMIT_S", 0.5)
    monkeypatch.setattr(encoder_module, "END_LIMIT_S", 0.5)
    async with studio(ffmpeg=PROGRAMS["yes"]) as here, publisher(here.url(SESSION)):
        await eventually(lambda: here.figure("tongbu_live_encoder_restarts_total") >= 1)
        async with asyncio.timeout(20):
            await here.ingest.end(SESSION)
        assert here.ingest.sessions() == set()


async def test_an_encoder_that_hangs_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    async with studio() as here, publisher(here.url(SESSION)):
        feed = await on_air(here)
        monkeypatch.setattr(encoder_module, "STUCK_LIMIT_S", 1.0)
        hung = await the_encoder()
        os.kill(hung, signal.SIGSTOP)
        await eventually(lambda: here.figure("tongbu_live_encoder_restarts_total") == 1)
        await feed.grows(1.5)
        assert await the_encoder() != hung
        for name in ("360p", "180p"):
            for one, following in pairwise(feed.kept[name]):
                assert following.start_s > one.start_s
                assert following.start_s - one.end_s < HUNG_LIMIT_S, name
        assert feed.states == []


async def test_a_lesson_whose_encoder_hangs_still_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder_module, "STUCK_LIMIT_S", 1.0)
    monkeypatch.setattr(encoder_module, "END_LIMIT_S", 0.5)
    async with studio() as here, publisher(here.url(SESSION)):
        feed = await on_air(here)
        os.kill(await the_encoder(), signal.SIGSTOP)
        async with asyncio.timeout(20):
            await here.ingest.end(SESSION)
        assert feed.states == ["ended"]
        assert not await encoders_of(os.getpid(), "pipe:0")


async def test_an_encoder_that_dies_while_its_publisher_is_away_is_there_for_the_return() -> None:
    async with studio() as here:
        async with publisher(here.url(SESSION)):
            feed = await on_air(here)
        await feed.reaches(lambda: feed.states == ["interrupted"])
        os.kill(await the_encoder(), signal.SIGKILL)
        await eventually(lambda: here.figure("tongbu_live_encoder_restarts_total") == 1)
        async with publisher(here.url(SESSION)):
            await feed.grows(1.5)
        for name in feed.names():
            starts = [one.start_s for one in feed.kept[name]]
            assert starts == sorted(starts), name


async def test_deaths_far_apart_turn_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder_module, "DEATHS_WINDOW_S", 0.0)
    async with studio() as here, publisher(here.url(SESSION)):
        feed = await on_air(here)
        for deaths in range(1, DEATHS_LIMIT + 2):
            os.kill(await the_encoder(), signal.SIGKILL)
            await eventually(
                lambda deaths=deaths: (  # type: ignore[misc]
                    here.figure("tongbu_live_encoder_restarts_total") == deaths
                )
            )
            await feed.grows(0.2)
        live = here.ingest.find(SESSION, FeedName.MAIN)
        assert live is not None
        assert live.state is FeedState.PUBLISHING
