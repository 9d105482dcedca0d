"""What a live encoder sees of the origin: open a feed, push fragments, say when it pauses and ends.

In one process the origin implements it; elsewhere a client of the origin may. Pure words only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from catalog.live import FeedName
from catalog.media import Media
from streaming.isobmff.fragment import Fragment
from streaming.isobmff.reader import Init


@dataclass(frozen=True, slots=True)
class LiveRendition:
    """One rendition of a feed. `rung` orders the pictures, 0 the largest; bandwidth is the peak."""

    name: str
    media: Media
    rung: int
    bandwidth_bps: int
    frame_rate: tuple[int, int] | None = None


class Feed(Protocol):
    """One feed of a session, open for one encoder. Media time 0 is at `anchor_utc`."""

    @property
    def anchor_utc(self) -> float:
        """Unix seconds of media time 0; an encoder starts its times at now - anchor_utc."""

    async def begin(self, renditions: Sequence[LiveRendition]) -> None:
        """Say what will be sent, before the first `take`; again after a restart of the encoder."""

    async def take(self, rendition: str, item: Init | Fragment) -> None:
        """Take the next piece of one rendition. Raises: BadMedia, Ended."""

    async def interrupted(self) -> None:
        """The publisher is away; the feed waits for it."""

    async def resumed(self) -> None:
        """The publisher is back."""

    async def retimed(self) -> None:
        """The encoder shifted its times against the clock: a new connection, or they were wrong."""

    async def end(self) -> None:
        """No more will come; closes the feed."""


class Feeds(Protocol):
    """All feeds of an origin."""

    async def open(self, session: str, feed: FeedName) -> Feed:
        """Open a feed for its encoder. Raises: NotFound, Conflict (it has one; it has ended)."""
