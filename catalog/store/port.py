"""The object port: what Tongbu asks of a place that keeps bytes under keys.

A small core that a local directory and S3 both give (catalog/store/local.py, s3.py) and one
contract suite checks (tests/integration/store/). Objects are written once and never changed; a
reader sees a whole object or none. Pure declarations: no I/O here, so the data plane may import it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from catalog.errors import TongbuError

KEY_LIMIT_BYTES = 512


class StoreError(TongbuError):
    """Root of the object store's errors."""


class ObjectMissing(StoreError):
    """No object under that key."""


class StoreFull(StoreError):
    """The store has no room; free some and try again."""


class StoreAway(StoreError):
    """The store does not answer; the same call may work soon."""


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """Size in bytes and the wall time of writing (Unix seconds) of one object."""

    key: str
    size_bytes: int
    modified_utc: float


class ObjectStore(Protocol):
    """Keys are relative, '/'-separated, made by catalog/store/keys.py only."""

    async def put_file(self, key: str, path: Path, content_type: str) -> None:
        """Store the file's bytes whole under key; durable when this returns. Same key: replaced."""

    async def put_bytes(self, key: str, body: bytes, content_type: str) -> None:
        """Store body whole under key; durable when this returns."""

    def read(
        self, key: str, offset: int = 0, length: int | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open length bytes from offset as chunks of at most 256 KiB; closing early frees all.

        Raises: ObjectMissing, StoreAway on entry; StoreAway while iterating when the source breaks.
        """

    async def local_path(self, key: str) -> Path | None:
        """Path of the object's file when the store keeps it as one here (sendfile), else None."""

    async def fetch(self, key: str, path: Path) -> None:
        """Copy the object to a new local file without holding it in memory."""

    async def info(self, key: str) -> ObjectInfo:
        """Size and age. Raises: ObjectMissing, StoreAway."""

    async def delete(self, key: str) -> None:
        """Remove the object; a missing one is no error."""

    def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """All objects whose key begins with prefix, each once.

        Ordered by key, except that some stores put what lies below `a/` before `a-1`.
        """

    async def check(self) -> None:
        """Prove that the store can be written and read now. Raises: StoreError with what to do."""

    async def close(self) -> None:
        """Free connections and threads."""


@runtime_checkable
class FileTaker(Protocol):
    """What some stores can do besides."""

    async def take_file(self, key: str, path: Path, content_type: str) -> None:
        """Store the file as `put_file` does, without a copy where that can be.

        The file may be the object's own afterwards: remove its name, but write to it no more.
        """
