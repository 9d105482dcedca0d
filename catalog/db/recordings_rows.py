"""The rows of recordings: statements of catalog/db/recordings.py.

Functions take an open connection: the caller owns the transaction and has locked what it changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, LiteralString

from catalog.db.garbage import throw_away
from catalog.db.pool import Connection
from catalog.errors import Conflict, NotFound
from catalog.ids import new_id
from catalog.live import FeedName, Recorded, RecordedSegment
from catalog.media import Rendition
from catalog.session import SessionState

GENERATION = 1
RAGGED_SEGMENTS = 2
_TAKES = frozenset(
    {SessionState.SCHEDULED, SessionState.WAITING, SessionState.LIVE, SessionState.ENDED}
)


async def require_open(connection: Connection, session: str) -> None:
    """Hold a session that may be recorded. Raises: NotFound, Conflict."""
    row = await (
        await connection.execute("select state from session where id = %s for update", (session,))
    ).fetchone()
    if row is None:
        raise NotFound("there is no such session")
    if SessionState(row["state"]) not in _TAKES:
        raise Conflict(f"this session is {row['state']}: nothing is recorded any more")


async def read_recording(
    connection: Connection, session: str, feed: FeedName
) -> dict[str, Any] | None:
    """Give a feed's recording, held, or None when it has not begun."""
    cursor = await connection.execute(
        "select lesson_id, generation, anchor_utc, finished_at from recording"
        " where session_id = %s and feed = %s for update",
        (session, feed.value),
    )
    return await cursor.fetchone()


_BEGIN: LiteralString = """
with taught as (
  select s.*, m.person_id as teacher_id, p.name as teacher_name, c.school_id as room_school
  from session s
    left join session_person m on m.session_id = s.id
      and m.part = case %(feed)s when 'second' then 'second_teacher' else 'teacher' end
    left join person p on p.id = m.person_id
    left join session_classroom n on n.session_id = s.id and n.part = 'second'
      and %(feed)s = 'second'
    left join classroom c on c.id = n.classroom_id
  where s.id = %(session)s
), made as (
  insert into lesson (id, title, series_id, stage, grade, subject, teacher_id, teacher_name,
    school_id, owner_id, visibility, state, generation)
  select %(lesson)s, title || case %(feed)s when 'floor' then '（发言）' else '' end, series_id,
    stage, grade, subject, teacher_id, coalesce(teacher_name, ''),
    coalesce(room_school, school_id), coalesce(teacher_id, created_by),
    case %(feed)s when 'floor' then 'private' else visibility end, 'uploading', %(generation)s
  from taught returning id
)
insert into recording (session_id, feed, lesson_id, generation, anchor_utc)
select %(session)s, %(feed)s, id, %(generation)s, %(anchor)s from made
"""


async def begin_recording(
    connection: Connection, session: str, feed: FeedName, anchor_utc: float
) -> None:
    """Write a feed's recording and the lesson that it will be."""
    await connection.execute(
        _BEGIN,
        {"session": session, "feed": feed.value, "lesson": new_id(), "generation": GENERATION,
         "anchor": anchor_utc},
    )  # fmt: skip


async def hold_recording(connection: Connection, lesson: str, unfinished: bool = False) -> bool:
    """Lock a recording; tell whether it is finished. Raises: NotFound, Conflict."""
    row = await (
        await connection.execute(
            "select finished_at from recording where lesson_id = %s for update", (lesson,)
        )
    ).fetchone()
    if row is None:
        raise NotFound("this recording is no longer here")
    if unfinished and row["finished_at"] is not None:
        raise Conflict("this recording is finished: it takes no more")
    return row["finished_at"] is not None


_ENDS: LiteralString = """
select r.id, coalesce(max(o.first_number + cardinality(o.sizes)), 0) as next
from rendition r left join media_object o on o.rendition_id = r.id
where r.lesson_id = %s group by r.id
"""


async def cut_back(connection: Connection, lesson: str) -> int:
    """Give the number to go on with; what some renditions have beyond it becomes garbage.

    A rendition that ended long before (the encoder dropped a rung) does not count.
    """
    cursor = await connection.execute(_ENDS, (lesson,))
    ends = {row["id"]: int(row["next"]) for row in await cursor.fetchall()}
    longest = max(ends.values(), default=0)
    next_number = min((n for n in ends.values() if n >= longest - RAGGED_SEGMENTS), default=0)
    cursor = await connection.execute(
        "delete from media_object where rendition_id = any(%s) and first_number >= %s"
        " returning key",
        (list(ends), next_number),
    )
    await throw_away(connection, [row["key"] for row in await cursor.fetchall()])
    return next_number


_ADD: LiteralString = """
insert into rendition (id, lesson_id, generation, name, media, codecs, timescale, init, width_px,
  height_px, frame_rate_num, frame_rate_den, sample_rate_hz, channels, rung)
values (%(id)s, %(lesson)s, %(generation)s, %(name)s, %(media)s, %(codecs)s, %(timescale)s,
  %(init)s, %(width_px)s, %(height_px)s, %(numerator)s, %(denominator)s, %(sample_rate_hz)s,
  %(channels)s, %(rung)s)
"""


async def find_or_add(
    connection: Connection, recorded: Recorded, rendition: Rendition
) -> str | None:
    """Give the id of the rendition of that name; None when it has another init."""
    cursor = await connection.execute(
        "select id, init from rendition where lesson_id = %s and generation = %s and name = %s",
        (recorded.lesson, recorded.generation, rendition.name),
    )
    row = await cursor.fetchone()
    if row is not None:
        return str(row["id"]) if row["init"] == rendition.init else None
    identifier = rendition.id or new_id()
    numerator, denominator = rendition.frame_rate or (None, None)
    names = ("name", "codecs", "timescale", "init", "width_px", "height_px", "sample_rate_hz",
             "channels", "rung")  # fmt: skip
    await connection.execute(
        _ADD,
        {"id": identifier, "lesson": recorded.lesson, "generation": recorded.generation,
         "media": rendition.media.value, "numerator": numerator, "denominator": denominator,
         **{name: getattr(rendition, name) for name in names}},
    )  # fmt: skip
    return identifier


async def last_object(connection: Connection, lesson: str, rendition: str) -> dict[str, Any] | None:
    """Give the last object of a rendition, None before the first. Raises: NotFound."""
    cursor = await connection.execute(
        "select o.first_number, o.base_ts, o.sizes, o.durations_ts from rendition r"
        " left join media_object o on o.rendition_id = r.id"
        " where r.id = %s and r.lesson_id = %s order by o.first_number desc nulls last limit 1",
        (rendition, lesson),
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound("this recording has no such rendition: add it first")
    return row if row["first_number"] is not None else None


async def require_same(
    connection: Connection, rendition: str, known: Sequence[RecordedSegment]
) -> None:
    """Raise Conflict when one of these numbers is kept under another key."""
    cursor = await connection.execute(
        "select first_number, key from media_object where rendition_id = %s"
        " and first_number = any(%s)",
        (rendition, [item.number for item in known]),
    )
    keys = {row["first_number"]: row["key"] for row in await cursor.fetchall()}
    for item in known:
        if keys.get(item.number, item.key) != item.key:
            raise Conflict(f"segment {item.number} is there already: another origin records too")


async def stretch_last(
    connection: Connection,
    rendition: str,
    last: dict[str, Any] | None,
    fresh: Sequence[RecordedSegment],
) -> None:
    """Let the last segment last until the next begins: a publisher that was away leaves no hole.

    Playlists count durations and players go by them; the picture stands for that while.
    """
    if last is None or not fresh:
        return
    missing_ts = fresh[0].start_ts - last["base_ts"] - sum(last["durations_ts"])
    if missing_ts > 0:
        await connection.execute(
            "update media_object set durations_ts[cardinality(durations_ts)] ="
            " durations_ts[cardinality(durations_ts)] + %s"
            " where rendition_id = %s and first_number = %s",
            (missing_ts, rendition, last["first_number"]),
        )


async def insert_segments(
    connection: Connection, rendition: str, segments: Sequence[RecordedSegment]
) -> None:
    """Keep segments, each until the next of them begins."""
    for index, item in enumerate(segments):
        following = segments[index + 1].start_ts if index + 1 < len(segments) else 0
        duration_ts = max(item.duration_ts, following - item.start_ts)
        keyframes = [item.keyframe_bytes] if item.keyframe_bytes else []
        await connection.execute(
            "insert into media_object (rendition_id, first_number, key, init_bytes, base_ts,"
            " sizes, durations_ts, keyframe_sizes) values (%s, %s, %s, 0, %s, %s, %s, %s)",
            (rendition, item.number, item.key, item.start_ts, [item.size_bytes], [duration_ts],
             keyframes),
        )  # fmt: skip
