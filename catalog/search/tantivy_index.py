"""The search port on tantivy: a reader that looks again when the files change, and a writer.

Reading runs in a few threads (tantivy lets go of the GIL while it searches). Counts are the costly
part, so they are remembered for the state of the index they were made on, and for a second longer
while lessons keep arriving.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import tantivy

from catalog.errors import Unavailable
from catalog.search.counting import Buckets, Counter
from catalog.search.cursor import read_cursor, write_cursor
from catalog.search.hints import complete
from catalog.search.home import Home, guarded, open_index
from catalog.search.paging import Pager
from catalog.search.port import Counts, Entry, Hint, Page, Request
from catalog.search.schema import document, id_of

log = logging.getLogger(__name__)

T = TypeVar("T")
MANY_HITS = 10_000


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """Where the index lives and what it may use."""

    directory: Path
    threads: int = 4
    writer_heap_bytes: int = 192 * 1024 * 1024
    writer_threads: int = 1
    look_every_s: float = 0.1
    counts_kept: int = 512
    counts_age_s: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """One committed state of one build."""

    build: Path
    index: tantivy.Index
    stamp: tuple[int, int]
    pager: Pager
    counter: Counter
    searcher: tantivy.Searcher


class TantivyReader:
    """Answers from the newest state that `look` has seen; `damaged` is a build it cannot read."""

    def __init__(self, settings: SearchSettings, clock: Callable[[], float] = time.monotonic):
        self._settings = settings
        self._home = Home(settings.directory)
        self._clock = clock
        self._threads = ThreadPoolExecutor(settings.threads, thread_name_prefix="search")
        self._snapshot: Snapshot | None = None
        self._kept: OrderedDict[object, tuple[Snapshot, float, Buckets]] = OrderedDict()
        self.damaged: Path | None = None

    async def page(self, request: Request) -> Page:
        """Give one page. Raises: Invalid, Unavailable."""
        after = read_cursor(request)
        snapshot = self._ready()
        places = await self._run(snapshot.pager.page, request, after, request.limit + 1)
        shown = places[: request.limit]
        more = len(places) > request.limit
        ids = tuple(id_of(place.key) for place in shown)
        return Page(ids, write_cursor(request, shown[-1]) if more else None)

    async def counts(self, request: Request) -> Counts:
        """Count all that the request finds, each part in a thread of its own."""
        snapshot = self._ready()
        parts = snapshot.counter.parts(request)
        answers = await asyncio.gather(
            *(self._remembered(snapshot, part.same, part.count) for part in parts)
        )
        return snapshot.counter.together(request, answers)

    async def hints(self, typed: str, city: bool, limit: int) -> list[Hint]:
        """Complete what was typed. Raises: Unavailable."""
        snapshot = self._ready()
        return await self._run(complete, snapshot.index.schema, snapshot.searcher, typed, city,
                               limit)  # fmt: skip

    async def look(self) -> bool:
        """See whether the index changed and take its newest state; gives whether it did.

        It changes on the loop alone: who asks for a page and for counts at once has both of one.
        """
        loop = asyncio.get_running_loop()
        newer = await loop.run_in_executor(self._threads, self._look)
        self._snapshot = newer or self._snapshot
        return newer is not None

    async def keep_looking(self) -> None:
        """Look for ever, also when another process writes."""
        while True:
            known = self.damaged
            try:
                await self.look()
            except Unavailable as error:
                if known != self.damaged:
                    log.warning("%s", error)
            await asyncio.sleep(self._settings.look_every_s)

    @property
    def lessons(self) -> int:
        """How many lessons the state in use holds."""
        return self._snapshot.searcher.num_docs if self._snapshot else 0

    def close(self) -> None:
        """Wait for the threads to end: nothing opens the index afterwards. Blocks."""
        self._threads.shutdown(cancel_futures=True)

    def _ready(self) -> Snapshot:
        if self._snapshot is None:
            raise Unavailable("the search index is being built: try again in a moment")
        return self._snapshot

    async def _run(self, call: Callable[..., T], *arguments: object) -> T:
        def safely() -> T:
            try:
                with guarded("search"):
                    return call(*arguments)
            except Unavailable:
                log.exception("a search failed")
                self._examine()
                raise

        return await asyncio.get_running_loop().run_in_executor(self._threads, safely)

    async def _remembered(
        self, snapshot: Snapshot, same: object, count: Callable[[], Buckets]
    ) -> Buckets:
        kept = self._kept.get(same)
        now = self._clock()
        if kept and (kept[0] is snapshot or self._still_right(kept[1], kept[2], now)):
            self._kept.move_to_end(same)
            return kept[2]
        answer = await self._run(count)
        self._kept[same] = (snapshot, now, answer)
        while len(self._kept) > self._settings.counts_kept:
            self._kept.popitem(last=False)
        return answer

    def _examine(self) -> None:
        """Tell damage from a query that tantivy does not take: only damage asks for a rebuild."""
        build = self._home.current()
        try:
            if build:
                open_index(build)
        except Unavailable:
            self.damaged = build

    def _still_right(self, counted_at: float, answer: Buckets, now: float) -> bool:
        # Few hits are counted in no time, and there one lesson more is seen at once.
        hits = max(sum(values.values()) for values in answer.values())
        return hits >= MANY_HITS and now - counted_at < self._settings.counts_age_s

    def _look(self) -> Snapshot | None:
        build = self._home.current()
        try:
            return self._newer(build) if build else None
        except Unavailable:
            if self._home.current() != build:
                return self._look()
            self.damaged = build
            raise

    def _newer(self, build: Path) -> Snapshot | None:
        stamp = _stamp(build)
        old = self._snapshot
        if old and old.build == build and old.stamp == stamp:
            return None
        with guarded("read the search index"):
            if old and old.build == build:
                index = old.index
                index.reload()
            else:
                index = open_index(build)
            searcher = index.searcher()
            pager = Pager(index.schema, searcher)
        return Snapshot(build, index, stamp, pager, Counter(pager.compiler, searcher), searcher)


def _stamp(build: Path) -> tuple[int, int]:
    try:
        found = (build / "meta.json").stat()
    except OSError:
        return (0, 0)
    return found.st_mtime_ns, found.st_ino


class TantivyWriter:
    """Writes one build; one process at a time, from one thread at a time."""

    def __init__(self, build: Path, settings: SearchSettings) -> None:
        self._index = open_index(build)
        with guarded("write the search index"):
            self._writer = self._index.writer(settings.writer_heap_bytes, settings.writer_threads)

    def add(self, entries: Iterable[Entry], known: bool = True) -> None:
        """Add lessons; those that may be there already are replaced. Raises: Unavailable."""
        with guarded("write the search index"):
            for entry in entries:
                if known:
                    self._writer.delete_documents_by_term("id", entry.id)
                self._writer.add_document(document(entry))

    def delete(self, ids: Iterable[str]) -> None:
        """Take lessons out. Raises: Unavailable."""
        with guarded("write the search index"):
            for lesson in ids:
                self._writer.delete_documents_by_term("id", lesson)

    def commit(self) -> None:
        """Make it durable. Raises: Unavailable, when the disk is full for example."""
        with guarded("write the search index"):
            self._writer.commit()

    def close(self) -> None:
        """Wait for merges and let go of the lock; the writer is of no use afterwards."""
        with guarded("close the search index"):
            self._writer.wait_merging_threads()
