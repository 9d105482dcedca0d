"""SQLite files of a box, a thread each: readable by their owner only, begun anew when damaged.

What the disk will not do (full, read-only, failing) is no damage: the file stays as it is, and what
is in it can be read.
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

log = logging.getLogger(__name__)

BESIDE = ("", "-wal", "-shm", "-journal")
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR})


def open_kept(path: Path, schema: str, *, durable: bool) -> sqlite3.Connection:
    """Open a file with this schema, or begin it. `durable`: a commit survives a power cut.

    Raises: sqlite3.Error, OSError when the disk will not.
    """
    try:
        return _opened(path, schema, durable)
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        log.warning("%s is damaged and begun anew: %s", path, error)
        remove_kept(path)
        return _opened(path, schema, durable)


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open a file on a disk that cannot be written. Raises: sqlite3.Error."""
    where = f"file:{quote(str(path))}?mode=ro&immutable=1"
    return sqlite3.connect(where, isolation_level=None, uri=True, check_same_thread=False)


def remove_kept(path: Path) -> None:
    """Remove a file with all that SQLite put beside it."""
    for suffix in BESIDE:
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).unlink()


def is_damage(error: sqlite3.Error) -> bool:
    """Tell whether the file is to blame, not the disk it is on."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE


def _opened(path: Path, schema: str, durable: bool) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        database.executescript(schema)
    except sqlite3.DatabaseError:
        database.close()
        raise
    return database
