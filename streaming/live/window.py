"""The newest whole segments of a track, whose bytes are in memory, and what became of all. Pure.

Every segment that was published with bytes is held or was evicted: `published == held + evicted`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from streaming.live.segments import Segment


class Window:
    """At most `limit` segments, gaps too."""

    def __init__(self, limit: int) -> None:
        self.published = 0
        self.evicted = 0
        self._limit = limit
        self._segments: deque[Segment] = deque()

    @property
    def held(self) -> int:
        """Count the segments whose bytes are here."""
        return sum(bool(segment.data) for segment in self._segments)

    def push(self, segment: Segment) -> Segment | None:
        """Take the next segment; give the one that has to go for it."""
        self._segments.append(segment)
        self.published += bool(segment.data)
        if len(self._segments) <= self._limit:
            return None
        out = self._segments.popleft()
        self.evicted += bool(out.data)
        return out

    def renew(self, segments: Iterable[Segment]) -> None:
        """Keep these, of those that are here, and let the others go."""
        before = self.held
        self._segments = deque(segments)
        self.evicted += before - self.held
