"""What only the S3 store does: a server that is away or frozen, rights, parts, secrets."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from catalog.store.port import ObjectMissing, StoreAway, StoreFull
from catalog.store.s3 import S3Settings, S3Store, s3_store
from loadtests.weed import Weed, running_weed
from tests.support.objects import content, digest, keys_below, write_big
from tests.support.wait import eventually
from tests.support.weed import s3_settings

KEY = "media/01h/1/v720/000000-a1.mp4"
MP4 = "video/mp4"


@pytest.fixture
def own_weed() -> Iterator[Weed]:
    """A SeaweedFS that only this test stops."""
    with running_weed() as weed:
        yield weed


async def answers(store: S3Store) -> bool:
    try:
        await store.check()
    except StoreAway:
        return False
    return True


async def test_a_stopped_store_is_away_at_once_and_comes_back(own_weed: Weed) -> None:
    async with s3_store(s3_settings(own_weed, "away")) as store:
        await store.put_bytes(KEY, b"kept", MP4)
        await asyncio.to_thread(own_weed.stop)
        started = time.monotonic()
        for call in (
            content(store, KEY),
            store.put_bytes(KEY, b"x", MP4),
            store.info(KEY),
            store.delete(KEY),
            keys_below(store, ""),
            store.check(),
        ):
            with pytest.raises(StoreAway):
                await call
        assert time.monotonic() - started < 6 * 2.0
        await asyncio.to_thread(own_weed.start)
        await eventually(lambda: answers(store))
        assert await content(store, KEY) == b"kept"


async def test_opens_while_the_store_is_away(own_weed: Weed) -> None:
    await asyncio.to_thread(own_weed.stop)
    async with s3_store(s3_settings(own_weed, "later")) as store:
        with pytest.raises(StoreAway):
            await store.check()
        await asyncio.to_thread(own_weed.start)
        await eventually(lambda: answers(store))
        assert await keys_below(store, "") == []


async def test_a_frozen_store_is_away_after_the_silence_limit(own_weed: Weed) -> None:
    async with s3_store(s3_settings(own_weed, "frozen", silence_limit_s=0.5)) as store:
        await store.put_bytes(KEY, b"kept", MP4)
        own_weed.freeze()
        for call in (content(store, KEY), store.put_bytes(KEY, b"x", MP4)):
            started = time.monotonic()
            with pytest.raises(StoreAway, match="in time"):
                await call
            assert time.monotonic() - started < 5
        own_weed.thaw()
        await eventually(lambda: answers(store))


async def test_a_source_that_breaks_off_is_away(own_weed: Weed, tmp_path: Path) -> None:
    source = tmp_path / "big"
    await asyncio.to_thread(write_big, source, 32 << 20)
    async with s3_store(s3_settings(own_weed, "broken")) as store:
        await store.put_file(KEY, source, MP4)
        with pytest.raises(StoreAway, match="broke off"):
            await read_while_it_dies(store, own_weed)


async def read_while_it_dies(store: S3Store, weed: Weed) -> None:
    async with store.read(KEY) as chunks:
        async for _ in chunks:
            await asyncio.to_thread(weed.stop)


async def test_wrong_credentials_are_told_apart_and_never_shown(
    weed: Weed, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    good = s3_settings(weed, "secret-bucket")
    bad = dataclasses.replace(good, secret_key="not-the-secret-key")
    assert good.secret_key not in repr(good)
    assert good.access_key not in repr(good)
    store = S3Store(bad)
    for call in (store.prepare(), content(store, KEY), store.put_bytes(KEY, b"", MP4)):
        with pytest.raises(StoreAway, match="refuses us") as caught:
            await call
        assert "Signature=" not in repr(caught.value)
    await store.close()
    for secret in (bad.secret_key, good.secret_key, "X-Amz-Signature"):
        assert secret not in caplog.text


async def test_a_bucket_that_vanished_is_away_not_empty(weed: Weed) -> None:
    store = S3Store(s3_settings(weed, "never-made"))
    with pytest.raises(StoreAway, match="bucket"):
        await content(store, KEY)
    await store.close()


async def test_every_key_stands_below_the_prefix(weed: Weed) -> None:
    whole = s3_settings(weed, "shared")
    part = dataclasses.replace(whole, prefix="tongbu/")
    async with s3_store(whole) as all_of_it, s3_store(part) as ours:
        await all_of_it.put_bytes("other/x", b"x", MP4)
        await ours.put_bytes(KEY, b"ours", MP4)
        assert await keys_below(ours, "") == [KEY]
        assert await keys_below(all_of_it, "") == ["other/x", f"tongbu/{KEY}"]


async def test_sends_big_files_in_parts(weed: Weed, tmp_path: Path) -> None:
    source = tmp_path / "big"
    size = (11 << 20) + 7
    expected = await asyncio.to_thread(write_big, source, size)
    settings = dataclasses.replace(s3_settings(weed, "parts"), part_bytes=5 << 20)
    async with s3_store(settings) as store:
        await store.put_file(KEY, source, MP4)
        assert (await store.info(KEY)).size_bytes == size
        async with store.read(KEY) as chunks:
            assert await digest(chunks) == expected


async def test_more_than_one_page_is_listed(s3_store: S3Store) -> None:
    keys = [f"side/01h/{number:04d}" for number in range(1100)]
    room = asyncio.Semaphore(16)

    async def put(key: str) -> None:
        async with room:
            await s3_store.put_bytes(key, b"", MP4)

    await asyncio.gather(*map(put, keys))
    assert await keys_below(s3_store, "side/") == keys


class Scripted:
    """An S3 that answers what the test wrote down, one answer a request."""

    def __init__(self, *answers: web.Response) -> None:
        self.answers = list(answers)
        self.seen: list[tuple[str, str, int]] = []

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.seen.append((request.method, request.path, len(body)))
        return self.answers.pop(0)


@pytest.fixture
async def scripted() -> AsyncIterator[tuple[Scripted, S3Store]]:
    script = Scripted()
    app = web.Application(client_max_size=64 << 20)
    app.router.add_route("*", "/{tail:.*}", script.answer)
    server = TestServer(app)
    await server.start_server()
    store = S3Store(S3Settings(str(server.make_url("/")).rstrip("/"), "bucket", "key", "secret"))
    yield script, store
    await store.close()
    await server.close()


def refused(status: int, code: str) -> web.Response:
    return web.Response(
        status=status, text=f"<Error><Code>{code}</Code><Message>m</Message></Error>"
    )


async def test_a_servers_own_fault_is_tried_again(scripted: tuple[Scripted, S3Store]) -> None:
    script, store = scripted
    script.answers = [refused(503, "SlowDown"), refused(500, "InternalError"), web.Response()]
    await store.put_bytes(KEY, b"body", MP4)
    assert script.seen == [("PUT", f"/bucket/{KEY}", 4)] * 3
    script.answers = [refused(500, "InternalError") for _ in range(3)]
    with pytest.raises(StoreAway, match="500 InternalError m"):
        await content(store, KEY)


async def test_a_store_without_room_is_full(scripted: tuple[Scripted, S3Store]) -> None:
    script, store = scripted
    script.answers = [refused(507, "InsufficientStorage")]
    with pytest.raises(StoreFull, match="no room"):
        await store.put_bytes(KEY, b"body", MP4)
    assert len(script.seen) == 1


async def test_a_store_that_ignores_range_is_not_believed(
    scripted: tuple[Scripted, S3Store],
) -> None:
    script, store = scripted
    script.answers = [web.Response(body=b"the whole object")]
    with pytest.raises(StoreAway, match="ignores Range"):
        await content(store, KEY, 4, 5)


async def test_parts_are_given_up_when_one_fails(
    scripted: tuple[Scripted, S3Store], tmp_path: Path
) -> None:
    script, store = scripted
    source = tmp_path / "big"
    await asyncio.to_thread(write_big, source, 17 << 20)
    script.answers = [
        web.Response(text="<R><UploadId>u1</UploadId></R>"),
        refused(400, "BadDigest"),
        refused(400, "BadDigest"),
        web.Response(status=204),
    ]
    with pytest.raises(StoreAway, match="BadDigest"):
        await store.put_file(KEY, source, MP4)
    assert script.seen[-1][0] == "DELETE"


async def test_a_completion_that_failed_inside_a_200(
    scripted: tuple[Scripted, S3Store], tmp_path: Path
) -> None:
    script, store = scripted
    source = tmp_path / "big"
    await asyncio.to_thread(write_big, source, 17 << 20)
    script.answers = [
        web.Response(text="<R><UploadId>u1</UploadId></R>"),
        web.Response(headers={"ETag": '"x"'}),
        web.Response(headers={"ETag": '"y"'}),
        web.Response(text="<Error><Code>InternalError</Code></Error>"),
        web.Response(status=204),
    ]
    with pytest.raises(StoreAway, match="InternalError"):
        await store.put_file(KEY, source, MP4)
    assert [method for method, _, _ in script.seen] == ["POST", "PUT", "PUT", "POST", "DELETE"]


async def test_missing_is_missing_whatever_asks(scripted: tuple[Scripted, S3Store]) -> None:
    script, store = scripted
    script.answers = [refused(404, "NoSuchKey")]
    with pytest.raises(ObjectMissing, match=KEY):
        await content(store, KEY)
