"""What the upstream said, kept on disk: presentations, pictures, lists, by name. For the day when
the line is cut.

One SQLite file, one thread. Whole answers of at most ANSWER_LIMIT_BYTES, the least recently used
dropped first when they are more than the budget. Writes are not awaited by readers and may be lost
with the power; a file that is damaged is begun anew. The file is readable by its owner only.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from streaming.edge.keptfile import is_damage, open_kept, open_to_read, remove_kept

log = logging.getLogger(__name__)

ANSWER_LIMIT_BYTES = 16 * 1024 * 1024
BUDGET_BYTES = 512 * 1024 * 1024
USED_EVERY_S = 60.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    name TEXT PRIMARY KEY, etag TEXT NOT NULL, kind TEXT NOT NULL, body BLOB NOT NULL,
    kept_utc REAL NOT NULL, used_utc REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS answers_used ON answers (used_utc);
"""
_PUT = (
    "INSERT OR REPLACE INTO answers (name, etag, kind, body, kept_utc, used_utc)"
    " VALUES (?, ?, ?, ?, ?, ?) RETURNING name"
)
_SIZE = "SELECT coalesce(sum(length(body)), 0) FROM answers"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it was given at kept_utc (Unix seconds)."""

    body: bytes
    etag: str
    content_type: str
    kept_utc: float


class Answers:
    """The kept answers. Close it when done."""

    def __init__(
        self,
        path: Path,
        budget_bytes: int = BUDGET_BYTES,
        clock_utc: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._budget_bytes = budget_bytes
        self._clock_utc = clock_utc
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="answers")
        self._database: sqlite3.Connection | None = None
        self._size_bytes = 0

    async def open(self) -> None:
        """Open the file, or begin a new one."""
        await self._do(self._open)

    async def close(self) -> None:
        """Write what is left."""
        await self._do(self._close)
        self._thread.shutdown(wait=False)

    async def get(self, name: str) -> Kept | None:
        """Give what is kept under a name."""
        return await self._do(lambda: self._get(name))

    async def put(self, name: str, body: bytes, etag: str = "", content_type: str = "") -> None:
        """Keep an answer in place of the one before; one that is too long is let go."""
        if len(body) <= ANSWER_LIMIT_BYTES:
            await self._do(lambda: self._put(name, body, etag, content_type))

    async def confirm(self, name: str) -> None:
        """The upstream said that the answer still holds."""
        await self._do(lambda: self._confirm(name))

    async def drop(self, name: str) -> None:
        """Forget an answer."""
        await self._do(lambda: self._drop(name))

    async def names(self, prefix: str) -> list[str]:
        """Give the names that begin so, the most recently used first."""
        return await self._do(lambda: self._names(prefix))

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _open(self) -> None:
        try:
            self._database = open_kept(self._path, _SCHEMA, durable=False)
        except (sqlite3.Error, OSError) as error:
            log.warning("no answer can be kept in %s: %s", self._path, error)
            with suppress(sqlite3.Error):
                self._database = open_to_read(self._path)
        for (size,) in self._run(_SIZE, ()):
            self._size_bytes = size

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def _get(self, name: str) -> Kept | None:
        """Read; that it was used is written now and then, where the disk will."""
        found = self._run(
            "SELECT body, etag, kind, kept_utc, used_utc FROM answers WHERE name = ?", (name,)
        )
        for *kept, used_utc in found:
            now = self._clock_utc()
            if abs(now - used_utc) > USED_EVERY_S:
                self._run("UPDATE answers SET used_utc = ? WHERE name = ?", (now, name))
            return Kept(*kept)
        return None

    def _put(self, name: str, body: bytes, etag: str, content_type: str) -> None:
        """Keep in one statement: where that fails, the answer of before stays."""
        now = self._clock_utc()
        before = self._run("SELECT length(body) FROM answers WHERE name = ?", (name,))
        if not self._run(_PUT, (name, etag, content_type, body, now, now)):
            return
        self._size_bytes += len(body) - sum(size for (size,) in before)
        while self._size_bytes > self._budget_bytes and self._drop_oldest():
            pass

    def _confirm(self, name: str) -> None:
        now = self._clock_utc()
        self._run("UPDATE answers SET kept_utc = ?, used_utc = ? WHERE name = ?", (now, now, name))

    def _drop(self, name: str) -> None:
        for (size,) in self._run(
            "DELETE FROM answers WHERE name = ? RETURNING length(body)", (name,)
        ):
            self._size_bytes -= size

    def _drop_oldest(self) -> bool:
        oldest = self._run("SELECT name FROM answers ORDER BY used_utc LIMIT 1", ())
        for (name,) in oldest:
            self._drop(name)
        return bool(oldest)

    def _names(self, prefix: str) -> list[str]:
        rows = self._run(
            "SELECT name FROM answers WHERE name >= ? AND name < ? ORDER BY used_utc DESC",
            (prefix, prefix + "\U0010ffff"),
        )
        return [name for (name,) in rows]

    def _run(self, statement: str, values: tuple[object, ...]) -> list[Any]:
        """Run a statement; a disk that is full or damaged keeps nothing, and that is all."""
        if self._database is None:
            return []
        try:
            with closing(self._database.execute(statement, values)) as cursor:
                return cursor.fetchall()
        except sqlite3.DatabaseError as error:
            log.warning("an answer is not kept: %s", error)
            if is_damage(error):
                self._begin_anew()
            return []

    def _begin_anew(self) -> None:
        self._close()
        with suppress(sqlite3.Error, OSError):
            remove_kept(self._path)
            self._database, self._size_bytes = open_kept(self._path, _SCHEMA, durable=False), 0
