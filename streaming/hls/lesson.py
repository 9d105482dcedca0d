"""A lesson's playlists from its offer: which variants, in which order, under which URLs.

Variants are every video rung with every audio group, then the audio groups alone. AAC comes first
in every place because everything plays it; Opus halves the sound's bytes where a player takes it.
The very first variant is the largest one that an ordinary line carries, since simple players begin
(and some stay) with it. AV1 is listed only when it is asked for, because players that see it take
it for better: hls.js then stays within AV1, whose few rungs leave it nothing to step down to.

Spec: RFC 8216bis 4.4.6; HLS Authoring Specification 2 and 9 (order, audio-only variant).
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from urllib.parse import quote

from catalog.media import SubtitleTrack, average_bps, peak_bps
from streaming.hls.model import (
    Alternate,
    AlternateKind,
    ByteRange,
    IFrameVariant,
    MediaPlaylist,
    MediaSegment,
    MultivariantPlaylist,
    PlaylistType,
    Variant,
)
from streaming.offer import AV1, OPUS, Offer, Offered

FIRST_VARIANT_BPS = 1_000_000
SUBTITLES = "subtitles"
AUDIO_NAME = "audio"


def multivariant(
    offer: Offer, suffix: str = "", av1: bool = False, whole: bool = False
) -> MultivariantPlaylist:
    """Make the multivariant playlist; `suffix` ends every URL (a token's query).

    `av1` adds the AV1 variants, behind all others; `whole` those that are hidden.
    """
    if not whole:
        offer = replace(offer, videos=offer.shown)
    groups = _audio_groups(offer)
    subtitles = SUBTITLES if offer.subtitles else ""
    sounds: list[Offered | None] = [*groups] or [None]
    pairs = [(v, a) for family in _families(offer, av1) for a in sounds for v in family]
    variants = [_variant(video, audio, subtitles, suffix) for video, audio in pairs]
    variants += [_audio_only(audio, subtitles if not pairs else "", suffix) for audio in groups]
    return MultivariantPlaylist(
        variants=tuple(variants),
        alternates=(
            *(_audio(audio, suffix) for audio in groups),
            *(_subtitle(track, suffix) for track in offer.subtitles),
        ),
        iframes=tuple(
            _iframe_variant(video, offer.target_s, suffix)
            for family in _families(offer, av1=False)
            for video in family
            if has_iframes(video)
        ),
        independent=True,
    )


def media_playlist(offer: Offer, item: Offered, suffix: str = "") -> MediaPlaylist:
    """Make a rendition's media playlist: EVENT while it grows, then VOD with its end."""
    durations = item.durations_us()
    return MediaPlaylist(
        target_duration_s=offer.target_s,
        segments=tuple(
            MediaSegment(f"{segment.number}.m4s{suffix}", duration_us)
            for segment, duration_us in zip(item.segments, durations, strict=True)
        ),
        map_uri=f"init.mp4{suffix}",
        playlist_type=PlaylistType.VOD if item.complete else PlaylistType.EVENT,
        independent=True,
        from_start=not item.complete,
        ended=item.complete,
    )


def iframe_playlist(offer: Offer, item: Offered, suffix: str = "") -> MediaPlaylist:
    """Make the playlist of a rendition's keyframes: the first bytes of each of its segments."""
    durations = item.durations_us()
    return MediaPlaylist(
        target_duration_s=offer.target_s,
        segments=tuple(
            MediaSegment(
                f"{segment.number}.m4s{suffix}",
                duration_us,
                ByteRange(segment.keyframe_bytes, 0),
            )
            for segment, duration_us in zip(item.segments, durations, strict=True)
        ),
        map_uri=f"init.mp4{suffix}",
        playlist_type=PlaylistType.VOD if item.complete else PlaylistType.EVENT,
        iframes_only=True,
        ended=item.complete,
    )


def subtitle_playlist(offer: Offer, track: SubtitleTrack, suffix: str = "") -> MediaPlaylist:
    """Make the playlist of a subtitle track: one WebVTT file as long as the lesson is by now."""
    duration_us = max(1, round(offer.duration_s * 1_000_000))
    uri = f"{quote(track.language, safe='')}.vtt{suffix}"
    return MediaPlaylist(
        target_duration_s=ceil(duration_us / 1_000_000),
        segments=(MediaSegment(uri, duration_us),),
        playlist_type=PlaylistType.VOD,
        ended=True,
    )


def has_iframes(item: Offered) -> bool:
    """Tell whether every announced segment knows its keyframe."""
    return all(segment.keyframe_bytes for segment in item.segments)


def _families(offer: Offer, av1: bool) -> list[list[Offered]]:
    """H.264 with the start variant first, then from the largest down; then AV1 if wanted."""
    h264 = [item for item in offer.videos if not item.codec_is(AV1)]
    late = [item for item in offer.videos if item.codec_is(AV1)]
    return [_start_first(h264), late] if av1 else [_start_first(h264)]


def _start_first(items: list[Offered]) -> list[Offered]:
    fitting = [item for item in items if item.peak_bps <= FIRST_VARIANT_BPS]
    start = (fitting or items[-1:])[:1]
    return start + [item for item in items if item not in start]


def _audio_groups(offer: Offer) -> list[Offered]:
    """One rendition a codec, AAC first."""
    aac = [item for item in offer.audios if not item.codec_is(OPUS)]
    opus = [item for item in offer.audios if item.codec_is(OPUS)]
    return aac[:1] + opus[:1]


def _group(item: Offered) -> str:
    return "opus" if item.codec_is(OPUS) else "aac"


def _uri(item: Offered, suffix: str) -> str:
    return f"{item.rendition.id}/media.m3u8{suffix}"


def _variant(video: Offered, audio: Offered | None, subtitles: str, suffix: str) -> Variant:
    rendition = video.rendition
    rate = rendition.frame_rate
    return Variant(
        uri=_uri(video, suffix),
        bandwidth_bps=video.peak_bps + (audio.peak_bps if audio else 0),
        average_bandwidth_bps=video.average_bps + (audio.average_bps if audio else 0),
        codecs=(rendition.codecs, *((audio.rendition.codecs,) if audio else ())),
        resolution_px=_resolution(video),
        frame_rate=round(1000 * rate[0] / rate[1]) if rate else None,
        audio=_group(audio) if audio else "",
        subtitles=subtitles,
        name=rendition.name,
    )


def _audio_only(audio: Offered, subtitles: str, suffix: str) -> Variant:
    return Variant(
        uri=_uri(audio, suffix),
        bandwidth_bps=audio.peak_bps,
        average_bandwidth_bps=audio.average_bps,
        codecs=(audio.rendition.codecs,),
        audio=_group(audio),
        subtitles=subtitles,
        name=audio.rendition.name,
    )


def _audio(audio: Offered, suffix: str) -> Alternate:
    return Alternate(
        kind=AlternateKind.AUDIO,
        group=_group(audio),
        name=AUDIO_NAME,
        uri=_uri(audio, suffix),
        default=True,
        autoselect=True,
        channels=audio.rendition.channels,
    )


def _subtitle(track: SubtitleTrack, suffix: str) -> Alternate:
    return Alternate(
        kind=AlternateKind.SUBTITLES,
        group=SUBTITLES,
        name=track.label or track.language,
        uri=f"subtitles/{quote(track.language, safe='')}.m3u8{suffix}",
        language=track.language,
        autoselect=True,
    )


def _iframe_variant(video: Offered, target_s: int, suffix: str) -> IFrameVariant:
    keyframes = [replace(s, size_bytes=s.keyframe_bytes) for s in video.segments]
    timescale = video.rendition.timescale
    return IFrameVariant(
        uri=f"{video.rendition.id}/iframes.m3u8{suffix}",
        bandwidth_bps=peak_bps(keyframes, timescale, target_s),
        average_bandwidth_bps=average_bps(keyframes, timescale),
        codecs=(video.rendition.codecs,),
        resolution_px=_resolution(video),
    )


def _resolution(video: Offered) -> tuple[int, int] | None:
    rendition = video.rendition
    if rendition.width_px is None or rendition.height_px is None:
        return None
    return rendition.width_px, rendition.height_px
