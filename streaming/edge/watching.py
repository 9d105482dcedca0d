"""What is being watched in the school, and which rungs it may choose of it: the cap, applied.

Live feeds are those that are relayed; a lesson is watched for WATCHED_S after a piece of it was
asked for: whoever only looks at its picture in the library takes nothing from the others. Once a
second, and when something appears, the cap is decided anew: a capped feed shows fewer pictures, a
capped lesson is rendered with fewer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import count

from catalog.live import FeedName
from catalog.media import Media, Presentation, Rendition, peak_bps
from streaming.edge.cap import Allowed, Cap, Rung, Stream, Why
from streaming.edge.eviction import Held
from streaming.edge.pace import Share, share_of
from streaming.edge.piece import Group
from streaming.edge.relayed import RelayedFeed, RelayedFeeds
from streaming.offer import AV1

log = logging.getLogger(__name__)

WATCHED_S = 30.0
DECIDE_EVERY_S = 1.0
CONTENTS_EVERY = 5
TARGET_S = 4.0
LESSONS_LIMIT = 200
NEVER = float("-inf")


@dataclass(slots=True)
class _Lesson:
    """A lesson that was shown; `rungs` as measured when its presentation came.

    `at`: when a piece of it was last asked for; never, as long as nobody watches.
    """

    presentation: Presentation
    rungs: dict[str, int]
    sound_bps: int
    at: float = NEVER
    allowed: Allowed | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A stream as the status page shows it. `label` of a rung is for people."""

    stream: Stream
    live: bool
    viewers: int
    labels: Mapping[str, str]


class Watching:
    """Decides the cap. `estimate` tells what the line carries, `contents` what of each group is
    kept here, `changed` hears of a lesson whose choice has changed.
    """

    def __init__(
        self,
        cap: Cap,
        estimate: Callable[[], int | None],
        contents: Callable[[], Awaitable[Sequence[Held]]],
        changed: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cap = cap
        self._estimate = estimate
        self._contents = contents
        self._kept: dict[Group, int] = {}
        self._changed = changed
        self._clock = clock
        self._lessons: dict[str, _Lesson] = {}
        self._feeds: Mapping[tuple[str, FeedName], RelayedFeed] = {}
        self.decisions: dict[str, Allowed] = {}
        self.seen: list[Seen] = []

    @property
    def room_bps(self) -> int:
        """What media may use of the line."""
        return self._cap.room_bps

    def next_bps(self) -> int | None:
        """Say what the line must carry for the next raise; None when it holds nothing back."""
        by_line = (Why.LINE, Why.LOWEST, Why.UNKNOWN)
        held = any(one.capped and one.why in by_line for one in self.decisions.values())
        return self._cap.next_bps if held else None

    def share_of(self, lesson: str) -> Share | None:
        """Say what foreign players may take of the line for a lesson; None: all that there is."""
        streams = [one.stream for one in self.seen]
        live = {one.stream.id for one in self.seen if one.live}
        cap = self._cap
        return share_of(lesson, streams, self.decisions, cap.room_bps, live, cap.limited)

    def follow(self, feeds: RelayedFeeds) -> None:
        """Cap these feeds from now on."""
        self._feeds = feeds.feeds

    def allowed(self, presentation: Presentation) -> frozenset[str] | None:
        """Say which pictures of a lesson the school may choose; None: all."""
        lesson, now = presentation.lesson, self._clock()
        known = self._lessons.pop(lesson, None)
        if known is None or known.presentation != presentation:
            at = NEVER if known is None else known.at
            known = _measured(presentation, at)
        self._lessons[lesson] = known
        if len(self._lessons) > LESSONS_LIMIT:
            del self._lessons[next(iter(self._lessons))]
        if known.allowed is None or not self._is_watched(known, now):
            known.allowed = self._would_be(lesson, known, now)
        return None if known.allowed is None else _shown(known.allowed)

    def choice_of(self, lesson: str) -> Allowed | None:
        """Say what the school may choose of a lesson that was shown; None: nothing is known."""
        known = self._lessons.get(lesson)
        if known is None:
            return None
        if not self._is_watched(known, self._clock()):
            known.allowed = self._would_be(lesson, known, self._clock())
        return known.allowed

    def used(self, group: Group) -> None:
        """A piece of a lesson was asked for."""
        known = self._lessons.get(group.lesson)
        if known is None:
            return
        now = self._clock()
        appears = not self._is_watched(known, now)
        known.at = now
        if appears:
            self.decide()

    def opened(self, feed: RelayedFeed) -> None:
        """A live feed is watched from now on."""
        self.decide()

    def decide(self) -> None:
        """Decide for all that is watched now, and apply it."""
        now = self._clock()
        watched = {n: one for n, one in self._lessons.items() if self._is_watched(one, now)}
        feeds = {f"live/{f.session_id}/{f.name.value}": f for f in self._feeds.values()}
        self.seen = [_live(identifier, feed) for identifier, feed in feeds.items()]
        self.seen += [self._stored(lesson, known) for lesson, known in watched.items()]
        streams = (one.stream for one in self.seen if one.stream.rungs)
        decisions = self._cap.decide(now, streams, self._estimate())
        self._tell(decisions)
        for identifier, feed in feeds.items():
            if identifier in decisions:
                feed.cap(_shown(decisions[identifier]))
        for lesson, known in watched.items():
            self._apply(lesson, known, decisions.get(lesson))

    async def run(self) -> None:
        """Decide again and again."""
        for number in count():
            if number % CONTENTS_EVERY == 0 and self._lessons:
                self._kept = {one.group: one.size_bytes for one in await self._contents()}
            self.decide()
            await asyncio.sleep(DECIDE_EVERY_S)

    @staticmethod
    def _is_watched(known: _Lesson, now: float) -> bool:
        return now - known.at <= WATCHED_S

    def _would_be(self, lesson: str, known: _Lesson, now: float) -> Allowed | None:
        """Say what a lesson could have beside what is watched, without deciding anything."""
        streams = [one.stream for one in self.seen if one.stream.rungs]
        streams.append(self._stored(lesson, known).stream)
        return deepcopy(self._cap).decide(now, streams, self._estimate()).get(lesson)

    def _apply(self, lesson: str, known: _Lesson, allowed: Allowed | None) -> None:
        before, known.allowed = known.allowed, allowed
        if before is not None and allowed is not None and before.rungs != allowed.rungs:
            self._changed(lesson)

    def _tell(self, decisions: dict[str, Allowed]) -> None:
        for identifier, found in decisions.items():
            before = self.decisions.get(identifier)
            if before is None or before.rungs != found.rungs:
                log.info("%s may use %s: %s", identifier, ", ".join(found.rungs), found.why.value)
        self.decisions = decisions

    def _stored(self, lesson: str, known: _Lesson) -> Seen:
        rungs = [
            Rung(
                r.id,
                known.rungs[r.id] + (known.sound_bps if r.media is Media.VIDEO else 0),
                whole_in_cache=self._is_whole(lesson, r),
                sound_only=r.media is Media.AUDIO,
            )
            for r in known.presentation.renditions
            if not r.codecs.startswith(AV1)
        ]
        labels = {r.id: r.name for r in known.presentation.renditions}
        return Seen(Stream(lesson, tuple(rungs)), False, 0, labels)

    def _is_whole(self, lesson: str, rendition: Rendition) -> bool:
        if not rendition.complete:
            return False
        size_bytes = sum(sum(item.sizes) for item in rendition.objects)
        return self._kept.get(Group(lesson, rendition.id), 0) >= size_bytes


def _measured(presentation: Presentation, now: float) -> _Lesson:
    rungs = {r.id: peak_bps(r.segments(), r.timescale, TARGET_S) for r in presentation.renditions}
    sounds = [rungs[r.id] for r in presentation.renditions if r.media is Media.AUDIO]
    return _Lesson(presentation, rungs, max(sounds, default=0), now)


def _live(identifier: str, feed: RelayedFeed) -> Seen:
    """All that its upstream announces, shown or not."""
    announced = feed.mirror.announced
    sounds = [r.bandwidth_bps for r in announced if r.media is Media.AUDIO]
    sound_bps = max(sounds, default=0)
    rungs = (
        Rung(r.name, r.bandwidth_bps, sound_only=True)
        if r.media is Media.AUDIO
        else Rung(r.name, r.bandwidth_bps + sound_bps)
        for r in announced
    )
    viewers = len(feed.hub) + max((w.waiting for w in feed.waiters.values()), default=0)
    labels = {r.name: r.name for r in announced}
    return Seen(Stream(identifier, tuple(rungs)), True, viewers, labels)


def _shown(found: Allowed) -> frozenset[str] | None:
    return frozenset(found.rungs) if found.capped else None
