"""Stays on disk (`stays.py`): SQLite in WAL, one thread, synced; readable by its owner only.

What a member showed when it came is in it, so that its stay can be told when it has left; it is
overwritten when the room has noted the stay. Within one run of the machine times are monotonic;
over a restart of the machine its wall clock tells how long ago something was.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from streaming.edge.keptfile import open_kept
from streaming.edge.stays import Stay, Voice

log = logging.getLogger(__name__)

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_SCHEMA = """
PRAGMA secure_delete=ON;
CREATE TABLE IF NOT EXISTS stays (
    id TEXT PRIMARY KEY, key TEXT NOT NULL, path TEXT NOT NULL, headers TEXT NOT NULL,
    said TEXT NOT NULL, here INTEGER NOT NULL, gone INTEGER NOT NULL, boot TEXT NOT NULL,
    began_at REAL NOT NULL, began_utc REAL NOT NULL, seen_at REAL NOT NULL, seen_utc REAL NOT NULL
) WITHOUT ROWID;
"""
_PUT = "INSERT OR REPLACE INTO stays VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_SEEN = "UPDATE stays SET seen_at = ?, seen_utc = ? WHERE here AND boot = ?"
T = TypeVar("T")


class StayBook:
    """The file. Close it when done."""

    def __init__(
        self,
        path: Path,
        clock: Callable[[], float] = time.monotonic,
        clock_utc: Callable[[], float] = time.time,
        boot_id: Path = BOOT_ID,
    ) -> None:
        self._path = path
        self._clock = clock
        self._clock_utc = clock_utc
        self._boot_id = boot_id
        self._boot = ""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="stays")
        self._database: sqlite3.Connection | None = None

    async def open(self) -> list[Stay]:
        """Open the file, or begin a new one; give what is in it."""
        return await self._do(self._open)

    async def close(self) -> None:
        """Write what is left."""
        await self._do(self._close)
        self._thread.shutdown(wait=False)

    async def save(self, kept: Sequence[Stay], gone: Sequence[str]) -> bool:
        """Keep stays as they are now, and others no more; tell whether the disk took that."""
        rows = [self._row(stay) for stay in kept]
        return await self._do(lambda: self._save(rows, gone))

    async def seen(self) -> None:
        """Everybody who is here is here now."""
        now, now_utc = self._clock(), self._clock_utc()
        await self._do(lambda: self._seen(now, now_utc))

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _open(self) -> list[Stay]:
        with suppress(OSError):
            self._boot = self._boot_id.read_text("ascii").strip()
        try:
            self._database = open_kept(self._path, _SCHEMA, durable=True)
            return [self._stay(row) for row in self._database.execute("SELECT * FROM stays")]
        except (sqlite3.Error, OSError, ValueError) as error:
            log.warning("no stay can be read from %s: %s", self._path, error)
            return []

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def _save(self, rows: Sequence[Sequence[object]], gone: Sequence[str]) -> bool:
        try:
            if self._database is None:
                self._database = open_kept(self._path, _SCHEMA, durable=True)
            self._database.execute("BEGIN")
            try:
                self._database.executemany(_PUT, rows)
                self._database.executemany("DELETE FROM stays WHERE id = ?", [(k,) for k in gone])
                self._database.execute("COMMIT")
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
        except (sqlite3.Error, OSError) as error:
            log.warning("who stays is not kept: %s", error)
            return False
        return True

    def _seen(self, now: float, now_utc: float) -> None:
        try:
            if self._database is not None:
                self._database.execute(_SEEN, (now, now_utc, self._boot))
        except sqlite3.Error as error:
            log.warning("who stays is not kept: %s", error)

    def _row(self, stay: Stay) -> tuple[object, ...]:
        apart_s, voice = self._clock_utc() - self._clock(), stay.voice
        return (
            stay.id, json.dumps(stay.key), voice.path, json.dumps(dict(voice.headers)), voice.join,
            stay.here, stay.left, self._boot, stay.began_at, stay.began_at + apart_s,
            stay.seen_at, stay.seen_at + apart_s,
        )  # fmt: skip

    def _stay(self, row: Sequence[Any]) -> Stay:
        key, path, headers, said, _, left, boot, began_at, began_utc, seen_at, seen_utc = row[1:]
        if boot != self._boot or not boot:
            began_at, seen_at = self._ago(began_utc), self._ago(seen_utc)
        session, client, remote = json.loads(key)
        voice = Voice(path, json.loads(headers), said)
        return Stay(
            row[0], (session, client, remote), voice, began_at, max(began_at, seen_at),
            here=False, left=bool(left),
        )  # fmt: skip

    def _ago(self, utc: float) -> float:
        return self._clock() - max(0.0, self._clock_utc() - utc)
