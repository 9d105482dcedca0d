"""Subtitles of lessons in the database. A change counts as one of the lesson: search follows it."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.db.pool import Connection
from catalog.errors import Invalid
from catalog.ids import new_id
from catalog.subtitles import LANGUAGES_LIMIT


@dataclass(frozen=True, slots=True)
class Subtitles:
    """One language's subtitles as clean WebVTT, and their words for search."""

    language: str
    label: str
    webvtt: str
    transcript: str


async def put_subtitles(connection: Connection, lesson: str, subtitles: Subtitles) -> None:
    """Set one language; the caller has locked the lesson. Raises: Invalid for too many."""
    row = await (
        await connection.execute(
            "select count(*) as n from subtitle where lesson_id = %s and language <> %s",
            (lesson, subtitles.language),
        )
    ).fetchone()
    if row and row["n"] >= LANGUAGES_LIMIT:
        raise Invalid(f"a lesson has at most {LANGUAGES_LIMIT} languages of subtitles")
    await connection.execute(
        "insert into subtitle (id, lesson_id, language, label, webvtt, transcript)"
        " values (%s, %s, %s, %s, %s, %s) on conflict (lesson_id, language) do update"
        " set label = excluded.label, webvtt = excluded.webvtt, transcript = excluded.transcript",
        (new_id(), lesson, subtitles.language, subtitles.label, subtitles.webvtt,
         subtitles.transcript),
    )  # fmt: skip
    await _touch(connection, lesson)


async def delete_subtitles(connection: Connection, lesson: str, language: str) -> bool:
    """Remove one language; tell whether it was there."""
    cursor = await connection.execute(
        "delete from subtitle where lesson_id = %s and language = %s", (lesson, language)
    )
    await _touch(connection, lesson)
    return cursor.rowcount > 0


async def _touch(connection: Connection, lesson: str) -> None:
    await connection.execute("update lesson set title = title where id = %s", (lesson,))
