"""The OpenAPI document: exact for a small API."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import pytest
from aiohttp import web
from msgspec import Meta
from openapi_spec_validator import OpenAPIV31SpecValidator

from catalog.http.endpoint import Endpoint
from catalog.http.openapi import document
from catalog.http.openapi_words import ERRORS, GROUPS


class Query(msgspec.Struct):
    q: Annotated[str, Meta(max_length=9)] = ""
    tag: list[str] = []


class Body(msgspec.Struct):
    name: str
    note: str = ""


class Inner(msgspec.Struct):
    """Something within what was found."""

    note: str = ""


class Found(msgspec.Struct):
    """Something found."""

    id: str
    inner: Body | None = None
    notes: list[Inner] = []


async def nothing(request: web.Request) -> web.StreamResponse:
    return web.Response()


ENDPOINTS = [
    Endpoint("GET", "/api/v1/things", nothing, "List", "things", query=Query, result=list[Found],
             guest=True, errors=(422,)),
    Endpoint("POST", "/api/v1/things", nothing, "Add", "things", body=Body, result=Found,
             status=201),
    Endpoint("DELETE", "/api/v1/things/{id}", nothing, "Remove", "things", status=204),
    Endpoint("PUT", "/api/v1/things/{id}/text/{part:[a-z]+}", nothing, "Put", "things",
             body_type="text/vtt", status=204),
    Endpoint("GET", "/api/v1/table", nothing, "A table", "things", result=Found,
             other_types=("text/csv",)),
]  # fmt: skip


@pytest.fixture
def made() -> dict[str, Any]:
    found = document(ENDPOINTS, "1.2")
    OpenAPIV31SpecValidator(found).validate()
    return found


def test_paths_and_their_variables(made: dict[str, Any]) -> None:
    assert {path: sorted(item) for path, item in made["paths"].items()} == {
        "/api/v1/table": ["get"],
        "/api/v1/things": ["get", "post"],
        "/api/v1/things/{id}": ["delete"],
        "/api/v1/things/{id}/text/{part}": ["put"],
    }
    parameters = made["paths"]["/api/v1/things/{id}/text/{part}"]["put"]["parameters"]
    assert [(p["name"], p["in"], p["required"]) for p in parameters] == [
        ("id", "path", True), ("part", "path", True)]  # fmt: skip


def test_a_query_becomes_parameters_with_its_limits(made: dict[str, Any]) -> None:
    q, tag = made["paths"]["/api/v1/things"]["get"]["parameters"]
    assert q == {"name": "q", "in": "query", "required": False, "description": "part of a name",
                 "schema": {"type": "string", "maxLength": 9, "default": ""}}  # fmt: skip
    assert tag["schema"]["type"] == "array"
    assert set(made["components"]["schemas"]) == {"Body", "Found", "Inner", "Problem"}


def test_an_answer_carries_every_field_and_a_question_may_leave_some_out(
    made: dict[str, Any],
) -> None:
    shapes = made["components"]["schemas"]
    assert shapes["Found"]["required"] == ["id", "inner", "notes"]
    assert shapes["Inner"]["required"] == ["note"]
    assert shapes["Body"]["required"] == ["name"]
    assert shapes["Problem"]["required"] == ["title", "status"]


def test_bodies_results_and_errors(made: dict[str, Any]) -> None:
    post = made["paths"]["/api/v1/things"]["post"]
    assert post["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/Body"}  # fmt: skip
    assert sorted(post["responses"]) == ["201", "401", "403", "404", "422", "503"]
    assert set(post["responses"]["422"]["content"]) == {"application/problem+json"}
    assert "content" not in made["paths"]["/api/v1/things/{id}"]["delete"]["responses"]["204"]
    put = made["paths"]["/api/v1/things/{id}/text/{part}"]["put"]
    assert set(put["requestBody"]["content"]) == {"text/vtt"}


def test_a_refusal_says_what_it_means(made: dict[str, Any]) -> None:
    responses = made["paths"]["/api/v1/things"]["post"]["responses"]
    assert responses["404"]["description"] == f"Not Found: {ERRORS[404]}"
    assert made["tags"] == [{"name": "things"}]


def test_known_operations_groups_and_fields_are_put_into_words() -> None:
    asked = Endpoint("GET", "/api/v1/lessons", nothing, "Find", "lessons", query=Query)
    enrol = Endpoint("POST", "/api/v1/edges", nothing, "Add", "edges", result=Found, errors=(409,))
    odd = Endpoint("GET", "/api/v1/odd", nothing, "Odd", "about", result=Found)
    made = document([enrol, odd, asked], "1")
    assert [tag["name"] for tag in made["tags"]] == ["lessons", "edges", "about"]
    assert made["tags"][0]["x-displayName"] == GROUPS["lessons"].title
    find = made["paths"]["/api/v1/lessons"]["get"]
    assert find["description"].startswith("Who may: everybody, guests too.\n\nOnly lessons")
    q = find["parameters"][0]
    assert (q["description"], q["schema"]) == (
        "part of a name", {"type": "string", "maxLength": 9, "default": ""})  # fmt: skip
    assert "description" not in made["paths"]["/api/v1/odd"]["get"]
    said = made["paths"]["/api/v1/edges"]["post"]["responses"]["409"]["description"]
    assert said.startswith("Conflict: the name is taken")


def test_what_an_answer_may_come_as(made: dict[str, Any]) -> None:
    content = made["paths"]["/api/v1/table"]["get"]["responses"]["200"]["content"]
    assert content["application/json"]["schema"] == {"$ref": "#/components/schemas/Found"}
    assert content["text/csv"] == {}


def test_an_address_may_be_too_long_where_the_asker_fills_it_in(made: dict[str, Any]) -> None:
    for path, method, said in (
        ("/api/v1/things", "get", True), ("/api/v1/things/{id}", "delete", True),
        ("/api/v1/things", "post", False), ("/api/v1/table", "get", False),
    ):  # fmt: skip
        responses = made["paths"][path][method]["responses"]
        assert ("414" in responses) is said
        assert not said or set(responses["414"]["content"]) == {"text/plain"}


def test_what_signing_in_takes(made: dict[str, Any]) -> None:
    things = made["paths"]["/api/v1/things"]
    assert things["get"]["security"] == [{}, {"bearer": []}, {"cookie": []}]
    assert things["post"]["security"] == [{"bearer": []}, {"cookie": [], "page": []}]


def test_every_operation_has_a_name_of_its_own(made: dict[str, Any]) -> None:
    names = [o["operationId"] for item in made["paths"].values() for o in item.values()]
    assert names == ["get_things", "post_things", "delete_things_id",
                     "put_things_id_text_part", "get_table"]  # fmt: skip
    assert len(set(names)) == len(names)
