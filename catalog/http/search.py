"""GET /lessons and GET /lessons/suggest: finding lessons with facets, completing what is typed.

The index gives identifiers and counts, PostgreSQL the cards, by one query. Who may see what is
decided in the index (so that counts are right) and once more on the rows, which may be newer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Literal

import msgspec
from aiohttp import web
from msgspec import Meta

from catalog.db.lessons import LessonRecord, count_my_lessons, my_lessons, read_lessons
from catalog.db.names import Names
from catalog.db.pool import Pool
from catalog.errors import Invalid, SignInNeeded
from catalog.http.endpoint import Endpoint, viewer_of
from catalog.http.lesson_json import LessonCard, TokenFor, card
from catalog.http.payload import answer, query_of
from catalog.ids import is_id
from catalog.lesson import PLAYING
from catalog.people import Viewer, may_edit, may_watch
from catalog.search.cursor import CURSOR_LIMIT_CHARS
from catalog.search.hints import TYPED_LIMIT_CHARS
from catalog.search.metrics import SearchMetrics
from catalog.search.port import (
    DIMENSIONS,
    FACETS,
    Counts,
    Hint,
    Request,
    SearchReader,
    Sort,
)
from catalog.search.query import QUERY_LIMIT_CHARS, parse
from catalog.search.rights import KNOWN_STATES, own_sight, sight_of
from catalog.words import EDITIONS, GRADES, STAGES, SUBJECTS

PAGE_LIMIT = 100
VALUES_LIMIT = 40
VALUE_LIMIT_CHARS = 60
HINTS = 6
TITLES = 6
WORDS = {"stage": STAGES, "grade": GRADES, "subject": SUBJECTS, "edition": EDITIONS}

Value = Annotated[str, Meta(max_length=VALUE_LIMIT_CHARS)]


class LessonsQuery(msgspec.Struct):
    """What to find. Every filter may be given several times: any of its values."""

    q: Annotated[str, Meta(max_length=QUERY_LIMIT_CHARS)] = ""
    series: list[Value] = []
    stage: list[Value] = []
    subject: list[Value] = []
    grade: list[Value] = []
    edition: list[Value] = []
    school: list[Value] = []
    teacher: list[Value] = []
    state: list[Value] = []
    mine: bool = False
    sort: Literal["relevance", "newest", "plays", "title"] = "relevance"
    cursor: Annotated[str, Meta(max_length=CURSOR_LIMIT_CHARS)] = ""
    limit: Annotated[int, Meta(ge=1, le=PAGE_LIMIT)] = 20


class FacetValue(msgspec.Struct):
    """A value that narrows the list, and how many lessons have it."""

    value: str
    label: str
    count: int


class LessonList(msgspec.Struct):
    """A page of lessons, how many there are in all, and what narrows them."""

    items: list[LessonCard]
    total: int
    facets: dict[str, list[FacetValue]]
    next_cursor: str | None
    took_ms: float


class SuggestQuery(msgspec.Struct):
    """What was typed so far."""

    q: Annotated[str, Meta(max_length=TYPED_LIMIT_CHARS)] = ""


class Suggestion(msgspec.Struct):
    """A completion and what it is: tag, point, teacher, series or title."""

    text: str
    kind: str


class Suggestions(msgspec.Struct):
    """Completions, the most used first."""

    suggestions: list[Suggestion]


class SearchApi:
    """Searches for lessons. `token_for` makes playback tokens for cards that are not public."""

    def __init__(
        self, pool: Pool, reader: SearchReader, token_for: TokenFor, metrics: SearchMetrics
    ) -> None:
        self._pool = pool
        self._reader = reader
        self._token_for = token_for
        self._metrics = metrics
        self._names = Names(pool)

    def endpoints(self) -> Sequence[Endpoint]:
        """List what this part answers; to be routed before /lessons/{id}."""
        return [
            Endpoint("GET", "/api/v1/lessons", self.find, "Find lessons, with facet counts",
                     "lessons", query=LessonsQuery, result=LessonList, guest=True,
                     errors=(401, 422, 503)),
            Endpoint("GET", "/api/v1/lessons/suggest", self.suggest, "Complete a search text",
                     "lessons", query=SuggestQuery, result=Suggestions, guest=True,
                     errors=(422, 503)),
        ]  # fmt: skip

    async def find(self, request: web.Request) -> web.Response:
        """Answer one page of lessons."""
        started = time.perf_counter()
        query, viewer = query_of(request, LessonsQuery), viewer_of(request)
        if query.mine and not viewer.signed_in:
            raise SignInNeeded("sign in first")
        if query.mine and not query.q and not _filters(query) and len(query.state) < 2:
            found = await self._mine(query, viewer)
        else:
            found = await self._found(_request(query, viewer), viewer)
        took_s = time.perf_counter() - started
        self._metrics.answered(took_s)
        found.took_ms = round(took_s * 1000, 2)
        return answer(found)

    async def suggest(self, request: web.Request) -> web.Response:
        """Answer completions: words of the catalogue, then titles."""
        query, viewer = query_of(request, SuggestQuery), viewer_of(request)
        hints, titles = await asyncio.gather(
            self._reader.hints(query.q, viewer.signed_in, HINTS), self._titles(query.q, viewer)
        )
        unique = {hint.text: hint for hint in reversed([*hints, *titles])}
        shown = [Suggestion(hint.text, hint.kind) for hint in reversed(unique.values())]
        return answer(Suggestions(shown))

    async def _found(self, request: Request, viewer: Viewer) -> LessonList:
        (items, cursor), counts = await asyncio.gather(
            self._items(request, viewer), self._reader.counts(request)
        )
        return LessonList(items, counts.total, await self._facets(counts), cursor, 0.0)

    async def _items(self, request: Request, viewer: Viewer) -> tuple[list[LessonCard], str | None]:
        page = await self._reader.page(request)
        records = await self._records(page.ids, viewer)
        return [card(record, viewer, self._token_for) for record in records], page.next_cursor

    async def _records(self, ids: Sequence[str], viewer: Viewer) -> list[LessonRecord]:
        if not ids:
            return []
        async with self._pool.connection() as connection:
            records = await read_lessons(connection, ids)
        return [record for record in records if _visible(record, viewer)]

    async def _mine(self, query: LessonsQuery, viewer: Viewer) -> LessonList:
        """Answer from the database, where a lesson is from the first byte of its upload."""
        if query.cursor and not is_id(query.cursor):
            raise Invalid("this cursor is not one of ours", {"cursor": "begin without it"})
        state, owner = "".join(query.state), viewer.person_id
        async with self._pool.connection() as connection:
            records = await my_lessons(
                connection, owner, query.limit + 1, query.cursor or None, state
            )
            total = await count_my_lessons(connection, owner, state)
        shown = records[: query.limit]
        cursor = shown[-1].id if len(records) > query.limit else None
        items = [card(record, viewer, self._token_for) for record in shown]
        return LessonList(items, total, {name: [] for name in FACETS}, cursor, 0.0)

    async def _facets(self, counts: Counts) -> dict[str, list[FacetValue]]:
        named: dict[str, Mapping[str, str]] = {
            kind: await self._names.of(kind, [value for value, _ in counts.facets[kind]])
            for kind in ("series", "school")
        }
        return {
            kind: [
                FacetValue(value, WORDS[kind].label_of(value) if kind in WORDS
                           else named[kind].get(value, value), n)
                for value, n in values
            ]
            for kind, values in counts.facets.items()
        }  # fmt: skip

    async def _titles(self, typed: str, viewer: Viewer) -> list[Hint]:
        query = parse(typed)
        if len(query.whole) < 2:
            return []
        request = Request(query, sight_of(viewer), limit=TITLES, in_title=True)
        page = await self._reader.page(request)
        return [Hint(record.title, "title") for record in await self._records(page.ids, viewer)]


def _visible(record: LessonRecord, viewer: Viewer) -> bool:
    if record.lesson_state in PLAYING:
        return may_watch(viewer, record.place)
    return may_edit(viewer, record.place)


def _filters(query: LessonsQuery) -> tuple[tuple[str, tuple[str, ...]], ...]:
    chosen = {kind: tuple(sorted(set(getattr(query, kind)))) for kind in DIMENSIONS}
    for kind, values in chosen.items():
        if len(values) > VALUES_LIMIT:
            raise Invalid(f"at most {VALUES_LIMIT} values of {kind}", {kind: "too many"})
    return tuple((kind, values) for kind, values in chosen.items() if any(values))


def _request(query: LessonsQuery, viewer: Viewer) -> Request:
    states = [state for state in query.state if state]
    if set(states) - KNOWN_STATES:
        known = ", ".join(sorted(KNOWN_STATES))
        raise Invalid(f"no such state; use one of {known}", {"state": "no such state"})
    sight = own_sight(viewer, states) if query.mine else sight_of(viewer, states)
    asked = Request(parse(query.q), sight, _filters(query), Sort(query.sort), query.cursor)
    return replace(asked, limit=query.limit)
