"""Disks that are full: small ones that others fill, and files of this process that may not grow."""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

STEP_BYTES = 1024 * 1024


@contextmanager
def file_size_limit(size_bytes: int) -> Iterator[None]:
    """Let no file of this process, and of those it starts, grow beyond."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def mount(path: Path, options: str) -> bool:
    """Mount a small file system, or change how it is mounted; tell whether that is allowed."""
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@contextmanager
def small_disk(path: Path, size_bytes: int) -> Iterator[Path]:
    """A disk of that size, in memory, as a directory that is made. Skips where none may be."""
    path.mkdir()
    if not mount(path, f"size={size_bytes}"):
        pytest.skip("this machine does not let tests mount a file system")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


@asynccontextmanager
async def others_fill(disk: Path, leave_bytes: int) -> AsyncIterator[None]:
    """Let somebody else take what is free but for some, and make room again after the block."""
    other = disk / "other"
    await asyncio.to_thread(_fill, other, leave_bytes)
    try:
        yield
    finally:
        await asyncio.to_thread(other.unlink)


def _fill(path: Path, leave_bytes: int) -> None:
    with path.open("wb") as file:
        size_bytes = 0
        while (more := min(STEP_BYTES, free_bytes(path.parent) - leave_bytes)) > 0:
            os.posix_fallocate(file.fileno(), size_bytes, more)
            size_bytes += more


def free_bytes(path: Path) -> int:
    """Give the room that is left."""
    seen = os.statvfs(path)
    return seen.f_bavail * seen.f_frsize
