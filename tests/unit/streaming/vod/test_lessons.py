import asyncio
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from catalog.errors import Unavailable
from catalog.media import Presentation, Rendition
from streaming.metrics import MediaMetrics
from streaming.vod.lessons import GROWING_S, MISSING_S, SETTLED_S, WHOLE_S, Lessons
from tests.support import presentations as made


class Shelf:
    """A catalogue that counts, waits at a gate, and can be away."""

    def __init__(self, presentation: Presentation | None = made.WHOLE) -> None:
        self.presentation_now = presentation
        self.reads = 0
        self.away = False
        self.open = asyncio.Event()
        self.open.set()

    async def presentation(self, lesson: str) -> Presentation | None:
        self.reads += 1
        found = self.presentation_now
        await self.open.wait()
        if self.away:
            raise Unavailable("away")
        return found

    async def rendition(self, rendition: str) -> tuple[str, Rendition] | None:
        self.reads += 1
        return (made.LESSON, made.LOW) if rendition == made.LOW.id else None


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def lessons_of(shelf: Shelf, clock: Clock) -> Lessons:
    return Lessons(shelf, MediaMetrics(CollectorRegistry()), clock)


async def test_everyone_waits_for_one_read(clock: Clock) -> None:
    shelf = Shelf()
    lessons = lessons_of(shelf, clock)
    shelf.open.clear()
    waiting = [asyncio.create_task(lessons.view(made.LESSON)) for _ in range(50)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    shelf.open.set()
    views = await asyncio.gather(*waiting[1:])
    assert shelf.reads == 1
    assert len({id(view) for view in views}) == 1


@pytest.mark.parametrize(
    ("presentation", "keep_s"),
    [(made.WHOLE, WHOLE_S), (made.GROWING, GROWING_S), (None, MISSING_S)],
)
async def test_it_is_read_again_after_a_while(
    presentation: Presentation | None, keep_s: float, clock: Clock
) -> None:
    shelf = Shelf(presentation)
    lessons = lessons_of(shelf, clock)
    await lessons.view(made.LESSON)
    clock.now += keep_s - 0.1
    await lessons.view(made.LESSON)
    assert shelf.reads == 1
    clock.now += 0.1
    await lessons.view(made.LESSON)
    assert shelf.reads == 2


async def test_a_change_that_is_told_is_seen_at_once(clock: Clock) -> None:
    shelf = Shelf(made.GROWING)
    lessons = lessons_of(shelf, clock)
    before = await lessons.view(made.LESSON)
    shelf.presentation_now = made.WHOLE
    lessons.forget(made.LESSON)
    after = await lessons.view(made.LESSON)
    assert before is not None
    assert after is not None
    assert after.presentation == made.WHOLE


async def test_a_change_that_changes_nothing_keeps_the_texts(clock: Clock) -> None:
    lessons = lessons_of(Shelf(), clock)
    before = await lessons.view(made.LESSON)
    lessons.forget(made.LESSON)
    assert await lessons.view(made.LESSON) is before


async def test_a_read_that_began_before_a_change_is_not_kept(clock: Clock) -> None:
    shelf = Shelf(made.GROWING)
    lessons = lessons_of(shelf, clock)
    shelf.open.clear()
    early = asyncio.create_task(lessons.view(made.LESSON))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    lessons.forget(made.LESSON)
    shelf.presentation_now = made.WHOLE
    shelf.open.set()
    await early
    view = await lessons.view(made.LESSON)
    assert view is not None
    assert view.presentation == made.WHOLE


async def test_what_is_known_is_served_while_the_catalogue_is_away(clock: Clock) -> None:
    shelf = Shelf()
    lessons = lessons_of(shelf, clock)
    known = await lessons.view(made.LESSON)
    shelf.away = True
    clock.now += WHOLE_S
    assert await lessons.view(made.LESSON) is known
    lessons.forget(made.LESSON)
    with pytest.raises(Unavailable):
        await lessons.view(made.LESSON)


async def test_a_first_read_that_fails_is_tried_again(clock: Clock) -> None:
    shelf = Shelf()
    shelf.away = True
    lessons = lessons_of(shelf, clock)
    with pytest.raises(Unavailable):
        await lessons.view(made.LESSON)
    shelf.away = False
    assert await lessons.view(made.LESSON) is not None


async def test_a_newer_view_is_read_but_not_in_a_storm(clock: Clock) -> None:
    shelf = Shelf()
    lessons = lessons_of(shelf, clock)
    await lessons.view(made.LESSON)
    for _ in range(10):
        await lessons.newer_view(made.LESSON)
    assert shelf.reads == 1
    clock.now += SETTLED_S
    await lessons.newer_view(made.LESSON)
    assert shelf.reads == 2


async def test_old_renditions_belong_to_their_lesson_and_are_remembered(clock: Clock) -> None:
    shelf = Shelf(replace(made.WHOLE, renditions=()))
    lessons = lessons_of(shelf, clock)
    for _ in range(3):
        assert await lessons.old_rendition(made.LESSON, made.LOW.id) == made.LOW
        assert await lessons.old_rendition("other", made.LOW.id) is None
        assert await lessons.old_rendition(made.LESSON, made.HIGH.id) is None
    assert shelf.reads == 2
