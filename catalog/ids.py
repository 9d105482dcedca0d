"""Identifiers: 20 characters of Crockford base32, sortable by the time they were made.

48 bits of milliseconds since 1970 and 52 random bits. Only the service makes them; `is_id` is the
gate for everything that arrives from outside: no path or key is ever built from foreign text.
"""

from __future__ import annotations

import re
import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_FORM = re.compile(r"[0-9a-hjkmnp-tv-z]{20}")
_RANDOM_BITS = 52


def make_id(now_ms: int, random_bits: int) -> str:
    """Encode a time in Unix milliseconds and 52 random bits, most significant first."""
    value = (now_ms & ((1 << 48) - 1)) << _RANDOM_BITS | random_bits & ((1 << _RANDOM_BITS) - 1)
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(95, -1, -5))


def new_id() -> str:
    """Make a fresh identifier from the wall clock and the system's random source."""
    return make_id(time.time_ns() // 1_000_000, secrets.randbits(_RANDOM_BITS))


def is_id(text: str) -> bool:
    """Tell whether text has the form of an identifier."""
    return _FORM.fullmatch(text) is not None
