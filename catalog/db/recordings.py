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

from catalog.db.pool import Pool
from catalog.db.presentations import Presentations
from catalog.db.recordings_finish import finish_session
from catalog.db.recordings_rows import (
    begin_recording,
    cut_back,
    find_or_add,
    hold_recording,
    insert_segments,
    last_object,
    read_recording,
    require_open,
    require_same,
    stretch_last,
)
from catalog.errors import Conflict
from catalog.live import FeedName, Recorded, RecordedSegment
from catalog.media import Rendition
from catalog.session_chapters import MakeChapters, no_chapters

RUNS_LIMIT = 50


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
            await require_open(connection, session)
            row = await read_recording(connection, session, feed)
            if row is None:
                await begin_recording(connection, session, feed, anchor_utc)
                row = await read_recording(connection, session, feed)
            assert row is not None, "there or begun"
            if row["finished_at"] is not None:
                raise Conflict("this recording is finished: it takes no more")
            next_number = await cut_back(connection, row["lesson_id"])
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
            await hold_recording(connection, recorded.lesson, unfinished=True)
            for run in range(1, RUNS_LIMIT + 1):
                name = rendition.name if run == 1 else f"{rendition.name}-r{run}"
                found = await find_or_add(connection, recorded, replace(rendition, name=name))
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
            finished = await hold_recording(connection, recorded.lesson)
            last = await last_object(connection, recorded.lesson, rendition)
            next_number = last["first_number"] + len(last["sizes"]) if last else 0
            fresh = [item for item in segments if item.number >= next_number]
            if finished and fresh:
                raise Conflict("this recording is finished: it takes no more")
            if not finished:
                known = [item for item in segments if item.number < next_number]
                await require_same(connection, rendition, known)
            await stretch_last(connection, rendition, last, fresh)
            await insert_segments(connection, rendition, fresh)

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
