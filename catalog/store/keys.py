"""Layout of the object store, in one place. Every part is an identifier of our making or a number.

source/{lesson}/{generation}                        what the teacher uploaded, byte for byte
media/{lesson}/{generation}/{name}/{n}-a{attempt}.mp4   CMAF: init, then segments n, n+1, …
side/{lesson}/{generation}/{kind}-a{attempt}-{i}    poster, sprites
"""

from __future__ import annotations


def source_key(lesson: str, generation: int) -> str:
    """Key of an uploaded source."""
    return f"source/{lesson}/{generation}"


def media_key(lesson: str, generation: int, name: str, number: int, attempt: int) -> str:
    """Key of a media object whose first segment has this number; attempts never share a key."""
    return f"media/{lesson}/{generation}/{name}/{number:06d}-a{attempt}.mp4"


def side_key(lesson: str, generation: int, kind: str, attempt: int, index: int) -> str:
    """Key of a poster, sprite or other side product."""
    return f"side/{lesson}/{generation}/{kind}-a{attempt}-{index}"
