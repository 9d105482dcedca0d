"""Real publishers over RTMP and the real encoder; the origin only keeps what comes.

What the encoder adds was measured with the first test: a picture is handed to the origin 46 ms
after its capture (33 ms of them are the picture itself, whose length the next one tells), sound
44 ms after the end of its three AAC frames.
"""

from __future__ import annotations

import asyncio
import os
import signal
from itertools import pairwise

from tests.support.children import encoders_of
from tests.support.live_feeds import KeptFeed
from tests.support.publishing import AAC, H264, PICTURE, SOUND, publisher, studio
from tests.support.rtmp import SESSION
from tests.support.wait import eventually
from transcoder.live.tries import TRIES_LIMIT

AGAIN_LIMIT_S = 2.0
DELAY_LIMIT_S = 0.1
ONE_FRAME_S = 0.034
WALL_LIMIT_S = 3.0


def assert_whole(feed: KeptFeed, name: str, most_s: float = 0.05) -> None:
    """Each fragment begins where the one before ended, and none comes twice."""
    for before, following in pairwise(feed.kept[name]):
        assert -0.006 < following.start_s - before.end_s < most_s, (name, before, following)
        assert following.start_s > before.start_s


def assert_same_keyframes(feed: KeptFeed, least: int) -> None:
    """Both rungs have their keyframes at the same moments."""
    one, other = feed.keyframes_s("360p"), feed.keyframes_s("180p")
    shared = min(len(one), len(other))
    assert shared >= least
    assert one[:shared] == other[:shared]


def usual_delay_s(feed: KeptFeed, name: str) -> float:
    """From the end of a fragment to its arrival, in the best fifth: the rest is this machine."""
    delays = sorted(one.arrived_s - one.end_s for one in feed.kept[name])
    return delays[len(delays) // 5]


async def test_a_publisher_with_the_right_key() -> None:
    async with studio() as here, publisher(here.url(SESSION)):
        feed = await here.feed()
        await feed.reaches(lambda: feed.end_s("aac") > 4)
        assert feed.names() == ["360p", "180p", "aac"]
        assert [feed.inits[n][0].track.codecs[:4] for n in feed.names()] == ["avc1", "avc1", "mp4a"]
        assert {one.fragment.samples for one in feed.kept["360p"] + feed.kept["180p"]} == {1}
        assert {one.fragment.samples for one in feed.kept["aac"]} == {2}
        for name in feed.names():
            assert_whole(feed, name)
            assert usual_delay_s(feed, name) < DELAY_LIMIT_S
        assert_same_keyframes(feed, 3)
        assert abs(feed.kept["aac"][0].start_s - feed.kept["360p"][0].start_s) < 0.06
        assert here.figure("tongbu_ingest_frames_total") > 60
        assert here.figure("tongbu_live_feeds", state="publishing") == 1


async def test_a_wrong_key_is_refused_at_once_and_counted() -> None:
    async with studio() as here:
        async with asyncio.timeout(5):
            said = await here.refusal(here.url(SESSION, "wrong"))
        assert "stream key" in said
        assert here.figure("tongbu_ingest_refused_total", why="key") == 1
        assert not here.feeds.feeds
        for _ in range(TRIES_LIMIT):
            await here.refusal(here.url("no-session", "wrong"))
        asked = here.book.asked
        assert "too many" in await here.refusal(here.url(SESSION))
        assert here.book.asked == asked


async def test_a_second_publisher_is_refused_and_the_first_goes_on() -> None:
    async with studio() as here, publisher(here.url(SESSION)):
        feed = await here.feed()
        await feed.reaches(lambda: feed.end_s("aac") > 0)
        assert "another encoder" in await here.refusal(here.url(SESSION))
        await feed.grows(0.5)
        assert here.figure("tongbu_ingest_refused_total", why="busy") == 1


async def test_a_drop_and_a_return_continue_one_timeline() -> None:
    async with studio() as here:
        async with publisher(here.url(SESSION)):
            feed = await here.feed()
            await feed.reaches(lambda: feed.end_s("aac") > 1.5)
        await feed.reaches(lambda: feed.states == ["interrupted"])
        encoders = await encoders_of(os.getpid(), "pipe:0")
        before = {name: len(feed.kept[name]) for name in feed.names()}
        async with publisher(here.url(SESSION)):
            await feed.grows(2)
        assert feed.states[:2] == ["interrupted", "resumed"]
        assert await encoders_of(os.getpid(), "pipe:0") == encoders
        assert len(feed.begun) == 1
        for name, count in before.items():
            assert len(feed.inits[name]) == 1
            back = feed.kept[name][-1]
            assert len(feed.kept[name]) > count + 10
            assert abs(back.arrived_s - back.start_s) < WALL_LIMIT_S
            for one, following in pairwise(feed.kept[name]):
                assert following.start_s > one.start_s - 0.006
        assert_same_keyframes(feed, 3)
        assert here.figure("tongbu_ingest_reconnects_total") == 1


async def test_an_encoder_that_is_killed_is_back_within_two_seconds() -> None:
    async with studio() as here, publisher(here.url(SESSION)):
        feed = await here.feed()
        await feed.reaches(lambda: feed.end_s("aac") > 1.7)
        (pid,) = await encoders_of(os.getpid(), "pipe:0")
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(AGAIN_LIMIT_S):
            # Then what it had made is taken, and the next has not begun.
            await eventually(lambda: here.figure("tongbu_live_encoder_restarts_total") == 1)
            before = {name: len(feed.kept[name]) for name in feed.names()}
            await feed.reaches(lambda: all(len(feed.kept[n]) > c for n, c in before.items()))
        await feed.grows(1.5)
        for name in ("360p", "180p"):
            assert_whole(feed, name)
        assert feed.kept["180p"][before["180p"]].sync
        assert_whole(feed, "aac", 0.09)
        assert [len(feed.inits[name]) for name in feed.names()] == [1, 1, 1]
        assert here.figure("tongbu_live_encoder_restarts_total") == 1


async def test_sound_alone_and_picture_alone() -> None:
    async with studio() as here:
        async with publisher(here.url(SESSION), *SOUND, *AAC):
            feed = await here.feed()
            await feed.reaches(lambda: feed.end_s("aac") > 1)
            assert feed.names() == ["aac"]
        await feed.reaches(lambda: feed.states == ["interrupted"])
        async with publisher(here.url(SESSION, feed="floor"), *PICTURE, *H264):
            await eventually(lambda: len(here.feeds.feeds) == 2)
            floor = list(here.feeds.feeds.values())[1]
            await floor.reaches(lambda: floor.end_s("180p") > 1)
            assert floor.names() == ["360p", "180p"]


async def test_what_the_machine_cannot_carry_is_copied_or_refused() -> None:
    async with studio(encode_cores=0.03) as here:
        async with publisher(here.url(SESSION)):
            feed = await here.feed()
            await feed.reaches(lambda: feed.end_s("360p") > 1)
            assert feed.names() == ["360p", "aac"]
            assert "no further session" in await here.refusal(here.url(SESSION, feed="second"))
        assert here.figure("tongbu_ingest_refused_total", why="capacity") == 1


async def test_rare_keyframes_make_every_rung_encoded() -> None:
    rare = ("-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "999",
            "-sc_threshold", "0", "-pix_fmt", "yuv420p")  # fmt: skip
    async with studio() as here, publisher(here.url(SESSION), *PICTURE, *rare):
        feed = await here.feed()
        await feed.reaches(lambda: len(feed.begun) == 2)
        count = len(feed.kept["360p"])
        await feed.reaches(lambda: len(feed.keyframes_s("360p")) >= 4)
        assert_whole(feed, "360p")
        assert feed.kept["360p"][count].sync
        times = [feed.keyframes_s(name)[1:] for name in ("360p", "180p")]
        shared = min(len(one) for one in times)
        assert times[0][:shared] == times[1][:shared]
        assert times[0][2] - times[0][1] < 2 + ONE_FRAME_S
