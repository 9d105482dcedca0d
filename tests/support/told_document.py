"""The API's document with ids in it: a tool that draws requests from it draws some of real things.

Made up ids would come no further than "there is no such thing". Only what is asked changes: ids in
paths, in queries and in bodies; what the document says of answers stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

NOBODY = "0" * 20
_ID_PATTERN = "^[0-9a-hjkmnp-tv-z]*$"
_SPOILING = ("/cancel", "/open")
_BEFORE_VARIABLE = re.compile(r"([\w-]+)/{(\w+)}")
_KIND_OF_FIELD = {
    "school": "schools", "urban_school": "schools", "rural_school": "schools",
    "district": "districts", "group": "groups", "term": "terms",
    "classroom": "classrooms", "main_classroom": "classrooms", "second_classroom": "classrooms",
    "listening_classrooms": "classrooms", "teacher": "users", "second_teacher": "users",
    "speakers": "users", "series": "series", "series_id": "series",
    "parent": "series", "parent_id": "series",
}  # fmt: skip

Ids = Mapping[str, Sequence[str]]


def told(
    document: Mapping[str, Any], ids: Ids, spare: Ids, examples: Mapping[tuple[str, str], Any]
) -> dict[str, Any]:
    """Give the document with these ids, by kind (`schools`, …), in place of any id.

    `spare` are for what would take things away from the other operations. `examples`, by path and
    method: bodies that are taken.
    """
    found = deepcopy(dict(document))
    for path, item in found["paths"].items():
        kinds = {name: kind for kind, name in _BEFORE_VARIABLE.findall(path)}
        for method, operation in item.items():
            held = spare if method == "delete" or path.endswith(_SPOILING) else ids
            for parameter in operation.get("parameters", ()):
                _tell_parameter(parameter, kinds, held)
    for (path, method), body in examples.items():
        for content in found["paths"][path][method]["requestBody"]["content"].values():
            content["example"] = body
    for shape in found["components"]["schemas"].values():
        for name, schema in shape.get("properties", {}).items():
            _tell_field(schema, _KIND_OF_FIELD.get(name), ids)
    return found


def _tell_parameter(parameter: dict[str, Any], kinds: Mapping[str, str], ids: Ids) -> None:
    name = parameter["name"]
    if parameter["in"] == "path" and kinds[name] in ids:
        parameter["schema"] = {"enum": [*ids[kinds[name]], NOBODY]}
    else:
        _tell_field(parameter["schema"], _KIND_OF_FIELD.get(name), ids)


def _tell_field(schema: Any, kind: str | None, ids: Ids) -> None:
    if isinstance(schema, list):
        for inner in schema:
            _tell_field(inner, kind, ids)
    elif isinstance(schema, dict):
        if schema.get("pattern") == _ID_PATTERN:
            assert kind is not None, "say of what kind the ids of this field are"
            known = {"enum": [*ids[kind], NOBODY]}
            kept = () if "minLength" in schema else (dict(schema),)
            schema.clear()
            schema["anyOf"] = [known, *kept]
            return
        for inner in list(schema.values()):
            _tell_field(inner, kind, ids)
