"""Bad values for every field that the API's own description names, and what an answer must be.

A sample of each schema is made that would be taken; one field after the other is then replaced.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

Schema = dict[str, Any]
Path = tuple[str | int, ...]
TEN_MEGABYTES = 10 * 1000 * 1000

TEXTS = (
    "",
    " \t ",
    "\x00",
    "课\x00件",
    "\x1b[31m红",
    "行\r\nSet-Cookie: a=b",
    "\u202e\u2066反",
    "\ud800",
    "\ufffe\uffff",
    "e" + "\u0301" * 300,
    "'; drop table lesson; --",
    "' or '1'='1",
    "%_\\%",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{7*7}}${7*7}#{7*7}",
    "../../../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "/etc/passwd",
    "%2e%2e%2f%00",
    "file:///etc/passwd",
    "http://127.0.0.1:1/",
    "subfile,,start,0,end,9,,:/etc/passwd",
    "0001-01-01",
    "9999-12-31",
    "2026-02-30",
    "-1",
    "1e999",
    "NaN",
    "null",
    "𠮷😀" * 50,
    "课" * 101,
    "x" * 5_000,
)
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 2**31, 2**63, 2**64, 10**400, 1e308, 0.5, [], {}, [[]], ["", "\x00"],
    {"$ne": 1}, {"": ""},
)  # fmt: skip
BODIES = (
    b"",
    b"null",
    b"[]",
    b'"text"',
    b"{",
    b'{"name": "\xff\xfe\xc0\x80"}',
    b'{"name": "\xed\xa0\x80"}',
    b"\xff\xfe{\x00}\x00",
    b'{"name": NaN}',
    b'{"name": 1, "name": 2}',
    b'{"__proto__": {"a": 1}, "unknown": 1}',
    b"[" * 100_000,
    b'{"name": ' * 20_000,
    b'{"name": "' + b"x" * TEN_MEGABYTES + b'"}',
)
METADATA = (
    "filename",
    "title !!!",
    "title ====",
    "title 4",
    "=" * 5000,
    "a b c d",
    "title AAAA,title AAAA",
    "\xe9 AAAA",
    ",,,",
    "title " + "QUFB" * 1_900,
)


class Shapes:
    """The schemas of an OpenAPI document."""

    def __init__(self, document: Schema, known: Mapping[str, Any]) -> None:
        self._components = document["components"]["schemas"]
        self._known = known

    def bodies(self, schema: Schema) -> Iterator[Any]:
        """Give bodies with a bad value: in a needed field, in one more field."""
        least, most = self.sample(schema, whole=False), self.sample(schema)
        yield from spoilt(least)
        # A body may be a list: it has no fields of its own.
        for key in set(most) - set(least) if isinstance(least, dict) else ():
            for bad in spoilt({key: most[key]}):
                yield {**least, **bad}

    def sample(self, schema: Schema, name: str = "", whole: bool = True) -> Any:
        """Make a value that the schema allows; `known` says what to use for some names."""
        schema = self._chosen(schema)
        if name in self._known:
            return self._known[name]
        if "enum" in schema:
            return schema["enum"][0]
        if "properties" in schema:
            wanted = schema["properties"] if whole else schema.get("required", ())
            return {k: self.sample(schema["properties"][k], k, whole) for k in wanted}
        return _simple(schema, lambda: [self.sample(schema.get("items", {}), name, whole)])

    def _chosen(self, schema: Schema) -> Schema:
        if "$ref" in schema:
            return self._chosen(self._components[schema["$ref"].rpartition("/")[2]])
        choices = schema.get("anyOf") or schema.get("oneOf")
        if choices:
            return self._chosen(next(c for c in choices if c.get("type") != "null"))
        return schema


def _simple(schema: Schema, items: Any) -> Any:
    match schema.get("type"):
        case "string" if schema.get("format") in ("date", "date-time"):
            return "2026-09-01" if schema["format"] == "date" else "2026-09-01T08:00:00Z"
        case "string":
            return "课堂实录".ljust(schema.get("minLength", 0), "一")[: schema.get("maxLength", 9)]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "array":
            return items()
        case _:
            return {}


def spoilt(sample: Any) -> Iterator[Any]:
    """Give the sample again and again, each time with one place taken by a bad value."""
    for place in _places(sample):
        for value in (*TEXTS, *VALUES):
            yield _with(sample, place, value)


def _places(value: Any, above: Path = ()) -> Iterator[Path]:
    if above:
        yield above
    inner = (
        value
        if isinstance(value, dict)
        else dict(enumerate(value if isinstance(value, list) else ()))
    )
    for key, item in inner.items():
        yield from _places(item, (*above, key))


def _with(sample: Any, place: Path, value: Any) -> Any:
    made = deepcopy(sample)
    inner = made
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return made
