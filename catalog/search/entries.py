"""Rows of the database as entries of the index. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalog.lesson import PLAYING
from catalog.people import LessonPlace
from catalog.search.port import Entry
from catalog.search.rights import words_of

_PLAYING = frozenset(state.value for state in PLAYING)


def entry_of(row: Mapping[str, Any]) -> Entry:
    """Give a row of catalog/db/search_feed.py as an entry."""
    place = LessonPlace(
        row["owner_id"], row["school_id"], row["district_id"], row["group_id"], row["visibility"]
    )
    plays = row["state"] in _PLAYING
    return Entry(
        id=row["id"], title=row["title"], words=words_of(place, row["state"]),
        public=plays and place.visibility == "public", city=plays and place.visibility == "city",
        tags=row["tags"], knowledge_points=row["knowledge_points"], chapter=row["chapter"],
        description=row["description"], transcript=row["transcript"] or "",
        teacher=row["teacher_name"], teacher_id=row["teacher_id"] or "",
        series=row["series_name"] or "", series_id=row["series_id"] or "",
        school=row["school_name"] or "", school_id=row["school_id"] or "",
        stage=row["stage"], grade=row["grade"], subject=row["subject"], edition=row["edition"],
        plays=row["plays"],
    )  # fmt: skip
