"""What is wrong with a disk, from what it says. Pure."""

from __future__ import annotations

import errno
import sqlite3
from enum import Enum

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_SQLITE_READ_ONLY = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN})

DiskError = (OSError, sqlite3.Error)


class ShelfState(Enum):
    """Whether what comes is kept, and if not, why; the value labels metrics."""

    CLOSED = "closed"
    KEEPING = "keeping"
    FULL = "full"
    READ_ONLY = "read_only"
    FAILING = "failing"


def state_after(error: BaseException) -> ShelfState:
    """Say how the disk is after this error."""
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            return ShelfState.FULL
        return ShelfState.READ_ONLY if code in _SQLITE_READ_ONLY else ShelfState.FAILING
    number = error.errno if isinstance(error, OSError) else None
    if number in _FULL:
        return ShelfState.FULL
    return ShelfState.READ_ONLY if number in _READ_ONLY else ShelfState.FAILING


def told(error: BaseException) -> str:
    """Say what a person can do about it."""
    advice = {
        ShelfState.FULL: "the disk is full: free some room, or give the box a smaller budget",
        ShelfState.READ_ONLY: "the disk cannot be written: look at its mount and its rights",
    }
    fallback = "the disk fails: look at it, or change it"
    return f"{advice.get(state_after(error), fallback)} ({type(error).__name__}: {error})"[:300]
