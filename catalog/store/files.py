"""File work that the local store does in its threads: copies, directories, scans. No asyncio."""

from __future__ import annotations

import errno
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from catalog.store.port import ObjectInfo

COPY_BYTES = 8 * 1024 * 1024
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NOT_HERE = frozenset({errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM})


class Stopped(Exception):
    """The one who asked for the copy has gone."""


def copy_between(source: BinaryIO, target: BinaryIO, stop: threading.Event) -> None:
    """Copy all of source behind target's end, in the kernel where it can. Raises: Stopped."""
    in_kernel = True
    while True:
        if stop.is_set():
            raise Stopped
        if in_kernel:
            try:
                moved = os.copy_file_range(source.fileno(), target.fileno(), COPY_BYTES)
            except OSError as error:
                if error.errno not in _NOT_HERE:
                    raise
                in_kernel = False
                continue
        else:
            piece = os.read(source.fileno(), COPY_BYTES // 8)
            moved = len(piece)
            _write_all(target.fileno(), piece)
        if moved == 0:
            return


def _write_all(descriptor: int, piece: bytes) -> None:
    rest = memoryview(piece)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def make_directories(root: Path, directory: Path) -> None:
    """Make what is missing between root and directory, each durable in the one above.

    Another may make or take one at the same moment; who then finds none tries again.
    """
    at = root
    for part in directory.relative_to(root).parts:
        above, at = at, at / part
        if not at.is_dir():
            # mkdir(exist_ok=True) raises when what it met has gone before it looks.
            with suppress(FileExistsError):
                at.mkdir()
            sync_directory(above)


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def scan(root: Path, folder: str) -> list[str | ObjectInfo]:
    """One directory in key order: folders as text, files as what is known of them.

    A folder is ordered as if its name ended in '/', which is where its keys stand among the others.
    """
    found: list[tuple[str, str | ObjectInfo]] = []
    base = f"{folder}/" if folder else ""
    try:
        with os.scandir(root / folder) as entries:
            for entry in entries:
                if not entry.name.startswith("."):
                    found.append(_entry(base + entry.name, entry))
    except FileNotFoundError:
        return []
    found = [item for item in found if item[0]]
    return [entry for _, entry in sorted(found, key=lambda item: item[0])]


def _entry(key: str, entry: os.DirEntry[str]) -> tuple[str, str | ObjectInfo]:
    try:
        if entry.is_dir(follow_symlinks=False):
            return f"{key}/", key
        seen = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return "", key
    return key, ObjectInfo(key, seen.st_size, seen.st_mtime)
