"""What lists and single things of the registry share: ids in paths, pages, cursors.

A cursor holds the sort key of the last item shown, so that a page goes on at the same place however
many rows were added or removed before it. It is not secret and gives no right.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from aiohttp import web
from msgspec import Meta

from catalog.errors import Invalid, NotFound
from catalog.ids import is_id
from catalog.text import is_plain

T = TypeVar("T")
R = TypeVar("R")
PAGE_ITEMS = 50
PAGE_LIMIT_ITEMS = 200
CURSOR_LIMIT_CHARS = 1024

Id = Annotated[str, Meta(min_length=20, max_length=20, pattern="^[0-9a-hjkmnp-tv-z]*$")]
IdOrNone = Annotated[str, Meta(max_length=20, pattern="^[0-9a-hjkmnp-tv-z]*$")]
Limit = Annotated[int, Meta(ge=1, le=PAGE_LIMIT_ITEMS)]


class Page(msgspec.Struct, Generic[T]):
    """A part of a list; next_cursor asks for what follows, null at the end."""

    items: list[T]
    next_cursor: str | None = None


class ListQuery(msgspec.Struct, forbid_unknown_fields=True):
    """What every list takes."""

    q: Annotated[str, Meta(max_length=100)] = ""
    cursor: Annotated[str, Meta(max_length=CURSOR_LIMIT_CHARS)] = ""
    limit: Limit = PAGE_ITEMS


def id_in_path(request: web.Request, name: str = "id") -> str:
    """Give an id from the path. Raises: NotFound when it cannot be one."""
    key: str = request.match_info[name]
    if not is_id(key):
        raise NotFound("there is nothing with this id")
    return key


def page_of(
    rows: Sequence[R], limit: int, show: Callable[[R], T], key: Callable[[R], Any]
) -> Page[T]:
    """Give the first `limit` of up to limit + 1 rows, and where to go on when there are more."""
    kept = rows[:limit]
    more = len(rows) > limit
    return Page([show(row) for row in kept], write_cursor(*key(kept[-1])) if more else None)


def write_cursor(name: str, key: str) -> str:
    """Make a cursor of the last item's name and id."""
    return urlsafe_b64encode(json.dumps([name, key]).encode()).decode().rstrip("=")


def read_cursor(text: str) -> tuple[str, str]:
    """Give the name and id after which to go on. Raises: Invalid."""
    if not text:
        return "", ""
    try:
        match json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4))):
            case [str(name), str(key)] if is_plain(name) and is_id(key):
                return name, key
    except (ValueError, RecursionError):
        pass
    raise Invalid("cursor: ask for the first page again", {"cursor": "not one of ours"})
