"""A presentation written into the catalogue's tables, as publication leaves it there."""

from __future__ import annotations

from dataclasses import asdict

from psycopg.types.json import Jsonb

from catalog.db.pool import Connection, Pool
from catalog.db.presentations import chapters_detail, sprite_detail
from catalog.media import Presentation, Rendition
from tests.support.lessons import add_lesson, insert


async def publish(pool: Pool, presentation: Presentation) -> None:
    """Write a lesson with all that can be played of it."""
    async with pool.connection() as connection:
        await add_lesson(
            connection,
            id=presentation.lesson,
            state="ready" if presentation.complete else "playable",
            generation=presentation.generation,
            visibility=presentation.visibility,
        )
        for rendition in presentation.renditions:
            await add_rendition(connection, presentation, rendition)
        for track in presentation.subtitles:
            await insert(
                connection,
                "subtitle",
                lesson_id=presentation.lesson,
                transcript="",
                **asdict(track),
            )
        await _add_side(connection, presentation)


async def add_rendition(
    connection: Connection, presentation: Presentation, rendition: Rendition
) -> None:
    """Write one rendition with its objects."""
    rate = rendition.frame_rate or (None, None)
    names = ("id", "name", "codecs", "timescale", "init", "width_px", "height_px",
             "sample_rate_hz", "channels", "rung", "complete")  # fmt: skip
    await insert(
        connection,
        "rendition",
        lesson_id=presentation.lesson,
        generation=presentation.generation,
        media=rendition.media.value,
        frame_rate_num=rate[0],
        frame_rate_den=rate[1],
        **{name: getattr(rendition, name) for name in names},
    )
    await add_objects(connection, rendition)


async def add_objects(connection: Connection, rendition: Rendition) -> None:
    """Write the objects of a rendition that are not there yet."""
    for item in rendition.objects:
        await connection.execute(
            "insert into media_object values (%s, %s, %s, %s, %s, %s, %s, %s)"
            " on conflict do nothing",
            (rendition.id, item.first_number, item.key, item.init_bytes, item.base_ts,
             list(item.sizes), list(item.durations_ts), list(item.keyframe_sizes)),
        )  # fmt: skip


async def _add_side(connection: Connection, presentation: Presentation) -> None:
    products = [("sprite", s.key, sprite_detail(s)) for s in presentation.sprites]
    if presentation.poster_key:
        products.append(("poster", presentation.poster_key, {}))
    if presentation.chapters:
        products.append(("chapters", "", chapters_detail(presentation.chapters)))
    for kind, key, detail in products:
        await connection.execute(
            "insert into side_product (lesson_id, generation, kind, key, detail)"
            " values (%s, %s, %s, %s, %s)",
            (presentation.lesson, presentation.generation, kind, key, Jsonb(detail)),
        )


async def finish(pool: Pool, presentation: Presentation) -> None:
    """Publish what a lesson that was begun still lacks."""
    async with pool.connection() as connection:
        for rendition in presentation.renditions:
            await add_objects(connection, rendition)
        await connection.execute(
            "update rendition set complete = true where lesson_id = %s", (presentation.lesson,)
        )
        await connection.execute(
            "update lesson set state = 'ready' where id = %s", (presentation.lesson,)
        )
