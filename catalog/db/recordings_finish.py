"""The end of a session's recording: its lessons are ready at once, with nothing encoded.

A rendition is shown when it goes from the beginning to the end, give or take EDGE_S; of pictures
(and of sound) of which none does, the longest one. What is not shown becomes garbage. Holes in the
numbers of a rendition are closed: its durations cover them already. Poster and thumbnails are asked
for in the same transaction (the unit `stills`). Functions take an open connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import LiteralString

from psycopg.types.json import Jsonb

from catalog.db.garbage import throw_away
from catalog.db.pool import Connection
from catalog.db.presentations import chapters_detail
from catalog.db.recordings_rows import GENERATION
from catalog.db.room_log import read_events
from catalog.db.sessions_life import advance
from catalog.db.sources import FRESH
from catalog.db.work import STILLS, want
from catalog.errors import Conflict, NotFound
from catalog.lesson import LessonInput, LessonState
from catalog.lesson import step as lesson_step
from catalog.live import FeedName
from catalog.media import Chapter, Media
from catalog.session import SessionInput, SessionState
from catalog.session_chapters import MakeChapters, Span, placed, shift_of

EDGE_S = 5.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """From where to where a rendition was recorded, in seconds of lesson time."""

    rendition: str
    media: str
    starts_s: float
    ends_s: float

    @property
    def duration_s(self) -> float:
        """How long it is."""
        return self.ends_s - self.starts_s


def whole_ones(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Give the renditions to show: the whole ones of each medium, or else its longest."""
    starts_s = min((item.starts_s for item in stretches), default=0.0)
    ends_s = max((item.ends_s for item in stretches), default=0.0)
    shown: list[Stretch] = []
    for media in sorted({item.media for item in stretches}):
        own = [item for item in stretches if item.media == media]
        whole = [
            item
            for item in own
            if item.starts_s <= starts_s + EDGE_S and item.ends_s >= ends_s - EDGE_S
        ]
        shown += whole or [max(own, key=lambda item: item.duration_s)]
    return shown


async def finish_session(
    connection: Connection, session: str, now_utc: float, make_chapters: MakeChapters
) -> str | None:
    """Finish all feeds; give the lesson of the main one, or None: the session has failed.

    Raises: NotFound, Conflict when it has not ended.
    """
    state = await _locked(connection, session)
    if state is SessionState.FAILED:
        return None
    cursor = await connection.execute(
        "select feed, lesson_id, finished_at from recording where session_id = %s"
        " order by feed for update",
        (session,),
    )
    lessons: dict[str, str] = {}
    for row in await cursor.fetchall():
        done = row["finished_at"] is not None
        lesson = row["lesson_id"]
        if done or await _finish_feed(connection, session, lesson, now_utc, make_chapters):
            lessons[row["feed"]] = lesson
    main = lessons.get(FeedName.MAIN.value)
    if state is SessionState.ENDED:
        event = SessionInput.RECORDED if main else SessionInput.NOTHING_RECORDED
        await advance(connection, session, event, now_utc)
    return main


async def _locked(connection: Connection, session: str) -> SessionState:
    row = await (
        await connection.execute("select state from session where id = %s for update", (session,))
    ).fetchone()
    if row is None:
        raise NotFound("there is no such session")
    state = SessionState(row["state"])
    if state not in (SessionState.ENDED, SessionState.RECORDED, SessionState.FAILED):
        raise Conflict(f"this session is {state.value}: end it first")
    return state


async def _finish_feed(
    connection: Connection,
    session: str,
    lesson: str,
    now_utc: float,
    make_chapters: MakeChapters,
) -> bool:
    """Make one lesson ready; one without any segment is removed. Tell whether there is one."""
    stretches = await _read_stretches(connection, lesson)
    if not stretches:
        await connection.execute("delete from lesson where id = %s", (lesson,))
        return False
    shown = whole_ones(stretches)
    await _drop_others(connection, lesson, [item.rendition for item in shown])
    for item in shown:
        await _close_holes(connection, item.rendition)
    starts_s = min(item.starts_s for item in shown)
    ends_s = max(item.ends_s for item in shown)
    after_s = await _after_main(connection, session, lesson)
    chapters: tuple[Chapter, ...] = ()
    if after_s is not None:
        made = make_chapters(await read_events(connection, session))
        chapters = placed(made, await _read_spans(connection, shown, starts_s, after_s))
    await _show(connection, lesson, ends_s - starts_s, chapters)
    if any(item.media == Media.VIDEO.value for item in shown):
        await want(connection, lesson, GENERATION, [STILLS], FRESH)
    await connection.execute(
        "update recording set finished_at = %s where lesson_id = %s",
        (datetime.fromtimestamp(now_utc, UTC), lesson),
    )
    return True


async def _read_spans(
    connection: Connection, shown: Sequence[Stretch], starts_s: float, after_s: float
) -> list[Span]:
    """Tell which stretch of the lesson each segment of the longest rendition shows."""
    longest = max(shown, key=lambda item: item.duration_s)
    cursor = await connection.execute(
        "select o.key, o.base_ts, o.durations_ts, r.timescale from media_object o"
        " join rendition r on r.id = o.rendition_id where r.id = %s order by o.first_number",
        (longest.rendition,),
    )
    return [
        Span(
            (row["base_ts"] + shift_of(row["key"])) / row["timescale"] + after_s,
            row["base_ts"] / row["timescale"] - starts_s,
            sum(row["durations_ts"]) / row["timescale"],
        )
        for row in await cursor.fetchall()
    ]


async def _after_main(connection: Connection, session: str, lesson: str) -> float | None:
    """Tell how long after the main feed this one began; the floor's own recording has no chapters.

    The room counts lesson time from the main feed's beginning.
    """
    cursor = await connection.execute(
        "select r.feed, r.anchor_utc - coalesce(m.anchor_utc, r.anchor_utc) as after_s"
        " from recording r left join recording m on m.session_id = r.session_id"
        " and m.feed = 'main' where r.session_id = %s and r.lesson_id = %s",
        (session, lesson),
    )
    row = await cursor.fetchone()
    return None if row is None or row["feed"] == "floor" else float(row["after_s"])


_STRETCHES: LiteralString = """
select r.id as rendition, r.media,
  (min(o.base_ts) / r.timescale::float8) as starts_s,
  (max(o.base_ts + (select sum(d) from unnest(o.durations_ts) d)) / r.timescale)::float8 as ends_s
from rendition r join media_object o on o.rendition_id = r.id
where r.lesson_id = %s group by r.id order by r.rung, r.name
"""


async def _read_stretches(connection: Connection, lesson: str) -> list[Stretch]:
    cursor = await connection.execute(_STRETCHES, (lesson,))
    return [Stretch(**row) for row in await cursor.fetchall()]


async def _drop_others(connection: Connection, lesson: str, kept: Sequence[str]) -> None:
    cursor = await connection.execute(
        "select o.key from media_object o join rendition r on r.id = o.rendition_id"
        " where r.lesson_id = %s and r.id <> all(%s)",
        (lesson, list(kept)),
    )
    await throw_away(connection, [row["key"] for row in await cursor.fetchall()])
    await connection.execute(
        "delete from rendition where lesson_id = %s and id <> all(%s)", (lesson, list(kept))
    )


_PLACES: LiteralString = """
with placed as (
  select first_number, (sum(cardinality(sizes)) over (order by first_number)
    - cardinality(sizes))::integer as place from media_object where rendition_id = %(rendition)s
)
update media_object o set first_number = -1 - p.place from placed p
where o.rendition_id = %(rendition)s and o.first_number = p.first_number
  and p.first_number <> p.place
"""


async def _close_holes(connection: Connection, rendition: str) -> None:
    """Number the segments from 0 on; by way of negative numbers, where none is in the way."""
    moved = await connection.execute(_PLACES, {"rendition": rendition})
    if moved.rowcount:
        await connection.execute(
            "update media_object set first_number = -1 - first_number"
            " where rendition_id = %s and first_number < 0",
            (rendition,),
        )


async def _show(
    connection: Connection, lesson: str, duration_s: float, chapters: tuple[Chapter, ...]
) -> None:
    await connection.execute("update rendition set complete = true where lesson_id = %s", (lesson,))
    if chapters:
        await connection.execute(
            "insert into side_product (lesson_id, generation, kind, detail)"
            " select lesson_id, generation, 'chapters', %s from recording where lesson_id = %s"
            " on conflict (lesson_id, generation, kind, key) do update"
            " set detail = excluded.detail",
            (Jsonb(chapters_detail(chapters)), lesson),
        )
    row = await (
        await connection.execute(
            "select l.state, l.generation > r.generation as replaced from lesson l"
            " join recording r on r.lesson_id = l.id where l.id = %s for update of l",
            (lesson,),
        )
    ).fetchone()
    if row is None or row["replaced"]:
        return  # someone uploaded another version of it while it was live
    state = lesson_step(LessonState(row["state"]), LessonInput.RECORDED)
    await connection.execute(
        "update lesson set state = %s, progress = 1, duration_s = %s,"
        " published_at = coalesce(published_at, now()) where id = %s",
        (state.value, duration_s, lesson),
    )
