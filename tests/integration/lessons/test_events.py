"""Server-sent events on a real database: what changed, to those who asked and may see it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from catalog.db.listen import Listener, listening
from catalog.db.pool import Pool
from catalog.errors import TooMany
from catalog.http.events import EventsApi, EventSettings
from catalog.ids import new_id
from catalog.people import GUEST, Viewer
from catalog.watching import WATCHERS_LIMIT, WATCHERS_LIMIT_A_PERSON, Watch, watch
from tests.support.lessons import PERSON, add_lesson, add_person, signed_app, teacher
from tests.support.wait import eventually

PATH = "/api/v1/events"


@dataclass
class Desk:
    pool: Pool
    listener: Listener
    watch: Watch
    client: TestClient[web.Request, web.Application]
    viewers: dict[str, Viewer]
    owner: str

    async def add(self, **values: Any) -> str:
        async with self.pool.connection() as connection:
            return await add_lesson(connection, **{"owner_id": self.owner, **values})

    async def set(self, lesson: str, **values: Any) -> None:
        async with self.pool.connection() as connection:
            for name, value in values.items():
                await connection.execute(
                    f"update lesson set {name} = %s where id = %s".encode(), (value, lesson)
                )

    @asynccontextmanager
    async def stream(
        self, lessons: Iterable[str] = (), mine: bool = False, person: str = ""
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        asked = [("lesson", item) for item in lessons] + ([("mine", "1")] if mine else [])
        async with self.client.get(PATH, params=asked, headers={PERSON: person}) as answer:
            assert answer.status == 200
            assert answer.content_type == "text/event-stream"
            yield answer


@asynccontextmanager
async def opened(
    dsn: str, pool: Pool, settings: EventSettings | None = None
) -> AsyncIterator[Desk]:
    async with pool.connection() as connection:
        owner = await add_person(connection)
    viewers = {owner: teacher(owner)}
    async with listening(dsn) as listener, watch(pool, listener) as made:
        await listener.listening()
        app = signed_app([EventsApi(made, settings)], viewers)
        async with TestClient(TestServer(app)) as client:
            yield Desk(pool, listener, made, client, viewers, owner)


@pytest.fixture
async def at(dsn: str, pool: Pool) -> AsyncIterator[Desk]:
    async with opened(dsn, pool) as desk:
        yield desk


async def news(stream: aiohttp.ClientResponse) -> dict[str, Any]:
    """Read up to the next event."""
    async for line in stream.content:
        if line.startswith(b"data: "):
            found: dict[str, Any] = json.loads(line[6:])
            return found
    raise AssertionError("the stream ended")


async def test_a_stream_begins_with_how_things_stand_and_goes_on(at: Desk) -> None:
    lesson, other = await at.add(state="queued"), await at.add(state="queued")
    async with at.stream([lesson]) as stream:
        assert (await news(stream))["state"] == "queued"
        await at.set(other, state="transcoding")
        await at.set(lesson, state="transcoding", eta_s=12.5)
        found = await news(stream)
        while found["eta_s"] is None:
            found = await news(stream)
        assert found == {"id": lesson, "state": "transcoding", "progress": 0.0, "eta_s": 12.5,
                         "error": None, "generation": 1}  # fmt: skip


async def test_all_of_ones_own(at: Desk) -> None:
    async with at.stream(mine=True, person=at.owner) as stream:
        lesson = await at.add(state="failed", error_code="broken", error_detail="a sentence")
        await at.add(owner_id=None)
        found = await news(stream)
        assert found["id"] == lesson
        assert found["error"] == {"code": "broken", "message": "a sentence"}


async def test_what_one_may_not_see_is_not_told(at: Desk) -> None:
    hidden = await at.add(visibility="private")
    shown = await at.add()
    async with at.stream([hidden, shown]) as stream:
        assert (await news(stream))["id"] == shown
        await at.set(hidden, progress=0.5)
        await at.set(shown, progress=0.5)
        assert (await news(stream))["id"] == shown
        await at.set(hidden, visibility="public")
        # The news of the shown one may have come in two batches.
        while (found := await news(stream))["id"] == shown:
            pass
        assert found["id"] == hidden


async def test_what_changed_while_the_database_was_away_is_told_after(at: Desk) -> None:
    lesson = await at.add(state="queued")
    async with at.stream([lesson]) as stream:
        await news(stream)
        async with at.pool.connection() as connection:
            await connection.execute("alter table lesson disable trigger lesson_notify")
        await at.set(lesson, state="ready")
        async with at.pool.connection() as connection:
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen%'"
            )
        while (found := await news(stream))["state"] == "queued":
            pass
        assert found["state"] == "ready"


async def test_a_counted_view_is_no_news(at: Desk) -> None:
    lesson = await at.add()
    heard: asyncio.Queue[str] = asyncio.Queue()
    at.listener.subscribe("lesson", heard.put_nowait, lambda: None)

    async def next_after(mark: str) -> list[str]:
        async with at.pool.connection() as connection:
            await connection.execute("select pg_notify('lesson', %s)", (mark,))
        found = [await heard.get()]
        while found[-1] != mark:
            found.append(await heard.get())
        return found

    await next_after("begin")
    await at.set(lesson, plays=1)
    assert await next_after("a view") == ["a view"]
    await at.set(lesson, progress=0.5)
    assert await next_after("progress") == [lesson, "progress"]


async def test_a_slow_reader_gets_only_the_newest(at: Desk) -> None:
    lesson = await at.add()
    with at.watch.watching(GUEST, frozenset([lesson]), mine=False) as watcher:
        for step in range(1, 6):
            await at.set(lesson, progress=step / 5)
        await eventually(lambda: b'"progress":1.0' in b"".join(watcher.mailbox._pending.values()))
        assert len(watcher.mailbox.take()) == 1


async def test_a_quiet_stream_is_kept_up(dsn: str, pool: Pool) -> None:
    async with opened(dsn, pool, EventSettings(heartbeat_s=0.05)) as at:
        lesson = await at.add()
        async with at.stream([lesson]) as stream:
            async for line in stream.content:
                if line == b":\n":
                    break


async def test_a_stream_ends_when_its_time_is_over_or_the_server_stops(
    dsn: str, pool: Pool
) -> None:
    async with opened(dsn, pool, EventSettings(longest_s=0.05)) as at:
        lesson = await at.add()
        async with at.stream([lesson]) as stream:
            assert (await stream.read()).startswith(b"retry: 2000")
    async with opened(dsn, pool) as at:
        lesson = await at.add()
        async with at.stream([lesson]) as stream:
            await news(stream)
            at.watch.close()
            await asyncio.wait_for(stream.read(), 10)


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 422), ("lesson=x", 422), ("mine=1", 401), ("mine=maybe", 422),
     ("&".join(f"lesson={new_id()}" for _ in range(101)), 422)],
)  # fmt: skip
async def test_what_is_refused(at: Desk, query: str, status: int) -> None:
    async with at.client.get(f"{PATH}?{query}") as answer:
        assert answer.status == status


async def test_a_person_has_a_bounded_number_of_streams(at: Desk) -> None:
    lesson = await at.add()
    watchers = [at.watch.watching(at.viewers[at.owner], frozenset([lesson]), False)
                for _ in range(WATCHERS_LIMIT_A_PERSON)]  # fmt: skip
    for one in watchers:
        one.__enter__()
    async with at.client.get(f"{PATH}?mine=1", headers={PERSON: at.owner}) as answer:
        assert answer.status == 429
    for one in watchers:
        one.__exit__(None, None, None)
    async with at.stream(mine=True, person=at.owner) as stream:
        assert (await news(stream))["id"] == lesson


async def test_a_process_has_a_bounded_number_of_streams(pool: Pool) -> None:
    full = Watch(pool)
    with ExitStack() as stack:
        for _ in range(WATCHERS_LIMIT):
            stack.enter_context(full.watching(GUEST, frozenset(), mine=False))
        with pytest.raises(TooMany), full.watching(GUEST, frozenset(), mine=False):
            pass
