"""One presentation, ready to be asked: finds segments at once, renders texts on demand. Pure.

Texts are rendered once with a mark where the URL's suffix goes; each token's form is made from
that. Rendering and packing a long lesson takes tens of milliseconds: shells do it in a thread.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import cached_property
from hashlib import blake2b
from itertools import count

from catalog.media import Media, Presentation, Rendition, SubtitleTrack
from streaming import webvtt
from streaming.dash.manifest import render_manifest
from streaming.hls.lesson import (
    has_iframes,
    iframe_playlist,
    media_playlist,
    multivariant,
    subtitle_playlist,
)
from streaming.hls.render import render_media, render_multivariant
from streaming.offer import Offer, Offered, make_offer
from streaming.vod.kept import Kept
from streaming.vod.reply import Resource, Stored
from streaming.vod.target import Kind, Target

FOREVER = "max-age=31536000, immutable"
WHILE_GROWING = "no-cache"
WHEN_WHOLE = "max-age=30"
SIDE = "max-age=300"
TEXTS_LIMIT_BYTES = 64 * 1024 * 1024
NEVER = float("inf")
_numbers = count()
_MARK = "\udfff"  # no text from a database or a request can hold half a surrogate pair
_GZIP_LEVEL = 6
HLS_TYPE = "application/vnd.apple.mpegurl"
DASH_TYPE = "application/dash+xml"
VTT_TYPE = "text/vtt; charset=utf-8"
PLAYLISTS = frozenset(
    {
        Kind.MULTIVARIANT,
        Kind.MANIFEST,
        Kind.MEDIA_PLAYLIST,
        Kind.IFRAME_PLAYLIST,
        Kind.SUBTITLE_PLAYLIST,
    }
)
TEXTS = PLAYLISTS | {Kind.SUBTITLES, Kind.THUMBNAILS, Kind.CHAPTERS}


class View:
    """A presentation as its URLs show it; `number` tells views apart, and `texts` is shared by
    all of them, to bound what their texts take.
    """

    def __init__(self, presentation: Presentation, texts: Texts | None = None) -> None:
        self.presentation = presentation
        self.public = presentation.visibility == "public"
        self.number = next(_numbers)
        self._renditions = {item.id: item for item in presentation.renditions}
        self._templates: dict[Target, str | None] = {}
        self._texts: Texts = Kept(TEXTS_LIMIT_BYTES) if texts is None else texts

    @cached_property
    def offer(self) -> Offer:
        """What may be announced, measured."""
        return make_offer(self.presentation)

    @property
    def weight(self) -> int:
        """How many segments it holds."""
        objects = (item for r in self.presentation.renditions for item in r.objects)
        return 1 + sum(len(item.sizes) for item in objects)

    def kept_text(self, target: Target, suffix: str) -> Resource | None:
        """Give a text that was rendered before."""
        return self._texts.fresh((self, target, suffix), 0.0)

    def text(self, target: Target, suffix: str) -> Resource | None:
        """Render a text with this suffix on its URLs; None when the lesson has no such thing."""
        if target not in self._templates:
            self._templates[target] = _RENDER[target.kind](self, target)
        template = self._templates[target]
        if template is None:
            return None
        body = template.replace(_MARK, suffix).encode()
        gzipped = gzip.compress(body, _GZIP_LEVEL, mtime=0)
        made = Resource(
            body=body,
            etag=blake2b(body, digest_size=12).hexdigest(),
            content_type=_content_type(target.kind),
            cache_control=self._scoped(self._lifetime(target.kind)),
            gzipped=gzipped,
        )
        self._texts.put((self, target, suffix), made, NEVER, len(body) + len(gzipped))
        return made

    def picture_key(self, target: Target) -> str | None:
        """Give the object that holds the poster or a sprite."""
        if target.kind is Kind.POSTER:
            return self.presentation.poster_key or None
        sprites = self.presentation.sprites
        return sprites[target.number].key if target.number < len(sprites) else None

    def picture(self, key: str, size_bytes: int) -> Resource:
        """Give a picture that is a whole object."""
        stored = Stored(key, 0, size_bytes)
        return _stored(stored, "image/jpeg", self._scoped(SIDE))

    def find_part(self, target: Target) -> Resource | None:
        """Give an init or a segment, if it is of this view."""
        rendition = self._renditions.get(target.rendition)
        return self.part(rendition, target) if rendition else None

    def part(self, rendition: Rendition, target: Target) -> Resource | None:
        """Give the init or a segment of a rendition, which may be of an older generation."""
        content_type = f"{rendition.media.value}/mp4"
        cache_control = self._scoped(FOREVER)
        if target.kind is Kind.INIT:
            etag = blake2b(rendition.init, digest_size=12).hexdigest()
            return Resource(rendition.init, etag, content_type, cache_control, ranges=True)
        segment = rendition.segment(target.number)
        if segment is None:
            return None
        stored = Stored(segment.key, segment.offset, segment.size_bytes)
        return _stored(stored, content_type, cache_control)

    def _lifetime(self, kind: Kind) -> str:
        if kind not in PLAYLISTS:
            return SIDE
        return WHEN_WHOLE if self.offer.complete else WHILE_GROWING

    def _scoped(self, lifetime: str) -> str:
        return f"{'public' if self.public else 'private'}, {lifetime}"

    def _offered(self, identifier: str) -> Offered | None:
        items = (*self.offer.videos, *self.offer.audios)
        return next((item for item in items if item.rendition.id == identifier), None)

    def _track(self, language: str) -> SubtitleTrack | None:
        return next((t for t in self.offer.subtitles if t.language == language), None)

    def _multivariant(self, target: Target) -> str:
        return render_multivariant(multivariant(self.offer, _MARK, target.av1, target.whole))

    def _manifest(self, _: Target) -> str:
        return render_manifest(self.offer, _MARK)

    def _media(self, target: Target) -> str | None:
        item = self._offered(target.rendition)
        return render_media(media_playlist(self.offer, item, _MARK)) if item else None

    def _iframes(self, target: Target) -> str | None:
        item = self._offered(target.rendition)
        if item is None or item.rendition.media is not Media.VIDEO or not has_iframes(item):
            return None
        return render_media(iframe_playlist(self.offer, item, _MARK))

    def _subtitle_playlist(self, target: Target) -> str | None:
        track = self._track(target.language)
        return render_media(subtitle_playlist(self.offer, track, _MARK)) if track else None

    def _subtitles(self, target: Target) -> str | None:
        track = self._track(target.language)
        return webvtt.for_hls(track.webvtt) if track else None

    def _thumbnails(self, _: Target) -> str | None:
        sprites = self.presentation.sprites
        return webvtt.thumbnails(sprites, self.offer.duration_s, _MARK) if sprites else None

    def _chapters(self, _: Target) -> str | None:
        items = self.presentation.chapters
        return webvtt.chapters(items, self.offer.duration_s) if items else None


def _stored(stored: Stored, content_type: str, cache_control: str) -> Resource:
    identity = f"{stored.key}:{stored.offset}:{stored.size_bytes}".encode()
    etag = blake2b(identity, digest_size=12).hexdigest()
    return Resource(stored, etag, content_type, cache_control, ranges=True)


def _content_type(kind: Kind) -> str:
    if kind is Kind.MANIFEST:
        return DASH_TYPE
    return HLS_TYPE if kind in PLAYLISTS else VTT_TYPE


Texts = Kept[tuple[View, Target, str], Resource]

_RENDER: dict[Kind, Callable[[View, Target], str | None]] = {
    Kind.MULTIVARIANT: View._multivariant,
    Kind.MANIFEST: View._manifest,
    Kind.MEDIA_PLAYLIST: View._media,
    Kind.IFRAME_PLAYLIST: View._iframes,
    Kind.SUBTITLE_PLAYLIST: View._subtitle_playlist,
    Kind.SUBTITLES: View._subtitles,
    Kind.THUMBNAILS: View._thumbnails,
    Kind.CHAPTERS: View._chapters,
}
