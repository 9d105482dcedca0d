"""One lesson over HTTP: read, edit, delete and restore, retry and cancel its work, count a view."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from aiohttp import web

from catalog.db import sources
from catalog.db.lessons import (
    LessonRecord,
    count_play,
    read_lesson,
    read_next,
    read_renditions,
    read_subtitle_names,
    require_places,
    update_fields,
)
from catalog.db.pool import Connection, Pool
from catalog.db.removal import put_aside, restore
from catalog.errors import NoRight, NotFound, SignInNeeded
from catalog.http.endpoint import Endpoint, Handler, viewer_of
from catalog.http.lesson_json import Lesson, TokenFor, lesson
from catalog.http.payload import answer, body_of
from catalog.ids import is_id
from catalog.metadata import clean
from catalog.people import Role, Viewer, may_edit, may_watch

PATH = "/api/v1/lessons/{id:(?!suggest$)[^/]+}"


class LessonChanges(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What to change; a field that is left out stays."""

    title: str | msgspec.UnsetType = msgspec.UNSET
    description: str | msgspec.UnsetType = msgspec.UNSET
    series_id: str | msgspec.UnsetType | None = msgspec.UNSET
    position: int | msgspec.UnsetType | None = msgspec.UNSET
    stage: str | msgspec.UnsetType = msgspec.UNSET
    grade: str | msgspec.UnsetType = msgspec.UNSET
    subject: str | msgspec.UnsetType = msgspec.UNSET
    edition: str | msgspec.UnsetType = msgspec.UNSET
    chapter: str | msgspec.UnsetType = msgspec.UNSET
    knowledge_points: list[str] | msgspec.UnsetType = msgspec.UNSET
    tags: list[str] | msgspec.UnsetType = msgspec.UNSET
    teacher: str | msgspec.UnsetType = msgspec.UNSET
    teacher_id: str | msgspec.UnsetType | None = msgspec.UNSET
    school_id: str | msgspec.UnsetType | None = msgspec.UNSET
    visibility: str | msgspec.UnsetType = msgspec.UNSET

    def fields(self) -> dict[str, Any]:
        """Give what is set, under the names of the catalogue."""
        given = {name: getattr(self, name) for name in self.__struct_fields__}
        kept = {name: value for name, value in given.items() if value is not msgspec.UNSET}
        if "teacher" in kept:
            kept["teacher_name"] = kept.pop("teacher")
        return kept


class LessonsApi:
    """The endpoints below /api/v1/lessons/{id}."""

    def __init__(self, pool: Pool, token_for: TokenFor, now: Callable[[], datetime]) -> None:
        self._pool = pool
        self._token_for = token_for
        self._now = now

    def endpoints(self) -> Sequence[Endpoint]:
        """List what this part answers."""

        def act(name: str, handler: Handler, summary: str, guest: bool = False) -> Endpoint:
            return Endpoint("POST", f"{PATH}/{name}", handler, summary, "lessons", status=204,
                            guest=guest, errors=(401, 403, 404, 409))  # fmt: skip

        return [
            Endpoint("GET", PATH, self.get, "Read a lesson", "lessons", result=Lesson, guest=True),
            Endpoint("PATCH", PATH, self.edit, "Change what is said about a lesson", "lessons",
                     body=LessonChanges, result=Lesson),
            Endpoint("DELETE", PATH, self.delete, "Delete a lesson; it can be restored", "lessons",
                     status=204),
            act("restore", self.restore, "Undo the deletion of a lesson"),
            act("retry", self.retry, "Try a lesson's failed work again"),
            act("cancel", self.cancel, "Call off the work on a lesson"),
            act("play", self.play, "Count a view", guest=True),
        ]  # fmt: skip

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Answer the lesson to those who may watch it."""
        async with self._pool.connection() as connection:
            record = await watchable(connection, request)
            return answer(await self._whole(connection, record, viewer_of(request)))

    async def edit(self, request: web.Request) -> web.StreamResponse:
        """Change fields; a lesson can be moved only to where one may edit it too."""
        changes = clean((await body_of(request, LessonChanges)).fields())
        viewer = viewer_of(request)
        async with self._pool.connection() as connection:
            record = await editable(connection, request, lock=True)
            await require_places(connection, changes)
            _require_move(viewer, record, changes)
            await update_fields(connection, record.id, changes)
            record = await watchable(connection, request)
            return answer(await self._whole(connection, record, viewer))

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """Put a lesson aside."""
        async with self._pool.connection() as connection:
            record = await editable(connection, request, lock=True)
            await put_aside(connection, record.id, self._now())
        return web.Response(status=204)

    async def restore(self, request: web.Request) -> web.StreamResponse:
        """Bring a lesson back."""
        async with self._pool.connection() as connection:
            record = await editable(connection, request, lock=True, deleted=True)
            if record.deleted_at is not None:
                await restore(connection, record.id)
        return web.Response(status=204)

    async def retry(self, request: web.Request) -> web.StreamResponse:
        """Want failed work again."""
        async with self._pool.connection() as connection:
            record = await editable(connection, request, lock=True)
            await sources.retry(connection, record.id)
        return web.Response(status=204)

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        """Call off work."""
        async with self._pool.connection() as connection:
            record = await editable(connection, request, lock=True)
            await sources.cancel(connection, record.id)
        return web.Response(status=204)

    async def play(self, request: web.Request) -> web.StreamResponse:
        """Count a view."""
        async with self._pool.connection() as connection:
            record = await watchable(connection, request)
            await count_play(connection, record.id)
        return web.Response(status=204)

    async def _whole(self, connection: Connection, record: LessonRecord, viewer: Viewer) -> Lesson:
        following = await read_next(connection, record)
        if following is not None and not may_watch(viewer, following.place):
            following = None
        return lesson(
            record,
            viewer,
            self._token_for,
            await read_renditions(connection, record.id, record.generation),
            await read_subtitle_names(connection, record.id),
            following,
        )


async def watchable(connection: Connection, request: web.Request) -> LessonRecord:
    """Give the lesson of the path. Raises: NotFound, SignInNeeded, NoRight."""
    record = await _found(connection, request)
    viewer = viewer_of(request)
    if may_watch(viewer, record.place):
        return record
    if not viewer.signed_in:
        raise SignInNeeded("this lesson is not public: sign in first")
    raise NoRight("this lesson is not open to you: ask the one who made it")


async def editable(
    connection: Connection, request: web.Request, lock: bool = False, deleted: bool = False
) -> LessonRecord:
    """Give the lesson of the path to one who may change it. Raises: NotFound, NoRight."""
    record = await _found(connection, request, lock, deleted)
    if not may_edit(viewer_of(request), record.place):
        raise NoRight("only the lesson's owner or its school's officers may change it")
    return record


async def _found(
    connection: Connection, request: web.Request, lock: bool = False, deleted: bool = False
) -> LessonRecord:
    key = request.match_info["id"]
    record = await read_lesson(connection, key, deleted, lock) if is_id(key) else None
    if record is None:
        raise NotFound("there is no such lesson")
    return record


def _require_move(viewer: Viewer, record: LessonRecord, changes: dict[str, Any]) -> None:
    """Owners move lessons only among their own schools; officers and administrators see to theirs.

    Raises: NoRight.
    """
    school = changes.get("school_id", record.school_id)
    if school == record.school_id or school is None or viewer.has(Role.ADMINISTRATOR):
        return
    if school not in {item.school_id for item in viewer.affiliations}:
        raise NoRight("you can move a lesson only to a school that you belong to")
