"""Shelves of tests: small, quick, and looked at from outside."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from random import Random

from streaming.edge.disk import Disk
from streaming.edge.piece import Group, Piece
from streaming.edge.shelf import Shelf, ShelfSettings
from tests.support.wait import eventually

QUICK = ShelfSettings(commit_s=0.02, retry_s=0.05, sweep_pause_s=0.0, min_free_bytes=0)
TODAY = date(2026, 11, 26)
MIB = 1024 * 1024


def no_sync() -> None:
    """Leave the machine's disks alone."""


def group_of(number: int = 0) -> Group:
    return Group(f"lesson{number}", "360p")


def piece_of(number: int, size_bytes: int = 1000, group: int = 0) -> Piece:
    """Give segment `number` of a lesson."""
    return Piece(f"media/{group}/1/360p/000000-a1.mp4", number * 2**32, size_bytes)


def bytes_of(piece: Piece) -> bytes:
    """Give the bytes that are right for a piece."""
    return Random(piece.name).randbytes(piece.size_bytes)


def shelf_at(
    path: Path, budget_bytes: int = MIB, settings: ShelfSettings = QUICK,
    clock: Callable[[], float] = time.monotonic,
) -> Shelf:  # fmt: skip
    return Shelf(path, budget_bytes, settings, clock, today=lambda: TODAY, sync=no_sync)


def disk_at(path: Path, budget_bytes: int = MIB, today: Callable[[], date] = lambda: TODAY) -> Disk:
    return Disk(path, budget_bytes, today, sync=no_sync)


def keep(disk: Disk, piece: Piece, group: Group) -> None:
    """Write a piece whole."""
    half = disk.start(piece, group)
    half.write(bytes_of(piece))
    disk.keep(half)


async def put(shelf: Shelf, piece: Piece, group: Group, data: bytes | None = None) -> bool:
    """Write a piece as a fill does."""
    writer = shelf.begin(piece, group)
    body = bytes_of(piece) if data is None else data
    for at in range(0, len(body), 300_000):
        writer.write(body[at : at + 300_000])
    return await writer.commit()


async def read(shelf: Shelf, piece: Piece) -> bytes | None:
    """Read a piece whole; None when it is not there."""
    kept = await shelf.get(piece)
    if kept is None:
        return None
    with kept:
        return await asyncio.to_thread(os.pread, kept.fd, kept.size_bytes + 1, 0)


def file_of(path: Path, piece: Piece) -> Path:
    return path / "objects" / piece.name[:2] / piece.name


def files_in(path: Path) -> dict[str, int]:
    """Give names and sizes of all files of pieces, half ones too."""
    found = (file for file in (path / "objects").rglob("*") if file.is_file())
    return {file.name: file.stat().st_size for file in found}


def rows_in(path: Path) -> dict[str, int]:
    """Give names and sizes of all rows."""
    with closing(sqlite3.connect(path / "index.sqlite")) as database:
        rows = database.execute("SELECT name, size_bytes FROM objects").fetchall()
    return {name.hex(): size for name, size in rows}


def change_rows(path: Path, statement: str) -> None:
    """Change the index from outside."""
    with closing(sqlite3.connect(path / "index.sqlite")) as database:
        database.execute(statement)
        database.commit()


async def soon(holds: Callable[[], bool]) -> None:
    """Wait until what is looked at off the loop holds."""
    await eventually(lambda: asyncio.to_thread(holds))
