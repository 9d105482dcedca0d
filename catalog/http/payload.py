"""JSON in and out of handlers, with limits and errors in plain words.

Spec: RFC 8259. Structs are msgspec's: a field that is missing, of the wrong type or out of its
declared range becomes `Invalid` with the field's name.
"""

from __future__ import annotations

import asyncio
import re
from datetime import datetime
from typing import Any, TypeVar, get_args

import msgspec
from aiohttp import web

from catalog.errors import Invalid
from catalog.http.endpoint import JSON_LIMIT_BYTES
from catalog.text import is_plain

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)
BODY_LIMIT_S = 60.0
_AT = re.compile(r" - at `\$\.?(?P<field>[^`]*)`$")


async def body_of(request: web.Request, kind: type[T], limit_bytes: int = JSON_LIMIT_BYTES) -> T:
    """Read the JSON body as a struct of this kind. Raises: Invalid."""
    raw = await bytes_of(request, limit_bytes)
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        raise _invalid(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"the request is not JSON: {error}") from error


async def bytes_of(request: web.Request, limit_bytes: int) -> bytes:
    """Read the body whole. Raises: Invalid when it is too large, too slow or broken off."""
    too_large = f"the request is larger than {limit_bytes} bytes"
    if request.content_length is not None and request.content_length > limit_bytes:
        raise Invalid(too_large)
    raw = bytearray()
    try:
        async with asyncio.timeout(BODY_LIMIT_S):
            async for chunk in request.content.iter_any():
                raw += chunk
                if len(raw) > limit_bytes:
                    raise Invalid(too_large)
    except (OSError, TimeoutError) as error:
        raise Invalid("the request broke off before its end: send it again") from error
    return bytes(raw)


def query_of(request: web.Request, kind: type[S]) -> S:
    """Read the query string as a struct; a repeated name becomes a list. Raises: Invalid."""
    wanted: dict[str, Any] = {}
    lists = {f.encode_name for f in msgspec.structs.fields(kind) if _takes_list(f.type)}
    for name in request.query:
        values = request.query.getall(name)
        if not all(is_plain(value, allowed="\t\n\r") for value in values):
            raise Invalid(f"{name[:40]!r} has control characters or is not UTF-8: take them out")
        wanted[name] = values if name in lists else values[-1]
    _refuse_numbers(wanted, kind)
    try:
        return msgspec.convert(wanted, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _invalid(error) from error


def _refuse_numbers(wanted: dict[str, Any], kind: type[msgspec.Struct]) -> None:
    """Raise Invalid for a number where a moment is wanted: msgspec would count it from 1970."""
    for field in msgspec.structs.fields(kind):
        value = wanted.get(field.encode_name)
        if value is not None and _takes_moment(field.type) and _is_number(value):
            message = "Expected a date and time such as 2026-09-01T08:00:00+08:00"
            raise Invalid(f"{field.encode_name}: {message}", {field.encode_name: message})


def _takes_moment(kind: Any) -> bool:
    return kind is datetime or any(map(_takes_moment, get_args(kind)))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _takes_list(kind: Any) -> bool:
    return getattr(kind, "__origin__", None) in (list, tuple)


def _invalid(error: msgspec.ValidationError) -> Invalid:
    text = str(error)
    found = _AT.search(text)
    if not found:
        return Invalid(text)
    message = text[: found.start()]
    return Invalid(f"{found['field']}: {message}", {found["field"]: message})


def answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Answer a value as JSON that no cache keeps."""
    return web.Response(
        body=msgspec.json.encode(value),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )
