"""Broken constraints of the database, told in words of the field.

A name that exists twice, a thing that is still in use, or one that is not there: PostgreSQL is the
judge, because only it sees what others do at the same time; here its verdict becomes a sentence.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import errors

from catalog.errors import Conflict, Invalid

USERS: dict[str, str] = {
    "school": "schools",
    "classroom": "classrooms",
    "school_pair": "pairs",
    "affiliation": "people with a role there",
    "lesson": "lessons (deleted ones count until they are swept)",
    "series": "series below it",
    "upload": "uploads",
    "session": "sessions (those that are over count too)",
    "session_classroom": "sessions (those that are over count too)",
    "session_person": "sessions (those that are over count too)",
    "term": "terms",
    "timetable": "timetables",
    "edge": "edges (revoked ones count too)",
    "edge_report": "reports of edges",
}
TAKEN: dict[str, str] = {
    "person": "this user name is taken: choose another",
    "school_pair": "these two schools are a pair from that day already",
    "edge": "an edge of that name, or with that key, exists already: choose another",
    "classroom": "this school has a classroom of that name already: choose another",
}


@contextmanager
def told(noun: str) -> Iterator[None]:
    """Raise Conflict or Invalid in words for a constraint that the statement inside breaks."""
    try:
        yield
    except errors.UniqueViolation as error:
        table = error.diag.table_name or ""
        raise Conflict(
            TAKEN.get(table, f"a {noun} of that name exists already: choose another")
        ) from error
    except (errors.ForeignKeyViolation, errors.RestrictViolation) as error:
        raise _reference(error, noun) from error
    except errors.CheckViolation as error:
        raise Invalid(f"this {noun} breaks a rule: {error.diag.constraint_name}") from error


def _reference(error: errors.IntegrityError, noun: str) -> Conflict | Invalid:
    detail = error.diag.message_detail or ""
    if "is not present" in detail:
        field = (error.diag.constraint_name or "").removesuffix("_id_fkey").split("_")[-1]
        return Invalid(f"{noun}: there is no such {field}", {field: "there is none with this id"})
    user = USERS.get(error.diag.table_name or "", "things that use it")
    return Conflict(f"this {noun} still has {user}: move or delete them first")
