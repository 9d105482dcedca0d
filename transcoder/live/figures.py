"""What the ingest of a feed tells of itself, for figures by session."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.live import FeedName


@dataclass(frozen=True, slots=True)
class IngestFigures:
    """One feed. Counts (received, gaps, dropped, reconnects) are since `since_at`, monotonic.

    bitrate_bps: of the last second. speed: of its encoder, 1 is real time; None while it rests.
    gaps: holes of more than half a second between pictures. dropped: tags that were left out
    because ffmpeg was too slow. reconnects: publishers that dropped and came back.
    """

    session: str
    feed: FeedName
    since_at: float
    bitrate_bps: int
    speed: float | None
    received_bytes: int
    gaps: int
    dropped: int
    reconnects: int
