"""An origin that only keeps what it is given, and a book with one key a session."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from catalog.errors import Conflict, Unavailable
from catalog.live import FeedName, LiveSession
from streaming.isobmff.fragment import Fragment
from streaming.isobmff.reader import Init
from streaming.live.port import LiveRendition
from tests.support.wait import eventually

KEY = "right-key"


@dataclass(frozen=True, slots=True)
class Kept:
    """A fragment with its times in seconds since the anchor, and when it came."""

    start_s: float
    end_s: float
    sync: bool
    arrived_s: float
    fragment: Fragment


@dataclass(slots=True)
class KeptFeed:
    """A feed in memory."""

    anchor_utc: float = field(default_factory=time.time)
    begun: list[list[LiveRendition]] = field(default_factory=list)
    inits: dict[str, list[Init]] = field(default_factory=dict)
    kept: dict[str, list[Kept]] = field(default_factory=dict)
    states: list[str] = field(default_factory=list)
    retimings: int = 0

    async def begin(self, renditions: Sequence[LiveRendition]) -> None:
        self.begun.append(list(renditions))

    async def take(self, rendition: str, item: Init | Fragment) -> None:
        if isinstance(item, Init):
            self.inits.setdefault(rendition, []).append(item)
            return
        scale = self.inits[rendition][-1].track.timescale
        start_s, end_s = item.start_ts / scale, (item.start_ts + item.duration_ts) / scale
        arrived_s = time.time() - self.anchor_utc
        kept = Kept(start_s, end_s, item.starts_with_sync, arrived_s, item)
        self.kept.setdefault(rendition, []).append(kept)

    async def interrupted(self) -> None:
        self.states.append("interrupted")

    async def resumed(self) -> None:
        self.states.append("resumed")

    async def retimed(self) -> None:
        self.retimings += 1

    async def end(self) -> None:
        self.states.append("ended")

    def names(self) -> list[str]:
        """The renditions of the last begin."""
        return [rendition.name for rendition in self.begun[-1]] if self.begun else []

    def end_s(self, name: str) -> float:
        """How far a rendition has come."""
        return self.kept[name][-1].end_s if self.kept.get(name) else 0.0

    def keyframes_s(self, name: str) -> list[float]:
        """When a rendition can be joined."""
        return [round(one.start_s, 3) for one in self.kept[name] if one.sync]

    def file(self, name: str) -> bytes:
        """A rendition as a CMAF file."""
        return self.inits[name][0].data + b"".join(one.fragment.data for one in self.kept[name])

    async def grows(self, seconds: float, limit_s: float = 30.0) -> None:
        """Wait until every rendition has so many seconds more than now."""
        names = self.names()
        goals = {name: self.end_s(name) + seconds for name in names}
        await self.reaches(lambda: all(self.end_s(name) > goals[name] for name in names), limit_s)

    async def reaches(self, holds: Callable[[], bool], limit_s: float = 30.0) -> None:
        """Wait until it holds."""
        await eventually(holds, limit_s)


class KeptFeeds:
    """Feeds in memory: one encoder each, none after the end."""

    def __init__(self) -> None:
        self.feeds: dict[tuple[str, FeedName], KeptFeed] = {}
        self.opened = asyncio.Event()

    async def open(self, session: str, feed: FeedName) -> KeptFeed:
        found = self.feeds.get((session, feed))
        if found is not None and "ended" in found.states:
            raise Conflict("this feed has ended")
        self.opened.set()
        return self.feeds.setdefault((session, feed), KeptFeed())


class OneKeyBook:
    """Every session has the same key; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.away = False

    async def find(self, session: str) -> LiveSession | None:
        return None

    async def publishes(self, session: str, feed: FeedName, key: str) -> bool:
        self.asked += 1
        if self.away:
            raise Unavailable("the catalogue is away")
        return key == KEY

    async def went_live(self, session: str) -> None:
        return None

    async def ended(self, session: str) -> None:
        return None
