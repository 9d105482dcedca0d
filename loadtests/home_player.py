"""A home that watches a recording by HLS at play pace. Pure: bodies and `now` in, requests out.

The API hands out the multivariant playlist's address; it names a picture and its sound, each a
media playlist, its init and its segments. Each of the two is fetched on a connection of its own, as
fast as it comes until half a minute is in the buffer, then a segment whenever there is room for it,
as hls.js does by default. It plays from the first segment on and stands still when the buffer is
empty. Who is at the end begins again: everybody watches all the time.

Spec: RFC 8216bis 4.4.2.2 (EXT-X-BYTERANGE), 4.4.4.5 (EXT-X-MAP).
"""

from __future__ import annotations

from dataclasses import dataclass

from loadtests.live_wire import playlist_text
from loadtests.pupil_lists import Ask, Lane, Segment, listing_of
from loadtests.pupil_playback import Playback

BUFFER_S = 30.0
ROOM_S = 0.1


@dataclass(frozen=True, slots=True)
class Wait:
    """Ask for nothing until then."""

    until: float


class Track:
    """One media playlist: `began` gives the first request, `took` and `go_on` what follows."""

    def __init__(self, url: str) -> None:
        self.playback = Playback()
        self.full = False
        self._url = url
        self._segments: tuple[Segment, ...] = ()
        self._next = 0
        self._asked: Ask | Segment = Ask(Lane.LISTS, url)
        self._inits: set[Ask] = set()

    def began(self) -> Ask:
        """Ask for the playlist."""
        return Ask(Lane.LISTS, self._url)

    def took(self, body: bytes, now: float) -> Ask | Wait:
        """Take the body of what was asked for. Raises: BadPlaylist; ValueError of an empty one."""
        match self._asked:
            case Segment(piece=piece):
                self.playback.add(piece, now)
                self._next = (self._next + 1) % len(self._segments)
            case Ask(lane=Lane.MEDIA) as init:
                self._inits.add(init)
            case _:
                self._segments = listing_of(self._url, playlist_text(body)).segments
                if not self._segments:
                    raise ValueError(f"{self._url} lists nothing to watch")
        return self.go_on(now)

    def go_on(self, now: float) -> Ask | Wait:
        """Ask for the next segment, or wait until there is room for it."""
        self.playback.advance(now)
        ahead_s = self.playback.buffer_s - BUFFER_S
        if ahead_s >= 0:
            self.full = True
            return Wait(now + ahead_s + ROOM_S)
        segment = self._segments[self._next]
        if segment.init is not None and segment.init not in self._inits:
            self._asked = segment.init
            return segment.init
        self._asked = segment
        return segment.ask
