"""What can be played of a lesson, read for the data plane in one statement: one snapshot, one trip.

Implements `PresentationSource`. A lesson's generation is what its row says: publication moves it
when the first segments of a first version are out, or when a new version is whole. The forms of
`side_product.detail` are written and read here only.
"""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from catalog.db.pool import Pool
from catalog.lesson import PLAYING, LessonState
from catalog.media import (
    Chapter,
    Media,
    MediaObject,
    Presentation,
    Rendition,
    Sprite,
    SubtitleTrack,
)

_RENDITION = """
jsonb_build_object('id', r.id, 'name', r.name, 'media', r.media, 'codecs', r.codecs,
  'timescale', r.timescale, 'init', encode(r.init, 'base64'), 'rung', r.rung,
  'complete', r.complete, 'width_px', r.width_px, 'height_px', r.height_px,
  'frame_rate', array[r.frame_rate_num, r.frame_rate_den], 'sample_rate_hz', r.sample_rate_hz,
  'channels', r.channels,
  'objects', (select coalesce(jsonb_agg(jsonb_build_object('key', o.key,
      'first_number', o.first_number, 'init_bytes', o.init_bytes, 'base_ts', o.base_ts,
      'sizes', o.sizes, 'durations_ts', o.durations_ts, 'keyframe_sizes', o.keyframe_sizes)
    order by o.first_number), '[]') from media_object o where o.rendition_id = r.id))
"""
_PRESENTATION = f"""
select l.generation, l.visibility, l.state,
  (select coalesce(jsonb_agg({_RENDITION} order by r.rung, r.name), '[]') from rendition r
    where r.lesson_id = l.id and r.generation = l.generation
      and (r.complete or l.state <> 'ready')) as renditions,
  (select coalesce(jsonb_agg(jsonb_build_object('language', s.language, 'label', s.label,
      'webvtt', s.webvtt) order by s.language), '[]') from subtitle s
    where s.lesson_id = l.id) as subtitles,
  (select coalesce(jsonb_agg(jsonb_build_object('kind', p.kind, 'key', p.key, 'detail', p.detail)
      order by p.kind, p.key), '[]') from side_product p
    where p.lesson_id = l.id and p.generation = l.generation) as side
from lesson l where l.id = %s and l.deleted_at is null and l.state = any(%s)
"""  # noqa: S608 (joined from constants)
_ONE_RENDITION = f"""
select r.lesson_id, {_RENDITION} as rendition
from rendition r join lesson l on l.id = r.lesson_id where r.id = %s and l.deleted_at is null
"""  # noqa: S608
_STATES = sorted(state.value for state in PLAYING)


class Presentations:
    """The catalogue as a source of presentations."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def presentation(self, lesson: str) -> Presentation | None:
        """Give what can be played of a lesson now. Raises: Unavailable."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_PRESENTATION.encode(), (lesson, _STATES))
            row = await cursor.fetchone()
        return None if row is None else _presentation(lesson, row)

    async def rendition(self, rendition: str) -> tuple[str, Rendition] | None:
        """Give (lesson, rendition) of any generation that is still kept. Raises: Unavailable."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_ONE_RENDITION.encode(), (rendition,))
            row = await cursor.fetchone()
        return None if row is None else (row["lesson_id"], _rendition(row["rendition"]))


def _presentation(lesson: str, row: dict[str, Any]) -> Presentation:
    side: list[dict[str, Any]] = row["side"]
    sprites = [read_sprite(p["key"], p["detail"]) for p in side if p["kind"] == "sprite"]
    return Presentation(
        lesson=lesson,
        generation=row["generation"],
        visibility=row["visibility"],
        complete=row["state"] == LessonState.READY.value,
        renditions=tuple(map(_rendition, row["renditions"])),
        subtitles=tuple(SubtitleTrack(**track) for track in row["subtitles"]),
        sprites=tuple(sorted(sprites, key=lambda sprite: sprite.times_s)),
        poster_key=next((p["key"] for p in side if p["kind"] == "poster"), ""),
        chapters=tuple(
            chapter
            for p in side
            if p["kind"] == "chapters"
            for chapter in read_chapters(p["detail"])
        ),
    )


def _rendition(found: dict[str, Any]) -> Rendition:
    numerator, denominator = found.pop("frame_rate")
    objects = tuple(
        MediaObject(
            key=item["key"],
            first_number=item["first_number"],
            init_bytes=item["init_bytes"],
            base_ts=item["base_ts"],
            sizes=tuple(item["sizes"]),
            durations_ts=tuple(item["durations_ts"]),
            keyframe_sizes=tuple(item["keyframe_sizes"]),
        )
        for item in found.pop("objects")
    )
    return Rendition(
        media=Media(found.pop("media")),
        init=b64decode(found.pop("init")),
        frame_rate=(numerator, denominator) if numerator and denominator else None,
        objects=objects,
        **found,
    )


def sprite_detail(sprite: Sprite) -> dict[str, Any]:
    """Give the `detail` of a side product of kind 'sprite'."""
    return {
        "columns": sprite.columns,
        "rows": sprite.rows,
        "cell_width_px": sprite.cell_width_px,
        "cell_height_px": sprite.cell_height_px,
        "times_s": list(sprite.times_s),
    }


def read_sprite(key: str, detail: dict[str, Any]) -> Sprite:
    """Read what `sprite_detail` wrote."""
    return Sprite(key, **{**detail, "times_s": tuple(detail["times_s"])})


def chapters_detail(chapters: tuple[Chapter, ...]) -> dict[str, Any]:
    """Give the `detail` of the side product of kind 'chapters', which has no key."""
    return {"chapters": [{"start_s": c.start_s, "title": c.title} for c in chapters]}


def read_chapters(detail: dict[str, Any]) -> tuple[Chapter, ...]:
    """Read what `chapters_detail` wrote."""
    return tuple(Chapter(item["start_s"], item["title"]) for item in detail["chapters"])
