"""What an upload is to become: its metadata checked against the rules, the registry and rights.

Done when the upload is created, so that a teacher hears of a wrong word before the bytes are sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catalog.db.lessons import read_lesson
from catalog.db.pool import Connection, Pool
from catalog.errors import Invalid, NoRight
from catalog.ids import is_id, new_id
from catalog.metadata import clean, clean_filename, split_list, title_of
from catalog.people import Role, Viewer, may_edit, may_upload
from catalog.text import line

NAMES = {
    "title": "title", "description": "description", "stage": "stage", "grade": "grade",
    "subject": "subject", "edition": "edition", "chapter": "chapter", "visibility": "visibility",
    "teacher": "teacher_name",
}  # fmt: skip
LISTS = ("tags", "knowledge_points")


@dataclass(frozen=True, slots=True)
class Intake:
    """The lesson that an upload becomes, or the lesson that it is a new version of."""

    target_id: str
    new_version: bool
    filename: str
    fields: Mapping[str, Any]


async def intake(pool: Pool, viewer: Viewer, metadata: Mapping[str, str]) -> Intake:
    """Decide what these words make of an upload. Raises: NoRight, Invalid."""
    if not may_upload(viewer):
        raise NoRight("your account may not add lessons: ask your school's administrator")
    filename = clean_filename(metadata.get("filename", ""))
    async with pool.connection() as connection:
        if metadata.get("lesson"):
            await _require_edit(connection, viewer, metadata["lesson"])
            return Intake(metadata["lesson"], True, filename, {})
        raw = _raw(metadata, filename)
        raw["series_id"] = await _series(connection, metadata.get("series", ""))
        raw["school_id"] = _school(viewer, metadata.get("school", ""))
        raw["teacher_name"] = raw.get("teacher_name", "").strip() or viewer.name
        fields = clean(raw)
    if viewer.has(Role.TEACHER) and fields["teacher_name"] == viewer.name:
        fields["teacher_id"] = viewer.person_id
    return Intake(new_id(), False, filename, fields)


def _raw(metadata: Mapping[str, str], filename: str) -> dict[str, Any]:
    raw: dict[str, Any] = {ours: metadata[name] for name, ours in NAMES.items() if name in metadata}
    raw |= {name: split_list(metadata[name]) for name in LISTS if name in metadata}
    raw["title"] = raw.get("title", "").strip() or title_of(filename)
    raw["visibility"] = raw.get("visibility", "").strip() or "public"
    return raw


async def _require_edit(connection: Connection, viewer: Viewer, lesson: str) -> None:
    record = await read_lesson(connection, lesson) if is_id(lesson) else None
    if record is None:
        raise Invalid("there is no such lesson", {"lesson": "there is no such lesson"})
    if not may_edit(viewer, record.place):
        raise NoRight("only those who may edit this lesson may upload a new version of it")


async def _series(connection: Connection, text: str) -> str | None:
    """Find a series by id or exact name."""
    if not text.strip():
        return None
    name = line(text, "series")
    cursor = await connection.execute(
        "select id from series where id = %(name)s or name = %(name)s", {"name": name}
    )
    row = await cursor.fetchone()
    if row is None:
        raise Invalid(f"there is no series {name!r}", {"series": "there is no such series"})
    return str(row["id"])


def _school(viewer: Viewer, text: str) -> str | None:
    """Give the school a lesson comes from: the one named, if it is the person's, or the first."""
    own = [item.school_id for item in viewer.affiliations if item.school_id]
    if not text:
        return own[0] if own else None
    if text not in own and not viewer.has(Role.ADMINISTRATOR):
        raise NoRight("you can add lessons only for a school that you belong to")
    return text
