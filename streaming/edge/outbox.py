"""Reports that wait for the line, on disk: SQLite in WAL, synced before a report counts as taken.

One thread, in order. At most `limit` reports; the oldest make room and are counted as dropped. A
file that is damaged is begun anew; a disk that takes nothing is told to whoever brings a report.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from catalog.errors import Unavailable
from streaming.edge.keptfile import open_kept

log = logging.getLogger(__name__)

REPORTS_LIMIT = 10_000
BATCH_LIMIT = 100
NOT_KEPT = "the box's disk takes no reports now: keep this one and send it again"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS reports (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
    at_utc REAL NOT NULL, body BLOB NOT NULL
);
"""
_OLDEST = "DELETE FROM reports WHERE number IN (SELECT number FROM reports ORDER BY number LIMIT ?)"
_TAKEN = "DELETE FROM reports WHERE id IN (SELECT value FROM json_each(?))"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A report of a kind, made at at_utc (Unix seconds); `body` is JSON."""

    id: UUID
    kind: str
    at_utc: float
    body: bytes


class Outbox:
    """The reports that nobody upstream has taken yet. Close it when done."""

    def __init__(self, path: Path, limit: int = REPORTS_LIMIT) -> None:
        self._path = path
        self._limit = limit
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="outbox")
        self._database: sqlite3.Connection | None = None
        self._filled = asyncio.Event()
        self.waiting = 0
        self.dropped = 0

    async def open(self) -> None:
        """Open the file, or begin a new one."""
        await self._do(self._open)
        self._note()

    async def close(self) -> None:
        """Write what is left."""
        await self._do(self._close)
        self._thread.shutdown(wait=False)

    async def put(self, report: Waiting) -> None:
        """Keep a report until it is taken upstream; it is durable on return. Raises: Unavailable.

        One whose id waits already is the same one.
        """
        await self._do(lambda: self._put(report))
        self._note()

    async def batch(self, limit: int = BATCH_LIMIT) -> list[Waiting]:
        """Give the oldest."""
        return await self._do(lambda: self._batch(limit))

    async def ids(self) -> list[UUID]:
        """Give the ids of all that wait."""
        return await self._do(self._ids)

    async def forget(self, ids: Sequence[UUID]) -> None:
        """Remove what was taken, or refused for good."""
        await self._do(lambda: self._forget(ids))
        self._note()

    async def filled(self) -> None:
        """Return when something waits."""
        await self._filled.wait()

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _note(self) -> None:
        if self.waiting:
            self._filled.set()
        else:
            self._filled.clear()

    def _open(self) -> None:
        try:
            self._connect()
        except (sqlite3.Error, OSError) as error:
            log.warning("no report can be kept in %s: %s", self._path, error)

    def _connect(self) -> None:
        database = open_kept(self._path, _SCHEMA, durable=True)
        (self.waiting,) = database.execute("SELECT count(*) FROM reports").fetchone()
        self._database = database

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def _put(self, report: Waiting) -> None:
        row = (str(report.id), report.kind, report.at_utc, report.body)
        try:
            added = self._open_database().execute(
                "INSERT OR IGNORE INTO reports (id, kind, at_utc, body) VALUES (?, ?, ?, ?)", row
            )
            self.waiting += added.rowcount
            self._make_room()
        except (sqlite3.Error, OSError) as error:
            log.warning("a report is not kept: %s", error)
            raise Unavailable(NOT_KEPT) from error

    def _make_room(self) -> None:
        over = self.waiting - self._limit
        if over > 0:
            gone = self._open_database().execute(_OLDEST, (over,)).rowcount
            self.waiting -= gone
            self.dropped += gone

    def _batch(self, limit: int) -> list[Waiting]:
        rows = self._open_database().execute(
            "SELECT id, kind, at_utc, body FROM reports ORDER BY number LIMIT ?", (limit,)
        )
        return [Waiting(UUID(key), kind, at_utc, body) for key, kind, at_utc, body in rows]

    def _ids(self) -> list[UUID]:
        if self._database is None:
            return []
        return [
            UUID(key) for (key,) in self._database.execute("SELECT id FROM reports ORDER BY number")
        ]

    def _forget(self, ids: Sequence[UUID]) -> None:
        keys = json.dumps([str(key) for key in ids])
        self.waiting -= self._open_database().execute(_TAKEN, (keys,)).rowcount

    def _open_database(self) -> sqlite3.Connection:
        """Give the database; one that could not be opened before may be by now."""
        if self._database is None:
            self._connect()
        assert self._database is not None, "connected above"
        return self._database
