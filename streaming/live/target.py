"""What a path below /live names. Pure.

{session}/multivariant.m3u8   {session}/{rendition}.m3u8   {session}/stream   {session}/relay
{session}/{rendition}/init-{run}.mp4   {msn}.m4s   {msn}.{part}.m4s
Feeds other than main stand one level lower: {session}/floor/multivariant.m3u8
A token may stand in front, so that relative URLs keep it: {session}/t/{token}/{rendition}.m3u8
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from catalog.live import FeedName
from catalog.tokens import TOKEN_LIMIT_CHARS

NUMBER_LIMIT_DIGITS = 9


class Kind(Enum):
    """What is asked for; the value labels metrics."""

    MULTIVARIANT = "multivariant"
    PLAYLIST = "playlist"
    INIT = "init"
    SEGMENT = "segment"
    PART = "part"
    STREAM = "stream"
    RELAY = "relay"


@dataclass(frozen=True, slots=True)
class Target:
    """One resource of a session's feed."""

    session: str
    feed: FeedName
    kind: Kind
    rendition: str = ""
    number: int = 0
    part: int = 0
    token: str | None = None


_N = f"(?:0|[1-9][0-9]{{0,{NUMBER_LIMIT_DIGITS - 1}}})"
_RENDITION = "(?P<rendition>[a-z0-9][a-z0-9-]{0,31})"
_FORMS: dict[Kind, str] = {
    Kind.PART: rf"{_RENDITION}/(?P<number>{_N})\.(?P<part>{_N})\.m4s",
    Kind.SEGMENT: rf"{_RENDITION}/(?P<number>{_N})\.m4s",
    Kind.INIT: rf"{_RENDITION}/init-(?P<number>{_N})\.mp4",
    Kind.MULTIVARIANT: r"multivariant\.m3u8",
    Kind.PLAYLIST: rf"{_RENDITION}\.m3u8",
    Kind.STREAM: r"stream",
    Kind.RELAY: r"relay",
}
_PATH = re.compile(
    r"(?P<session>[0-9a-hjkmnp-tv-z]{20})/(?:(?P<feed>floor|second)/)?"
    rf"(?:t/(?P<token>[A-Za-z0-9_.-]{{1,{TOKEN_LIMIT_CHARS}}})/)?(?P<rest>.{{1,80}})"
)
_PATTERNS = [(kind, re.compile(form)) for kind, form in _FORMS.items()]


def read_target(path: str) -> Target | None:
    """Read a path without its leading slash; None when it names nothing."""
    whole = _PATH.fullmatch(path)
    if whole is None:
        return None
    for kind, pattern in _PATTERNS:
        found = pattern.fullmatch(whole["rest"])
        if found:
            parts = found.groupdict()
            return Target(
                whole["session"],
                FeedName(whole["feed"] or "main"),
                kind,
                parts.get("rendition", ""),
                int(parts.get("number", 0)),
                int(parts.get("part", 0)),
                whole["token"],
            )
    return None


def token_prefix(token: str | None) -> str:
    """Give what stands before relative URLs to keep a token."""
    return "" if token is None else f"t/{token}/"
