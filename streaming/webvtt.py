"""WebVTT that the data plane makes or touches: thumbnails, chapters, subtitles for HLS. Pure.

Spec: W3C WebVTT 4.1; RFC 8216bis 3.1.4 (X-TIMESTAMP-MAP); Media Fragments 4.2.2 (xywh).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from catalog.media import Chapter, Sprite

SHORTEST_CUE_S = 0.001
_TIMESTAMP_MAP = "X-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000"
_SIGNATURE = re.compile(r"\ufeff?(WEBVTT[^\r\n]*)(\r\n|\n|\r|$)")


def timestamp(seconds: float) -> str:
    """Write a time as hours, minutes, seconds and thousandths."""
    millis = round(seconds * 1000)
    hours, rest = divmod(millis, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}"


def thumbnails(sprites: Sequence[Sprite], duration_s: float, suffix: str = "") -> str:
    """Give each moment its picture: a cell of a sprite, until the next one's time."""
    cells = [
        (time_s, f"sprite-{number}.jpg{suffix}#xywh={_cell(sprite, index)}")
        for number, sprite in enumerate(sprites)
        for index, time_s in enumerate(sprite.times_s)
    ]
    return _file(cells, duration_s)


def _cell(sprite: Sprite, index: int) -> str:
    row, column = divmod(index, sprite.columns)
    width, height = sprite.cell_width_px, sprite.cell_height_px
    return f"{column * width},{row * height},{width},{height}"


def chapters(items: Sequence[Chapter], duration_s: float) -> str:
    """Write chapters as cues; titles are made safe."""
    return _file([(item.start_s, _safe(item.title)) for item in items], duration_s)


def for_hls(text: str) -> str:
    """Tell players that the cues' clock is the presentation's, beginning at 0."""
    if "X-TIMESTAMP-MAP" in text:
        return text
    found = _SIGNATURE.match(text)
    if found is None:
        return f"WEBVTT\n{_TIMESTAMP_MAP}\n\n{text}"
    end = found[2] or "\n"
    return f"{found[1]}{end}{_TIMESTAMP_MAP}{end}{text[found.end() :]}"


def _file(cues: Sequence[tuple[float, str]], duration_s: float) -> str:
    return "\n\n".join(["WEBVTT", *_cues(cues, duration_s)]) + "\n"


def _cues(cues: Sequence[tuple[float, str]], duration_s: float) -> Iterator[str]:
    ends: Iterable[float] = [*(start for start, _ in cues[1:]), duration_s]
    for (start_s, text), end_s in zip(cues, ends, strict=True):
        end_s = max(end_s, start_s + SHORTEST_CUE_S)
        yield f"{timestamp(start_s)} --> {timestamp(end_s)}\n{text}"


def _safe(text: str) -> str:
    flat = " ".join(text.split())
    return flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") or "-"
