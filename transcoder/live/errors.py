"""Errors of live ingest.

TranscoderError
└── LiveError
    ├── BadContribution  bytes of a publisher that break their protocol or a limit
    └── Refused          a publisher that may not publish now; `why` is a code of `Refusal`
"""

from __future__ import annotations

from enum import Enum

from transcoder.errors import TranscoderError


class LiveError(TranscoderError):
    """Root of the errors of live ingest."""


class BadContribution(LiveError):
    """A publisher's bytes are not what its protocol says."""


class Refusal(Enum):
    """Why a publisher is turned away; the value is what the wire says."""

    KEY = "key"
    BUSY = "busy"
    CAPACITY = "capacity"
    HELLO = "hello"
    TRIES = "tries"
    ENDED = "ended"
    AWAY = "away"


class Refused(LiveError):
    """This publisher may not publish now; the message is a sentence for a person."""

    def __init__(self, why: Refusal, message: str) -> None:
        super().__init__(message)
        self.why = why
