"""What a unit of work has made, put where players find it: fenced, one transaction a time.

Objects are put into the store before, under keys that name the attempt; a transaction that does
not commit leaves keys that nothing points at. Functions take an open connection: the caller owns
the transaction, and rolls it back when `Superseded` is raised.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg.types.json import Jsonb

from catalog.db import work
from catalog.db.garbage import throw_away
from catalog.db.pool import Connection
from catalog.db.work import Claim, Superseded, Unit
from catalog.errors import CatalogError
from catalog.ids import new_id
from catalog.lesson import LessonInput
from catalog.media import MediaObject, Rendition


class InitChanged(CatalogError):
    """A later object of a rendition would need another initialization section than the first."""


@dataclass(frozen=True, slots=True)
class SideProduct:
    """A poster, sprite or list of chapters, stored under key (empty: all of it is in detail)."""

    kind: str
    key: str = ""
    content_type: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


_ADD_RENDITION = """
insert into rendition (id, lesson_id, generation, name, media, codecs, timescale, init, width_px,
  height_px, frame_rate_num, frame_rate_den, sample_rate_hz, channels, rung)
values (%(id)s, %(lesson)s, %(generation)s, %(name)s, %(media)s, %(codecs)s, %(timescale)s,
  %(init)s, %(width_px)s, %(height_px)s, %(numerator)s, %(denominator)s, %(sample_rate_hz)s,
  %(channels)s, %(rung)s)
on conflict (lesson_id, generation, name) do nothing
"""
_ADD_OBJECT = """
insert into media_object
  (rendition_id, first_number, key, init_bytes, base_ts, sizes, durations_ts, keyframe_sizes)
values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict (rendition_id, first_number) do nothing
"""


async def publish_cut(
    connection: Connection, claim: Claim, renditions: Sequence[Rendition], first: Collection[str]
) -> None:
    """Add the objects of each rendition; the id of a rendition that is there already is kept.

    The lesson is playable once every rendition of the names in `first` has its first object.
    Raises: Superseded, InitChanged.
    """
    await work.hold(connection, claim)
    for rendition in renditions:
        identifier = await _rendition_id(connection, claim.unit, rendition)
        for item in rendition.objects:
            await _add_object(connection, identifier, item)
    if await _can_start(connection, claim.unit, first):
        await _show(connection, claim.unit)


async def _rendition_id(connection: Connection, unit: Unit, rendition: Rendition) -> str:
    numerator, denominator = rendition.frame_rate or (None, None)
    await connection.execute(
        _ADD_RENDITION,
        {
            "id": rendition.id or new_id(), "lesson": unit.lesson, "generation": unit.generation,
            "name": rendition.name, "media": rendition.media.value, "codecs": rendition.codecs,
            "timescale": rendition.timescale, "init": rendition.init, "rung": rendition.rung,
            "width_px": rendition.width_px, "height_px": rendition.height_px,
            "numerator": numerator, "denominator": denominator,
            "sample_rate_hz": rendition.sample_rate_hz, "channels": rendition.channels,
        },
    )  # fmt: skip
    cursor = await connection.execute(
        "select id, init from rendition where lesson_id = %s and generation = %s and name = %s",
        (unit.lesson, unit.generation, rendition.name),
    )
    row = await cursor.fetchone()
    assert row is not None, "inserted or there before"
    if row["init"] != rendition.init:
        raise InitChanged(f"{unit}: rendition {rendition.name} began with another encoder setting")
    return str(row["id"])


async def _add_object(connection: Connection, rendition: str, item: MediaObject) -> None:
    """Insert one object; its being there already means that an earlier commit went unheard."""
    await connection.execute(
        _ADD_OBJECT,
        (rendition, item.first_number, item.key, item.init_bytes, item.base_ts, list(item.sizes),
         list(item.durations_ts), list(item.keyframe_sizes)),
    )  # fmt: skip
    cursor = await connection.execute(
        "select key from media_object where rendition_id = %s and first_number = %s",
        (rendition, item.first_number),
    )
    row = await cursor.fetchone()
    if row is None or row["key"] != item.key:
        raise Superseded(f"segment {item.first_number} of rendition {rendition} is there already")


async def _can_start(connection: Connection, unit: Unit, names: Collection[str]) -> bool:
    cursor = await connection.execute(
        "select count(*) as begun from rendition r join media_object o on o.rendition_id = r.id"
        " where r.lesson_id = %s and r.generation = %s and r.name = any(%s) and o.first_number = 0",
        (unit.lesson, unit.generation, list(names)),
    )
    row = await cursor.fetchone()
    return bool(names) and row is not None and row["begun"] == len(set(names))


async def _show(connection: Connection, unit: Unit) -> None:
    """Let the lesson play this generation, unless it plays an older one until this is ready."""
    if await work.hidden(connection, unit):
        return
    await work.advance(connection, unit, LessonInput.FIRST_SEGMENTS)
    await connection.execute(
        "update lesson set generation = %s, published_at = coalesce(published_at, now())"
        " where id = %s and (generation <> %s or published_at is null)",
        (unit.generation, unit.lesson, unit.generation),
    )


async def read_objects(
    connection: Connection, unit: Unit, names: Sequence[str]
) -> dict[str, list[tuple[int, int]]]:
    """Give the published objects of renditions by name, as (first number, segments), in order."""
    cursor = await connection.execute(
        "select r.name, o.first_number, cardinality(o.sizes) as segments from rendition r"
        " join media_object o on o.rendition_id = r.id where r.lesson_id = %s"
        " and r.generation = %s and r.name = any(%s) order by r.name, o.first_number",
        (unit.lesson, unit.generation, list(names)),
    )
    found: dict[str, list[tuple[int, int]]] = {name: [] for name in names}
    for row in await cursor.fetchall():
        found[row["name"]].append((row["first_number"], row["segments"]))
    return found


_ADD_SIDE = """
insert into side_product (lesson_id, generation, kind, key, content_type, detail)
values (%s, %s, %s, %s, %s, %s)
on conflict (lesson_id, generation, kind, key) do update set detail = excluded.detail
"""


async def add_side(connection: Connection, unit: Unit, products: Sequence[SideProduct]) -> None:
    """Add side products, or their newer detail; the caller holds the unit."""
    for product in products:
        await connection.execute(
            _ADD_SIDE,
            (unit.lesson, unit.generation, product.kind, product.key, product.content_type,
             Jsonb(product.detail)),
        )  # fmt: skip


async def add_stills(connection: Connection, unit: Unit, products: Sequence[SideProduct]) -> None:
    """Add pictures of kinds that the generation has none of; the caller holds the unit."""
    cursor = await connection.execute(
        "select kind from side_product where lesson_id = %s and generation = %s",
        (unit.lesson, unit.generation),
    )
    there = {row["kind"] for row in await cursor.fetchall()}
    await add_side(connection, unit, [item for item in products if item.kind not in there])
    await throw_away(connection, [item.key for item in products if item.kind in there])
    await connection.execute("select pg_notify('lesson', %s)", (unit.lesson,))


async def finish(
    connection: Connection, claim: Claim, names: Sequence[str], late: Sequence[str]
) -> bool:
    """End a unit well, which the caller holds; tell whether the lesson is ready now.

    Once the last unit of its kind is done, the renditions of these names are complete. Once the
    last unit that is not late is done, the lesson is ready, an older generation is thrown away and
    the late units are asked for.
    """
    await work.mark_done(connection, claim)
    unit = claim.unit
    left = [
        Unit(unit.lesson, unit.generation, found.name)
        for found in await work.read_units(connection, unit)
        if found.state != "done"
    ]
    if not any(other.kind == unit.kind for other in left):
        await connection.execute(
            "update rendition set complete = true where lesson_id = %s and generation = %s"
            " and name = any(%s)",
            (unit.lesson, unit.generation, list(names)),
        )
    if unit.late or any(not other.late for other in left):
        return False
    await _make_ready(connection, unit)
    priority = await work.read_priority(connection, unit)
    await work.want(connection, unit.lesson, unit.generation, late, priority)
    return True


_READY = """
update lesson set generation = %(generation)s, progress = 1, eta_s = null, error_code = '',
  error_detail = '', published_at = coalesce(published_at, now()),
  duration_s = coalesce((select (plan->>'duration_s')::double precision from source
    where lesson_id = %(lesson)s and generation = %(generation)s), duration_s),
  content_kind = coalesce((select plan->>'kind' from source
    where lesson_id = %(lesson)s and generation = %(generation)s), content_kind)
where id = %(lesson)s
"""


async def _make_ready(connection: Connection, unit: Unit) -> None:
    values = {"lesson": unit.lesson, "generation": unit.generation}
    await work.move(connection, unit.lesson, LessonInput.WORK_DONE)
    await connection.execute(_READY, values)
    await _drop_older(connection, unit)


_OLDER_KEYS = """
select o.key from media_object o join rendition r on r.id = o.rendition_id
where r.lesson_id = %(lesson)s and r.generation < %(generation)s
union all
select key from side_product
where lesson_id = %(lesson)s and generation < %(generation)s and key <> ''
"""
_LATE_KEYS = """
select o.key from media_object o join rendition r on r.id = o.rendition_id
where r.lesson_id = %s and r.generation = %s and r.name = any(%s) and not r.complete
"""


async def _drop_older(connection: Connection, unit: Unit) -> None:
    """Throw away all that was made of older generations; their sources are kept.

    The rows stay until the sweep, for players that began with the old version.
    """
    values = {"lesson": unit.lesson, "generation": unit.generation}
    cursor = await connection.execute(_OLDER_KEYS, values)
    await throw_away(connection, [row["key"] for row in await cursor.fetchall()])
    await connection.execute(
        "delete from work where lesson_id = %(lesson)s and generation < %(generation)s", values
    )


async def drop_late(connection: Connection, unit: Unit, names: Sequence[str]) -> None:
    """Take back late renditions that will never be complete; the caller holds the unit."""
    values = (unit.lesson, unit.generation, list(names))
    cursor = await connection.execute(_LATE_KEYS, values)
    await throw_away(connection, [row["key"] for row in await cursor.fetchall()])
    await connection.execute(
        "delete from rendition where lesson_id = %s and generation = %s and name = any(%s)"
        " and not complete",
        values,
    )
