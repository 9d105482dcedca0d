"""What a viewer who joins asks for and when its picture can be decoded. Pure: bodies in, URLs out.

A classroom asks the API for the lesson, which hands it an address with a token. By WebSocket one
more connection brings the rest: `hello`, inits, the newest keyframe. By LL-HLS the multivariant
playlist names a picture and its sound; each is one media playlist, its init, then the newest part
that begins with a keyframe and all that follow, by blocking reload. A picture can be decoded when
its init and a keyframe are here.

Spec: RFC 8216bis 4.4.4.5 (EXT-X-MAP), 4.4.4.9 (EXT-X-PART), 6.2.5.2; streaming/live/README.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from enum import Enum
from typing import ClassVar
from urllib.parse import urljoin

from loadtests.live_wire import PartName, parts_of, playlist_text
from streaming.hls.parse import parse_multivariant

INIT, KEYFRAME = 0, 1
_MAP = re.compile(r'#EXT-X-MAP:[^\n]*URI="([^"]+)"')
_INDEPENDENT = re.compile(r"#EXT-X-PART:[^\n]*INDEPENDENT=YES[^\n]*")


def addresses(body: bytes) -> dict[str, str]:
    """Give the addresses that the API hands to who asks for a session."""
    urls: dict[str, str] = json.loads(body)["urls"]
    return urls


def picture_and_sound(url: str, body: bytes) -> tuple[str, str]:
    """Give the playlists of the best picture and of its sound; no sound is "".

    Raises: BadPlaylist, ValueError when there is no picture.
    """
    playlist = parse_multivariant(playlist_text(body))
    best = max(playlist.variants, key=lambda one: one.bandwidth_bps)
    sound = next(
        (one.uri for one in playlist.alternates
         if one.kind.value == "AUDIO" and one.group == best.audio and one.uri), "",
    )  # fmt: skip
    return urljoin(url, best.uri), urljoin(url, sound) if sound else ""


class StreamJoin:
    """A viewer by WebSocket: knows the renditions whose init it has."""

    def __init__(self) -> None:
        self.plays = False
        self._inits: set[int] = set()

    def media(self, rendition: int, kind: int) -> bool:
        """Take the head of a binary message; tell whether its picture can be decoded now."""
        if kind == INIT:
            self._inits.add(rendition)
        self.plays = self.plays or (kind == KEYFRAME and rendition in self._inits)
        return self.plays


class _Awaits(Enum):
    PLAYLIST = "playlist"
    INIT = "init"
    PART = "part"


class TrackJoin:
    """A viewer of one media playlist; `began` gives the first URL, `took` each that follows."""

    def __init__(self, url: str) -> None:
        self.plays = False
        self.parts = 0
        self._url = url
        self._awaits = _Awaits.PLAYLIST
        self._init = ""
        self._has_init = False
        self._newest = (-1, -1)
        self._wanted: list[PartName] = []

    def began(self) -> str:
        """Ask for the playlist, or again after it was refused."""
        self._awaits, self._wanted = _Awaits.PLAYLIST, []
        return self._reload()

    def took(self, body: bytes) -> str:
        """Take the body of what was asked for; give what to ask for now."""
        following: str = self._TOOK[self._awaits](self, body)
        return following

    def _playlist(self, body: bytes) -> str:
        text = playlist_text(body)
        self._init = [self._init, *_MAP.findall(text)][-1]
        listed = parts_of(text)
        fresh = [one for one in listed if (one.number, one.index) > self._newest]
        self._wanted = fresh if self.plays else _from_newest_keyframe(text, listed)
        if listed:
            self._newest = (listed[-1].number, listed[-1].index)
        if self._has_init or not self._wanted:
            return self._next()
        self._awaits = _Awaits.INIT
        return urljoin(self._url, self._init)

    def _took_init(self, body: bytes) -> str:
        self._has_init = True
        return self._next()

    def _part(self, body: bytes) -> str:
        self.parts += 1
        self.plays = True
        return self._next()

    def _next(self) -> str:
        if not self._wanted:
            self._awaits = _Awaits.PLAYLIST
            return self._reload()
        self._awaits = _Awaits.PART
        return urljoin(self._url, self._wanted.pop(0).uri)

    def _reload(self) -> str:
        number, index = self._newest
        if number < 0:
            return self._url
        joint = "&" if "?" in self._url else "?"
        return f"{self._url}{joint}_HLS_msn={number}&_HLS_part={index + 1}&_HLS_skip=YES"

    _TOOK: ClassVar[dict[_Awaits, Callable[[TrackJoin, bytes], str]]] = {
        _Awaits.PLAYLIST: _playlist,
        _Awaits.INIT: _took_init,
        _Awaits.PART: _part,
    }


def _from_newest_keyframe(text: str, listed: list[PartName]) -> list[PartName]:
    """Leave out what lies before the newest part that can be decoded by itself."""
    lines = [line for line in _INDEPENDENT.findall(text) if "GAP=YES" not in line]
    keyframes = parts_of("\n".join(lines))
    return [one for one in listed if keyframes and one >= keyframes[-1]]
