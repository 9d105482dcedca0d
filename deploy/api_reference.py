"""`python -m deploy.api_reference`: docs/api.md, the API for people, made of its own description.

Grouped by what people do; a shape that several operations use stands once, at the end. Pure, but
for the writing. A test holds the file to this: whoever changes an endpoint makes it anew.

Spec: OpenAPI 3.1.0; GitHub Flavored Markdown (headings' anchors).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from catalog.http.openapi_fields import FIELDS
from catalog.http.openapi_words import ERRORS
from catalog.http.problem import title_of
from deploy.api_examples import EXAMPLES, FIRST_WORDS
from deploy.api_types import described

WHERE = Path(__file__).parents[1] / "docs" / "api.md"
METHODS = ("get", "head", "options", "post", "put", "patch", "delete")
LISTS = ("q", "cursor", "limit")
ALWAYS = frozenset({"414", "503"})
SHAPES = "Shapes"
MOMENTS = frozenset({"at", "now", "updated", "first_seen", "last_seen"})
SAME_FIELDS = 6  # fewer are sooner read again than looked up
NOTE = (
    "接口说明：每一节开头有中文提要，字段说明为英文。The same for programs is answered at "
    "`/api/v1/openapi.json`; this page is made of it by `make api-reference` and not edited."
)
WORDS = {
    "string": "text", "integer": "whole number", "number": "number", "boolean": "true or false",
    "object": "object", "null": "null",
}  # fmt: skip
BRIEFLY: Mapping[int, str] = {
    400: "malformed", 401: "sign in", 403: "not allowed", 404: "not there", 409: "not now",
    410: "gone", 412: "another version", 413: "no room", 415: "another type",
    422: "breaks a rule", 423: "busy", 429: "too many", 460: "wrong checksum", 507: "disk full",
}  # fmt: skip
FORMATS = {"date": "date", "date-time": "moment", "uuid": "UUID"}
_ID = "^[0-9a-hjkmnp-tv-z]*$"
_Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path, and what the document says of it."""

    method: str
    path: str
    said: _Schema

    @property
    def id(self) -> str:
        """Its name in the document."""
        return str(self.said["operationId"])

    @property
    def title(self) -> str:
        """What it does, in a line."""
        return str(self.said["summary"])

    @property
    def body(self) -> _Schema | None:
        """What JSON it takes."""
        return _json(self.said.get("requestBody", {}))

    @property
    def result(self) -> _Schema | None:
        """What JSON a success carries."""
        return _json(self.good[1])

    @property
    def good(self) -> tuple[str, _Schema]:
        """The status of a success, and what is said of it."""
        return next((k, v) for k, v in self.said["responses"].items() if k < "400")


@dataclass(slots=True)
class Anchors:
    """Addresses of headings, as GitHub makes them; each is given once."""

    _given: dict[str, int] = field(default_factory=dict)

    def of(self, title: str) -> str:
        """Give the address of the next heading of this title."""
        slug = anchor(title)
        count = self._given[slug] = self._given.get(slug, -1) + 1
        return f"{slug}-{count}" if count else slug


def anchor(title: str) -> str:
    """Give the address of a heading that is there once."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def reference(api: _Schema) -> str:
    """Give the whole page."""
    return "\n".join(_Page(api).lines()) + "\n"


class _Page:
    def __init__(self, api: _Schema) -> None:
        self._api = api
        self._shapes: dict[str, _Schema] = api["components"]["schemas"]
        self._operations = [
            Operation(method, path, item[method])
            for path, item in api["paths"].items() for method in METHODS if method in item
        ]  # fmt: skip
        self._inline = self._used_once()
        anchors = Anchors()
        for title in ("Contents", *FIRST_WORDS):
            anchors.of(title)
        self._at: dict[str, str] = {}
        for tag in api["tags"]:
            self._at[tag["name"]] = anchors.of(tag["x-displayName"])
            self._at |= {one.id: anchors.of(one.title) for one in self._of(tag)}
        anchors.of(SHAPES)
        self._at_shape = {name: anchors.of(name) for name in self._shared()}

    def lines(self) -> Iterator[str]:
        info = self._api["info"]
        yield from (f"# {info['title']}: the API", "", info["description"], "")
        yield from (NOTE, "")
        yield from self._contents()
        for title, text in FIRST_WORDS.items():
            yield from (f"## {title}", "", text, "")
            if title == "Errors":
                yield from self._errors()
        for tag in self._api["tags"]:
            yield from self._group(tag)
        yield from (f"## {SHAPES}", "", "What several operations have in common, by name.", "")
        for name in self._shared():
            yield from (f"### {name}", "", *self._shape(self._shapes[name]), "")

    def _of(self, tag: _Schema) -> list[Operation]:
        return [one for one in self._operations if tag["name"] in one.said["tags"]]

    def _contents(self) -> Iterator[str]:
        yield from ("## Contents", "")
        yield from (f"- [{title}](#{anchor(title)})" for title in FIRST_WORDS)
        for tag in self._api["tags"]:
            count = len(self._of(tag))
            title = tag["x-displayName"]
            chinese = tag["description"].partition("\n\n")[2]
            yield f"- [{title}](#{self._at[tag['name']]}) ({count}): {chinese}"
        yield from (f"- [{SHAPES}](#{anchor(SHAPES)})", "")

    def _errors(self) -> Iterator[str]:
        found: dict[str, str] = {}
        for one in self._operations:
            for status in one.said["responses"]:
                if status >= "400":
                    found[status] = f"{title_of(int(status))}: {ERRORS[int(status)]}"
        yield from _table(("status", "means"), sorted(found.items()))
        yield ""

    def _group(self, tag: _Schema) -> Iterator[str]:
        yield from (f"## {tag['x-displayName']}", "", tag["description"], "")
        yield from _table(
            ("what", "request"),
            [(f"[{one.title}](#{self._at[one.id]})", f"`{one.method.upper()} {one.path}`")
             for one in self._of(tag)],
        )  # fmt: skip
        yield ""
        for one in self._of(tag):
            yield from self._operation(one)

    def _operation(self, one: Operation) -> Iterator[str]:
        yield from (f"### {one.title}", "", f"`{one.method.upper()} {one.path}`", "")
        who, _, about = one.said.get("description", "").partition("\n\n")
        yield from (f"{who} {about}".strip(), "")
        yield from self._parameters(one)
        yield from self._asked(one)
        yield from self._answered(one)
        yield from (self._refusals(one), "")
        if one.id in EXAMPLES:
            yield from ("    " + line for line in EXAMPLES[one.id].text().split("\n"))
            yield ""

    def _parameters(self, one: Operation) -> Iterator[str]:
        asked = [
            p for p in one.said.get("parameters", ()) if p["name"] != "id" or p["in"] != "path"
        ]
        names = {p["name"]: p.get("description") for p in asked}
        paged = one.result is not None and self._page_of(one.result)
        usual = [n for n in LISTS if paged and names.get(n) == FIELDS[n]]
        rows = [
            (f"`{p['name']}`", self._kind(p["schema"], p["name"]) + _default(p["schema"]),
             p.get("description", ""))
            for p in asked if p["name"] not in usual
        ]  # fmt: skip
        if usual:
            said = " ".join(f"`{name}`" for name in usual)
            rows.append((said, "", f"[as every list](#{anchor('Lists')})"))
        if rows:
            yield from (*_table(("parameter", "type and limits", "what"), rows), "")

    def _asked(self, one: Operation) -> Iterator[str]:
        if one.body is not None:
            yield from self._carried("Body", one.body, ask=True)
        elif "requestBody" in one.said:
            yield from (f"Body: {_types(one.said['requestBody'])}.", "")

    def _answered(self, one: Operation) -> Iterator[str]:
        status, good = one.good
        if one.result is not None:
            others = [kind for kind in good["content"] if kind != "application/json"]
            also = f", or {', '.join(f'`{kind}`' for kind in others)}" if others else ""
            yield from self._carried(f"Answer {status}{also}", one.result, ask=False)
        elif "content" in good:
            schema = next(iter(good["content"].values())).get("schema")
            of = f", each {self._kind(schema)}" if schema else ""
            yield from (f"Answer {status}: {_types(good)}{of}.", "")
        else:
            yield from (f"Answer {status}, without a body.", "")

    def _carried(self, word: str, schema: _Schema, ask: bool) -> Iterator[str]:
        name = _name(schema)
        if name in self._inline:
            yield from (f"{word}: {_sentence(self._shapes[name])}", "")
            yield from (*self._fields(self._shapes[name], ask), "")
        else:
            yield from (f"{word}: {self._kind(schema)}.", "")

    def _refusals(self, one: Operation) -> str:
        usual, own = list[str](), list[str]()
        for status, said in sorted(one.said["responses"].items()):
            meaning = said["description"].partition(": ")[2]
            if meaning != ERRORS.get(int(status)) and status >= "400":
                own.append(f"**{status}** {meaning}")
            elif status >= "400" and status not in ALWAYS:
                usual.append(f"{status} {BRIEFLY[int(status)]}")
        if not usual and not own:
            return "No [errors](#errors) of its own."
        return f"[Errors](#errors): {' · '.join([*own, *usual])}."

    def _shape(self, schema: _Schema) -> Iterator[str]:
        if "enum" in schema:
            yield f"{_sentence(schema)} It is {_choice(schema['enum'])}."
            return
        yield from (_sentence(schema), "")
        yield from self._fields(schema, ask="additionalProperties" in schema)

    def _fields(self, schema: _Schema, ask: bool) -> Iterator[str]:
        must = set(schema.get("required", ())) if ask else set()
        inside = self._inside(schema)
        if inside:
            yield from (f"All of [{inside}](#{self._at_shape[inside]}), and:", "")
        rows = [
            (f"`{name}`", ("**needed**, " if name in must else "") + self._kind(inner, name)
             + (_default(inner) if ask else ""), inner.get("description", ""))
            for name, inner in schema.get("properties", {}).items()
            if not inside or name not in self._shapes[inside]["properties"]
        ]  # fmt: skip
        yield from _table(("field", "type and limits", "what"), rows)

    def _inside(self, schema: _Schema) -> str:
        """Name a shape whose fields are all there, alike, among more; empty for none."""
        items = schema.get("properties", {}).items()
        for name in self._at_shape:
            theirs = self._shapes[name].get("properties", {}).items()
            if SAME_FIELDS <= len(theirs) < len(items) and theirs <= items:
                return name
        return ""

    def _kind(self, schema: _Schema, name: str = "") -> str:
        """Say what a value is, and its limits."""
        if "$ref" in schema:
            return self._linked(_name(schema))
        if "anyOf" in schema:
            parts = [self._kind(one, name) for one in schema["anyOf"] if one != {"enum": [""]}]
            return " or ".join(parts)
        if "enum" in schema:
            return _choice(schema["enum"])
        if schema.get("type") == "array":
            most = f", at most {schema['maxItems']}" if "maxItems" in schema else ""
            return f"list of {self._kind(schema.get('items', {}))}{most}"
        inner = schema.get("additionalProperties")
        if isinstance(inner, Mapping):
            return f"object of {self._kind(inner)} by name"
        return _plain(schema, name)

    def _linked(self, name: str) -> str:
        if name in self._inline:
            return name
        item = self._page_of({"$ref": f"#/{name}"})
        if item:
            return f"a [page](#{anchor('Lists')}) of {self._linked(item)}"
        return f"[{name}](#{self._at_shape[name]})"

    def _page_of(self, schema: _Schema) -> str:
        """Name what a page is a list of; empty for what is no page."""
        name = _name(schema)
        if not name.startswith("Page_"):
            return ""
        return _name(self._shapes[name]["properties"]["items"]["items"])

    def _shared(self) -> list[str]:
        return [n for n in sorted(self._shapes) if n not in self._inline and n[:5] != "Page_"]

    def _used_once(self) -> frozenset[str]:
        """Name the shapes that one operation uses by themselves, and nothing else does."""
        found = re.findall(r"#/components/schemas/(\w+)", repr(self._api))
        tops = [_name(s) for one in self._operations for s in (one.body, one.result) if s]
        return frozenset(
            name for name in tops
            if found.count(name) == 1 and "properties" in self._shapes.get(name, {})
            and not name.startswith("Page_")
        )  # fmt: skip


def _json(said: _Schema) -> _Schema | None:
    schema: _Schema | None = said.get("content", {}).get("application/json", {}).get("schema")
    return schema


def _name(schema: _Schema) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _types(said: _Schema) -> str:
    return ", ".join(f"`{kind}`" for kind in said["content"])


def _sentence(schema: _Schema) -> str:
    return str(schema.get("description", "")).strip()


def _choice(values: Sequence[str]) -> str:
    return "one of " + " ".join(f"`{value}`" for value in values)


def _plain(schema: _Schema, name: str) -> str:
    if schema.get("pattern") == _ID:
        return "id"
    if schema.get("contentEncoding") == "base64":
        return "base64"
    kind = FORMATS.get(schema.get("format", "")) or WORDS.get(schema.get("type", ""), "JSON")
    if kind == "text" and (name.endswith("_at") or name in MOMENTS):
        kind = "moment"
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f"{kind}, {low:g} to {high:g}" if high < 1e6 else f"{kind}, {low} to {high}"
    if "maxLength" in schema:
        return f"{kind}, at most {schema['maxLength']} characters"
    return kind


def _default(schema: _Schema) -> str:
    value = schema.get("default")
    return f"; `{str(value).lower()}` when left out" if value not in (None, "", [], {}) else ""


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield "|" + "---|" * len(heads)
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |"


def main() -> int:
    """Write the page."""
    WHERE.write_text(reference(described()), "utf-8")
    sys.stdout.write(f"{WHERE}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
