"""Reports that wait for the line, on a real disk: over restarts, kills, damage and a full disk."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from catalog.errors import Unavailable
from streaming.edge.outbox import REPORTS_LIMIT, Outbox, Waiting
from tests.support.full_disk import file_size_limit

ROOT = Path(__file__).parents[4]


def waiting(key: UUID | None = None, size_bytes: int = 8) -> Waiting:
    body = b'{"n":"' + b"x" * size_bytes + b'"}'
    return Waiting(key or uuid4(), "qoe", 1_795_000_000.25, body)


@asynccontextmanager
async def outbox(path: Path, limit: int = REPORTS_LIMIT) -> AsyncIterator[Outbox]:
    made = Outbox(path, limit)
    await made.open()
    yield made
    await made.close()


async def test_reports_are_there_after_a_restart_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "edge" / "outbox.sqlite"
    reports = [waiting() for _ in range(5)]
    async with outbox(path) as first:
        for report in reports:
            await first.put(report)
    assert (await asyncio.to_thread(path.stat)).st_mode & 0o077 == 0
    async with outbox(path) as second:
        assert second.waiting == 5
        assert await second.batch(3) == reports[:3]
        assert await second.ids() == [report.id for report in reports]
        await second.forget([report.id for report in reports[:3]])
        assert await second.batch() == reports[3:]
        assert second.waiting == 2


async def test_the_same_report_waits_once(tmp_path: Path) -> None:
    async with outbox(tmp_path / "o.sqlite") as box:
        report = waiting()
        await asyncio.gather(*(box.put(report) for _ in range(5)))
        assert (box.waiting, await box.batch()) == (1, [report])
        await box.forget([report.id, uuid4()])
        await box.forget([])
        assert (box.waiting, await box.batch()) == (0, [])


async def test_who_empties_it_is_told(tmp_path: Path) -> None:
    async with outbox(tmp_path / "o.sqlite") as box:
        told = asyncio.ensure_future(box.filled())
        await asyncio.sleep(0)
        assert not told.done()
        report = waiting()
        await box.put(report)
        await told
        await box.filled()
        await box.forget([report.id])
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(box.filled(), 0.01)


async def test_the_oldest_make_room_and_are_counted(tmp_path: Path) -> None:
    reports = [waiting() for _ in range(6)]
    async with outbox(tmp_path / "o.sqlite", limit=4) as box:
        for report in reports:
            await box.put(report)
        assert (box.waiting, box.dropped) == (4, 2)
        assert await box.batch() == reports[2:]


async def test_a_damaged_file_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "o.sqlite"
    await asyncio.to_thread(path.write_bytes, b"no database" * 1000)
    async with outbox(path) as box:
        await box.put(waiting())
        assert box.waiting == 1


async def test_a_full_disk_is_told_and_recovered_from(tmp_path: Path) -> None:
    async with outbox(tmp_path / "o.sqlite") as box:
        kept = waiting()
        await box.put(kept)
        with file_size_limit(4096), pytest.raises(Unavailable, match="send it again"):
            await box.put(waiting(size_bytes=64 * 1024))
        later = waiting()
        await box.put(later)
        assert await box.batch() == [kept, later]


WRITER = """
import asyncio, sys
from pathlib import Path
from uuid import UUID
from streaming.edge.outbox import Outbox, Waiting

async def main():
    box = Outbox(Path(sys.argv[1]))
    await box.open()
    for number in range(1, 1_000_000):
        await box.put(Waiting(UUID(int=number), "qoe", 1.0, b"{}"))
        print(number, flush=True)

asyncio.run(main())
"""


async def test_what_was_taken_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "o.sqlite"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, str(path), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    taken = 0
    while taken < 20:
        taken = int(await process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    rest = (await process.stdout.read()).splitlines()
    await process.wait()
    # A line that was cut off in the middle says nothing.
    taken += len([line for line in rest if line])
    async with outbox(path) as box:
        ids = await box.ids()
    assert ids[: taken - 1] == [UUID(int=number) for number in range(1, taken)]
    assert len(ids) <= taken + 1
