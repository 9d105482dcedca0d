"""docs/api.md: as the endpoints are, whole, and its links and examples hold."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from catalog.http import openapi_words as words
from catalog.http.openapi import WHO
from catalog.http.openapi_fields import FIELDS, PARAMETERS, SHAPES
from catalog.http.openapi_words import GROUPS, OPERATIONS
from catalog.ids import is_id
from deploy import api_reference
from deploy.api_examples import EXAMPLES
from deploy.api_reference import METHODS, WHERE, reference
from deploy.api_types import described

HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)]+)\)")
# A name like these says by itself what a body's field is.
PLAIN = {"name", "title", "description", "school", "district", "classroom", "password"}


@pytest.fixture(scope="module")
def api() -> dict[str, Any]:
    return described()


@pytest.fixture(scope="module")
def page() -> str:
    return WHERE.read_text("utf-8")


def operations(api: dict[str, Any]) -> dict[str, tuple[str, str, dict[str, Any]]]:
    return {said["operationId"]: (method, path, said)
            for path, item in api["paths"].items() for method, said in item.items()}  # fmt: skip


def anchors(text: str) -> set[str]:
    """Give the addresses of a page's headings, as GitHub makes them."""
    found: list[str] = []
    for title in HEADING.findall(text):
        slug = "".join(c for c in title.lower() if c.isalnum() or c in " -_").replace(" ", "-")
        again = sum(1 for other in found if re.fullmatch(re.escape(slug) + r"(-\d+)?", other))
        found.append(f"{slug}-{again}" if slug in found else slug)
    return set(found)


def test_what_is_checked_in_is_what_the_program_makes(api: dict[str, Any], page: str) -> None:
    assert page == reference(api), "run `make api-reference`"


def test_the_command_writes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    monkeypatch.setattr(api_reference, "WHERE", tmp_path / "api.md")
    assert api_reference.main() == 0
    assert (tmp_path / "api.md").read_text("utf-8") == page


def test_another_api_is_another_page(api: dict[str, Any], page: str) -> None:
    changed = copy.deepcopy(api)
    limit = next(p for p in changed["paths"]["/api/v1/lessons"]["get"]["parameters"]
                 if p["name"] == "limit")  # fmt: skip
    limit["schema"]["maximum"] = 99
    made = reference(changed)
    assert "| `limit` | whole number, 1 to 99; `20` when left out |" in made
    assert made != page


def test_every_operation_is_in_it_once(api: dict[str, Any], page: str) -> None:
    lines = page.splitlines()
    for method, path, said in operations(api).values():
        assert lines.count(f"`{method.upper()} {path}`") == 1, path
        assert f"### {said['summary']}" in lines
    assert {method for method, _, _ in operations(api).values()} <= set(METHODS)


def test_what_a_shape_has_of_another_is_not_told_twice(page: str) -> None:
    lesson = page.partition("### Lesson\n")[2].partition("### LessonCard")[0]
    assert "All of [LessonCard](#lessoncard), and:" in lesson
    assert "| `renditions` |" in lesson
    assert "| `eta_s` |" not in lesson


def test_every_link_resolves(page: str) -> None:
    known = anchors(page)
    links = LINK.findall(page)
    assert len(links) > 300
    assert {link for link in links if link[:1] != "#" or link[1:] not in known} == set()


def test_every_operation_says_who_may_and_no_words_are_left_over(api: dict[str, Any]) -> None:
    found = operations(api)
    assert OPERATIONS.keys() == found.keys()
    assert all(said["description"].startswith(WHO) for _, _, said in found.values())
    assert [tag["name"] for tag in api["tags"]] == list(GROUPS)
    for name, told in OPERATIONS.items():
        assert {str(status) for status in told.errors or ()} <= found[name][2]["responses"].keys()


def test_who_may_agrees_with_the_door(api: dict[str, Any]) -> None:
    for name, (_, _, said) in operations(api).items():
        may = OPERATIONS[name].may
        assert (said["security"] == [{"edge": []}]) is (may == words.BOX), name
        if may in (words.EVERYBODY, words.WHO_WATCHES, words.WHO_JOINS):
            assert {} in said["security"], name
        elif {} in said["security"]:
            assert name == "post_edges_enrol"


def test_what_one_sends_is_put_into_words(api: dict[str, Any]) -> None:
    shapes = api["components"]["schemas"]
    for _, path, said in operations(api).values():
        for one in said.get("parameters", ()):
            assert one.get("description"), (path, one["name"])
        content = said.get("requestBody", {}).get("content", {}).get("application/json", {})
        name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
        for field, schema in shapes.get(name, {}).get("properties", {}).items():
            assert field in PLAIN or schema.get("description"), (name, field)


def test_no_field_is_put_into_words_that_is_not_there(api: dict[str, Any]) -> None:
    known = {field for shape in api["components"]["schemas"].values()
             for field in shape.get("properties", ())}  # fmt: skip
    asked = [p for _, _, said in operations(api).values() for p in said.get("parameters", ())]
    known |= {p["name"] for p in asked}
    assert {name.rpartition(".")[2] for name in FIELDS} <= known
    assert SHAPES.keys() <= api["components"]["schemas"].keys()
    assert PARAMETERS.keys() == {p["name"] for p in asked if p["in"] == "path"}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_what_the_operation_takes(name: str, api: dict[str, Any]) -> None:
    example = EXAMPLES[name]
    method, path, said = operations(api)[name]
    assert example.method.lower() == method
    ids = re.fullmatch(re.sub(r"\{id\}", "([^/]+)", re.sub(r"\{language\}", "[^/]+", path)),
                       example.path)  # fmt: skip
    assert ids is not None
    assert all(map(is_id, ids.groups()))
    assert example.query.keys() <= {p["name"] for p in said.get("parameters", ())}
    assert not example.guest or {} in said["security"]
    content = said.get("requestBody", {}).get("content", {})
    assert (example.body is not None) == ("application/json" in content)
    if example.body is not None:
        schema = {**content["application/json"]["schema"], "components": api["components"]}
        Draft202012Validator(schema).validate(dict(example.body))
    assert max(map(len, example.text().split("\n"))) <= 110
