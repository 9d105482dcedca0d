"""A channel as LL-HLS: which tags, in which order, under which URLs. Pure.

A segment's text never changes once its parts are no longer listed, so it is kept; a playlist that
goes back an hour costs no more than its last seconds. All URLs are relative, so a token in front
of them (target.py) is in none: the text is the same for everyone.

Spec: RFC 8216bis 4.4.3.8 (hold-backs), 4.4.5 (skip, hint, reports), 6.2.2, B.1 (low latency).
"""

from __future__ import annotations

from dataclasses import replace

from streaming.hls.lesson import FIRST_VARIANT_BPS
from streaming.hls.model import (
    LOW_LATENCY_VERSION,
    Alternate,
    AlternateKind,
    MediaPart,
    MediaPlaylist,
    MediaSegment,
    MultivariantPlaylist,
    OpenSegment,
    RenditionReport,
    ServerControl,
    Variant,
)
from streaming.hls.render import media_head, media_tail, render_multivariant, segment_text
from streaming.live.channel import TARGET_DURATION_S, Channel
from streaming.live.events import ChannelState
from streaming.live.segments import MICROSECONDS, Part, Segment, micros
from streaming.live.track import Track

HOLD_BACK_US = 3 * TARGET_DURATION_S * MICROSECONDS
SKIP_UNTIL_US = 6 * TARGET_DURATION_S * MICROSECONDS
HOLD_BACK_PARTS = 3
LISTED_PARTS_SEGMENTS = 4
HINT_SEGMENTS = 8
SOUND = "sound"


class TrackTexts:
    """The media playlist of one rendition."""

    def __init__(self, channel: Channel, track: Track) -> None:
        self._channel = channel
        self._track = track
        self._kept: list[str] = []
        self._kept_first = 0
        self._joined = ""

    def forget(self) -> None:
        """Write all segments anew: one of them has changed."""
        self._kept = []

    def text(self, skip: bool = False) -> str:
        """Write the playlist as it is now; `skip` asks for a delta update."""
        skipped = self._skippable() if skip else 0
        playlist = self._without_segments(skipped)
        stable = self._keep()
        fresh = self._track.told[len(self._kept) :]
        old = "".join(self._kept[skipped:]) if skipped else stable
        texts = (segment_text(self._segment(item, parts=True)) for item in fresh)
        return "".join((media_head(playlist), old, *texts, media_tail(playlist)))

    def playlist(self, skip: bool = False) -> MediaPlaylist:
        """Give the playlist as a value: `text` is what it looks like written."""
        skipped = self._skippable() if skip else 0
        bare = self._without_segments(skipped)
        listed = self._listed()
        return replace(
            bare,
            segments=tuple(
                self._segment(item, parts=index >= listed)
                for index, item in enumerate(self._track.told)
                if index >= skipped
            ),
        )

    def _listed(self) -> int:
        """Index of the first segment whose parts are listed."""
        if self._channel.state is ChannelState.ENDED:
            return len(self._track.told)
        return max(0, len(self._track.told) - LISTED_PARTS_SEGMENTS)

    def _keep(self) -> str:
        """Write the segments that have become stable; give all of them."""
        segments, listed = self._track.told, self._listed()
        first = self._track.first_number
        if not self._kept or first < self._kept_first:
            self._kept, self._kept_first = [], first
        gone = first - self._kept_first
        if not gone and len(self._kept) == listed:
            return self._joined
        self._kept, self._kept_first = self._kept[gone:], first
        for item in segments[len(self._kept) : listed]:
            self._kept.append(segment_text(self._segment(item, parts=False)))
        self._joined = "".join(self._kept)
        return self._joined

    def _skippable(self) -> int:
        """Count the segments beyond the skip boundary."""
        left_us = SKIP_UNTIL_US - sum(
            self._us(p.start_ts, p.duration_ts) for p in self._track.parts
        )
        told = self._track.told
        for index in range(len(told) - 1, -1, -1):
            if left_us <= 0:
                return index + 1
            left_us -= self._segment_us(told[index])
        return 0

    def _without_segments(self, skipped: int) -> MediaPlaylist:
        track, ended = self._track, self._channel.state is ChannelState.ENDED
        return MediaPlaylist(
            target_duration_s=TARGET_DURATION_S,
            segments=(),
            map_uri=self._map(skipped),
            first_number=track.first_number,
            independent=True,
            ended=ended,
            version=LOW_LATENCY_VERSION,
            discontinuity_number=track.discontinuities,
            control=self._control(),
            part_target_us=part_target_us(track),
            skipped=skipped,
            open=None if ended else self._open(),
            preload_uri="" if ended else self._hint(),
            reports=() if ended else self._reports(),
        )

    def _control(self) -> ServerControl:
        longest_us = max(part_target_us(track) for track in self._channel.present())
        return ServerControl(
            can_block_reload=True,
            can_skip_until_us=SKIP_UNTIL_US,
            hold_back_us=HOLD_BACK_US,
            part_hold_back_us=HOLD_BACK_PARTS * longest_us,
        )

    def _map(self, skipped: int) -> str:
        segments = self._track.segments
        run = segments[skipped].run if skipped < len(segments) else len(self._track.runs) - 1
        return self._init_uri(run)

    def _init_uri(self, run: int) -> str:
        return f"{self._track.name}/init-{run}.mp4"

    def _segment(self, segment: Segment, parts: bool) -> MediaSegment:
        before = self._track.segment(segment.number - 1)
        return MediaSegment(
            uri=f"{self._track.name}/{segment.number}.m4s",
            duration_us=self._segment_us(segment),
            parts=tuple(self._part(item) for item in segment.parts) if parts else (),
            program_ms=round(segment.program_utc * 1000),
            discontinuity=segment.discontinuity,
            map_uri=self._init_uri(segment.run) if before and before.run != segment.run else "",
            gap=segment.gap,
        )

    def _segment_us(self, segment: Segment) -> int:
        scale = self._track.scale(segment)
        return micros(segment.start_ts + segment.duration_ts, scale) - micros(
            segment.start_ts, scale
        )

    def _us(self, start_ts: int, duration_ts: int) -> int:
        scale = self._track.runs[-1].init.track.timescale
        return micros(start_ts + duration_ts, scale) - micros(start_ts, scale)

    def _part(self, part: Part) -> MediaPart:
        return MediaPart(
            uri=f"{self._track.name}/{part.number}.{part.index}.m4s",
            duration_us=self._us(part.start_ts, part.duration_ts),
            independent=part.independent,
        )

    def _open(self) -> OpenSegment | None:
        opening = self._track.opening
        if opening is None or opening.number != self._track.told_next:
            return None
        before = self._track.segment(opening.number - 1)
        run = len(self._track.runs) - 1
        return OpenSegment(
            parts=tuple(self._part(item) for item in self._track.parts),
            program_ms=round(opening.program_utc * 1000),
            discontinuity=opening.discontinuity,
            map_uri=self._init_uri(run) if before and before.run != run else "",
        )

    def _hint(self) -> str:
        """Name the part that comes next: a segment is taken to be as long as those before it.

        One that a hole cut short, and the gaps in the hole, say nothing about that.
        """
        track = self._track
        number, index = track.told_next, len(track.parts)
        before = (s.duration_ts for s in track.segments[-HINT_SEGMENTS:] if not s.gap)
        lasts_ts = max(before, default=0)
        if track.parts and lasts_ts:
            end_ts = track.parts[-1].start_ts + track.parts[-1].duration_ts
            if end_ts - track.open_ts >= lasts_ts:
                number, index = number + 1, 0
        return f"{self._track.name}/{number}.{index}.m4s"

    def _reports(self) -> tuple[RenditionReport, ...]:
        return tuple(
            _report(track)
            for track in self._channel.present()
            if track is not self._track and track.segments
        )


def _report(track: Track) -> RenditionReport:
    uri = f"{track.name}.m3u8"
    if track.parts:
        return RenditionReport(uri, track.next_number, len(track.parts) - 1)
    last = (track.told or track.segments)[-1]
    return RenditionReport(uri, last.number, len(last.parts) - 1 if last.parts else None)


def part_target_us(track: Track) -> int:
    """Rounded up: no part is longer."""
    if not track.runs:
        return 0
    return -(-track.part_target_ts * MICROSECONDS // track.runs[-1].init.track.timescale)


def multivariant_text(channel: Channel, prefix: str = "") -> str:
    """Write the multivariant playlist of what the encoder sends now; `prefix` begins its URLs.

    The first variant is the largest that an ordinary line carries; the last is the sound alone.
    """
    tracks = [track for track in channel.present() if track.segments]
    videos = sorted((t for t in tracks if t.video), key=lambda t: t.rendition.rung)
    sounds = [track for track in tracks if not track.video][:1]
    sound = sounds[0] if sounds else None
    return render_multivariant(
        MultivariantPlaylist(
            variants=(
                *(_variant(track, sound, prefix) for track in _start_first(videos)),
                *(_variant(track, track, prefix) for track in sounds),
            ),
            alternates=tuple(_alternate(track, prefix) for track in sounds),
            independent=True,
            version=LOW_LATENCY_VERSION,
        )
    )


def _start_first(videos: list[Track]) -> list[Track]:
    fitting = [t for t in videos if t.rendition.bandwidth_bps <= FIRST_VARIANT_BPS]
    start = (fitting or videos[-1:])[:1]
    return start + [track for track in videos if track not in start]


def _variant(track: Track, sound: Track | None, prefix: str) -> Variant:
    both = [track] if sound is None or sound is track else [track, sound]
    media = track.runs[-1].init.track
    rate = track.rendition.frame_rate
    bandwidth_bps = sum(item.rendition.bandwidth_bps for item in both)
    size = (media.width_px, media.height_px)
    return Variant(
        uri=f"{prefix}{track.name}.m3u8",
        bandwidth_bps=bandwidth_bps,
        average_bandwidth_bps=bandwidth_bps,
        codecs=tuple(item.runs[-1].init.track.codecs for item in both),
        resolution_px=(size[0], size[1]) if size[0] and size[1] else None,
        frame_rate=round(1000 * rate[0] / rate[1]) if rate else None,
        audio=SOUND if sound else "",
        name=track.name,
    )


def _alternate(track: Track, prefix: str) -> Alternate:
    return Alternate(
        kind=AlternateKind.AUDIO,
        group=SOUND,
        name=track.name,
        uri=f"{prefix}{track.name}.m3u8",
        default=True,
        autoselect=True,
        channels=track.runs[-1].init.track.channels,
    )
