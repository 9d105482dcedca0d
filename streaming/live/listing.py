"""A rendition's texts, made once per part: the same bytes for all who ask for the same. Pure."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from hashlib import blake2b

from streaming.hls.directives import Position
from streaming.live.channel import Channel
from streaming.live.events import ChannelState
from streaming.live.playlists import TrackTexts, part_target_us
from streaming.live.track import Track
from streaming.vod.reply import Resource

HLS_TYPE = "application/vnd.apple.mpegurl"
NO_CACHE = "private, no-cache"
_GZIP_LEVEL = 4


class Text:
    """One text, until it changes: rendered and packed when it is first asked for."""

    def __init__(self, render: Callable[[], str]) -> None:
        self._render = render
        self._made: Resource | None = None

    def change(self) -> None:
        """Forget what was made."""
        self._made = None

    def resource(self) -> Resource:
        """Give the text as it is now."""
        if self._made is None:
            self._made = packed(self._render())
        return self._made


class Listing:
    """The media playlist of a rendition, whole and as a delta update, and where it stands."""

    def __init__(self, channel: Channel, track: Track) -> None:
        self._channel = channel
        self.track = track
        self._texts = TrackTexts(channel, track)
        self._whole = Text(lambda: self._texts.text())
        self._delta = Text(lambda: self._texts.text(skip=True))

    def change(self, anew: bool = False) -> None:
        """A part or segment was added; `anew`: an old one has changed."""
        if anew:
            self._texts.forget()
        self._whole.change()
        self._delta.change()

    def resource(self, skip: bool) -> Resource:
        """Give the playlist as it is now."""
        return (self._delta if skip else self._whole).resource()

    @property
    def published(self) -> bool:
        """Tell whether there is a whole segment: before that there is no playlist."""
        return bool(self.track.segments)

    def position(self) -> Position:
        """Say how far the playlist is."""
        track = self.track
        last = track.told[-1] if track.told else None
        return Position(
            open_number=track.told_next,
            parts=len(track.parts),
            last_parts=len(last.parts) if last else 0,
            part_target_us=part_target_us(track),
            ended=self._channel.state is ChannelState.ENDED or self._is_gone(),
        )

    def _is_gone(self) -> bool:
        return self.track.name in self._channel.gone


def packed(text: str) -> Resource:
    """Make a playlist ready to be sent."""
    body = text.encode()
    return Resource(
        body=body,
        etag=blake2b(body, digest_size=12).hexdigest(),
        content_type=HLS_TYPE,
        cache_control=NO_CACHE,
        gzipped=gzip.compress(body, _GZIP_LEVEL, mtime=0),
    )
