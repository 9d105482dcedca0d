"""Kept answers on a real disk: over restarts, within a budget, through damage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from streaming.edge.answers import ANSWER_LIMIT_BYTES, Answers
from tests.integration.streaming.edge.test_disk_trouble import fill_up, remount
from tests.integration.streaming.edge.test_disk_trouble import small as small


@asynccontextmanager
async def answers(
    path: Path, budget_bytes: int = 10_000, from_utc: int = 1_000
) -> AsyncIterator[Answers]:
    clock = iter(range(from_utc, 1_000_000, 61))
    made = Answers(path, budget_bytes, lambda: float(next(clock)))
    await made.open()
    yield made
    await made.close()


async def test_an_answer_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "box" / "answers.db"
    async with answers(path) as first:
        await first.put("presentation/a", b"one", '"e1"', "application/json")
        await first.put("presentation/a", b"two", '"e2"', "application/json")
        await first.put("self", b"keys")
    mode = (await asyncio.to_thread(path.stat)).st_mode
    assert mode & 0o077 == 0, "nobody else may read it"
    async with answers(path, from_utc=2_000) as second:
        found = await second.get("presentation/a")
        assert found is not None
        assert (found.body, found.etag, found.content_type) == (b"two", '"e2"', "application/json")
        assert await second.names("presentation/") == ["presentation/a"]
        before = found.kept_utc
        await second.confirm("presentation/a")
        again = await second.get("presentation/a")
        assert again is not None
        assert again.kept_utc != before
        await second.drop("presentation/a")
        assert await second.get("presentation/a") is None
        assert await second.get("never") is None


async def test_the_least_used_go_first(tmp_path: Path) -> None:
    async with answers(tmp_path / "answers.db", budget_bytes=1000) as kept:
        for number in range(9):
            await kept.put(f"a/{number}", bytes(100))
        await kept.get("a/0")  # each tick of this clock is a minute
        await kept.put("a/9", bytes(300))
        assert await kept.names("a/") == ["a/9", "a/0", "a/8", "a/7", "a/6", "a/5", "a/4", "a/3"]
        await kept.put("huge", bytes(ANSWER_LIMIT_BYTES + 1))
        assert await kept.get("huge") is None


async def test_a_disk_that_takes_nothing_more_is_still_read(small: Path) -> None:
    path = small / "box" / "answers.db"
    async with answers(path) as kept:
        await kept.put("self", b"keys")
    await remount(small, "ro")
    async with answers(path, from_utc=500_000) as kept:
        found = await kept.get("self")
        assert found is not None
        assert found.body == b"keys"
        await kept.put("self", b"newer")
        again = await kept.get("self")
        assert again is not None
        assert again.body == b"keys", "what cannot be replaced stays"
        assert await kept.names("s") == ["self"]
    await remount(small, "rw")
    async with answers(path) as kept:
        await kept.put("self", b"newer")
        found = await kept.get("self")
        assert found is not None
        assert found.body == b"newer"


async def test_a_full_disk_keeps_the_answer_of_before(small: Path) -> None:
    path = small / "answers.db"
    async with answers(path, budget_bytes=1 << 30) as kept:
        await kept.put("self", b"keys")
        filler = await fill_up(small)
        await kept.put("self", bytes(4_000_000))
        found = await kept.get("self")
        assert found is not None
        assert found.body == b"keys"
        await asyncio.to_thread(filler.unlink)
        await kept.put("self", b"newer")
        found = await kept.get("self")
        assert found is not None
        assert found.body == b"newer"


async def test_a_damaged_file_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "answers.db"
    await asyncio.to_thread(path.write_bytes, b"no database" * 1000)
    async with answers(path) as kept:
        assert await kept.get("self") is None
        await kept.put("self", b"keys")
        found = await kept.get("self")
        assert found is not None
        assert found.body == b"keys"
