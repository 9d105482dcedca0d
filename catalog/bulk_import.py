"""Import a table of lessons with their files: the shell around catalog/importing.py.

A lesson is done when its row is there; one that is done is not imported again, so an import that
was interrupted is simply run again. Its work stands behind fresh uploads.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from catalog.db.imports import known_import_keys, read_names
from catalog.db.pool import Pool
from catalog.db.sources import BACKLOG, NewLesson, StoredSource, add_lesson
from catalog.errors import Invalid
from catalog.ids import new_id
from catalog.importing import (
    FileFound,
    FileState,
    Item,
    Problem,
    Table,
    check_table,
    read_table,
)
from catalog.store.keys import source_key
from catalog.store.port import ObjectStore
from catalog.uploads.finish import SOURCE_TYPE
from catalog.uploads.sniff import HEAD_BYTES, require_media

log = logging.getLogger(__name__)

SAMPLE_BYTES = 64 * 1024
COPIES_AT_ONCE = 2


class Progress(Protocol):
    """Told how far the import is; called on the loop, must not wait."""

    def checking(self, files: int) -> None:
        """The table is read; this many files are looked at."""

    def begun(self, lessons: int, size_bytes: int, done_before: int) -> None:
        """The table is good; so much is to be copied, so many lessons were there already."""

    def imported(self, item: Item) -> None:
        """One more lesson is there."""

    def failed(self, problem: Problem) -> None:
        """One lesson could not be imported; the others go on."""


@dataclass(slots=True)
class Report:
    """What an import did."""

    imported: int = 0
    known: int = 0
    problems: list[Problem] = field(default_factory=list)


async def import_table(
    raw: bytes,
    media: Path,
    *,
    owner_id: str | None,
    pool: Pool,
    store: ObjectStore,
    progress: Progress,
    copies_at_once: int = COPIES_AT_ONCE,
) -> Report:
    """Check the whole table, then import what is not there yet.

    Cancelling stops it between or in copies; what is imported stays. Raises: TableRefused before
    anything is imported; StoreError, Unavailable when store or database go away meanwhile.
    """
    items = await check(raw, media, pool, progress)
    async with pool.connection() as connection:
        known = await known_import_keys(connection, [item.import_key for item in items])
    wanted = [item for item in items if item.import_key not in known]
    report = Report(known=len(items) - len(wanted))
    progress.begun(len(wanted), sum(item.size_bytes for item in wanted), report.known)
    work = _Import(media, owner_id, pool, store, progress, report)
    queue = iter(wanted)
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(copies_at_once):
                group.create_task(work.run(queue))
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from errors
    return report


async def check(raw: bytes, media: Path, pool: Pool, progress: Progress) -> list[Item]:
    """Check the whole table without importing. Raises: TableRefused."""
    table = await asyncio.to_thread(read_table, raw)
    progress.checking(len(table.rows))
    async with pool.connection() as connection:
        names = await read_names(connection)
    files = await asyncio.to_thread(_look, media, table)
    return await asyncio.to_thread(check_table, table, names, files)


class _Import:
    def __init__(
        self,
        media: Path,
        owner_id: str | None,
        pool: Pool,
        store: ObjectStore,
        progress: Progress,
        report: Report,
    ) -> None:
        self._media = media
        self._owner_id = owner_id
        self._pool = pool
        self._store = store
        self._progress = progress
        self._report = report

    async def run(self, queue: Iterator[Item]) -> None:
        """Import from the shared queue until it is empty."""
        for item in queue:
            try:
                await self._one(item)
            except OSError as error:
                problem = Problem(item.line, "file", f"{item.path}: {error.strerror or error}")
                self._report.problems.append(problem)
                self._progress.failed(problem)

    async def _one(self, item: Item) -> None:
        path = await asyncio.to_thread(_real_path, self._media, item.path)
        lesson = new_id()
        key = source_key(lesson, 1)
        await self._store.put_file(key, path, SOURCE_TYPE)
        source = StoredSource(lesson, 1, key, item.filename, item.size_bytes, BACKLOG)
        new = NewLesson(item.fields, self._owner_id, item.import_key)
        async with self._pool.connection() as connection:
            added = await add_lesson(connection, new, source)
        if not added:
            # Another import of the same table was faster.
            await self._store.delete(key)
            self._report.known += 1
        else:
            self._report.imported += 1
        self._progress.imported(item)


def _look(media: Path, table: Table) -> Mapping[str, FileFound]:
    root = Path(os.path.realpath(media))
    if not root.is_dir():
        raise Invalid(f"{media} is not a directory")
    return {path: _found(root, path) for path in {row.path for row in table.rows}}


def _found(root: Path, path: str) -> FileFound:
    try:
        real = _real_path(root, path)
        if not real.is_relative_to(root):
            return FileFound(FileState.OUTSIDE)
        if not real.is_file():
            return FileFound(FileState.NO_FILE if real.exists() else FileState.MISSING)
        return _sampled(real)
    except FileNotFoundError:
        return FileFound(FileState.MISSING)
    except OSError:
        return FileFound(FileState.UNREADABLE)


def _sampled(real: Path) -> FileFound:
    size = real.stat().st_size
    if size == 0:
        return FileFound(FileState.EMPTY)
    with real.open("rb") as file:
        head = file.read(SAMPLE_BYTES)
        file.seek(max(size - SAMPLE_BYTES, 0))
        tail = file.read(SAMPLE_BYTES)
    try:
        require_media(head[:HEAD_BYTES], whole=size <= HEAD_BYTES)
    except Invalid:
        return FileFound(FileState.NO_MEDIA, size)
    return FileFound(FileState.GOOD, size, hashlib.sha256(head + tail).hexdigest())


def _real_path(media: Path, path: str) -> Path:
    """Follow links; file systems keep names composed or decomposed, tables mostly composed."""
    forms: Sequence[str] = (path, unicodedata.normalize("NFD", path))
    for form in forms:
        real = Path(os.path.realpath(media / form))
        if real.exists():
            return real
    raise FileNotFoundError(2, "No such file or directory", path)
