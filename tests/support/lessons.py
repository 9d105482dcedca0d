"""Rows of the catalogue for tests: people, schools, lessons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from aiohttp import web
from psycopg import sql

from catalog.db.pool import Connection
from catalog.http.endpoint import VIEWER, Api, Handler, add_endpoints
from catalog.http.problem import problems
from catalog.ids import new_id
from catalog.people import Affiliation, Role, Viewer

SINCE = date(2020, 1, 1)
PERSON = "X-Test-Person"


async def insert(connection: Connection, table: str, **values: Any) -> str:
    """Insert a row, with a fresh id when none is given; give the id."""
    values = {"id": new_id(), **values}
    await connection.execute(
        sql.SQL("insert into {} ({}) values ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(map(sql.Placeholder, values)),
        ),
        values,
    )
    return str(values["id"])


async def add_school(connection: Connection, name: str = "实验小学") -> str:
    """Add a school in a district of its own."""
    district = await insert(connection, "district", name=f"{name}区")
    return await insert(connection, "school", name=name, district_id=district, setting="urban")


async def add_person(connection: Connection, name: str = "张老师", **values: Any) -> str:
    """Add a person."""
    return await insert(connection, "person", name=name, **{"username": new_id(), **values})


async def add_lesson(connection: Connection, title: str = "分数的意义", **values: Any) -> str:
    """Add a lesson, ready unless said otherwise."""
    return await insert(
        connection, "lesson", title=title, **{"state": "ready", "generation": 1, **values}
    )


def teacher(person: str, school: str | None = None) -> Viewer:
    """A teacher as the sign-in middleware gives them."""
    return Viewer(person, "张老师", (Affiliation(Role.TEACHER, SINCE, school_id=school),))


def administrator(person: str) -> Viewer:
    """An administrator."""
    return Viewer(person, "管理员", (Affiliation(Role.ADMINISTRATOR, SINCE),))


def signed_app(parts: Sequence[Api], viewers: Mapping[str, Viewer]) -> web.Application:
    """An application in which a header says who is asking."""

    @web.middleware
    async def sign_in(request: web.Request, handler: Handler) -> web.StreamResponse:
        viewer = viewers.get(request.headers.get(PERSON, ""))
        if viewer is not None:
            request[VIEWER] = viewer
        return await handler(request)

    app = web.Application(middlewares=[problems, sign_in])
    for part in parts:
        add_endpoints(app, part.endpoints())
    return app
