"""Importing tables with real files into a real database and store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from catalog.bulk_import import Report, import_table
from catalog.db.pool import Pool
from catalog.db.removal import put_aside
from catalog.importing import Item, Problem, TableRefused
from catalog.store.local import LocalSettings, LocalStore
from catalog.store.port import StoreFull
from tests.support.lessons import add_school
from tests.support.objects import content, keys_below
from tests.support.uploads import Clock, media


@dataclass
class Told:
    """Everything that the progress was told."""

    events: list[str] = field(default_factory=list)
    on_imported: asyncio.Event = field(default_factory=asyncio.Event)

    def checking(self, files: int) -> None:
        self.events.append(f"checking {files}")

    def begun(self, lessons: int, size_bytes: int, done_before: int) -> None:
        self.events.append(f"begun {lessons} {size_bytes} {done_before}")

    def imported(self, item: Item) -> None:
        self.events.append(f"imported {item.path}")
        self.on_imported.set()

    def failed(self, problem: Problem) -> None:
        self.events.append(f"failed {problem}")


class Store(LocalStore):
    """A store that can wait, fill up, or lose a source file, after some objects."""

    limit = 1000
    what: BaseException | None = None
    stored = 0
    before_first: Callable[[], object] | None = None

    async def put_file(self, key: str, path: Path, content_type: str) -> None:
        """Store, or behave."""
        if self.stored >= self.limit:
            if self.what:
                raise self.what
            await asyncio.Event().wait()
        if self.before_first and not self.stored:
            await asyncio.to_thread(self.before_first)
        self.stored += 1
        await super().put_file(key, path, content_type)


@dataclass
class Desk:
    pool: Pool
    store: Store
    media: Path
    told: Told = field(default_factory=Told)

    async def run(self, table: str, encoding: str = "utf-8", at_once: int = 2) -> Report:
        return await import_table(
            table.encode(encoding), self.media, owner_id=None, pool=self.pool, store=self.store,
            progress=self.told, copies_at_once=at_once,
        )  # fmt: skip

    async def titles(self) -> list[str]:
        async with self.pool.connection() as connection:
            cursor = await connection.execute(
                "select title from lesson where deleted_at is null order by title"
            )
            return [row["title"] for row in await cursor.fetchall()]


@pytest.fixture
async def at(pool: Pool, tmp_path: Path) -> AsyncIterator[Desk]:
    folder = tmp_path / "media"
    settings = LocalSettings(tmp_path / "objects", min_free_bytes=0)

    def prepare() -> Store:
        (folder / "一").mkdir(parents=True)
        for index in range(5):
            (folder / "一" / f"{index}.mp4").write_bytes(media(1000 + index))
        (folder / "text.mp4").write_text("这不是视频，是一段文字")
        (folder / "empty.mp4").touch()
        (tmp_path / "secret.mp4").write_bytes(media(10))
        (folder / "link.mp4").symlink_to(tmp_path / "secret.mp4")
        return Store(settings)

    store = await asyncio.to_thread(prepare)
    async with pool.connection() as connection:
        await add_school(connection)
    yield Desk(pool, store, folder)
    await store.close()


TABLE = "文件,标题,学校\n" + "".join(f"一/{n}.mp4,第{n}课,实验小学\n" for n in range(5))


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
async def test_a_table_becomes_lessons_that_wait_behind_fresh_ones(at: Desk, encoding: str) -> None:
    report = await at.run(TABLE, encoding)
    assert (report.imported, report.known, report.problems) == (5, 0, [])
    assert await at.titles() == [f"第{n}课" for n in range(5)]
    async with at.pool.connection() as connection:
        cursor = await connection.execute(
            "select s.key, s.filename, s.size_bytes, w.priority, w.unit, l.state, l.school_id"
            " from lesson l join source s on s.lesson_id = l.id"
            " join work w on w.lesson_id = l.id order by l.title"
        )
        rows = await cursor.fetchall()
    for index, row in enumerate(rows):
        assert (row["filename"], row["size_bytes"]) == (f"{index}.mp4", 1000 + index)
        assert (row["priority"], row["unit"], row["state"]) == ("backlog", "prepare", "queued")
        assert row["school_id"]
        assert await content(at.store, row["key"]) == media(1000 + index)
    assert at.told.events[:2] == ["checking 5", "begun 5 5010 0"]
    assert sorted(at.told.events[2:]) == [f"imported 一/{n}.mp4" for n in range(5)]


async def test_running_again_imports_only_what_is_new(at: Desk) -> None:
    await at.run("file\n一/0.mp4\n")
    report = await at.run(TABLE)
    assert (report.imported, report.known) == (4, 1)
    report = await at.run(TABLE)
    assert (report.imported, report.known) == (0, 5)
    assert len(await at.titles()) == 5


async def test_two_imports_at_once_make_no_duplicate(at: Desk) -> None:
    reports = await asyncio.gather(at.run(TABLE), at.run(TABLE))
    assert sum(report.imported for report in reports) == 5
    assert len(await at.titles()) == 5
    assert len(await keys_below(at.store, "source/")) == 5


async def test_a_deleted_lesson_comes_again(at: Desk) -> None:
    await at.run("file\n一/0.mp4\n")
    async with at.pool.connection() as connection:
        cursor = await connection.execute("select id from lesson")
        [row] = await cursor.fetchall()
        await put_aside(connection, row["id"], Clock().now)
    assert (await at.run("file\n一/0.mp4\n")).imported == 1


async def test_nothing_is_imported_from_a_table_with_bad_rows(at: Desk) -> None:
    table = (
        "文件,学校\n一/0.mp4,\ntext.mp4,\nempty.mp4,\nlink.mp4,\n一,\nno.mp4,\n一/1.mp4,别的学校\n"
    )
    with pytest.raises(TableRefused) as refused:
        await at.run(table)
    assert [str(problem) for problem in refused.value.problems] == [
        "line 3, file: text.mp4 is not a video or sound recording",
        "line 4, file: empty.mp4 is empty (0 bytes)",
        "line 5, file: link.mp4 lies outside the media directory",
        "line 6, file: 一 is not a file",
        "line 7, file: no.mp4 there is no such file below the media directory",
        "line 8, school: there is no school '别的学校': add it first, or correct the name",
    ]
    assert await at.titles() == []
    assert await keys_below(at.store, "") == []


async def test_an_interrupted_import_goes_on_where_it_was(at: Desk) -> None:
    at.store.limit = 2
    running = asyncio.create_task(at.run(TABLE, at_once=1))
    while len(await at.titles()) < 2:
        await at.told.on_imported.wait()
        at.told.on_imported.clear()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    at.store.limit = 1000
    report = await at.run(TABLE)
    assert (report.imported, report.known) == (3, 2)
    assert len(await at.titles()) == 5


async def test_a_full_store_stops_the_import_and_keeps_what_is_there(at: Desk) -> None:
    at.store.limit, at.store.what = 3, StoreFull("no room: make some")
    with pytest.raises(StoreFull, match="no room"):
        await at.run(TABLE, at_once=1)
    assert len(await at.titles()) == 3


async def test_a_file_that_goes_away_meanwhile_is_told_and_the_others_come(at: Desk) -> None:
    gone = at.media / "一" / "1.mp4"
    at.store.before_first = lambda: gone.rename(gone.with_name("gone"))
    report = await at.run(TABLE, at_once=1)
    assert report.imported == 4
    assert [problem.line for problem in report.problems] == [3]
    assert any("failed line 3" in event for event in at.told.events)
