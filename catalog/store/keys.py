"""Layout of the object store, in one place. Every part is an identifier of our making or a number.

source/{lesson}/{generation}                        what the teacher uploaded, byte for byte
media/{lesson}/{generation}/{name}/{n}-a{attempt}.mp4   CMAF: init, then segments n, n+1, …
media/{lesson}/{generation}/{name}/{n}-t{ticks}.mp4     one recorded segment n, without init; ticks
                                                    is how far its time was moved (row by row)
side/{lesson}/{generation}/{kind}-a{attempt}-{i}    poster, sprites
check/{id}                                          proof that the store works, gone at once
"""

from __future__ import annotations

import re

from catalog.store.port import KEY_LIMIT_BYTES

_FORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")


def source_key(lesson: str, generation: int) -> str:
    """Key of an uploaded source."""
    return f"source/{lesson}/{generation}"


def media_key(lesson: str, generation: int, name: str, number: int, attempt: int) -> str:
    """Key of a media object whose first segment has this number; attempts never share a key."""
    return f"media/{lesson}/{generation}/{name}/{number:06d}-a{attempt}.mp4"


def side_key(lesson: str, generation: int, kind: str, attempt: int, index: int) -> str:
    """Key of a poster, sprite or other side product."""
    return f"side/{lesson}/{generation}/{kind}-a{attempt}-{index}"


def check_key(identifier: str) -> str:
    """Key of a proof object."""
    return f"check/{identifier}"


def is_key(key: str) -> bool:
    """Tell whether key has a form that this layout can give: no empty, hidden or upward part."""
    return len(key) <= KEY_LIMIT_BYTES and _FORM.fullmatch(key) is not None


def require_key(key: str) -> str:
    """Give key back when it is one of ours. Raises: ValueError."""
    if not is_key(key):
        raise ValueError(f"not a key of the object store: {key[:80]!r}")
    return key


def require_prefix(prefix: str) -> str:
    """Give prefix back when keys of ours can begin with it. Raises: ValueError."""
    if prefix and not is_key(prefix.removesuffix("/")):
        raise ValueError(f"not a prefix of the object store: {prefix[:80]!r}")
    return prefix
