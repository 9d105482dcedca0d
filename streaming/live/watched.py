"""What the deliveries need of a feed, whoever fills it: an encoder, or in a school an upstream.

Pure words; LL-HLS and the WebSocket see only these.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Protocol

from catalog.live import FeedName
from streaming.live.channel import Channel
from streaming.live.hub import Hub
from streaming.live.listing import Listing
from streaming.live.waiters import Waiters


class WatchedFeed(Protocol):
    """One feed with all who watch it."""

    @property
    def session_id(self) -> str:
        """The session's id."""

    @property
    def name(self) -> FeedName:
        """Which picture and sound of the session."""

    @property
    def channel(self) -> Channel:
        """Its renditions on one timeline."""

    @property
    def hub(self) -> Hub:
        """Its WebSocket viewers."""

    @property
    def listings(self) -> Mapping[str, Listing]:
        """Its playlists by rendition."""

    @property
    def waiters(self) -> Mapping[str, Waiters]:
        """Who waits for a playlist's next part, by rendition."""

    @property
    def ready(self) -> asyncio.Event:
        """Set from the first whole segment of everything on."""

    @property
    def anchor_utc(self) -> float:
        """Unix seconds of media time 0."""

    @property
    def ended(self) -> bool:
        """Tell whether nothing more will come."""

    def wanted(self, rendition: str) -> None:
        """A viewer asks for this rendition: see that it comes."""

    async def old(self, rendition: str, number: int) -> bytes | None:
        """Give a segment that has left the window, with the times that it was sent with.

        Raises: Unavailable.
        """


class WatchedFeeds(Protocol):
    """All feeds that can be watched here."""

    async def seek(self, session: str, feed: FeedName) -> WatchedFeed | None:
        """Give a feed that is on the air, or has ended a moment ago. Raises: Unavailable."""
