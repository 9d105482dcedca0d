"""Disks that fill up during a lesson: the wall says whose, the runbook shows it, lessons go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from deploy.monitoring import EDGE, ORIGIN
from loadtests.client import Refused
from loadtests.service import Service, running
from tests.support.alerts import Watch, until_clear, until_fires
from tests.support.alerts import prometheus_path as prometheus_path
from tests.support.alerts import watcher as watcher
from tests.support.full_disk import others_fill, small_disk
from tests.support.operations import LIMIT_S, Lesson, board, box_of, lesson_on, parts_made
from tests.support.publishing import publisher
from tests.support.runbooks import figures
from tests.support.wait import eventually

MIB = 1 << 20
DISK_BYTES, BOX_DISK_BYTES = 400 * MIB, 128 * MIB
# Less than 5 % of the city's disk; a box leaves 64 MiB to others and begins to keep above them.
LEFT_BYTES, BOX_LEFT_BYTES = 12 * MIB, 32 * MIB
KEPT_FREE = {"TONGBU_STORE_MIN_FREE_MIB": "16", "TONGBU_UPLOAD_MIN_FREE_BYTES": str(16 * MIB)}
pytestmark = pytest.mark.timeout(150)


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The disk of the city's data."""
    with small_disk(tmp_path_factory.mktemp("city") / "disk", DISK_BYTES) as path:
        yield path


@pytest.fixture(scope="module")
def service(disk: Path) -> Iterator[Service]:
    """A service that has its data there."""
    with running(data=disk / "data", extra=KEPT_FREE) as started:
        yield started


@pytest.fixture
def box_disk(tmp_path: Path) -> Iterator[Path]:
    """The disk of a box."""
    with small_disk(tmp_path / "disk", BOX_DISK_BYTES) as path:
        yield path


async def takes_uploads(lesson: Lesson) -> bool:
    """Tell whether a teacher may begin an upload."""
    try:
        await lesson.admin.create_upload(1000, {"filename": "lesson.mp4", "title": "两位数乘法"})
    except Refused as refused:
        return "no room" not in str(refused)
    return True


async def test_a_full_disk_of_the_city_is_told_and_the_lesson_goes_on(
    service: Service, disk: Path, watcher: Watch
) -> None:
    async def shows_little() -> bool:
        free, size = (await figures("DiskFull", origin=service.url)).values()
        return free / size < 0.05

    async def is_clear() -> bool:
        return "DiskFull:city:" not in (await lesson.admin.get("operations"))["alerts"]

    async with (
        lesson_on(service.url, 1) as lesson,
        publisher(lesson.push),
        board(service.url, lesson, lesson.rooms[0]),
        watcher({ORIGIN: service.url}) as watch,
    ):
        await lesson.well()
        assert await takes_uploads(lesson)
        assert await is_clear()
        assert not await shows_little()
        async with others_fill(disk, LEFT_BYTES):
            assert (await lesson.fires("DiskFull", "city:"))["severity"] == "critical"
            await eventually(shows_little)
            await until_fires(watch, "DiskFull")
            assert not await takes_uploads(lesson)
            before = await parts_made(service, lesson)
            assert (await lesson.school(lesson.rural))["school"]["cause"] is None
        await eventually(is_clear, LIMIT_S)
        assert await takes_uploads(lesson)
        assert await parts_made(service, lesson) > before
        await until_clear(watch, "DiskFull")


async def test_a_full_disk_of_a_box_is_the_boxes_fault(
    service: Service, box_disk: Path, watcher: Watch
) -> None:
    async with lesson_on(service.url, 1) as lesson, AsyncExitStack() as stack:
        box = await box_of(stack, service, lesson, service.url, data=box_disk / "data")
        assert (await lesson.school(lesson.rural))["school"]["cause"] is None
        watch = await stack.enter_async_context(watcher({EDGE: box.url}))
        async with others_fill(box_disk, BOX_LEFT_BYTES):
            assert await lesson.names(lesson.rural, "edge") <= LIMIT_S
            assert await lesson.codes(lesson.rural) == {"box_disk_full"}
            await lesson.fires("BoxDisk", f"school:{lesson.rural}")
            states = await figures("BoxDisk", box=box.url)
            assert [name for name, is_now in states.items() if is_now] == [
                'tongbu_edge_cache_state{state="full"}'
            ]
            assert (await until_fires(watch, "BoxDisk"))["labels"]["state"] == "full"
