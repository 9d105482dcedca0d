"""What can be played, as the upstream says it, and kept for when the line is cut.

`PresentationSource` of the edge's `/media`, and the map from stored bytes to the addresses where
they come from. A capped lesson is shown with fewer pictures, but to our own player.
"""

from __future__ import annotations

import asyncio
import logging
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from itertools import accumulate

import msgspec

from catalog.errors import Invalid, NoRight, Unavailable
from catalog.media import CappedPresentation, Media, MediaObject, Presentation, Rendition
from catalog.presentation_json import PRESENTATION_LIMIT_BYTES, decode
from streaming.edge.answers import Answers, Kept
from streaming.edge.fill import Place
from streaming.edge.piece import Group, Piece
from streaming.edge.upstream import BadAnswer, LineCut, Upstream
from streaming.vod.kept import Kept as Bounded

log = logging.getLogger(__name__)

OBJECTS_LIMIT = 200_000
PREFIX = "presentation/"
PICTURE = "picture/"
AWAY = "the line to the city is down, and this lesson is not in the school: try again later"

Allowed = Callable[[Presentation], frozenset[str] | None]


class LessonWords(msgspec.Struct, frozen=True):
    """A lesson as the upstream tells an edge: what pages show, and the presentation as JSON."""

    id: str
    title: str
    presentation: msgspec.Raw
    subject: str = ""
    grade: str = ""
    duration_s: float | None = None


@dataclass(frozen=True, slots=True)
class _Home:
    """Whose object it is."""

    lesson: str
    rendition: str
    stored: MediaObject


class Presentations:
    """Presentations of an upstream (`catalog.media.PresentationSource`).

    `allowed` says which pictures of a lesson the school may choose (ids of renditions), None: all.
    """

    def __init__(
        self, upstream: Upstream, answers: Answers, allowed: Allowed = lambda lesson: None
    ) -> None:
        self._upstream = upstream
        self._answers = answers
        self._allowed = allowed
        self._homes: Bounded[str, _Home] = Bounded(OBJECTS_LIMIT)
        self._known: Bounded[str, Presentation] = Bounded(OBJECTS_LIMIT)
        self._pictures: Bounded[str, str] = Bounded(OBJECTS_LIMIT)

    async def presentation(self, lesson: str) -> Presentation | None:
        """Give the newest generation that is known. Raises: Unavailable, NoRight."""
        whole = await self.whole(lesson)
        if whole is None:
            return None
        allowed = self._allowed(whole)
        if allowed is None:
            return whole
        pictures = (r.id for r in whole.renditions if r.media is not Media.AUDIO)
        known = {one.name: getattr(whole, one.name) for one in fields(whole)}
        return CappedPresentation(**known, hidden=frozenset(pictures) - allowed)

    async def whole(self, lesson: str) -> Presentation | None:
        """Give it with all its pictures. Raises: Unavailable, NoRight."""
        name = PREFIX + lesson
        kept = await self._answers.get(name)
        try:
            answer = await self._upstream.text(
                f"/api/v1/edge/presentations/{lesson}", kept.etag if kept else ""
            )
        except (LineCut, BadAnswer) as error:
            return await self._of_before(kept, error)
        if answer.status == 304 and kept is not None:
            await self._answers.confirm(name)
            return await self._read(kept.body)
        if answer.status in (404, 410):
            await self._answers.drop(name)
            return None
        if answer.status in (401, 403):
            await self._answers.drop(name)
            raise NoRight("this lesson is not for this school")
        if answer.status != 200:
            return await self._of_before(kept, BadAnswer(f"the upstream answers {answer.status}"))
        found = await self._read(answer.body)
        if found.lesson != lesson:
            raise Unavailable("the upstream gave another lesson: ask again in a moment")
        await self._answers.put(name, answer.body, answer.headers.get("ETag", ""))
        return found

    async def rendition(self, rendition: str) -> tuple[str, Rendition] | None:
        """Give a rendition of the generation that is known here."""
        found = self._known.any(rendition)
        if found is None:
            return None
        items = {item.id: item for item in found.renditions}
        return (found.lesson, items[rendition]) if rendition in items else None

    async def words(self, lesson: str) -> LessonWords | None:
        """Give what is kept of a lesson for its pages."""
        kept = await self._answers.get(PREFIX + lesson)
        if kept is None:
            return None
        try:
            return await asyncio.to_thread(msgspec.json.decode, kept.body, type=LessonWords)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None

    def is_picture(self, key: str) -> bool:
        """Tell whether an object is a poster or a sprite of a lesson that is known here."""
        return self._pictures.any(key) is not None

    async def picture(self, key: str) -> bytes | None:
        """Give a poster or a sprite, from here or from upstream. Raises: Unavailable."""
        name = PICTURE + key
        kept = await self._answers.get(name)
        if kept is not None:
            return kept.body
        path = self._pictures.any(key)
        if path is None:
            return None
        try:
            answer = await self._upstream.text(path)
        except (LineCut, BadAnswer) as error:
            raise Unavailable(AWAY) from error
        if answer.status != 200:
            return None
        await self._answers.put(name, answer.body)
        return answer.body

    async def lessons(self) -> list[str]:
        """Give the lessons whose presentations are kept, the most recently used first."""
        return [name.removeprefix(PREFIX) for name in await self._answers.names(PREFIX)]

    def locate(self, key: str, offset: int) -> Place | None:
        """Say where the bytes at an object's offset come from: the whole init or segment."""
        home = self._homes.any(key)
        return None if home is None else _place(home, key, offset)

    async def _of_before(self, kept: Kept | None, error: Exception) -> Presentation:
        if kept is None:
            raise Unavailable(AWAY) from error
        return await self._read(kept.body)

    async def _read(self, body: bytes) -> Presentation:
        try:
            found = await asyncio.to_thread(_decoded, body)
        except (Invalid, msgspec.MsgspecError, UnicodeDecodeError) as error:
            log.warning("the upstream's presentation makes no sense: %s", error)
            raise Unavailable("the upstream gave what makes no sense: try again later") from error
        for rendition in found.renditions:
            self._known.put(rendition.id, found, 0.0)
            for stored in rendition.objects:
                self._homes.put(stored.key, _Home(found.lesson, rendition.id, stored), 0.0)
        for key, path in _pictures(found):
            self._pictures.put(key, path, 0.0)
        return found


def _decoded(body: bytes) -> Presentation:
    if len(body) > PRESENTATION_LIMIT_BYTES:
        raise Invalid("a presentation is too large")
    words = msgspec.json.decode(body, type=LessonWords)
    return decode(bytes(words.presentation))


def _pictures(found: Presentation) -> Iterator[tuple[str, str]]:
    if found.poster_key:
        yield found.poster_key, f"/media/{found.lesson}/poster.jpg"
    for number, sprite in enumerate(found.sprites):
        yield sprite.key, f"/media/{found.lesson}/sprite-{number}.jpg"


def _place(home: _Home, key: str, offset: int) -> Place | None:
    """Find the segment that holds an offset."""
    stored = home.stored
    starts = list(accumulate(stored.sizes, initial=stored.init_bytes))
    index = bisect_right(starts, offset) - 1
    if not 0 <= index < len(stored.sizes):
        return None
    piece = Piece(key, starts[index], stored.sizes[index])
    path = f"/media/{home.lesson}/{home.rendition}/{stored.first_number + index}.m4s"
    return Place(path, piece, Group(home.lesson, home.rendition))
