"""What a door gives for a request: an answer whose head is ready, and a body of one of three kinds.

A door answers what it can at once, from memory; what it has to wait for it gives as an awaitable.
What it does not know, and every error, is left to the application behind it (None): there is one
place that tells errors.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Protocol

from streaming.hot.head import Head, Refused
from streaming.vod.reply import Reply


class Broken(Enum):
    """Who broke off a body; the value labels metrics."""

    VIEWER = "viewer"
    STORE = "store"


Done = Callable[[int, Broken | None, float], None]
Chunks = AbstractAsyncContextManager[AsyncIterator[bytes]]


def never() -> bool:
    """Hold nothing again."""
    return False


@dataclass(slots=True)
class FileSlice:
    """Bytes of an open file; `release` is called once when they are no longer needed.

    `hold` tells whether they may be sent once more, to be released once more; else they are asked
    for anew. Read-only, though not frozen: that would cost 0.3 µs for each object that is sent.
    """

    fd: int
    offset: int
    size_bytes: int
    release: Callable[[], None]
    hold: Callable[[], bool] = never


@dataclass(slots=True)
class Answer:
    """`head`: status line and fields, each with its CRLF; X-Request-Id, Date and Connection are
    added. Read-only: it may be given again and again, with a file that is held again each time.

    `length` is what the body must have. `done` is told how many bytes of it went out, who broke it
    off if anyone did, and how long it took in seconds until it began.
    """

    head: bytes
    length: int
    body: bytes | FileSlice | Chunks | None
    done: Done


Found = Answer | Awaitable[Answer | None] | None


class Viewer(Protocol):
    """Who asks on a connection."""

    @property
    def address(self) -> str:
        """The other side's address, without a port."""


class Door(Protocol):
    """Answers some requests: GET and HEAD without a body."""

    def find(self, head: Head, viewer: Viewer) -> Found:
        """Answer, promise an answer, or give None: the application answers. Never blocks."""


class Doors:
    """Several doors, by how the path begins; `close` gives back what they hold."""

    def __init__(self, doors: dict[str, Door], close: Callable[[], None]) -> None:
        self._doors = tuple(doors.items())
        self.close = close

    def find(self, head: Head, viewer: Viewer) -> Found:
        """Ask the door of the target's prefix."""
        for prefix, door in self._doors:
            if head.target.startswith(prefix):
                return door.find(head, viewer)
        return None


_REASONS = {status.value: status.phrase for status in HTTPStatus}


def head_of(reply: Reply, also: bytes) -> bytes:
    """Render a reply's head; `also` holds fields that every answer of a door has."""
    lines = [f"HTTP/1.1 {reply.status} {_REASONS[reply.status]}"]
    lines += [f"{name}: {value}" for name, value in reply.headers.items()]
    if reply.status != 304:
        lines.append(f"Content-Length: {reply.length}")
    return "\r\n".join([*lines, ""]).encode("latin-1") + also


def fields_of(headers: dict[str, str]) -> bytes:
    """Render fields that do not change."""
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1")


def refusal(refused: Refused) -> tuple[bytes, bytes]:
    """Render the head and the body of the answer to what is no request."""
    body = f"{refused.reason}\n".encode()
    head = (
        f"HTTP/1.1 {refused.status} {_REASONS[refused.status]}\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        f"Cache-Control: no-store\r\nContent-Length: {len(body)}\r\n"
    )
    return head.encode(), body
