"""The catalogue's ports for live sessions, in memory; the contract of catalog/live.py is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from catalog.errors import Conflict, NotFound, Unavailable
from catalog.ids import new_id
from catalog.live import (
    FeedName,
    LiveSession,
    Recorded,
    RecordedSegment,
)
from catalog.media import MediaObject, Rendition
from catalog.session import SessionInput, SessionKind, SessionState, step


class MemorySessions:
    """A `SessionBook`."""

    def __init__(self) -> None:
        self.sessions: dict[str, LiveSession] = {}
        self.keys: dict[tuple[str, FeedName], str] = {}

    def add(self, state: SessionState = SessionState.WAITING) -> str:
        """Book a session."""
        made = LiveSession(new_id(), "同步课堂", SessionKind.SYNC_CLASS, state, True, 0.0, 2700.0)
        self.sessions[made.id] = made
        return made.id

    async def find(self, session: str) -> LiveSession | None:
        return self.sessions.get(session)

    async def publishes(self, session: str, feed: FeedName, key: str) -> bool:
        return self.keys.get((session, feed)) == key

    async def went_live(self, session: str) -> None:
        self._step(session, SessionInput.WENT_LIVE)

    async def ended(self, session: str) -> None:
        self._step(session, SessionInput.ENDED)

    def _step(self, session: str, event: SessionInput) -> None:
        found = self.sessions[session]
        self.sessions[session] = replace(found, state=step(found.state, event))


class MemoryRecordings:
    """A `RecordingBook`. While `away`, everything is refused."""

    def __init__(self, sessions: MemorySessions) -> None:
        self._sessions = sessions
        self.kept: dict[tuple[str, FeedName], Recorded] = {}
        self.finished: dict[str, str] = {}
        self.away = False

    async def open(self, session: str, feed: FeedName, anchor_utc: float) -> Recorded:
        self._check()
        if session not in self._sessions.sessions:
            raise NotFound("there is no such session")
        key = (session, feed)
        if key not in self.kept:
            self.kept[key] = Recorded(new_id(), 1, anchor_utc, {}, 0)
        return self.kept[key]

    async def add_rendition(self, recorded: Recorded, rendition: Rendition) -> str:
        self._check()
        key = self._key(recorded)
        found = self.kept[key]
        for run in range(1, 50):
            name = rendition.name if run == 1 else f"{rendition.name}-r{run}"
            known = found.renditions.get(name)
            if known is None:
                made = replace(rendition, name=name)
                renditions = {**found.renditions, name: made}
                self.kept[key] = replace(found, renditions=renditions)
                return made.id
            if known.init == rendition.init:
                return known.id
        raise Conflict("set up anew too often")

    async def append(
        self, recorded: Recorded, rendition: str, segments: Sequence[RecordedSegment]
    ) -> None:
        self._check()
        key = self._key(recorded)
        found = self.kept[key]
        (kept,) = [item for item in found.renditions.values() if item.id == rendition]
        for segment in segments:
            kept = replace(kept, objects=(*_stretched(kept, segment.start_ts), _object(segment)))
        renditions = {**found.renditions, kept.name: kept}
        number = min(
            item.objects[-1].first_number + 1 if item.objects else 0 for item in renditions.values()
        )
        self.kept[key] = replace(found, renditions=renditions, next_number=number)

    async def finish(self, session: str) -> str:
        self._check()
        main = self.kept[session, FeedName.MAIN]
        event = SessionInput.RECORDED if main.renditions else SessionInput.NOTHING_RECORDED
        self._sessions._step(session, event)
        if not main.renditions:
            raise Conflict("nothing was recorded")
        self.finished[session] = main.lesson
        return main.lesson

    def rendition(self, session: str, name: str, feed: FeedName = FeedName.MAIN) -> Rendition:
        """What is recorded of a rendition."""
        return self.kept[session, feed].renditions[name]

    def _key(self, recorded: Recorded) -> tuple[str, FeedName]:
        (key,) = [k for k, v in self.kept.items() if v.lesson == recorded.lesson]
        return key

    def _check(self) -> None:
        if self.away:
            raise Unavailable("the database is away")


def _stretched(kept: Rendition, start_ts: int) -> tuple[MediaObject, ...]:
    """What is there, the last one lasting until the next begins."""
    if not kept.objects:
        return ()
    last = kept.objects[-1]
    missing_ts = start_ts - last.base_ts - last.durations_ts[0]
    if missing_ts < 0:
        raise Conflict(f"{kept.name}: a segment begins {-missing_ts} ticks too early")
    longer = replace(last, durations_ts=(last.durations_ts[0] + missing_ts,))
    return (*kept.objects[:-1], longer)


def _object(segment: RecordedSegment) -> MediaObject:
    return MediaObject(
        segment.key,
        segment.number,
        0,
        segment.start_ts,
        (segment.size_bytes,),
        (segment.duration_ts,),
        (segment.keyframe_bytes,),
    )
