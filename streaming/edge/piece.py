"""What the box keeps: pieces of media objects, and the groups that go together. Pure.

A piece never changes: other bytes have another key. Its name is the file that the shelf keeps it
in; keys come from the wire and are never part of a path.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

NAME_BYTES = 16


@dataclass(frozen=True, slots=True, order=True)
class Piece:
    """`size_bytes` bytes from `offset` of the media object at `key`: one init or one segment."""

    key: str
    offset: int
    size_bytes: int

    def __post_init__(self) -> None:
        if self.offset < 0 or self.size_bytes <= 0:
            raise ValueError(f"{self.key}: no piece of {self.size_bytes} bytes at {self.offset}")

    @property
    def end(self) -> int:
        """Where the next piece of the object begins."""
        return self.offset + self.size_bytes

    @property
    def name(self) -> str:
        """Name of its file: 32 hexadecimal digits, the same on every box and after a restart."""
        meant = f"{self.offset}+{self.size_bytes}@{self.key}".encode("utf-8", "surrogatepass")
        return blake2b(meant, digest_size=NAME_BYTES).hexdigest()


@dataclass(frozen=True, slots=True, order=True)
class Group:
    """What is used, pinned and evicted together: a rendition (by its id) of a lesson or session."""

    lesson: str
    rendition: str
