"""The document describes sessions as they are answered: every shape is checked against it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from openapi_spec_validator import OpenAPIV31SpecValidator

from catalog.http.endpoint import Api
from catalog.http.openapi import document
from catalog.http.sessions import SessionsApi
from catalog.http.sessions_attendance import AttendanceApi
from catalog.http.sessions_camera import CameraApi
from catalog.http.sessions_classroom import Bells, ClassroomApi
from catalog.http.timetable import TimetableApi
from tests.integration.sessions.conftest import City


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    nothing: Any = None
    parts: list[Api] = [
        SessionsApi(nothing, nothing, nothing, nothing),
        CameraApi(nothing, nothing),
        AttendanceApi(nothing, nothing, nothing),
        ClassroomApi(nothing, Bells(), nothing, nothing, nothing),
        TimetableApi(nothing, nothing, nothing),
    ]
    return document([item for part in parts for item in part.endpoints()], "0.1.0")


async def test_the_document_is_valid(described: dict[str, Any]) -> None:
    await asyncio.to_thread(OpenAPIV31SpecValidator(described).validate)
    assert {"/api/v1/sessions/{id}/end", "/api/v1/classroom/now", "/api/v1/timetables/{id}"} <= set(
        described["paths"]
    )


async def test_answers_have_the_shapes_that_are_described(
    described: dict[str, Any], city: City
) -> None:
    made = await city.booked(city.teacher, kind="paired_lesson", listening_classrooms=[],
                             second_classroom=city.town.far)  # fmt: skip
    asked = {
        "/api/v1/sessions": "/sessions",
        "/api/v1/sessions/{id}": f"/sessions/{made['id']}",
        "/api/v1/sessions/{id}/attendance": f"/sessions/{made['id']}/attendance",
        "/api/v1/terms": "/terms",
        "/api/v1/timetables": "/timetables",
    }
    for path, url in asked.items():
        status, found = await city.teacher.ask("GET", url)
        assert status == 200
        _check(described, path, found)
    _check(described, "/api/v1/classroom/now", (await city.board.ask("GET", "/classroom/now"))[1])


def _check(described: dict[str, Any], path: str, found: Any) -> None:
    answer = described["paths"][path]["get"]["responses"]["200"]
    schema = answer["content"]["application/json"]["schema"]
    Draft202012Validator({**schema, "components": described["components"]}).validate(found)
