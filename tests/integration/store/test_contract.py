"""The contract of the object port, the same for every store."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from pathlib import Path

import pytest

from catalog.store.port import ObjectMissing, ObjectStore
from catalog.store.taking import take_file
from tests.support.objects import content, digest, keys_below, write_big

KEY = "media/01h/1/v720/000000-a1.mp4"
MP4 = "video/mp4"
BIG_BYTES = 64 << 20


async def test_gives_back_the_bytes_that_were_put(store: ObjectStore) -> None:
    body = "同步课堂：勾股定理 a²+b²=c²\x00\r\n".encode() * 3
    await store.put_bytes(KEY, body, "text/plain; charset=utf-8")
    assert await content(store, KEY) == body
    info = await store.info(KEY)
    assert (info.key, info.size_bytes) == (KEY, len(body))
    assert abs(info.modified_utc - time.time()) < 30


async def test_stores_a_file_and_fetches_it(store: ObjectStore, tmp_path: Path) -> None:
    source, back = tmp_path / "源.mp4", tmp_path / "back.mp4"
    await asyncio.to_thread(source.write_bytes, b"segment" * 1000)
    await store.put_file(KEY, source, MP4)
    await store.fetch(KEY, back)
    assert await asyncio.to_thread(back.read_bytes) == b"segment" * 1000
    assert await asyncio.to_thread(source.exists)
    left = await asyncio.to_thread(lambda: sorted(p.name for p in tmp_path.iterdir()))
    assert not [name for name in left if name.endswith(".part")]


async def test_takes_a_file_that_its_owner_then_removes(store: ObjectStore, tmp_path: Path) -> None:
    source = tmp_path / "upload"
    await asyncio.to_thread(source.write_bytes, b"first")
    await store.put_bytes(KEY, b"before", MP4)
    for _ in range(2):
        await take_file(store, KEY, source, MP4)
        assert await content(store, KEY) == b"first"
    await asyncio.to_thread(source.unlink)
    assert await content(store, KEY) == b"first"
    assert await keys_below(store, "") == [KEY]


@pytest.mark.parametrize("body", [b"", b"x"])
async def test_smallest_objects(store: ObjectStore, tmp_path: Path, body: bytes) -> None:
    await store.put_bytes(KEY, body, MP4)
    assert await content(store, KEY) == body
    source = tmp_path / "small"
    await asyncio.to_thread(source.write_bytes, body)
    await store.put_file(KEY, source, MP4)
    assert await content(store, KEY) == body
    await store.fetch(KEY, tmp_path / "back")
    assert await asyncio.to_thread((tmp_path / "back").read_bytes) == body


@pytest.mark.parametrize(
    ("offset", "length", "expected"),
    [
        (0, 3, b"abc"),
        (4, 2, b"ef"),
        (7, None, b"hij"),
        (8, 100, b"ij"),
        (10, 5, b""),
        (50, None, b""),
        (3, 0, b""),
    ],
)
async def test_ranges(store: ObjectStore, offset: int, length: int | None, expected: bytes) -> None:
    await store.put_bytes(KEY, b"abcdefghij", MP4)
    assert await content(store, KEY, offset, length) == expected


async def test_the_same_key_is_replaced(store: ObjectStore) -> None:
    await store.put_bytes(KEY, b"first and longer", MP4)
    await store.put_bytes(KEY, b"second", MP4)
    assert await content(store, KEY) == b"second"
    assert await keys_below(store, "media/") == [KEY]


async def test_what_is_not_there_is_missing(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(ObjectMissing):
        await store.info(KEY)
    with pytest.raises(ObjectMissing):
        await content(store, KEY)
    with pytest.raises(ObjectMissing):
        await content(store, KEY, 5, 0)
    with pytest.raises(ObjectMissing):
        await store.fetch(KEY, tmp_path / "back")
    assert not await asyncio.to_thread(lambda: list(tmp_path.glob("back*")))
    assert await store.local_path(KEY) is None
    await store.delete(KEY)


async def test_a_deleted_object_is_gone(store: ObjectStore) -> None:
    await store.put_bytes(KEY, b"x", MP4)
    await store.delete(KEY)
    with pytest.raises(ObjectMissing):
        await store.info(KEY)
    assert await keys_below(store, "") == []
    await store.put_bytes(KEY, b"y", MP4)
    assert await content(store, KEY) == b"y"


async def test_lists_by_prefix_in_key_order(store: ObjectStore) -> None:
    keys = [
        "media/a/1/v1/000001-a1.mp4",
        "media/a/1/v1-x/000000-a1.mp4",
        "media/a/10/v1/0-a1.mp4",
        "media/b/1/v1/000000-a1.mp4",
        "side/a/1/poster-a1-0",
        "media/a.b",
        "media/a-1",
    ]
    await asyncio.gather(*(store.put_bytes(key, key.encode(), MP4) for key in keys))
    assert await keys_below(store, "") in (sorted(keys), sorted(keys, key=path_order))
    for prefix in ("media/", "media/a/", "media/a", "media/a/1", "side/a/1/poster", "none/"):
        expected = sorted(key for key in keys if key.startswith(prefix))
        assert sorted(await keys_below(store, prefix)) == expected, prefix
    async for info in store.list("media/a/"):
        assert info.size_bytes == len(info.key)
        assert abs(info.modified_utc - time.time()) < 30


async def test_a_listing_can_be_left_early(store: ObjectStore) -> None:
    for number in range(5):
        await store.put_bytes(f"media/a/{number}", b"x", MP4)
    async for info in store.list("media/"):
        assert info.key == "media/a/0"
        break
    assert await content(store, "media/a/4") == b"x"


def path_order(key: str) -> list[str]:
    """Order of a store that walks a tree."""
    return key.split("/")


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "media/../../x", "media//x", ".tmp/x", "media/x/", "media/\x00",
            "media/a b", "a" * 513, "media/.hidden", "media/课"],
)  # fmt: skip
async def test_a_key_that_is_not_ours_is_refused(store: ObjectStore, key: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        await store.put_bytes(key, b"x", MP4)
    with pytest.raises(ValueError, match="not a key"):
        await content(store, key)
    with pytest.raises(ValueError, match="not a key"):
        await store.delete(key)


async def test_many_readers_at_once(store: ObjectStore) -> None:
    body = bytes(range(256)) * 4096
    await store.put_bytes(KEY, body, MP4)
    starts = range(0, len(body), len(body) // 40)
    parts = await asyncio.gather(*(content(store, KEY, start, 30_000) for start in starts))
    assert parts == [body[start : start + 30_000] for start in starts]


async def test_a_reader_may_leave_early(store: ObjectStore, tmp_path: Path) -> None:
    source = tmp_path / "source"
    await asyncio.to_thread(write_big, source, 8 << 20)
    await store.put_file(KEY, source, MP4)
    for _ in range(100):
        async with store.read(KEY) as chunks:
            async for chunk in chunks:
                assert 0 < len(chunk) <= 256 * 1024
                break
    assert (await content(store, KEY, 0, 15)) == b"0" * 15


async def test_a_cancelled_reader_frees_all(store: ObjectStore) -> None:
    await store.put_bytes(KEY, bytes(1 << 20), MP4)
    reading = asyncio.Event()

    async def read_and_wait() -> None:
        async with store.read(KEY) as chunks:
            async for _ in chunks:
                reading.set()
                await asyncio.Event().wait()

    for _ in range(20):
        reading.clear()
        task = asyncio.create_task(read_and_wait())
        await reading.wait()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    assert len(await content(store, KEY)) == 1 << 20


async def test_a_big_object(store: ObjectStore, tmp_path: Path) -> None:
    source, back = tmp_path / "big", tmp_path / "back"
    expected = await asyncio.to_thread(write_big, source, BIG_BYTES)
    await store.put_file(KEY, source, MP4)
    assert (await store.info(KEY)).size_bytes == BIG_BYTES
    async with store.read(KEY) as chunks:
        assert await digest(chunks) == expected
    assert await content(store, KEY, BIG_BYTES - 16) == b"000000066060288\n"
    await store.fetch(KEY, back)
    assert (await asyncio.to_thread(back.stat)).st_size == BIG_BYTES


async def test_a_reader_never_sees_half_an_object(store: ObjectStore, tmp_path: Path) -> None:
    """While a writer replaces the object again and again, each read is one whole version."""
    versions = [tmp_path / "a", tmp_path / "b"]
    for path, byte in zip(versions, (b"a", b"b"), strict=True):
        await asyncio.to_thread(path.write_bytes, byte * (2 << 20))
    await store.put_file(KEY, versions[0], MP4)
    done = asyncio.Event()

    async def write() -> None:
        for turn in range(10):
            await store.put_file(KEY, versions[turn % 2], MP4)
        done.set()

    async def read() -> int:
        reads = 0
        while not done.is_set():
            seen = await content(store, KEY)
            assert len(seen) == 2 << 20
            assert len(set(seen)) == 1
            reads += 1
        return reads

    results = await asyncio.gather(write(), read(), read())
    assert sum(filter(None, results)) > 2


async def test_check_leaves_nothing_behind(store: ObjectStore) -> None:
    await store.check()
    assert await keys_below(store, "") == []
