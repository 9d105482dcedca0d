"""Uploads flow through a bounded part of memory, however many and large they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp

from catalog.db.pool import Pool
from tests.support.crashing_uploads import upload_server
from tests.support.lessons import PERSON, add_person
from tests.support.uploads import BODY, MP4, absolute

COUNT = 10
SIZE = 16 * 1024 * 1024
PIECE = 1 << 20
GROWTH_LIMIT_BYTES = 60 * 1024 * 1024


def resident_peak(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


async def stream() -> AsyncIterator[bytes]:
    yield MP4 + bytes(PIECE - len(MP4))
    for _ in range(SIZE // PIECE - 1):
        yield bytes(PIECE)


async def upload(session: aiohttp.ClientSession, url: str, person: str) -> str:
    headers = {"Tus-Resumable": "1.0.0", PERSON: person}
    async with session.post(url, headers={**headers, "Upload-Length": str(SIZE)}) as answer:
        where = absolute(url, answer.headers["Location"])
    headers |= {"Upload-Offset": "0", "Content-Length": str(SIZE), **BODY}
    async with session.patch(where, data=stream(), headers=headers) as answer:
        return answer.headers["Tongbu-Lesson"]


async def test_ten_uploads_at_once_take_little_memory(dsn: str, pool: Pool, tmp_path: Path) -> None:
    async with pool.connection() as connection:
        person = await add_person(connection)
    # The server of the crash tests, with a step to die at that never comes.
    async with upload_server(dsn, tmp_path, person, "rows.forget") as (process, url):
        before = await asyncio.to_thread(resident_peak, process.pid)
        async with aiohttp.ClientSession() as session:
            lessons = await asyncio.gather(*(upload(session, url, person) for _ in range(COUNT)))
        after = await asyncio.to_thread(resident_peak, process.pid)
    assert len(set(lessons)) == COUNT
    assert after - before < GROWTH_LIMIT_BYTES, f"{before} → {after}"
