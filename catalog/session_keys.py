"""Publishing keys: what an encoder must know to send a session's picture. Pure.

A teacher has to see the key again, so a digest alone cannot be kept, and in clear it would lie in
every row. So it is kept nowhere: it is the HMAC of session, feed and a version number under one
secret of the installation. "New key" counts the version up; the old key is dead at once.

What an encoder is given is `{session}-{key}` (and `{session}-{feed}-{key}` for other feeds than the
main one): one text without `/`, `?` or `&`, which passes as an RTMP stream name, an SRT stream id
and a query parameter alike.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import sha256

from catalog.ids import is_id
from catalog.live import FeedName

SECRET_BYTES = 32
KEY_CHARS = 24
STREAM_LIMIT_CHARS = 64
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def publishing_key(secret: bytes, session: str, feed: FeedName, version: int) -> str:
    """Give the key of one feed: 24 characters, 120 bits."""
    text = f"publish/{session}/{feed.value}/{version}"
    digest = hmac.digest(secret, text.encode(), sha256)
    return "".join(_ALPHABET[byte & 31] for byte in digest[:KEY_CHARS])


def same_key(wanted: str, given: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(wanted.encode(), given.encode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class StreamName:
    """What an encoder names: a session's feed, and the key that it claims to know."""

    session: str
    feed: FeedName
    key: str

    def __str__(self) -> str:
        middle = "" if self.feed is FeedName.MAIN else f"{self.feed.value}-"
        return f"{self.session}-{middle}{self.key}"


def read_stream_name(text: str) -> StreamName | None:
    """Take a stream name apart; None when it has not the form of one."""
    if len(text) > STREAM_LIMIT_CHARS:
        return None
    match text.split("-"):
        case [session, key] if is_id(session) and key:
            return StreamName(session, FeedName.MAIN, key)
        case [session, feed, key] if is_id(session) and key and feed in _OTHERS:
            return StreamName(session, FeedName(feed), key)
    return None


_OTHERS = frozenset({FeedName.FLOOR.value, FeedName.SECOND.value})
