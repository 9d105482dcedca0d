"""Put probe, loudness and ladder together into the plan of one source. Pure.

The shell that runs the probe and asks ffmpeg is transcoder/prepare.py.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from transcoder import classify, ladder
from transcoder.loudness import Loudness, audio_plan
from transcoder.plan import (
    Chunk,
    ContentKind,
    EncodePlan,
    SidePlan,
    VideoPlan,
)
from transcoder.probe import Probe, VideoTrack

WHOLE_UP_TO_S = 600.0
CHUNK_S = 300.0
HOLD_FROM_S = 0.25
CELL_LONG_PX = 160
SHEET_COLUMNS, SHEET_ROWS = 5, 5
MOST_CELLS = 200
SHORTEST_CELL_S = 2
POSTER_HEIGHT_PX = 720


def make_plan(
    probe: Probe, loudness: Loudness | None, kind: ContentKind | None = None
) -> EncodePlan:
    """Decide all of one source; the video is one chunk until `cut` is asked for more.

    kind: what the picture is, when someone knows better than the sampled clips.
    """
    video, side = None, None
    if probe.video is None:
        kind = ContentKind.AUDIO_ONLY
    else:
        kind = kind or classify.content_kind(probe.clips, probe.video.other_to_key_bytes)
        video = _video_plan(probe, probe.video, kind)
        side = _side_plan(probe, probe.video, kind)
    audio = None
    if probe.audio is not None and loudness is not None:
        audio = audio_plan(loudness, probe.audio.channels)
    return EncodePlan(kind, probe.duration_s, video, audio, side, probe.warnings)


def wanted_cuts(plan: VideoPlan) -> list[int]:
    """Give the frames at which a long recording would be cut: segment starts, CHUNK_S apart."""
    duration_s = plan.at_s(plan.frame_total)
    if duration_s <= WHOLE_UP_TO_S:
        return []
    count = math.ceil(duration_s / CHUNK_S)
    segments = math.ceil(plan.frame_total / plan.gop_frames)
    return [round(segments * n / count) * plan.gop_frames for n in range(1, count)]


def chunks(plan: VideoPlan, cuts: Sequence[int], clean: Collection[int]) -> tuple[Chunk, ...]:
    """Cut at those frames where decoding was found to begin cleanly."""
    starts = [0, *(cut for cut in cuts if cut in clean)]
    ends = [*starts[1:], None]
    return tuple(
        Chunk(index, start, None if end is None else end - start, True)
        for index, (start, end) in enumerate(zip(starts, ends, strict=True))
    )


def _video_plan(probe: Probe, track: VideoTrack, kind: ContentKind) -> VideoPlan:
    """Plan the picture; one that ends before the sound holds its last frame."""
    rate = ladder.frame_rate(kind, track.frame_rate, constant=track.constant_rate)
    late_s = probe.duration_s - track.end_s
    hold = late_s > HOLD_FROM_S
    end_s = probe.duration_s if hold else track.end_s
    size = track.display_px
    return VideoPlan(
        frame_rate=rate,
        frame_total=max(1, round(end_s * rate[0] / rate[1])),
        gop_frames=ladder.gop_frames(kind, rate),
        rungs=ladder.rungs(kind, size, track.bitrate_bps, track.codec),
        late_rungs=ladder.late_rungs(kind, size),
        chunks=(Chunk(0, 0, None, True),),
        hold_last_s=round(late_s, 3) if hold else 0.0,
        deinterlace=track.interlaced,
        tone_map=track.high_dynamic_range,
    )


def _side_plan(probe: Probe, track: VideoTrack, kind: ContentKind) -> SidePlan:
    """Plan thumbnails, poster and chapters."""
    poster_at_s = classify.poster_time_s(probe.clips, probe.duration_s)
    slides = kind in (ContentKind.SLIDES, ContentKind.SLIDES_WITH_FACE)
    return side_plan(track.display_px, probe.duration_s, poster_at_s, slides=slides)


def side_plan(
    size_px: tuple[int, int], duration_s: float, poster_at_s: float, *, slides: bool
) -> SidePlan:
    """Lay out thumbnails and poster of a picture of that size; slides have chapters."""
    width, height = size_px
    scale = CELL_LONG_PX / max(width, height)
    cell = (max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2))
    every_s = max(SHORTEST_CELL_S, math.ceil(duration_s / MOST_CELLS))
    poster_px = max(2, min(POSTER_HEIGHT_PX, height) // 2 * 2)
    return SidePlan(every_s, *cell, SHEET_COLUMNS, SHEET_ROWS, poster_at_s, poster_px, slides)
