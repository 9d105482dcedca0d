"""Errors of a room.

StreamingError
└── RoomError
    └── Refused      a member asked for what is not possible now; the room goes on
"""

from __future__ import annotations

from enum import Enum

from streaming.errors import StreamingError


class Reason(Enum):
    """Why a message was refused; pages have words for each."""

    UNREADABLE = "unreadable"
    NO_RIGHT = "no_right"
    NOT_NOW = "not_now"
    UNKNOWN = "unknown"
    TOO_MANY = "too_many"
    TOO_FAST = "too_fast"
    TOO_LONG = "too_long"


class RoomError(StreamingError):
    """Root of a room's errors."""


class Refused(RoomError):
    """What a member asked for is not done; the message says what to do instead.

    `to` is the type of the message that was refused, where it could be read.
    """

    def __init__(self, reason: Reason, message: str, to: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.to = to
