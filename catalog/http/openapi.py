"""The API's own description: an OpenAPI document made from the endpoints that are really routed.

Every endpoint says its structs; msgspec gives their JSON Schema, limits included, so the document
cannot drift from what is checked. Pure, but for the part that serves it.

Spec: OpenAPI 3.1.0, JSON Schema 2020-12, RFC 9457 (problem+json).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from aiohttp import web

from catalog.edge_credential import SCHEME as EDGE_SCHEME
from catalog.http import openapi_words as words
from catalog.http.endpoint import Endpoint
from catalog.http.openapi_fields import PARAMETERS, SHAPES, said_of
from catalog.http.payload import answer
from catalog.http.problem import Problem, title_of
from catalog.http.signin import COOKIE, CSRF_HEADER, SAFE_METHODS
from catalog.words import ALL

REF = "#/components/schemas/{name}"
JSON = "application/json"
WHO = "Who may: "
_VARIABLE = re.compile(r"{(\w+)(?::[^{}]*)?}")
_Schema = dict[str, Any]


def document(endpoints: Sequence[Endpoint], version: str) -> _Schema:
    """Give the OpenAPI document of these endpoints."""
    kinds = _kinds(endpoints)
    schemas, components = msgspec.json.schema_components(kinds, ref_template=REF)
    by_kind = dict(zip(map(str, kinds), schemas, strict=True))
    shapes = _Shapes(by_kind, _answered_whole(endpoints, by_kind, dict(components)))
    paths: dict[str, _Schema] = {}
    for item in endpoints:
        path = paths.setdefault(_plain(item.path), {})
        path[item.method.lower()] = _operation(item, shapes)
    return {
        "openapi": "3.1.0",
        "info": {"title": words.TITLE, "description": words.ABOUT, "version": version},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": shapes.kept(), "securitySchemes": _SCHEMES},
        "tags": _tags({item.tag for item in endpoints}),
    }


def _tags(used: set[str]) -> list[_Schema]:
    """Give groups in the order in which people need them, and what nobody put into words last."""
    known = [
        {"name": tag, "x-displayName": said.title,
         "description": f"{said.english}\n\n{said.chinese}"}
        for tag, said in words.GROUPS.items() if tag in used
    ]  # fmt: skip
    return known + [{"name": tag} for tag in sorted(used - words.GROUPS.keys())]


_SCHEMES: _Schema = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE},
    "page": {"type": "apiKey", "in": "header", "name": CSRF_HEADER},
    "edge": {"type": "http", "scheme": EDGE_SCHEME},
}


def _kinds(endpoints: Iterable[Endpoint]) -> list[Any]:
    found: list[Any] = [Problem]
    for item in endpoints:
        found += [kind for kind in (item.query, item.body, item.result) if kind is not None]
    return list({str(kind): kind for kind in found}.values())


def _answered_whole(
    endpoints: Iterable[Endpoint], by_kind: dict[str, _Schema], components: dict[str, _Schema]
) -> dict[str, _Schema]:
    """Say that an answer carries every field: defaults are for those who ask."""
    answered: set[str] = set()
    asked: set[str] = set()
    for item in endpoints:
        _reach(by_kind.get(str(item.result)), components, answered)
        _reach(by_kind.get(str(item.body)), components, asked)
    whole = {
        name: {**components[name], "required": list(components[name]["properties"])}
        for name in answered - asked
        if "properties" in components[name]
    }
    return components | whole


def _reach(schema: Any, components: dict[str, _Schema], found: set[str]) -> None:
    if isinstance(schema, list):
        for inner in schema:
            _reach(inner, components, found)
    elif isinstance(schema, dict):
        for inner in schema.values():
            _reach(inner, components, found)
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        if name and name not in found:
            found.add(name)
            _reach(components[name], components, found)


class _Shapes:
    """Schemas by type, and the components they point at."""

    def __init__(self, by_kind: dict[str, _Schema], components: dict[str, _Schema]) -> None:
        self._by_kind = by_kind
        self._components = {name: _told(name, schema) for name, schema in components.items()}
        self._queries: set[str] = set()

    def of(self, kind: Any) -> _Schema:
        return self._by_kind[str(kind)]

    def parameters(self, kind: type[msgspec.Struct]) -> list[_Schema]:
        """Take a query's struct apart; it is no component of its own any more."""
        name = self.of(kind)["$ref"].rpartition("/")[2]
        self._queries.add(name)
        whole = self._components[name]
        required = set(whole.get("required", ()))
        return [
            _parameter(field, "query", field in required, schema)
            for field, schema in whole["properties"].items()
        ]

    def kept(self) -> dict[str, _Schema]:
        return {k: v for k, v in sorted(self._components.items()) if k not in self._queries}


def _told(name: str, schema: _Schema) -> _Schema:
    """Say of each field what it means; generic shapes are one shape to people."""
    shape = name.partition("_")[0]
    found = dict(schema)
    if "description" in schema:
        found["description"] = SHAPES.get(shape) or " ".join(schema["description"].split())
    if "properties" in schema:
        found["properties"] = {
            field: {"description": said, **inner} if (said := said_of(shape, field)) else inner
            for field, inner in schema["properties"].items()
        }
    return found


def _parameter(name: str, where: str, required: bool, schema: _Schema) -> _Schema:
    said = PARAMETERS.get(name, "") if where == "path" else schema.get("description", "")
    inner = {key: value for key, value in schema.items() if key != "description"}
    found: _Schema = {"name": name, "in": where, "required": required}
    return found | ({"description": said} if said else {}) | {"schema": inner}


def _operation(item: Endpoint, shapes: _Shapes) -> _Schema:
    names = _VARIABLE.findall(item.path)
    parameters = [_parameter(name, "path", True, {"type": "string"}) for name in names]
    if item.query is not None:
        parameters += shapes.parameters(item.query)
    found: _Schema = {
        "operationId": _operation_id(item),
        "summary": item.summary,
        "tags": [item.tag],
        "security": _security(item),
        "responses": _responses(item, shapes),
    }
    said = words.OPERATIONS.get(found["operationId"])
    if said is not None:
        found["description"] = "\n\n".join(filter(None, (WHO + said.may + ".", said.about)))
    if parameters:
        found["parameters"] = parameters
    body = _body(item, shapes)
    if body:
        found["requestBody"] = body
    return found


def _plain(path: str) -> str:
    """Write a path without what its variables may hold."""
    return _VARIABLE.sub(r"{\1}", path)


def _operation_id(item: Endpoint) -> str:
    words = re.findall(r"\w+", _plain(item.path).removeprefix("/api/v1"))
    return "_".join([item.method.lower(), *words])


def _security(item: Endpoint) -> list[_Schema]:
    if item.edge:
        return [{"edge": []}]
    cookie: _Schema = {"cookie": []} if item.method in SAFE_METHODS else {"cookie": [], "page": []}
    signed: list[_Schema] = [{"bearer": []}, cookie]
    return [{}, *signed] if item.guest else signed


def _body(item: Endpoint, shapes: _Shapes) -> _Schema | None:
    if item.body is not None:
        return {"required": True, "content": {item.body_type: {"schema": shapes.of(item.body)}}}
    if item.body_type != JSON and item.method in ("POST", "PUT", "PATCH"):
        return {"content": {item.body_type: {}}}
    return None


def _responses(item: Endpoint, shapes: _Shapes) -> _Schema:
    good: _Schema = {"description": title_of(item.status)}
    if item.result is not None:
        good["content"] = {item.result_type: {"schema": shapes.of(item.result)}}
    elif item.result_type != JSON:
        good["content"] = {item.result_type: {}}
    if item.other_types:
        good.setdefault("content", {}).update({kind: {} for kind in item.other_types})
    found = {str(item.status): good}
    problem = {"application/problem+json": {"schema": shapes.of(Problem)}}
    known = words.OPERATIONS.get(_operation_id(item))
    own = (known.errors if known else None) or {}
    for status in sorted({*item.errors, 503}):
        found[str(status)] = {"description": _refusal(status, own), "content": problem}
    if item.query is not None or _VARIABLE.search(item.path):
        found["414"] = {"description": _refusal(414, own), "content": {"text/plain": {}}}
    return found


def _refusal(status: int, own: Mapping[int, str]) -> str:
    """Give a refusal's name and what it means here."""
    meaning = own.get(status) or words.ERRORS.get(status)
    return f"{title_of(status)}: {meaning}" if meaning else title_of(status)


class Choice(msgspec.Struct):
    """A value to send and the label that people read."""

    value: str
    label: str


class Vocabulary(msgspec.Struct):
    """The fixed words of the field."""

    stages: list[Choice]
    grades: list[Choice]
    subjects: list[Choice]
    editions: list[Choice]
    visibilities: list[Choice]
    roles: list[Choice]
    settings: list[Choice]


class DescriptionApi:
    """GET /openapi.json and /vocabulary. `others` are the endpoints of every other part."""

    def __init__(self, others: Sequence[Endpoint], version: str) -> None:
        words = {k: [Choice(w.value, w.label) for w in v] for k, v in ALL.items()}
        self._vocabulary = Vocabulary(**words)
        self._document = msgspec.json.encode(document([*others, *self.endpoints()], version))
        self._etag = hashlib.sha256(self._document).hexdigest()[:32]

    def endpoints(self) -> Sequence[Endpoint]:
        """List what this part answers."""
        return [
            Endpoint("GET", "/api/v1/openapi.json", self.openapi, "This document", "description",
                     result=dict[str, Any], guest=True, errors=()),
            Endpoint("GET", "/api/v1/vocabulary", self.vocabulary, "The fixed words",
                     "description", result=Vocabulary, guest=True, errors=()),
        ]  # fmt: skip

    async def openapi(self, request: web.Request) -> web.Response:
        """Give the document, made once."""
        response = web.Response(body=self._document, content_type=JSON)
        response.etag = self._etag
        response.headers["Cache-Control"] = "no-cache"
        if request.if_none_match and any(tag.value == self._etag for tag in request.if_none_match):
            return web.Response(status=304, headers={"ETag": response.headers["ETag"]})
        response.enable_compression()
        return response

    async def vocabulary(self, request: web.Request) -> web.Response:
        """Give every list of words."""
        return answer(self._vocabulary)
