"""Writes plain values as YAML that people can read. Pure; only what our files need.

Every string is quoted as in JSON, which YAML reads the same way, so no word turns into a number.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

Value = str | int | float | bool | Sequence["Value"] | Mapping[str, "Value"]
STEP = "  "


def yaml_text(value: Mapping[str, Value], header: str = "") -> str:
    """Give a document; `header` are its first lines, as a comment."""
    comment = [f"# {line}" for line in header.splitlines()]
    return "\n".join([*comment, *_mapping(value)]) + "\n"


def _mapping(value: Mapping[str, Value]) -> list[str]:
    lines: list[str] = []
    for key, inner in value.items():
        if _is_scalar(inner):
            lines.append(f"{key}: {_scalar(inner)}")
        else:
            lines += [f"{key}:", *(STEP + line for line in _lines(inner))]
    return lines


def _lines(value: Value) -> list[str]:
    if isinstance(value, Mapping):
        return _mapping(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [line for item in value for line in _item(item)]
    return [_scalar(value)]


def _item(value: Value) -> list[str]:
    first, *rest = [_scalar(value)] if _is_scalar(value) else _lines(value)
    return [f"- {first}", *(STEP + line for line in rest)]


def _is_scalar(value: Value) -> bool:
    return isinstance(value, str | int | float) or not value


def _scalar(value: Value) -> str:
    return json.dumps(value, ensure_ascii=False)
