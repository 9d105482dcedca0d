from dataclasses import replace

import pytest

from catalog.db.pool import Pool
from catalog.db.presentations import Presentations
from catalog.ids import new_id
from catalog.media import Presentation
from tests.support import presentations as made
from tests.support.publish import add_rendition, publish


async def run(pool: Pool, statement: str) -> None:
    async with pool.connection() as connection:
        await connection.execute(statement.encode())


async def test_what_was_published_is_read_back(pool: Pool) -> None:
    by_language = tuple(sorted(made.SUBTITLES, key=lambda track: track.language))
    for presentation in (made.WHOLE, made.AUDIO_ONLY):
        fresh = replace(presentation, lesson=new_id(), subtitles=by_language)
        fresh = renamed(fresh)
        await publish(pool, fresh)
        assert await Presentations(pool).presentation(fresh.lesson) == fresh


def renamed(presentation: Presentation) -> Presentation:
    renditions = []
    for item in presentation.renditions:
        name = new_id()
        objects = tuple(replace(o, key=f"{name}/{o.first_number}") for o in item.objects)
        renditions.append(replace(item, id=name, objects=objects))
    return replace(presentation, renditions=tuple(renditions))


async def test_a_growing_lesson_is_read_as_far_as_it_is(pool: Pool) -> None:
    await publish(pool, made.GROWING)
    found = await Presentations(pool).presentation(made.LESSON)
    assert found is not None
    assert not found.complete
    assert [len(item.segments()) for item in found.renditions] == [1, 1, 1, 4, 4]


@pytest.mark.parametrize(
    "change",
    [
        "update lesson set deleted_at = now()",
        "update lesson set state = 'failed'",
        "update lesson set state = 'transcoding'",
        "delete from lesson",
    ],
)
async def test_what_cannot_be_watched_is_not_there(pool: Pool, change: str) -> None:
    await publish(pool, made.WHOLE)
    await run(pool, change)
    assert await Presentations(pool).presentation(made.LESSON) is None


async def test_an_older_generation_is_not_shown_but_its_segments_are_served(pool: Pool) -> None:
    await publish(pool, made.SILENT)
    newer = replace(made.video(9), name="new", rung=0)
    newer = replace(newer, objects=tuple(replace(o, key=f"2/{o.key}") for o in newer.objects))
    async with pool.connection() as connection:
        await add_rendition(connection, replace(made.SILENT, generation=2), newer)
    await run(pool, "update lesson set generation = 2")
    source = Presentations(pool)
    found = await source.presentation(made.LESSON)
    assert found is not None
    assert found.renditions == (newer,)
    assert await source.rendition(made.HIGH.id) == (made.LESSON, made.HIGH)
    assert await source.rendition(new_id()) is None
    await run(pool, "update lesson set deleted_at = now()")
    assert await source.rendition(made.HIGH.id) is None
