"""SRT with a passphrase from a real caller."""

from __future__ import annotations

import asyncio
import os
import socket
from dataclasses import replace

import pytest

from catalog.live import FeedName
from tests.support.children import encoders_of
from tests.support.publishing import AAC, H264, PICTURE, SOUND, publisher, studio
from tests.support.rtmp import SESSION
from tests.support.wait import eventually
from transcoder.live.errors import Refused
from transcoder.live.srt import SrtIngest

PASSPHRASE = "a-good-passphrase"
MEDIA = (*PICTURE, *SOUND, *H264, *AAC)


def free_port() -> int:
    """A UDP port that nobody has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def listening() -> None:
    """Wait until ffmpeg listens."""

    async def found() -> bool:
        return bool(await encoders_of(os.getpid(), "srt://"))

    await eventually(found)


async def test_a_caller_with_the_passphrase() -> None:
    port = free_port()
    async with studio(srt_ports=(port, port)) as here:
        srt = SrtIngest(here.ingest)
        try:
            assert srt.listen(SESSION, FeedName.MAIN, PASSPHRASE) == port
            assert srt.listen(SESSION, FeedName.MAIN, PASSPHRASE) == port
            with pytest.raises(Refused, match="all SRT ports"):
                srt.listen(SESSION, FeedName.SECOND, PASSPHRASE)
            await listening()
            wrong = f"srt://127.0.0.1:{port}?mode=caller&passphrase=a-wrong-passphrase"
            async with publisher(wrong, *MEDIA, form="mpegts") as process:
                await process.communicate()
                assert process.returncode
            assert not here.feeds.feeds
            right = f"srt://127.0.0.1:{port}?mode=caller&passphrase={PASSPHRASE}"
            async with publisher(right, *MEDIA, form="mpegts"):
                feed = await here.feed()
                await feed.reaches(lambda: feed.end_s("aac") > 2)
                assert feed.names() == ["360p", "180p", "aac"]
                assert here.figure("tongbu_ingest_publishers", way="srt") == 1
            await feed.reaches(lambda: feed.states == ["interrupted"])
            await here.ingest.end(SESSION)
            assert feed.states[-1] == "ended"
            await eventually(lambda: srt.ports == {})
        finally:
            await srt.close()


async def test_srt_may_come_in_on_another_address_than_rtmp() -> None:
    port = free_port()
    async with studio(srt_ports=(port, port)) as here:
        here.ingest.settings = replace(here.ingest.settings, srt_host="127.0.0.2")
        srt = SrtIngest(here.ingest)
        try:
            srt.listen(SESSION, FeedName.MAIN, PASSPHRASE)

            async def found() -> bool:
                return bool(await encoders_of(os.getpid(), f"srt://127.0.0.2:{port}"))

            await eventually(found)
            right = f"srt://127.0.0.2:{port}?mode=caller&passphrase={PASSPHRASE}"
            async with publisher(right, *MEDIA, form="mpegts"):
                feed = await here.feed()
                await feed.reaches(lambda: feed.end_s("aac") > 0.5)
        finally:
            await srt.close()


async def test_who_has_no_passphrase_or_a_wrong_one_is_never_heard() -> None:
    port = free_port()
    async with studio(srt_ports=(port, port)) as here:
        srt = SrtIngest(here.ingest)
        try:
            srt.listen(SESSION, FeedName.MAIN, PASSPHRASE)
            await listening()
            for said in ("", "&passphrase=a-wrong-passphrase", f"&passphrase={PASSPHRASE}x"):
                wrong = f"srt://127.0.0.1:{port}?mode=caller{said}"
                async with publisher(wrong, *MEDIA, form="mpegts") as process:
                    await process.communicate()
                    assert process.returncode, said
            assert not here.feeds.feeds
            assert here.book.asked == 0
            assert here.figure("tongbu_ingest_publishers", way="srt") == 0
        finally:
            await srt.close()


async def test_a_close_waits_for_those_whose_key_is_void() -> None:
    port = free_port()
    async with studio(srt_ports=(port, port)) as here:
        srt = SrtIngest(here.ingest)
        srt.listen(SESSION, FeedName.MAIN, PASSPHRASE)
        await listening()
        assert srt.listen(SESSION, FeedName.MAIN, f"{PASSPHRASE}x") == port
        await srt.close()
        assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("srt ")]
        assert srt.ports == {}


@pytest.mark.parametrize("passphrase", ["short", "x" * 80, "with&ampersand=1", "with spaces in"])
async def test_what_is_no_passphrase(passphrase: str) -> None:
    async with studio(srt_ports=(9, 9)) as here:
        with pytest.raises(Refused):
            SrtIngest(here.ingest).listen(SESSION, FeedName.MAIN, passphrase)
