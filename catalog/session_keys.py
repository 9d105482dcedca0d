"""Publishing keys: what an encoder must know to send a session's picture. Pure.

A teacher has to see the key again, so a digest alone cannot be kept, and in clear it would lie in
every row. So it is kept nowhere: it is the HMAC of session, feed and a version number under one
secret of the installation. "New key" counts the version up; the old key is dead at once.
"""

from __future__ import annotations

import hmac
from hashlib import sha256

from catalog.live import FeedName

SECRET_BYTES = 32
KEY_CHARS = 24
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def publishing_key(secret: bytes, session: str, feed: FeedName, version: int) -> str:
    """Give the key of one feed: 24 characters (120 bits) that need no escaping in an address."""
    text = f"publish/{session}/{feed.value}/{version}"
    digest = hmac.digest(secret, text.encode(), sha256)
    return "".join(_ALPHABET[byte & 31] for byte in digest[:KEY_CHARS])


def same_key(wanted: str, given: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(wanted.encode(), given.encode("utf-8", "replace"))
