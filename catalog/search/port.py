"""What search is to the rest of the service: entries in, pages, counts and suggestions out. Pure.

An index is derived from PostgreSQL and may be thrown away. `SearchWriter` is used by one process,
`SearchReader` by any number; catalog/search/tantivy_index.py is both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from catalog.search.query import EVERYTHING, Query
from catalog.search.rights import ALL, Sight

FACETS = ("stage", "grade", "subject", "edition", "series", "school")
DIMENSIONS = (*FACETS, "teacher")


class Sort(Enum):
    """The orders that a list can have; newest decides between equals."""

    RELEVANCE = "relevance"
    NEWEST = "newest"
    PLAYS = "plays"
    TITLE = "title"


@dataclass(frozen=True, slots=True)
class Entry:
    """A lesson as it is indexed. `words` come from catalog/search/rights.py."""

    id: str
    title: str
    words: Sequence[str]
    public: bool = False
    city: bool = False
    tags: Sequence[str] = ()
    knowledge_points: Sequence[str] = ()
    chapter: str = ""
    description: str = ""
    transcript: str = ""
    teacher: str = ""
    teacher_id: str = ""
    series: str = ""
    series_id: str = ""
    school: str = ""
    school_id: str = ""
    stage: str = ""
    grade: str = ""
    subject: str = ""
    edition: str = ""
    plays: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """A question. `filters` are (dimension, values): any of the values, all of the dimensions.

    With `in_title` every word must be in the title itself.
    """

    query: Query = EVERYTHING
    sight: Sight = ALL
    filters: tuple[tuple[str, tuple[str, ...]], ...] = ()
    sort: Sort = Sort.RELEVANCE
    cursor: str = ""
    limit: int = 20
    in_title: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Identifiers in order, and where the next page begins (None at the end)."""

    ids: Sequence[str]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many there are in all, and of each value of each facet, the most frequent first.

    A facet's counts leave that facet's own filter out, so that another value can be chosen.
    """

    total: int
    facets: Mapping[str, Sequence[tuple[str, int]]]


@dataclass(frozen=True, slots=True)
class Hint:
    """A word that completes what was typed; kind is tag, point, teacher, series or title."""

    text: str
    kind: str


class SearchReader(Protocol):
    """Answers questions from the newest committed state."""

    async def page(self, request: Request) -> Page:
        """Give one page. Raises: Invalid for a cursor of another question, Unavailable."""

    async def counts(self, request: Request) -> Counts:
        """Count all that the request finds, whatever its page. Raises: Unavailable."""

    async def hints(self, typed: str, city: bool, limit: int) -> list[Hint]:
        """Complete from words of public lessons, with `city` also of lessons for the city."""


class SearchWriter(Protocol):
    """Takes changes; nothing is seen before `commit`. Calls block: keep them off the loop."""

    def add(self, entries: Iterable[Entry], known: bool = True) -> None:
        """Add lessons; those that may be there already (`known`) are replaced."""

    def delete(self, ids: Iterable[str]) -> None:
        """Take lessons out; unknown ones are passed over."""

    def commit(self) -> None:
        """Make everything so far durable and visible to readers that look again."""
