"""The indexer on a real PostgreSQL: fresh within a second, whole after every kind of trouble."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Barrier
from threading import enumerate as enumerate_threads

import pytest

from catalog.db import search_feed as feed
from catalog.db.pool import Connection, Pool, make_pool
from catalog.errors import Unavailable
from catalog.search.home import Home, State, open_index
from catalog.search.schema import VERSION
from catalog.search.tantivy_index import TantivyReader
from tests.support.lessons import add_lesson, add_person, add_school, administrator, insert
from tests.support.search import reading, request, running

FRESH_S = 1.0


async def found(reader: TantivyReader, text: str) -> list[str]:
    """Find as an administrator; nothing while there is no index."""
    try:
        return list((await reader.page(request(text, viewer=administrator("a"), limit=100))).ids)
    except Unavailable:
        return []


async def soon(check: Callable[[], Awaitable[bool]], limit_s: float = 20.0) -> float:
    """Wait until it holds; give how long that took."""
    started = time.monotonic()
    async with asyncio.timeout(limit_s):
        while not await check():  # noqa: ASYNC110 (another task and the database are awaited)
            await asyncio.sleep(0.01)
    return time.monotonic() - started


async def test_what_is_there_is_found_and_changes_show_within_a_second(
    dsn: str, pool: Pool, tmp_path: Path
) -> None:
    async with pool.connection() as connection:
        old = await add_lesson(connection, "勾股定理")
    async with running(dsn, pool, tmp_path) as reader:
        await soon(lambda: finds(reader, "勾股", [old]))
        async with pool.connection() as connection:
            new = await add_lesson(connection, "勾股数")
        assert await soon(lambda: finds(reader, "勾股", [new, old])) < FRESH_S
        async with pool.connection() as connection:
            await connection.execute("update lesson set title = '电学' where id = %s", (new,))
        assert await soon(lambda: finds(reader, "电学", [new])) < FRESH_S
        async with pool.connection() as connection:
            await connection.execute("update lesson set deleted_at = now() where id = %s", (new,))
        assert await soon(lambda: finds(reader, "电学", [])) < FRESH_S
        async with pool.connection() as connection:
            await connection.execute("update lesson set deleted_at = null where id = %s", (new,))
        assert await soon(lambda: finds(reader, "电学", [new])) < FRESH_S


async def finds(reader: TantivyReader, text: str, expected: list[str]) -> bool:
    """Tell whether exactly these are found."""
    return await found(reader, text) == expected


async def test_renames_moves_and_subtitles_reach_their_lessons(
    dsn: str, pool: Pool, tmp_path: Path
) -> None:
    async with pool.connection() as connection:
        school = await add_school(connection, "第一中学")
        person = await add_person(connection, "李明")
        series = await insert(connection, "series", name="青快学")
        lesson = await add_lesson(connection, "力", school_id=school, series_id=series,
                                  teacher_id=person, teacher_name="李明")  # fmt: skip
    changes = [
        ("update school set name = '滨海中学' where id = %s", school, "滨海"),
        ("update series set name = '微课堂' where id = %s", series, "微课堂"),
        ("update person set name = '李晓明' where id = %s", person, "李晓明"),
        ("insert into subtitle (id, lesson_id, language, label, webvtt, transcript) "
         "values ('s1', %s, 'zh', '中文', '', '牛顿第三定律')", lesson, "牛顿第三"),
        ("update subtitle set transcript = '阿基米德' where lesson_id = %s", lesson, "阿基米德"),
    ]  # fmt: skip
    async with running(dsn, pool, tmp_path) as reader:
        await soon(lambda: finds(reader, "第一中学", [lesson]))
        for statement, key, text in changes:
            async with pool.connection() as connection:
                await connection.execute(statement.encode(), (key,))
            await soon(partial(finds, reader, text, [lesson]))
        for text in ("第一中学", "青快学", "牛顿"):
            assert await found(reader, text) == []
        async with pool.connection() as connection:
            await connection.execute("delete from subtitle")
        await soon(lambda: finds(reader, "阿基米德", []))


async def test_a_late_commit_is_not_missed_and_holds_nothing_up(
    dsn: str, pool: Pool, tmp_path: Path
) -> None:
    async with running(dsn, pool, tmp_path) as reader, pool.connection() as slow:
        await slow.execute("set transaction isolation level read committed")
        late = await add_lesson(slow, "迟到的物理")
        async with pool.connection() as connection:
            early = await add_lesson(connection, "先到的物理")
        await soon(lambda: finds(reader, "物理", [early]))
        await slow.commit()
        await soon(lambda: finds(reader, "物理", sorted([early, late], reverse=True)))


async def test_what_changed_while_nobody_ran_is_taken_in(
    dsn: str, pool: Pool, tmp_path: Path
) -> None:
    async with pool.connection() as connection:
        first = await add_lesson(connection, "物理一")
        gone = await add_lesson(connection, "物理二")
    async with running(dsn, pool, tmp_path) as reader:
        await soon(lambda: finds(reader, "物理", [gone, first]))
        await soon(lambda: is_other(tmp_path, tmp_path))
    build = await in_use(tmp_path)
    async with pool.connection() as connection:
        new = await add_lesson(connection, "物理三")
        await connection.execute("update lesson set deleted_at = now() where id = %s", (gone,))
    async with running(dsn, pool, tmp_path) as reader:
        await soon(lambda: finds(reader, "物理", [new, first]))
    assert await in_use(tmp_path) == build


def truncate_files(build: Path) -> None:
    for path in build.iterdir():
        if path.suffix in (".idx", ".term", ".fast", ".pos"):
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def other_schema(build: Path) -> None:
    Home(build.parent).write_state(build, State(VERSION + 1, "x", 0, complete=True))


def other_database(build: Path) -> None:
    Home(build.parent).write_state(build, State(VERSION, "elsewhere/5", 1, complete=True))


def from_the_future(build: Path) -> None:
    home = Home(build.parent)
    state = home.state(build)
    assert state
    home.write_state(build, State(VERSION, state.database, 2**40, complete=True))


def half_built(build: Path) -> None:
    home = Home(build.parent)
    state = home.state(build)
    assert state
    home.write_state(build, State(VERSION, state.database, state.after_xid, complete=False))


def no_state(build: Path) -> None:
    (build / "state.json").write_text("{")


def no_meta(build: Path) -> None:
    (build / "meta.json").unlink()


def no_pointer(build: Path) -> None:
    (build.parent / "current").write_bytes(b"\xff../../etc")


@pytest.mark.parametrize(
    "harm",
    [truncate_files, other_schema, other_database, from_the_future, half_built, no_state, no_meta,
     no_pointer],
)  # fmt: skip
async def test_an_unfit_index_is_built_anew(
    dsn: str, pool: Pool, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    async with pool.connection() as connection:
        lesson = await add_lesson(connection, "物理")
    async with running(dsn, pool, tmp_path) as reader:
        await soon(lambda: finds(reader, "物理", [lesson]))
        await soon(lambda: is_other(tmp_path, tmp_path))
    before = await in_use(tmp_path)
    assert before
    await asyncio.to_thread(harm, before)
    async with running(dsn, pool, tmp_path) as reader:
        await soon(lambda: is_other(tmp_path, before))
        await soon(lambda: finds(reader, "物理", [lesson]))
        await soon(lambda: is_alone(tmp_path))


async def is_alone(root: Path) -> bool:
    """Tell whether only the build in use is left on disk."""
    builds = await asyncio.to_thread(lambda: [path for path in root.iterdir() if path.is_dir()])
    return builds == [await in_use(root)]


async def in_use(root: Path) -> Path | None:
    return await asyncio.to_thread(Home(root).current)


async def is_other(root: Path, before: Path) -> bool:
    """Tell whether another build than `before` is whole and in use."""
    current = await asyncio.to_thread(Home(root).current)
    state = await asyncio.to_thread(Home(root).state, current) if current else None
    return current != before and state is not None and state.complete


async def test_a_build_goes_though_readers_open_it_meanwhile(tmp_path: Path) -> None:
    state = State(VERSION, "test", 0, complete=True)

    def replace_under_readers(home: Home) -> bool:
        old, new = home.new_build(state), home.new_build(state)
        with ThreadPoolExecutor(2) as readers:
            begun = Barrier(3)
            for _ in range(2):
                readers.submit(open_until_gone, old, begun)
            begun.wait()
            home.use(new)
        return [path.name for path in home.root.iterdir() if path.is_dir()] == [new.name]

    for number in range(30):
        assert await asyncio.to_thread(replace_under_readers, Home(tmp_path / str(number)))


def open_until_gone(build: Path, begun: Barrier) -> None:
    """Open a build again and again, as readers do, until it cannot be opened any more."""
    begun.wait()
    with suppress(Unavailable):
        while True:
            open_index(build)


async def test_what_a_killed_writer_left_is_removed(dsn: str, pool: Pool, tmp_path: Path) -> None:
    async with running(dsn, pool, tmp_path) as reader:
        await soon(lambda: finds(reader, "物理", []))
        await soon(lambda: is_other(tmp_path, tmp_path))
    before = await in_use(tmp_path)
    half = await asyncio.to_thread(Home(tmp_path).new_build, State(VERSION, "x", 0, complete=False))
    await asyncio.to_thread(half.rename, tmp_path / "gone-half")
    await asyncio.to_thread(Home(tmp_path).new_build, State(VERSION, "x", 0, complete=False))
    half_name = tmp_path / "current.partial"
    await asyncio.to_thread(half_name.touch)
    async with running(dsn, pool, tmp_path):
        await soon(lambda: is_alone(tmp_path))
    assert await in_use(tmp_path) == before
    assert not await asyncio.to_thread(half_name.exists)


async def test_nothing_is_written_once_search_has_ended(
    dsn: str, pool: Pool, tmp_path: Path
) -> None:
    for _ in range(5):
        async with running(dsn, pool, tmp_path):
            pass
        lock = await asyncio.to_thread(Home(tmp_path).try_writing)
        assert lock
        assert not [name for name in threads() if name.startswith("search")]
        lock.close()


def threads() -> list[str]:
    return [thread.name for thread in enumerate_threads()]


async def test_search_writes_once_its_directory_can_be_made(
    dsn: str, pool: Pool, tmp_path: Path
) -> None:
    directory = tmp_path / "search"
    await asyncio.to_thread(directory.write_text, "a file in the way")
    async with pool.connection() as connection:
        lesson = await add_lesson(connection, "物理")
    async with running(dsn, pool, directory) as reader:
        assert await found(reader, "物理") == []
        await asyncio.to_thread(directory.unlink)
        await soon(lambda: finds(reader, "物理", [lesson]))


async def test_reading_everything_may_take_longer_than_other_transactions(pool: Pool) -> None:
    async with pool.connection() as connection:
        await feed.one_snapshot(connection)
        assert await idle_limit(connection) == feed.SNAPSHOT_IDLE_LIMIT
        await connection.rollback()
        await feed.any_snapshot(connection)
        assert await idle_limit(connection) == "5s"


async def test_who_leaves_the_stream_of_lessons_waits_for_nothing(pool: Pool) -> None:
    async with pool.connection() as connection:
        added = [await add_lesson(connection, title) for title in ("物理", "化学", "生物")]
    for ends in (False, True):
        async with pool.connection() as connection:
            await feed.one_snapshot(connection)
            rows = await anext(lessons := feed.stream_lessons(connection))
            assert [row["id"] for row in rows] == sorted(added, reverse=True)
            assert await cursors(connection) == 1
            if ends:
                assert [more async for more in lessons] == []
            else:
                await lessons.aclose()
                await connection.rollback()
            assert await cursors(connection) == 0
            await connection.rollback()
            await feed.any_snapshot(connection)


async def cursors(connection: Connection) -> int:
    row = await (await connection.execute("select count(*) as n from pg_cursors")).fetchone()
    assert row
    return int(row["n"])


async def idle_limit(connection: Connection) -> str:
    row = await (await connection.execute("show idle_in_transaction_session_timeout")).fetchone()
    assert row
    return str(row["idle_in_transaction_session_timeout"])


async def test_lessons_of_a_restored_backup_are_followed(
    dsn: str, pool: Pool, tmp_path: Path
) -> None:
    async with pool.connection() as connection:
        lesson = await add_lesson(connection, "物理")
        await connection.execute("update lesson set change_xid = '99999999999'")
    async with running(dsn, pool, tmp_path) as reader:
        await soon(lambda: finds(reader, "物理", [lesson]))
        async with pool.connection() as connection:
            await connection.execute("update lesson set title = '化学'")
        await soon(lambda: finds(reader, "化学", [lesson]))


async def test_one_process_writes_and_another_reads(dsn: str, pool: Pool, tmp_path: Path) -> None:
    async with running(dsn, pool, tmp_path) as writer, running(dsn, pool, tmp_path) as reader:
        for title in ("物理", "化学"):
            async with pool.connection() as connection:
                lesson = await add_lesson(connection, title)
            for one in (writer, reader):
                await soon(partial(finds, one, title, [lesson]))


async def test_another_process_takes_over_the_writing(dsn: str, pool: Pool, tmp_path: Path) -> None:
    async with make_pool(dsn) as second, running(dsn, second, tmp_path) as reader:
        async with running(dsn, pool, tmp_path):
            pass
        async with pool.connection() as connection:
            lesson = await add_lesson(connection, "物理")
        await soon(lambda: finds(reader, "物理", [lesson]))


async def test_the_index_goes_on_after_the_database_was_away(
    dsn: str, pool: Pool, tmp_path: Path
) -> None:
    async with running(dsn, pool, tmp_path) as reader:
        await soon(lambda: finds(reader, "物理", []))
        async with pool.connection() as connection:
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
        async with pool.connection() as connection:
            lesson = await add_lesson(connection, "物理")
        await soon(lambda: finds(reader, "物理", [lesson]))


async def test_an_index_that_was_never_built_says_so(tmp_path: Path) -> None:
    async with reading(tmp_path) as reader:
        with pytest.raises(Unavailable, match="being built"):
            await reader.page(request("物理"))
