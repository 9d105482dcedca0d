"""A lesson's DASH manifest from its offer, with the same segments and URLs as its HLS.

While the lesson grows the manifest is dynamic: an availability that began long ago, a clock that
stands at the end of what is announced (so the text depends on nothing but the segments) and a
presentation delay longer than any lesson, so that players join at the beginning. Then it is static.

Spec: ISO/IEC 23009-1 5.3, 5.8.4.11; DASH-IF IOP part 6 (thumbnail tiles).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from math import ceil
from urllib.parse import quote
from xml.etree import ElementTree as ET  # only written, never read

from catalog.media import Sprite
from streaming.offer import AV1, OPUS, Offer, Offered

NAMESPACE = "urn:mpeg:dash:schema:mpd:2011"
PROFILE = "urn:mpeg:dash:profile:isoff-live:2011"
CHANNELS = "urn:mpeg:mpegB:cicp:ChannelConfiguration"
ROLE = "urn:mpeg:dash:role:2011"
CLOCK = "urn:mpeg:dash:utc:direct:2014"
TILES = "http://dashif.org/guidelines/thumbnail_tile"
BEGINNING = "1970-01-01T00:00:00Z"
UPDATE_S = 2
JOIN_AT_START_S = 24 * 3600
SPRITE_TOLERANCE_S = 0.05
TEXT_BPS = 256
IMAGE_BPS = 20_000


def render_manifest(offer: Offer, suffix: str = "") -> str:
    """Write the manifest; `suffix` ends every URL (a token's query)."""
    mpd = ET.Element("MPD", {"xmlns": NAMESPACE, "profiles": PROFILE, **_timing(offer)})
    period = ET.SubElement(mpd, "Period", id="0", start="PT0S")
    h264 = [item for item in offer.shown if not item.codec_is(AV1)]
    av1 = [item for item in offer.shown if item.codec_is(AV1)]
    _video_set(period, h264, 2, suffix)
    for priority, items in ((2, _opus(offer, True)), (1, _opus(offer, False))):
        _audio_set(period, items[:1], priority, suffix)
    _subtitle_sets(period, offer, suffix)
    _thumbnail_set(period, offer.presentation.sprites, suffix)
    _video_set(period, av1, 1, suffix)  # what may come later stands last: players go by position
    if not offer.complete:
        clock = _date(offer.duration_s)
        ET.SubElement(mpd, "UTCTiming", schemeIdUri=CLOCK, value=clock)
    for number, item in enumerate(period):
        item.set("id", str(number))
    ET.indent(mpd)
    body = ET.tostring(mpd, "unicode", short_empty_elements=True)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{body}\n'


def _timing(offer: Offer) -> dict[str, str]:
    buffer = {"minBufferTime": f"PT{offer.target_s}S"}
    if offer.complete:
        return {
            "type": "static",
            "mediaPresentationDuration": f"PT{offer.duration_s:.3f}S",
            **buffer,
        }
    return {
        "type": "dynamic",
        "availabilityStartTime": BEGINNING,
        "publishTime": _date(offer.duration_s),
        "minimumUpdatePeriod": f"PT{UPDATE_S}S",
        "suggestedPresentationDelay": f"PT{JOIN_AT_START_S}S",
        **buffer,
    }


def _date(seconds: float) -> str:
    """Write a time after the beginning of availability."""
    whole = ceil(seconds)
    days, rest = divmod(whole, 86_400)
    return f"1970-01-{1 + days:02d}T{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}Z"


def _opus(offer: Offer, wanted: bool) -> list[Offered]:
    return [item for item in offer.audios if item.codec_is(OPUS) is wanted]


def _video_set(period: ET.Element, items: list[Offered], priority: int, suffix: str) -> None:
    if not items:
        return
    found = ET.SubElement(
        period,
        "AdaptationSet",
        contentType="video",
        mimeType="video/mp4",
        segmentAlignment="true",
        startWithSAP="1",
        selectionPriority=str(priority),
    )
    for item in items:
        rendition = item.rendition
        shape = {"width": rendition.width_px, "height": rendition.height_px}
        rate = rendition.frame_rate
        attributes = {key: str(value) for key, value in shape.items() if value is not None}
        if rate is not None:
            attributes["frameRate"] = str(rate[0]) if rate[1] == 1 else f"{rate[0]}/{rate[1]}"
        _representation(found, item, {**attributes, "sar": "1:1"}, suffix)


def _audio_set(period: ET.Element, items: list[Offered], priority: int, suffix: str) -> None:
    for item in items:
        found = ET.SubElement(
            period,
            "AdaptationSet",
            contentType="audio",
            mimeType="audio/mp4",
            segmentAlignment="true",
            startWithSAP="1",
            selectionPriority=str(priority),
        )
        ET.SubElement(found, "Role", schemeIdUri=ROLE, value="main")
        rate = item.rendition.sample_rate_hz
        attributes = {"audioSamplingRate": str(rate)} if rate else {}
        made = _representation(found, item, attributes, suffix)
        channels = ET.Element(
            "AudioChannelConfiguration",
            schemeIdUri=CHANNELS,
            value=str(item.rendition.channels or 1),
        )
        made.insert(0, channels)


def _representation(
    parent: ET.Element, item: Offered, attributes: dict[str, str], suffix: str
) -> ET.Element:
    rendition = item.rendition
    identity = {"id": rendition.id, "codecs": rendition.codecs, "bandwidth": str(item.peak_bps)}
    made = ET.SubElement(parent, "Representation", {**identity, **attributes})
    template = ET.SubElement(
        made,
        "SegmentTemplate",
        timescale=str(rendition.timescale),
        startNumber="0",
        initialization=f"$RepresentationID$/init.mp4{suffix}",
        media=f"$RepresentationID$/$Number$.m4s{suffix}",
    )
    timeline = ET.SubElement(template, "SegmentTimeline")
    durations = [segment.duration_ts for segment in item.segments]
    _timeline(timeline, item.segments[0].start_ts, durations)
    return made


def _timeline(timeline: ET.Element, start_ts: int, durations: Iterable[int]) -> None:
    """Write runs of equal durations as one entry with a repeat count."""
    for index, (duration, run) in enumerate(groupby(durations)):
        entry = ET.SubElement(timeline, "S")
        if index == 0:
            entry.set("t", str(start_ts))
        entry.set("d", str(duration))
        repeats = sum(1 for _ in run) - 1
        if repeats:
            entry.set("r", str(repeats))


def _subtitle_sets(period: ET.Element, offer: Offer, suffix: str) -> None:
    for track in offer.subtitles:
        language = quote(track.language, safe="")
        found = ET.SubElement(
            period, "AdaptationSet", contentType="text", mimeType="text/vtt", lang=track.language
        )
        ET.SubElement(found, "Role", schemeIdUri=ROLE, value="subtitle")
        ET.SubElement(found, "Label").text = _text(track.label or track.language)
        name = f"subtitles-{language}"
        made = ET.SubElement(found, "Representation", id=name, bandwidth=str(TEXT_BPS))
        ET.SubElement(made, "BaseURL").text = f"subtitles/{language}.vtt{suffix}"


def _thumbnail_set(period: ET.Element, sprites: tuple[Sprite, ...], suffix: str) -> None:
    """Offer the sprites as tiles when their pictures are evenly spaced: DASH knows no others."""
    interval_s = sprite_interval_s(sprites)
    if interval_s is None:
        return
    first = sprites[0]
    found = ET.SubElement(period, "AdaptationSet", contentType="image", mimeType="image/jpeg")
    grid = f"{first.columns}x{first.rows}"
    made = ET.SubElement(
        found,
        "Representation",
        id="thumbnails",
        bandwidth=str(IMAGE_BPS),
        width=str(first.columns * first.cell_width_px),
        height=str(first.rows * first.cell_height_px),
    )
    ET.SubElement(made, "EssentialProperty", schemeIdUri=TILES, value=grid)
    ET.SubElement(
        made,
        "SegmentTemplate",
        timescale="1000",
        duration=str(round(1000 * interval_s * first.columns * first.rows)),
        startNumber="0",
        media=f"sprite-$Number$.jpg{suffix}",
    )


def sprite_interval_s(sprites: tuple[Sprite, ...]) -> float | None:
    """Give the even distance of the pictures, starting at 0; None when it is not even."""
    times = [time for sprite in sprites for time in sprite.times_s]
    if len(times) < 2 or not _same_grid(sprites):
        return None
    interval_s = (times[-1] - times[0]) / (len(times) - 1)
    even = all(abs(t - i * interval_s) <= SPRITE_TOLERANCE_S for i, t in enumerate(times))
    return interval_s if even and interval_s > 0 else None


def _same_grid(sprites: tuple[Sprite, ...]) -> bool:
    """All alike, and all full but the last."""
    first = sprites[0]
    cells = first.columns * first.rows
    return all(
        (s.columns, s.rows, s.cell_width_px, s.cell_height_px)
        == (first.columns, first.rows, first.cell_width_px, first.cell_height_px)
        for s in sprites
    ) and all(len(s.times_s) == cells for s in sprites[:-1])


def _text(text: str) -> str:
    """Drop what XML cannot carry."""
    return "".join(c for c in text if c >= " " or c in "\t\n")
