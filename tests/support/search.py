"""A search index for tests: entries, a written build, questions in one line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from catalog.db.listen import listening
from catalog.db.pool import Pool
from catalog.ids import new_id
from catalog.people import GUEST, LessonPlace, Viewer
from catalog.search.home import Home, State
from catalog.search.indexer import search_running
from catalog.search.metrics import SearchMetrics
from catalog.search.port import Counts, Entry, Request, Sort
from catalog.search.query import parse
from catalog.search.rights import sight_of, words_of
from catalog.search.schema import VERSION
from catalog.search.tantivy_index import SearchSettings, TantivyReader, TantivyWriter


def entry(title: str, state: str = "ready", **values: Any) -> Entry:
    """A lesson's entry; owner, school, district, group and visibility decide its words."""
    visibility = values.pop("visibility", "public")
    place = LessonPlace(values.pop("owner", None), values.get("school_id"),
                        values.pop("district", None), values.pop("group", None),
                        visibility)  # fmt: skip
    plays = state in ("playable", "ready")
    return Entry(
        id=values.pop("id", None) or new_id(), title=title, words=words_of(place, state),
        public=plays and visibility == "public", city=plays and visibility == "city", **values,
    )  # fmt: skip


class Index:
    """A writer and a reader on one build."""

    def __init__(self, directory: Path) -> None:
        self.settings = SearchSettings(directory, threads=2, counts_age_s=0.0)
        self.home = Home(directory)
        build = self.home.new_build(State(VERSION, "test", 0, complete=True))
        self.home.use(build)
        self.writer = TantivyWriter(build, self.settings)
        self.reader = TantivyReader(self.settings)

    async def put(self, *entries: Entry) -> None:
        """Add and show entries."""
        await asyncio.to_thread(self._put, entries)
        await self.reader.look()

    def _put(self, entries: Sequence[Entry]) -> None:
        self.writer.add(entries)
        self.writer.commit()

    async def ids(self, text: str, **values: Any) -> Sequence[str]:
        """Find identifiers."""
        return (await self.reader.page(request(text, **values))).ids

    async def counts(self, text: str = "", **values: Any) -> Counts:
        """Count."""
        return await self.reader.counts(request(text, **values))

    async def pages(self, text: str, limit: int, **values: Any) -> list[str]:
        """Walk through all pages."""
        question = request(text, limit=limit, **values)
        found: list[str] = []
        while True:
            page = await self.reader.page(question)
            found += page.ids
            if page.next_cursor is None:
                return found
            question = replace(question, cursor=page.next_cursor)


def request(
    text: str,
    viewer: Viewer = GUEST,
    states: Iterable[str] = (),
    sort: Sort = Sort.RELEVANCE,
    limit: int = 20,
    cursor: str = "",
    **filters: tuple[str, ...],
) -> Request:
    """Make a request from what is usually asked."""
    sight = sight_of(viewer, tuple(states))
    return Request(parse(text), sight, tuple(filters.items()), sort, cursor, limit)


@asynccontextmanager
async def running(dsn: str, pool: Pool, directory: Path) -> AsyncIterator[TantivyReader]:
    """Search as the service runs it."""
    settings = SearchSettings(directory, threads=2, counts_age_s=0.0)
    metrics = SearchMetrics(CollectorRegistry())
    async with (
        listening(dsn) as listener,
        search_running(pool, listener, settings, metrics) as reader,
    ):
        await listener.listening()
        yield reader


@asynccontextmanager
async def reading(directory: Path) -> AsyncIterator[TantivyReader]:
    """Another process's reader."""
    reader = TantivyReader(SearchSettings(directory, threads=1))
    try:
        await reader.look()
        yield reader
    finally:
        await asyncio.to_thread(reader.close)
