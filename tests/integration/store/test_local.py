"""What only the directory store does: room, lost mounts, its files, two processes' deletes."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.store.files import Stopped, copy_between
from catalog.store.local import UNFINISHED, LocalSettings, LocalStore
from catalog.store.port import ObjectMissing, StoreAway, StoreFull
from tests.support.full_disk import file_size_limit
from tests.support.objects import content, keys_below

KEY = "media/01h/1/v720/000000-a1.mp4"
MP4 = "video/mp4"


@pytest.fixture
def greedy(tmp_path: Path) -> LocalStore:
    """A store that wants more room left free than any disk has."""
    return LocalStore(LocalSettings(tmp_path / "greedy", min_free_bytes=1 << 60))


@pytest.fixture
def too_big(tmp_path: Path) -> Iterator[Path]:
    """A file of 200 KiB, where writes beyond 64 KiB fail as in the middle of a full disk."""
    path = tmp_path / "too-big"
    path.write_bytes(bytes(200 << 10))
    with file_size_limit(64 << 10):
        yield path


async def test_keeps_room_free_and_says_what_to_do(greedy: LocalStore, local_root: Path) -> None:
    with pytest.raises(StoreFull, match=r"no room in .*greedy: .* Delete lessons or files"):
        await greedy.put_bytes(KEY, b"x", MP4)
    with pytest.raises(StoreFull):
        await greedy.check()
    assert await keys_below(greedy, "") == []
    await greedy.close()


async def test_a_disk_that_fills_up_leaves_nothing_half(
    local_store: LocalStore, local_root: Path, too_big: Path
) -> None:
    await local_store.put_bytes(KEY, b"before", MP4)
    with pytest.raises(StoreFull):
        await local_store.put_bytes(KEY, bytes(120 << 10), MP4)
    with pytest.raises(StoreFull):
        await local_store.put_file(KEY, too_big, MP4)
    assert await content(local_store, KEY) == b"before"
    assert await asyncio.to_thread(lambda: list((local_root / UNFINISHED).iterdir())) == []
    await local_store.put_bytes(KEY, bytes(60 << 10), MP4)
    assert len(await content(local_store, KEY)) == 60 << 10


async def test_a_directory_that_is_gone_is_away_not_empty(
    local_store: LocalStore, local_root: Path
) -> None:
    await local_store.put_bytes(KEY, b"x", MP4)
    await asyncio.to_thread(local_root.rename, local_root.with_name("unmounted"))
    for call in (
        local_store.info(KEY),
        local_store.put_bytes(KEY, b"x", MP4),
        content(local_store, KEY),
    ):
        with pytest.raises(StoreAway, match="mount"):
            await call
    with pytest.raises(StoreAway, match="mount"):
        await keys_below(local_store, "")
    await asyncio.to_thread(local_root.with_name("unmounted").rename, local_root)
    assert await content(local_store, KEY) == b"x"


async def test_gives_the_path_for_sendfile(local_store: LocalStore, local_root: Path) -> None:
    await local_store.put_bytes(KEY, b"x", MP4)
    assert await local_store.local_path(KEY) == local_root / KEY


async def test_empty_directories_go_with_the_last_object(
    local_store: LocalStore, local_root: Path
) -> None:
    other = "media/01h/2/v720/000000-a1.mp4"
    await local_store.put_bytes(KEY, b"x", MP4)
    await local_store.put_bytes(other, b"x", MP4)
    await local_store.delete(KEY)
    left = await asyncio.to_thread(
        lambda: sorted(p.name for p in (local_root / "media/01h").iterdir())
    )
    assert left == ["2"]
    await local_store.delete(other)
    assert await asyncio.to_thread(lambda: [p.name for p in local_root.iterdir()]) == [UNFINISHED]


async def test_writes_beside_deletes_in_the_same_directory(local_store: LocalStore) -> None:
    """A delete takes the empty directory while a write is about to enter it."""
    keys = [f"media/01h/{number}" for number in range(6)]

    async def churn(key: str) -> None:
        for _ in range(40):
            await local_store.put_bytes(key, key.encode(), MP4)
            assert await content(local_store, key) == key.encode()
            await local_store.delete(key)

    await asyncio.gather(*map(churn, keys))
    assert await keys_below(local_store, "") == []


async def test_a_directory_is_no_object(local_store: LocalStore) -> None:
    await local_store.put_bytes("media/01h/1", b"x", MP4)
    assert await local_store.local_path("media/01h") is None
    with pytest.raises(ObjectMissing):
        await local_store.info("media/01h")


async def test_a_cancelled_write_stops_and_leaves_nothing(
    local_store: LocalStore, local_root: Path, tmp_path: Path
) -> None:
    source = tmp_path / "endless"
    await asyncio.to_thread(os.mkfifo, source)
    started, stopped = threading.Event(), threading.Event()

    def feed() -> None:
        try:
            with source.open("wb") as pipe:
                while True:
                    pipe.write(bytes(1 << 16))
                    started.set()
        except BrokenPipeError:
            stopped.set()

    thread = threading.Thread(target=feed)
    thread.start()
    task = asyncio.create_task(local_store.put_file(KEY, source, MP4))
    await asyncio.to_thread(started.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(stopped.wait)
    await asyncio.to_thread(thread.join)
    assert await local_store.local_path(KEY) is None


def test_a_copy_stops_when_told(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    (tmp_path / "a").write_bytes(b"x")
    with (
        (tmp_path / "a").open("rb") as source,
        (tmp_path / "b").open("wb") as target,
        pytest.raises(Stopped),
    ):
        copy_between(source, target, stop)


async def test_a_file_is_taken_without_a_copy(
    local_store: LocalStore, local_root: Path, tmp_path: Path
) -> None:
    source = tmp_path / "upload"
    await asyncio.to_thread(source.write_bytes, bytes(100))
    await local_store.take_file(KEY, source, MP4)
    await local_store.take_file(KEY, source, MP4)
    same = await asyncio.to_thread(lambda: source.samefile(local_root / KEY))
    assert same
    assert await asyncio.to_thread(lambda: list((local_root / UNFINISHED).iterdir())) == []


async def test_a_file_of_another_file_system_is_copied(local_store: LocalStore) -> None:
    """/proc lends no links."""
    await local_store.take_file(KEY, Path("/proc/self/status"), MP4)
    assert (await content(local_store, KEY)).startswith(b"Name:")


async def test_a_file_to_take_must_be_there(local_store: LocalStore, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await local_store.take_file(KEY, tmp_path / "none", MP4)
