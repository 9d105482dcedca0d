"""Whether a live playlist counts on without a break: numbers, discontinuities, holes. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from streaming.hls.parse import parse_media

HOLE_MS = 50


@dataclass(frozen=True, slots=True)
class Numbers:
    """A playlist at one moment; `hole_s` is time that lies between segments but in none."""

    first: int
    next: int
    discontinuities: int
    media_s: float
    hole_s: float

    def since(self, before: Numbers) -> str:
        """Say how it went on from an earlier moment."""
        broken = self.first != before.first or self.next < before.next
        fresh = self.discontinuities - before.discontinuities
        return (
            f"{'BROKEN ' if broken else ''}{before.next} → {self.next}, "
            f"{fresh} discontinuities, {self.hole_s - before.hole_s:.1f} s in no segment"
        )


def numbers_of(text: str) -> Numbers:
    """Read a media playlist that begins with the session."""
    playlist = parse_media(text)
    hole_ms, due_ms = 0, None
    for segment in playlist.segments:
        if segment.program_ms is not None and due_ms is not None:
            late_ms = segment.program_ms - due_ms
            hole_ms += late_ms if late_ms > HOLE_MS else 0
        if segment.gap:
            hole_ms += segment.duration_us // 1000
        begins_ms = segment.program_ms if segment.program_ms is not None else due_ms
        due_ms = None if begins_ms is None else begins_ms + segment.duration_us // 1000
    media_us = sum(one.duration_us for one in playlist.segments if not one.gap)
    return Numbers(
        playlist.first_number, playlist.open_number,
        sum(one.discontinuity for one in playlist.segments), media_us / 1e6, hole_ms / 1e3,
    )  # fmt: skip
