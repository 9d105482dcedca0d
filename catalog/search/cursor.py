"""Cursors: where a page ended, as opaque text bound to its question. Pure.

A cursor holds the place in the order (group, then the lesson's key), never a count of rows, so
lessons that arrive or leave between two pages shift nothing. It is checked, not signed: every value
it can carry is harmless, and what a viewer may see is decided anew for each page.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from hashlib import blake2b
from typing import Annotated

import msgspec

from catalog.errors import Invalid
from catalog.search.port import Request

CURSOR_LIMIT_CHARS = 200
_Int64 = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


@dataclass(frozen=True, slots=True)
class Place:
    """The last row of a page: its group (tier, plays or title key) and its lesson's key."""

    group: int
    key: tuple[int, int]


class _Form(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    question: str
    group: _Int64
    high: _Int64
    low: _Int64


def write_cursor(request: Request, place: Place) -> str:
    """Give the cursor of the page after this place."""
    raw = msgspec.json.encode(_Form(_question(request), place.group, *place.key))
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def read_cursor(request: Request) -> Place | None:
    """Give where the request's page begins. Raises: Invalid for a foreign or damaged cursor."""
    text = request.cursor
    if not text:
        return None
    try:
        if len(text) > CURSOR_LIMIT_CHARS:
            raise ValueError("too long")
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        form = msgspec.json.decode(raw, type=_Form)
    except (ValueError, binascii.Error, msgspec.MsgspecError, RecursionError) as error:
        raise _refused() from error
    if form.question != _question(request):
        raise _refused()
    return Place(form.group, (form.high, form.low))


def _question(request: Request) -> str:
    same = (request.query, request.filters, request.sort, request.sight.states)
    return blake2b(repr(same).encode(), digest_size=6).hexdigest()


def _refused() -> Invalid:
    sentence = "this cursor belongs to another question: begin again without it"
    return Invalid(sentence, {"cursor": sentence})
