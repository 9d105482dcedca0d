"""Watching lessons: notifications in, news for each watcher out.

One task reads what changed, once for all watchers and in batches; each watcher gets what it asked
for and may see. A watcher that reads slowly finds only the newest news of each lesson.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Annotated

import msgspec

from catalog.db.lessons import LessonRecord, my_lessons, read_lessons
from catalog.db.listen import Listener
from catalog.db.pool import Pool
from catalog.ending import end_task
from catalog.errors import TongbuError, TooMany
from catalog.lesson import LessonState
from catalog.lesson_news import Mailbox
from catalog.people import Viewer, may_watch

log = logging.getLogger(__name__)

WATCHERS_LIMIT = 5000
WATCHERS_LIMIT_A_PERSON = 30
MINE_LIMIT = 100
BATCH_LIMIT = 500
BATCH_WAIT_S = 0.05
AWAY_WAIT_S = 0.5


StateWord = Annotated[
    str, msgspec.Meta(extra_json_schema={"enum": [state.value for state in LessonState]})
]


class LessonError(msgspec.Struct):
    """Why a lesson failed: a code that pages translate and a sentence."""

    code: str
    message: str


class News(msgspec.Struct):
    """What a page follows of a lesson."""

    id: str
    state: StateWord
    progress: float
    eta_s: float | None
    error: LessonError | None
    generation: int


@dataclass(eq=False, slots=True)
class Watcher:
    """One who watches named lessons, or all of the own ones."""

    viewer: Viewer
    lessons: frozenset[str]
    mine: bool
    mailbox: Mailbox = field(default_factory=Mailbox)
    stirred: asyncio.Event = field(default_factory=asyncio.Event)
    ended: bool = False

    def offer(self, record: LessonRecord, news: bytes) -> None:
        """Take news if it is asked for and open to this viewer."""
        own = self.mine and record.owner_id == self.viewer.person_id
        if (own or record.id in self.lessons) and may_watch(self.viewer, record.place):
            self.mailbox.put(record.id, news)
            self.stirred.set()

    def end(self) -> None:
        """Let the one who waits go."""
        self.ended = True
        self.stirred.set()


class Watch:
    """All watchers of one process; `run` is its one task."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._watchers: set[Watcher] = set()
        self._changed: dict[str, None] = {}
        self._all = False
        self._stirred = asyncio.Event()
        self._closed = False

    def attach(self, listener: Listener) -> None:
        """Follow a listener's `lesson` channel."""
        listener.subscribe("lesson", self._note, self._look_at_all)

    def _note(self, lesson: str) -> None:
        if self._watchers and not self._all:
            self._changed[lesson] = None
            self._stirred.set()

    def _look_at_all(self) -> None:
        if self._watchers:
            self._all = True
            self._changed.clear()
            self._stirred.set()

    @contextmanager
    def watching(self, viewer: Viewer, lessons: frozenset[str], mine: bool) -> Iterator[Watcher]:
        """Add a watcher for the time of the block. Raises: TooMany."""
        if len(self._watchers) >= WATCHERS_LIMIT or self._has_many(viewer):
            raise TooMany("too many pages are watching: close some", 10.0)
        watcher = Watcher(viewer, lessons, mine)
        self._watchers.add(watcher)
        if self._closed:
            watcher.end()
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    def _has_many(self, viewer: Viewer) -> bool:
        if not viewer.signed_in:
            return False
        own = sum(item.viewer.person_id == viewer.person_id for item in self._watchers)
        return own >= WATCHERS_LIMIT_A_PERSON

    async def look(self, watcher: Watcher) -> None:
        """Offer a watcher how its lessons stand now. Raises: Unavailable."""
        async with self._pool.connection() as connection:
            found = await read_lessons(connection, sorted(watcher.lessons))
            if watcher.mine:
                found += await my_lessons(connection, watcher.viewer.person_id, MINE_LIMIT)
        for record in found:
            watcher.offer(record, news_of(record))

    async def run(self) -> None:
        """Read what changed and hand it out, until cancelled."""
        while True:
            await self._stirred.wait()
            # What comes within this while is read together: progress stirs often.
            await asyncio.sleep(BATCH_WAIT_S)
            self._stirred.clear()
            try:
                await self._hand_out()
            except TongbuError as error:
                log.warning("lessons could not be read for their watchers: %s", error)
                await asyncio.sleep(AWAY_WAIT_S)
                self._look_at_all()

    async def _hand_out(self) -> None:
        if self._all:
            self._all = False
            for watcher in tuple(self._watchers):
                await self.look(watcher)
            return
        ids, self._changed = list(self._changed), {}
        for start in range(0, len(ids), BATCH_LIMIT):
            async with self._pool.connection() as connection:
                found = await read_lessons(connection, ids[start : start + BATCH_LIMIT])
            for record in found:
                news = news_of(record)
                for watcher in self._watchers:
                    watcher.offer(record, news)

    def close(self) -> None:
        """Let all watchers go, and those that still come."""
        self._closed = True
        for watcher in self._watchers:
            watcher.end()


def news_of(record: LessonRecord) -> bytes:
    """Encode what a page follows of a lesson."""
    error = LessonError(record.error_code, record.error_detail)
    return msgspec.json.encode(
        News(record.id, record.state, record.progress, record.eta_s,
             error if record.error_code else None, record.generation)
    )  # fmt: skip


@asynccontextmanager
async def watch(pool: Pool, listener: Listener) -> AsyncIterator[Watch]:
    """Run the watch in a task of its own until the end of the block."""
    made = Watch(pool)
    made.attach(listener)
    task = asyncio.create_task(made.run(), name="watch")
    try:
        yield made
    finally:
        made.close()
        await end_task(task)
