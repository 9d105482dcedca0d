"""Files, index and ledger of the shelf, as one thread sees them: nothing here waits for another.

objects/ab/<name>    the body of a piece and nothing else, so that it can be sent as it is
objects/.tmp/        pieces that come; renamed into place when their size is right
index.sqlite         index.py

Room is made before a piece is written. Nothing is synced: after an unclean stop a file is compared
with its row's CRC before it is given out for the first time, and removed when it differs; files
without a row and rows without a file go when their folder is swept.
"""

from __future__ import annotations

import errno
import logging
import os
import secrets
import shutil
import sqlite3
import stat
import zlib
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from datetime import date
from pathlib import Path

from streaming.edge.eviction import Held, Ledger, Victim
from streaming.edge.half import Half
from streaming.edge.index import Index, IndexDamaged, Row
from streaming.edge.keptfile import remove_kept
from streaming.edge.piece import Group, Piece
from streaming.edge.trouble import DiskError

log = logging.getLogger(__name__)

UNFINISHED = ".tmp"
PREFIXES = tuple(f"{number:02x}" for number in range(256))
READ_BYTES = 1024 * 1024
PROBE_BYTES = 64 * 1024
_OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW


class NoRoom(Exception):
    """The budget has no room for this piece, however much goes."""


class Disk:
    """What is on the shelf. `gone` gathers what was removed, for whoever holds it open."""

    def __init__(
        self,
        root: Path,
        budget_bytes: int,
        today: Callable[[], date] = date.today,
        min_free_bytes: int = 0,
        sync: Callable[[], None] = os.sync,
    ) -> None:
        self._objects = root / "objects"
        self._index_path = root / "index.sqlite"
        self._budget_bytes = budget_bytes
        self._today = today
        self._min_free_bytes = min_free_bytes
        self._sync = sync
        self._ledger = Ledger(budget_bytes)
        self._index: Index | None = None
        self._proven: set[int] = set()
        self._all_proven = False
        self.gone: deque[Piece] = deque()
        self.kept = self.evicted = self.checked = self.damaged = 0

    @property
    def size_bytes(self) -> int:
        """Bytes of all pieces that are here or have their room."""
        return self._ledger.size_bytes

    @property
    def budget_bytes(self) -> int:
        """What may be kept: what was allowed, or less when the file system has less."""
        return self._ledger.budget_bytes

    def open(self) -> None:
        """Take what is there. What cannot be written may still be read.

        Raises: OSError, sqlite3.Error.
        """
        with suppress(sqlite3.Error):
            self.close(clean=False)
        self._all_proven = False
        self._proven.clear()
        try:
            shutil.rmtree(self._objects / UNFINISHED, ignore_errors=True)
            (self._objects / UNFINISHED).mkdir(parents=True, exist_ok=True)
            self._index, self._ledger = self._open_index()
        except DiskError:
            with suppress(*DiskError, IndexDamaged):
                self._index, self._ledger = self._load(Index.open_to_read(self._index_path))
            raise
        if not self._ledger.size_bytes and not self._index.was_clean:
            self._clear()
        self._all_proven = self._index.was_clean or not self._ledger.size_bytes
        self._fit()

    def recover(self, *, full: bool) -> None:
        """Try the disk again after trouble. Raises: OSError, sqlite3.Error."""
        if not full or self._index is None:
            self.open()
        else:
            self._index.roll_back()
            self._fit()
        self._require_room()
        probe = self._objects / UNFINISHED / secrets.token_hex(12)
        try:
            probe.write_bytes(bytes(PROBE_BYTES))
        finally:
            probe.unlink(missing_ok=True)

    def start(self, piece: Piece, group: Group) -> Half:
        """Make room for a piece and begin to write it. Raises: NoRoom, OSError, sqlite3.Error."""
        if self._ledger.holds(group, piece):
            if self._is_there(piece):
                raise NoRoom(f"{piece.key} is here already")
            self._remove(group, piece)
        victims = self._ledger.put(group, piece, self._today())
        if victims is None:
            raise NoRoom(f"no room for {piece.size_bytes} bytes in {self.budget_bytes}")
        try:
            self._remove_victims(victims)
            name = f"{piece.name}-{secrets.token_hex(4)}"
            return Half(piece, group, self._objects / UNFINISHED / name)
        except DiskError:
            self._forget(group, piece)
            raise

    def keep(self, half: Half) -> None:
        """Put a piece in its place, and its row after it.

        Raises: NoRoom when it has lost its room meanwhile; OSError, sqlite3.Error.
        """
        if not half.whole:
            raise OSError(f"{half.piece.key}: {half.size_bytes} bytes came")
        if not self._ledger.holds(half.group, half.piece):
            raise NoRoom(f"{half.piece.key}: others needed the room")
        half.move(self._path(half.piece))
        self._trust(half.piece)
        self.kept += 1
        self._opened().put(Row(half.piece, half.group, half.crc32))

    def give_up(self, half: Half) -> None:
        """Remove a piece that will not be whole. Raises: OSError."""
        self._forget(half.group, half.piece)
        half.remove()

    def is_proven(self, piece: Piece) -> bool:
        """Tell whether a piece's file may be given out as it is; any thread may ask."""
        return self._all_proven or _mark(piece) in self._proven

    def open_file(self, piece: Piece) -> int | None:
        """Give a descriptor of a piece's file; any thread may ask. Raises: OSError."""
        try:
            fd = os.open(self._path(piece), _OPEN)
        except FileNotFoundError:
            return None
        seen = os.fstat(fd)
        if stat.S_ISREG(seen.st_mode) and seen.st_size == piece.size_bytes:
            return fd
        os.close(fd)
        return None

    def prove(self, piece: Piece) -> bool:
        """Compare a file with its row; what differs is removed. Raises: OSError, sqlite3.Error."""
        if self.is_proven(piece):
            return True
        row = self._opened().row(piece)
        found = self._crc32(piece)
        if row is not None and row.crc32 == found:
            self._trust(piece)
            return True
        if found is not None:
            self.damaged += 1
            log.warning("%s at %d is damaged on disk and removed", piece.key, piece.offset)
        if row is not None:
            self._remove(row.group, piece)
        else:
            self._path(piece).unlink(missing_ok=True)
        return False

    def tend(self, used: Iterable[Piece], doubtful: Iterable[Piece]) -> None:
        """Note what was used, look after what was not found and after the room that is left, and
        write the rows of the last moments.

        Raises: OSError, also when others have left no room at all; sqlite3.Error.
        """
        index = self._opened()
        rows = (index.row(piece) for piece in used)
        for group in {row.group: None for row in rows if row is not None}:
            index.use(group)
            with suppress(KeyError):
                self._ledger.touch(group)
        for piece in doubtful:
            row = index.row(piece)
            if row is not None and not self._is_there(piece):
                self._remove(row.group, piece)
        self._fit()
        index.commit()
        self._require_room()

    def pin(self, group: Group, last_day: date | None) -> None:
        """Keep a group until a day is over; None lets it go. Raises: OSError, sqlite3.Error."""
        self._opened().pin(group, last_day)
        if last_day is None:
            self._ledger.unpin(group)
        else:
            self._ledger.pin(group, last_day)

    def sweep(self, prefix: str) -> None:
        """Remove what has no row, or no file. Raises: OSError, sqlite3.Error."""
        rows = self._opened().named(prefix)
        sizes = _sizes(self._objects / prefix)
        for name in sizes.keys() - rows.keys():
            (self._objects / prefix / name).unlink(missing_ok=True)
        for name, (group, piece) in rows.items():
            if sizes.get(name) != piece.size_bytes:
                self._remove(group, piece)

    def size_of(self, group: Group) -> int:
        """Say how many bytes of a group are here or have their room; any thread may ask."""
        try:
            return self._ledger.group_bytes(group)
        except KeyError:
            return 0

    def pieces(self, group: Group) -> list[Piece]:
        """Give the pieces of a group that are here."""
        return [] if self._index is None else self._index.pieces_of(group)

    def contents(self) -> list[Held]:
        """Give all groups, the most recently used first."""
        return list(self._ledger.groups())

    def close(self, *, clean: bool) -> None:
        """Close; `clean` vouches for all files, so they are synced first. Raises: sqlite3.Error."""
        index, self._index = self._index, None
        if index is not None:
            clean = clean and self._all_proven
            if clean:
                self._sync()
            index.close(clean=clean)

    def _open_index(self) -> tuple[Index, Ledger]:
        try:
            return self._load(Index.open(self._index_path))
        except IndexDamaged as error:
            log.warning("the shelf's index is damaged and begun anew, empty: %s", error)
        remove_kept(self._index_path)
        self._clear()
        return self._load(Index.open(self._index_path))

    def _load(self, index: Index) -> tuple[Index, Ledger]:
        try:
            with closing(index.ledger_rows()) as rows:
                ledger = Ledger(self._budget_bytes, rows)
            ledger.repin(index.pins())
        except (ValueError, TypeError, OverflowError) as error:
            index.abandon()
            raise IndexDamaged(str(error)) from error
        except (IndexDamaged, *DiskError):
            index.abandon()
            raise
        return index, ledger

    def _clear(self) -> None:
        for prefix in PREFIXES:
            shutil.rmtree(self._objects / prefix, ignore_errors=True)

    def _fit(self) -> None:
        """Keep within the budget, and within what the file system has."""
        ledger, today = self._ledger, self._today()
        seen = os.statvfs(self._objects)
        free_bytes = seen.f_bavail * seen.f_frsize - self._min_free_bytes
        ledger.budget_bytes = max(0, min(self._budget_bytes, ledger.size_bytes + free_bytes))
        victims = ledger.victims(0, today)
        if victims is None:
            log.warning("what is pinned does not fit the shelf any more and may go")
            ledger.repin(())
            victims = ledger.victims(0, today) or ()
        for victim in victims:
            ledger.forget(victim.group, victim.piece)
        self._remove_victims(victims)

    def _require_room(self) -> None:
        """Raises: OSError when others have left nothing: to keep nothing is not to be well."""
        if self._budget_bytes and not self.budget_bytes:
            raise OSError(errno.ENOSPC, "others have left no room")

    def _remove_victims(self, victims: Iterable[Victim]) -> None:
        for victim in victims:
            self.evicted += 1
            self._remove(victim.group, victim.piece)

    def _remove(self, group: Group, piece: Piece) -> None:
        self.gone.append(piece)
        self._proven.discard(_mark(piece))
        self._path(piece).unlink(missing_ok=True)
        self._forget(group, piece)
        self._opened().drop(piece)

    def _forget(self, group: Group, piece: Piece) -> None:
        if self._ledger.holds(group, piece):
            self._ledger.forget(group, piece)

    def _crc32(self, piece: Piece) -> int | None:
        fd = self.open_file(piece)
        if fd is None:
            return None
        self.checked += 1
        crc32 = 0
        with os.fdopen(fd, "rb", buffering=0) as file:
            while data := file.read(READ_BYTES):
                crc32 = zlib.crc32(data, crc32)
        return crc32

    def _is_there(self, piece: Piece) -> bool:
        fd = self.open_file(piece)
        if fd is not None:
            os.close(fd)
        return fd is not None

    def _trust(self, piece: Piece) -> None:
        if not self._all_proven:
            self._proven.add(_mark(piece))

    def _opened(self) -> Index:
        if self._index is None:
            raise OSError("the shelf's index is not open")
        return self._index

    def _path(self, piece: Piece) -> Path:
        name = piece.name
        return self._objects / name[:2] / name


def _mark(piece: Piece) -> int:
    """Name a piece in few bytes of memory."""
    return int(piece.name[:16], 16)


def _sizes(folder: Path) -> dict[str, int]:
    """Give the sizes of a folder's files."""
    found: dict[str, int] = {}
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            found[entry.name] = entry.stat(follow_symlinks=False).st_size
    return found
