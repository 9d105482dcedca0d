"""Recordings of sessions: implements `catalog.live.RecordingBook`.

A feed's recording is a lesson from the start, in state `uploading`: its owner sees it among the own
lessons, nobody finds it in the library. Each whole segment in the store is a media object; what is
committed is safe, so a kill loses what had not been appended, and `open` says where to go on: at
the first segment that some rendition lacks. Longer ones are cut back to it, so that a number is the
same stretch in all. The end: recordings_finish.py; joining small objects: recordings_join.py.

Locks are taken in the order session, recording, lesson.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, LiteralString

from catalog.db.garbage import throw_away
from catalog.db.pool import Connection, Pool
from catalog.db.presentations import Presentations
from catalog.db.recordings_finish import finish_session
from catalog.errors import Conflict, NotFound
from catalog.ids import new_id
from catalog.live import FeedName, Recorded, RecordedSegment
from catalog.media import Rendition
from catalog.session import SessionState
from catalog.session_chapters import MakeChapters, no_chapters

GENERATION = 1
RAGGED_SEGMENTS = 2
RUNS_LIMIT = 50
_TAKES = frozenset({SessionState.SCHEDULED, SessionState.WAITING, SessionState.LIVE,
                    SessionState.ENDED})  # fmt: skip


class Recordings:
    """The recordings of all sessions."""

    def __init__(
        self,
        pool: Pool,
        clock: Callable[[], float] = time.time,
        make_chapters: MakeChapters = no_chapters,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._make_chapters = make_chapters
        self._presentations = Presentations(pool)

    async def open(self, session: str, feed: FeedName, anchor_utc: float) -> Recorded:
        """Begin a feed's recording, or give what there is of it (with its own anchor).

        Raises: NotFound, Conflict when the session is over, Unavailable.
        """
        async with self._pool.connection() as connection:
            await _require_open(connection, session)
            row = await _recording(connection, session, feed)
            if row is None:
                await _begin(connection, session, feed, anchor_utc)
                row = await _recording(connection, session, feed)
            assert row is not None, "there or begun"
            if row["finished_at"] is not None:
                raise Conflict("this recording is finished: it takes no more")
            next_number = await _cut_back(connection, row["lesson_id"])
        return Recorded(
            row["lesson_id"], row["generation"], row["anchor_utc"],
            await self._renditions(row["lesson_id"]), next_number,
        )  # fmt: skip

    async def _renditions(self, lesson: str) -> dict[str, Rendition]:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select id from rendition where lesson_id = %s order by rung, name", (lesson,)
            )
            ids = [row["id"] for row in await cursor.fetchall()]
        found = [await self._presentations.rendition(key) for key in ids]
        return {item[1].name: item[1] for item in found if item}

    async def add_rendition(self, recorded: Recorded, rendition: Rendition) -> str:
        """Make the rendition known; gives its id, also when it is there.

        One that is there with another initialization section (the encoder was set up anew) is kept
        beside it as `name-r2`, `name-r3`, …; the longest of them is shown at the end.
        Raises: NotFound, Conflict, Unavailable.
        """
        async with self._pool.connection() as connection:
            await _hold(connection, recorded.lesson, unfinished=True)
            for run in range(1, RUNS_LIMIT + 1):
                name = rendition.name if run == 1 else f"{rendition.name}-r{run}"
                found = await _find_or_add(connection, recorded, replace(rendition, name=name))
                if found is not None:
                    return found
        raise Conflict(f"{rendition.name} was set up anew {RUNS_LIMIT} times: end the session")

    async def append(
        self, recorded: Recorded, rendition: str, segments: Sequence[RecordedSegment]
    ) -> None:
        """Keep whole segments of the rendition that are in the store; in order, once.

        A segment that is there under the same key is passed over, so that an append whose answer
        was lost may be sent again. Raises: NotFound, Conflict, Unavailable.
        """
        if not segments:
            return
        async with self._pool.connection() as connection:
            finished = await _hold(connection, recorded.lesson)
            last = await _last(connection, recorded.lesson, rendition)
            next_number = last["first_number"] + len(last["sizes"]) if last else 0
            fresh = [item for item in segments if item.number >= next_number]
            if finished and fresh:
                raise Conflict("this recording is finished: it takes no more")
            if not finished:
                known = [item for item in segments if item.number < next_number]
                await _require_same(connection, rendition, known)
            await _stretch(connection, rendition, last, fresh)
            await _insert(connection, rendition, fresh)

    async def finish(self, session: str) -> str:
        """Make the lesson ready: chapters from the room's events; gives the lesson's id.

        Raises: NotFound; Conflict when the session goes on, or nothing was recorded (it has failed
        then); Unavailable.
        """
        async with self._pool.connection() as connection:
            now_utc = self._clock()
            lesson = await finish_session(connection, session, now_utc, self._make_chapters)
        if lesson is None:
            raise Conflict("nothing of this session was recorded")
        return lesson


async def _require_open(connection: Connection, session: str) -> None:
    row = await (
        await connection.execute("select state from session where id = %s for update", (session,))
    ).fetchone()
    if row is None:
        raise NotFound("there is no such session")
    if SessionState(row["state"]) not in _TAKES:
        raise Conflict(f"this session is {row['state']}: nothing is recorded any more")


async def _recording(connection: Connection, session: str, feed: FeedName) -> dict[str, Any] | None:
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


async def _begin(connection: Connection, session: str, feed: FeedName, anchor_utc: float) -> None:
    await connection.execute(
        _BEGIN,
        {"session": session, "feed": feed.value, "lesson": new_id(), "generation": GENERATION,
         "anchor": anchor_utc},
    )  # fmt: skip


async def _hold(connection: Connection, lesson: str, unfinished: bool = False) -> bool:
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


async def _cut_back(connection: Connection, lesson: str) -> int:
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


async def _find_or_add(
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


async def _last(connection: Connection, lesson: str, rendition: str) -> dict[str, Any] | None:
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


async def _require_same(
    connection: Connection, rendition: str, known: Sequence[RecordedSegment]
) -> None:
    cursor = await connection.execute(
        "select first_number, key from media_object where rendition_id = %s"
        " and first_number = any(%s)",
        (rendition, [item.number for item in known]),
    )
    keys = {row["first_number"]: row["key"] for row in await cursor.fetchall()}
    for item in known:
        if keys.get(item.number, item.key) != item.key:
            raise Conflict(f"segment {item.number} is there already: another origin records too")


async def _stretch(
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


async def _insert(
    connection: Connection, rendition: str, segments: Sequence[RecordedSegment]
) -> None:
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
