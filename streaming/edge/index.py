"""What is known of each file on the shelf, in SQLite; used from one thread only.

Rows are written in batches: what a crash loses are rows of the last moments, whose files are then
swept away. The `clean` flag is removed, durably, before the first change and set at an orderly
end; without it no file is trusted before its CRC has been compared. A file that SQLite cannot read
is begun anew.

Recency is a number that grows, not a time: boxes have no clock that can be trusted.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from streaming.edge.eviction import Row as Known
from streaming.edge.keptfile import is_damage, open_to_read
from streaming.edge.piece import NAME_BYTES, Group, Piece

log = logging.getLogger(__name__)

FORM = 1
NAMES_LIMIT = 2048
POSITION_LIMIT = 2**62
_SCHEMA = """
CREATE TABLE IF NOT EXISTS groups (
    id INTEGER PRIMARY KEY, lesson TEXT NOT NULL, rendition TEXT NOT NULL,
    used INTEGER NOT NULL, pin_day INTEGER, UNIQUE (lesson, rendition)
);
CREATE TABLE IF NOT EXISTS objects (
    name BLOB PRIMARY KEY, key TEXT NOT NULL, offset INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL, crc32 INTEGER NOT NULL, group_id INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS objects_of_group ON objects (group_id);
CREATE TABLE IF NOT EXISTS flags (name TEXT PRIMARY KEY) WITHOUT ROWID;
"""


class IndexDamaged(Exception):
    """The file is no index that can be read."""


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of a file."""

    piece: Piece
    group: Group
    crc32: int


class Index:
    """An open index. Raises sqlite3.Error when the disk does not do as it should."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._ids: dict[Group, int] = {}
        self._used = 0
        self.was_clean = False

    @classmethod
    def open(cls, path: Path) -> Index:
        """Open an index or make one. Raises: IndexDamaged, sqlite3.Error."""
        database = sqlite3.connect(path, isolation_level=None)
        try:
            return cls._opened(database)
        except sqlite3.DatabaseError as error:
            database.close()
            if is_damage(error):
                raise IndexDamaged(str(error)) from error
            raise
        except BaseException:
            database.close()
            raise

    @classmethod
    def open_to_read(cls, path: Path) -> Index:
        """Open an index on a disk that cannot be written. Raises: sqlite3.Error."""
        index = cls(open_to_read(path))
        index._read_groups()
        return index

    @classmethod
    def _opened(cls, database: sqlite3.Connection) -> Index:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        (form,) = database.execute("PRAGMA user_version").fetchone()
        if form not in (0, FORM):
            raise IndexDamaged(f"of another form: {form}")
        database.executescript(_SCHEMA + f"PRAGMA user_version={FORM};")
        index = cls(database)
        index.was_clean = database.execute("DELETE FROM flags").rowcount == 1
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.execute("PRAGMA synchronous=NORMAL")
        if not index.was_clean:
            index._examine()
        index._read_groups()
        return index

    def _examine(self) -> None:
        (found,) = self._database.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise IndexDamaged(found)

    def _read_groups(self) -> None:
        for number, lesson, rendition, used in self._database.execute(
            "SELECT id, lesson, rendition, used FROM groups"
        ):
            self._ids[Group(lesson, rendition)] = number
            self._used = max(self._used, used)

    def pins(self) -> list[tuple[Group, date]]:
        """Give the groups that must stay, and until when. Raises: sqlite3.Error, ValueError."""
        rows = self._database.execute(
            "SELECT lesson, rendition, pin_day FROM groups WHERE pin_day IS NOT NULL"
        )
        return [
            (Group(lesson, rendition), date.fromordinal(day)) for lesson, rendition, day in rows
        ]

    def pieces_of(self, group: Group) -> list[Piece]:
        """Give the pieces of a group."""
        rows = self._database.execute(
            "SELECT key, offset, size_bytes FROM objects WHERE group_id = ?",
            (self._ids.get(group),),
        )
        return [Piece(*row) for row in rows]

    def ledger_rows(self) -> Generator[Known, None, None]:
        """Give what a ledger begins with. Raises: IndexDamaged, sqlite3.Error."""
        try:
            with closing(self._database.cursor()) as cursor:
                for key, offset, size, lesson, rendition, used in cursor.execute(
                    "SELECT key, offset, size_bytes, lesson, rendition, used FROM objects"
                    " JOIN groups ON id = group_id ORDER BY group_id"
                ):
                    yield Known(Group(lesson, rendition), Piece(key, offset, size), used)
        except sqlite3.DatabaseError as error:
            if is_damage(error):
                raise IndexDamaged(str(error)) from error
            raise

    def row(self, piece: Piece) -> Row | None:
        """Give a piece's row."""
        found = self._database.execute(
            "SELECT crc32, lesson, rendition FROM objects JOIN groups ON id = group_id"
            " WHERE name = ?",
            (bytes.fromhex(piece.name),),
        ).fetchone()
        return Row(piece, Group(found[1], found[2]), found[0]) if found else None

    def named(self, prefix: str) -> dict[str, tuple[Group, Piece]]:
        """Give the pieces whose names begin with these two digits."""
        first = bytes.fromhex(prefix)
        rows = self._database.execute(
            "SELECT name, lesson, rendition, key, offset, size_bytes FROM objects"
            " JOIN groups ON id = group_id WHERE name BETWEEN ? AND ?",
            (first, first + b"\xff" * NAME_BYTES),
        )
        return {row[0].hex(): (Group(row[1], row[2]), Piece(*row[3:])) for row in rows}

    def put(self, row: Row) -> None:
        """Write a row."""
        self._change()
        piece = row.piece
        self._database.execute(
            "INSERT OR REPLACE INTO objects (name, key, offset, size_bytes, crc32, group_id)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (bytes.fromhex(piece.name), piece.key, piece.offset, piece.size_bytes, row.crc32,
             self._group(row.group)),
        )  # fmt: skip

    def drop(self, piece: Piece) -> None:
        """Remove a row."""
        self._change()
        name = bytes.fromhex(piece.name)
        self._database.execute("DELETE FROM objects WHERE name = ?", (name,))

    def use(self, group: Group) -> None:
        """Note that a group is the most recently used."""
        self._change()
        self._used += 1
        self._database.execute(
            "UPDATE groups SET used = ? WHERE id = ?", (self._used, self._group(group))
        )

    def pin(self, group: Group, until: date | None) -> None:
        """Note until which day a group must stay."""
        self._change()
        self._database.execute(
            "UPDATE groups SET pin_day = ? WHERE id = ?",
            (until.toordinal() if until else None, self._group(group)),
        )

    def commit(self) -> None:
        """Write what has changed."""
        if self._database.in_transaction:
            self._database.execute("COMMIT")

    def roll_back(self) -> None:
        """Forget what could not be written."""
        if self._database.in_transaction:
            self._database.execute("ROLLBACK")
        self._ids.clear()
        self._read_groups()

    def abandon(self) -> None:
        """Close without a word."""
        self._database.close()

    def close(self, *, clean: bool) -> None:
        """Write what has changed; say, durably, that every file is as its row says."""
        try:
            self.commit()
            if clean:
                self._database.execute("PRAGMA synchronous=FULL")
                self._database.execute("INSERT OR IGNORE INTO flags (name) VALUES ('clean')")
        finally:
            self._database.close()

    def _change(self) -> None:
        if not self._database.in_transaction:
            self._database.execute("BEGIN")

    def _group(self, group: Group) -> int:
        number = self._ids.get(group)
        if number is None:
            self._used += 1
            self._database.execute(
                "INSERT INTO groups (lesson, rendition, used) VALUES (?, ?, ?)",
                (group.lesson, group.rendition, self._used),
            )
            (number,) = self._database.execute("SELECT last_insert_rowid()").fetchone()
            self._ids[group] = number
        return number


def can_be_indexed(piece: Piece, group: Group) -> bool:
    """Tell whether SQLite has words for these; names and numbers come from the wire."""
    words = f"{piece.key}{group.lesson}{group.rendition}"
    try:
        words.encode()
    except UnicodeEncodeError:
        return False
    return len(words) <= NAMES_LIMIT and piece.end < POSITION_LIMIT
