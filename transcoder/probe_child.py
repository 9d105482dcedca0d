"""Read the facts of one media file and print them as JSON: `probe_child.py PATH ORDERS`.

Runs alone in the sandbox (standard library and PyAV only), so that a demuxer that breaks breaks
here. Reads packet times and sizes rather than header durations, and decodes a few short clips.
Judges nothing: transcoder/probe.py does.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import av

GRID_WIDTH, GRID_HEIGHT, CELL_PX = 160, 90, 10
CHANGED_STEP = 12
CELL_CHANGED_PX = 12
CLIP_FRAMES = 3
CLIP_SPACING_S = 0.4
MAX_CLIP_FRAMES_READ = 120
MAX_CLIP_PACKETS = 2000
SHADES = 64
KEYFRAME_SPACING_S = 1.0


class Facts(dict[str, Any]):
    """What is to be printed."""


def packets_by_index(stream: Any, size_bytes: int) -> tuple[list[tuple[int, int, bool]], int]:
    """Give (time, size, keyframe) from the sample table, and how many the file does not reach."""
    found, missing = [], 0
    for entry in stream.index_entries:
        if entry.pos + entry.size > size_bytes:
            missing += 1
        elif not entry.is_discard:
            found.append((entry.timestamp, entry.size, entry.is_keyframe))
    return found, missing


def packets_by_reading(
    container: Any, streams: list[Any], limit: int
) -> dict[int, list[tuple[int, int, bool]]]:
    """Give the same for each stream by reading the file through; stops where it is broken."""
    found: dict[int, list[tuple[int, int, bool]]] = {stream.index: [] for stream in streams}
    try:
        for count, packet in enumerate(container.demux(streams)):
            at = packet.pts if packet.pts is not None else packet.dts
            if at is not None and packet.size:
                found[packet.stream_index].append((at, packet.size, packet.is_keyframe))
            if count >= limit:
                break
    except (av.FFmpegError, OSError):
        pass
    return found


def whole_sample_table(container: Any, stream: Any) -> bool:
    """Tell whether the index names every sample (a fragmented or streamed file's does not)."""
    named = len(stream.index_entries)
    return "mov" in container.format.name and 0 < stream.frames <= named


def track_facts(stream: Any, packets: list[tuple[int, int, bool]], origin_s: float) -> Facts:
    """Sum up a track's packets; times in seconds from the container's start."""
    base = float(stream.time_base)
    times = sorted(at for at, _, _ in packets)
    steps = sorted(b - a for a, b in pairwise(times))
    median = steps[len(steps) // 2] if steps else 0
    near = sum(abs(step - median) * 10 <= median for step in steps)
    start = times[0] if times else 0
    if stream.start_time is not None and stream.type == "video":
        start = stream.start_time
    keys, others = [p[1] for p in packets if p[2]], [p[1] for p in packets if not p[2]]
    return Facts(
        index=stream.index,
        codec=stream.codec_context.name,
        profile=str(stream.profile or ""),
        packets=len(packets),
        size_bytes=sum(size for _, size, _ in packets),
        start_s=start * base - origin_s,
        span_s=(times[-1] - times[0] + median) * base if times else 0.0,
        step_s=median * base,
        longest_step_s=steps[-1] * base if steps else 0.0,
        regular=near / len(steps) if steps else 1.0,
        key_bytes=sum(keys) / len(keys) if keys else 0.0,
        other_bytes=sum(others) / len(others) if others else 0.0,
        keyframes_s=spaced([p[0] * base - origin_s for p in packets if p[2]]),
    )


def spaced(times: list[float]) -> list[float]:
    """Thin out times that are closer than KEYFRAME_SPACING_S."""
    kept: list[float] = []
    for at in times:
        if not kept or at - kept[-1] >= KEYFRAME_SPACING_S:
            kept.append(round(at, 6))
    return kept


def video_facts(stream: Any) -> Facts:
    """Give the picture's form as the headers tell it."""
    context = stream.codec_context
    aspect = stream.sample_aspect_ratio or context.sample_aspect_ratio
    form = context.format
    return Facts(
        width_px=context.width,
        height_px=context.height,
        sar=[aspect.numerator, aspect.denominator] if aspect else [1, 1],
        pixel_format=context.pix_fmt or "",
        bit_depth=max((c.bits for c in form.components), default=8) if form else 8,
        field_order=str(context.field_order),
        transfer=int(context.color_trc or 0),
        header_rate=str(stream.average_rate or stream.guessed_rate or 0),
        rotation_deg=0,
    )


def gray(frame: Any, width: int, height: int) -> bytes:
    """Pick pixels of a frame's brightness without blending neighbours."""
    small = frame.reformat(width=width, height=height, format="gray", interpolation="POINT")
    plane = small.planes[0]
    data = bytes(plane)
    return b"".join(data[y * plane.line_size :][:width] for y in range(height))


def changed_cells(first: bytes, second: bytes) -> tuple[float, list[int]]:
    """Give the share of changed pixels and the numbers of the grid cells that changed."""
    cells: dict[int, int] = {}
    total = 0
    for at, (a, b) in enumerate(zip(first, second, strict=True)):
        if abs(a - b) > CHANGED_STEP:
            total += 1
            y, x = divmod(at, GRID_WIDTH)
            cell = y // CELL_PX * (GRID_WIDTH // CELL_PX) + x // CELL_PX
            cells[cell] = cells.get(cell, 0) + 1
    return total / len(first), [cell for cell, n in cells.items() if n >= CELL_CHANGED_PX]


def picture_facts(frame: Any) -> Facts:
    """Measure a picture: mean shade, share of its three commonest shades, flat and sharp steps."""
    width = min(frame.width, 1920)
    rows = gray(frame, width, 48)
    shades = [0] * SHADES
    for value in rows[::7]:
        shades[value * SHADES // 256] += 1
    steps = [abs(a - b) for a, b in pairwise(rows)]
    steep = sum(step > 8 for step in steps) or 1
    return Facts(
        luma=sum(rows) / len(rows),
        palette=sum(sorted(shades)[-3:]) / sum(shades),
        flat=sum(step <= 1 for step in steps) / len(steps),
        sharp=sum(step > 40 for step in steps) / steep,
        detail=steep / len(steps),
    )


def frames_from(container: Any, stream: Any, at_s: float, origin_s: float) -> Iterator[Any]:
    """Decode from the keyframe before at_s on; broken packets are passed by."""
    if at_s > 0:
        with contextlib.suppress(av.FFmpegError):
            container.seek(int((at_s + origin_s) / stream.time_base), stream=stream)
    seen = 0
    for packet in container.demux(stream):
        try:
            for frame in packet.decode():
                seen += 1
                yield frame
        except av.FFmpegError:
            pass
        if seen >= MAX_CLIP_FRAMES_READ:
            return


def clip_facts(container: Any, stream: Any, at_s: float, origin_s: float) -> Facts | None:
    """Compare a few frames of one clip; None when nothing there can be decoded."""
    kept: list[Any] = []
    last_s = -1e9
    for number, frame in enumerate(frames_from(container, stream, at_s, origin_s)):
        # The keyframe itself differs from its successors by its quality alone.
        if frame.time is not None and number and frame.time - last_s >= CLIP_SPACING_S:
            last_s = frame.time
            kept.append(frame)
        elif not kept:
            kept, last_s = [frame], frame.time or 0.0
        if len(kept) > CLIP_FRAMES:
            break
    if not kept:
        return None
    grids = [gray(frame, GRID_WIDTH, GRID_HEIGHT) for frame in kept[1:] or kept]
    pairs = [changed_cells(a, b) for a, b in pairwise(grids)]
    cells = {cell for _, numbers in pairs for cell in numbers}
    all_cells = GRID_WIDTH * GRID_HEIGHT // CELL_PX**2
    return Facts(
        at_s=float(kept[0].time or 0.0) - origin_s,
        pairs=len(pairs),
        changed=sum(share for share, _ in pairs) / max(1, len(pairs)),
        cells=len(cells) / all_cells,
        rotation_deg=kept[0].rotation,
        interlaced=any(frame.interlaced_frame for frame in kept),
        transfer=int(kept[0].color_trc or 0),
        **picture_facts(kept[-1]),
    )


def sample_clips(path: str, facts: Facts, orders: dict[str, Any]) -> list[Facts]:
    """Look at clips spread over the video, until the time for it is used up."""
    with opened(path, orders) as container:
        stream = container.streams[facts["video"]["index"]]
        stream.codec_context.thread_count = 1
        return list(clips_of(container, stream, facts, orders))


def clips_of(container: Any, stream: Any, facts: Facts, orders: dict[str, Any]) -> Iterator[Facts]:
    """Give clips that begin at different keyframes."""
    until = time.process_time() + orders["sampling_cpu_s"]
    origin_s, span_s, count = facts["origin_s"], facts["video"]["span_s"], orders["clips"]
    wanted = count if span_s >= 10 else 2
    last_s = -1e9
    for number in range(wanted):
        at_s = facts["video"]["start_s"] + span_s * (number + 0.25) / wanted if number else 0.0
        try:
            clip = clip_facts(container, stream, at_s, origin_s)
        except (av.FFmpegError, OSError, ValueError):
            clip = None
        if clip and clip["at_s"] > last_s:
            last_s = clip["at_s"]
            yield clip
        if time.process_time() > until:
            break


def opened(path: str, orders: dict[str, Any]) -> Any:
    """Open a file that cannot name another one."""
    options = {
        "protocol_whitelist": "file",
        "format_whitelist": orders["formats"],
        "max_pixels": str(orders["max_pixels"]),
        "threads": "1",
    }
    return av.open("file:" + path, options=options, metadata_errors="ignore")


def examine(path: str, orders: dict[str, Any]) -> Facts:
    """Give the facts of a file.

    Raises: av.FFmpegError when it is no media file.
    """
    size_bytes = os.path.getsize(path)
    with opened(path, orders) as container:
        videos = [s for s in container.streams.video if not s.disposition & orders["cover_flag"]]
        audios = list(container.streams.audio)
        streams = [s for s in (*videos[:1], *audios[:1]) if s.codec_context is not None]
        start = container.start_time
        origin_s = start / av.time_base if start is not None else 0.0
        facts = Facts(
            container=container.format.name,
            size_bytes=size_bytes,
            origin_s=origin_s,
            video=None,
            audio=None,
            clips=[],
            missing_packets=0,
        )
        if all(whole_sample_table(container, s) for s in streams):
            packets = {}
            for stream in streams:
                packets[stream.index], missing = packets_by_index(stream, size_bytes)
                facts["missing_packets"] += missing
        else:
            packets = packets_by_reading(container, streams, orders["packets"])
        for stream in streams:
            track = track_facts(stream, packets[stream.index], origin_s)
            if stream.type == "video":
                track |= video_facts(stream)
            else:
                context = stream.codec_context
                track |= Facts(sample_rate_hz=context.sample_rate, channels=context.channels)
            facts[stream.type] = track
    video = facts["video"]
    if video and video["packets"] and video["width_px"] * video["height_px"] <= orders["pixels"]:
        facts["clips"] = sample_clips(path, facts, orders)
    return facts


def main(path: str, orders: str) -> None:
    """Print the facts, or the error that says that there are none."""
    try:
        facts = examine(path, json.loads(orders))
    except (av.FFmpegError, OSError, ValueError) as error:
        facts = Facts(error=type(error).__name__, said=str(error)[:400])
    json.dump(facts, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:3])
