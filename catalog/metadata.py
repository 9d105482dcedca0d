"""What is said about a lesson: the rules of every field, for uploads, edits and imports. Pure.

Values are trimmed, in NFC, bounded, free of control characters (catalog/text.py), and words of the
fixed vocabularies are kept by value whatever spelling they came in (catalog/words.py). Whether a
school, series or person exists is for the database to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from catalog.errors import Invalid
from catalog.ids import is_id
from catalog.text import line, prose
from catalog.words import EDITIONS, GRADES, STAGES, SUBJECTS, VISIBILITIES, Vocabulary

TITLE_LIMIT_CHARS = 200
CHAPTER_LIMIT_CHARS = 200
DESCRIPTION_LIMIT_CHARS = 4000
TEACHER_LIMIT_CHARS = 100
TAG_LIMIT_CHARS = 40
TAGS_LIMIT = 30
POINT_LIMIT_CHARS = 100
POINTS_LIMIT = 30
POSITION_LIMIT = 100_000
FILENAME_LIMIT_CHARS = 255
_BETWEEN = re.compile(r"[,，、;；\n]")
_NO_NAME = "video"

Rule = Callable[[Any], Any]


def clean(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Give every field of raw as it is kept. Raises: Invalid naming each field that breaks a rule.

    Unknown names are the caller's mistake (KeyError): callers pass only what is in `RULES`.
    """
    kept: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for name, value in raw.items():
        try:
            kept[name] = RULES[name](value)
        except Invalid as error:
            wrong |= error.fields or {name: str(error)}
    if wrong:
        raise Invalid("; ".join(f"{name}: {what}" for name, what in wrong.items()), wrong)
    return kept


def clean_filename(text: str) -> str:
    """Give the last part of a file's name, whatever system it comes from. Raises: Invalid."""
    name = re.split(r"[/\\]", text[-4 * FILENAME_LIMIT_CHARS :])[-1]
    name = line(name, "filename", FILENAME_LIMIT_CHARS, empty=True)
    return _NO_NAME if name.strip(".") == "" else name


def title_of(filename: str) -> str:
    """Give the title that a file's name suggests."""
    stem = filename.rpartition(".")[0] or filename
    return " ".join(stem.replace("_", " ").split())[:TITLE_LIMIT_CHARS] or _NO_NAME


def split_list(text: str) -> list[str]:
    """Give the items of a list that was typed into one field, in any usual punctuation."""
    return [item for item in (part.strip() for part in _BETWEEN.split(text)) if item]


def _line(name: str, limit_chars: int, empty: bool = True) -> Rule:
    return lambda value: line(_text(name, value), name, limit_chars, empty)


def _word(words: Vocabulary, empty: bool = True) -> Rule:
    def rule(value: Any) -> str:
        found = words.value_of(_text(words.name, value))
        if not found and not empty:
            raise _wrong(words.name, "is empty: choose one")
        return found

    return rule


def _list(name: str, limit: int, limit_chars: int) -> Rule:
    def rule(value: Any) -> list[str]:
        if not isinstance(value, list) or len(value) > limit:
            raise _wrong(name, f"has more than {limit} items: shorten the list")
        items = [line(_text(name, item), name, limit_chars) for item in value]
        return list(dict.fromkeys(items))

    return rule


def _reference(name: str) -> Rule:
    def rule(value: Any) -> str | None:
        if value is None or value == "":
            return None
        if not isinstance(value, str) or not is_id(value):
            raise _wrong(name, "is not an identifier of this service")
        return value

    return rule


def _position(value: Any) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= POSITION_LIMIT:
        raise _wrong("position", f"must be a whole number from 0 to {POSITION_LIMIT}")
    return value


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(name, "must be text")
    return value


def _wrong(name: str, what: str) -> Invalid:
    return Invalid(f"{name} {what}", {name: what})


RULES: Mapping[str, Rule] = {
    "title": _line("title", TITLE_LIMIT_CHARS, empty=False),
    "description": lambda value: prose(
        _text("description", value), "description", DESCRIPTION_LIMIT_CHARS
    ),
    "series_id": _reference("series_id"),
    "school_id": _reference("school_id"),
    "teacher_id": _reference("teacher_id"),
    "position": _position,
    "stage": _word(STAGES),
    "grade": _word(GRADES),
    "subject": _word(SUBJECTS),
    "edition": _word(EDITIONS),
    "chapter": _line("chapter", CHAPTER_LIMIT_CHARS),
    "knowledge_points": _list("knowledge_points", POINTS_LIMIT, POINT_LIMIT_CHARS),
    "tags": _list("tags", TAGS_LIMIT, TAG_LIMIT_CHARS),
    "teacher_name": _line("teacher_name", TEACHER_LIMIT_CHARS),
    "visibility": _word(VISIBILITIES, empty=False),
}
