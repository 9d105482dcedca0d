"""Errors of the data plane.

TongbuError
└── StreamingError
    ├── BadMedia     bytes that are no CMAF track of ours
    ├── BadPlaylist  text that is no playlist
    └── Ended        a live feed that takes no more
"""

from __future__ import annotations

from catalog.errors import TongbuError


class StreamingError(TongbuError):
    """Root of the data plane's errors."""


class BadMedia(StreamingError):
    """These bytes are not a CMAF track, or break a limit."""


class BadPlaylist(StreamingError):
    """This text is not a playlist that a player may trust."""


class Ended(StreamingError):
    """This feed has ended; open another session to go on."""
