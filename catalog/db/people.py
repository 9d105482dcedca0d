"""People in the database: accounts, and what each is where, with dates.

Functions take an open connection: the caller owns the transaction. Who may do what is decided
above (catalog/rights.py); sessions are in catalog/db/logins.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, LiteralString

from catalog.db.pool import Connection
from catalog.db.tell import told
from catalog.errors import Invalid
from catalog.people import Affiliation, Role

# Used: what catalog/db/uploads.py holds against the quota.
_PEOPLE: LiteralString = """
select p.id, p.username, p.name, p.disabled, p.quota_bytes,
  coalesce((select sum(s.size_bytes) from source s join lesson l on l.id = s.lesson_id
    where l.owner_id = p.id and l.deleted_at is null), 0)::bigint
  + coalesce((select sum(coalesce(u.length_bytes, u.received_bytes)) from upload u
    where u.owner_id = p.id and u.state = 'open' and u.concat <> 'final'), 0)::bigint as used_bytes
from person p
"""


@dataclass(frozen=True, slots=True)
class AffiliationRecord:
    """An affiliation by its id, with the names of its place."""

    id: str
    held: Affiliation
    school_name: str | None
    district_name: str | None
    classroom_name: str | None


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """An account with all its affiliations, past and future ones too, oldest first."""

    id: str
    username: str
    name: str
    disabled: bool
    quota_bytes: int
    used_bytes: int
    affiliations: tuple[AffiliationRecord, ...]

    @property
    def held(self) -> tuple[Affiliation, ...]:
        """What rights are decided by."""
        return tuple(item.held for item in self.affiliations)


@dataclass(frozen=True, slots=True)
class PeopleFilter:
    """Which people a list shows; `scopes` bounds it to officers' places (None: the whole city).

    `text` is part of a name or user name; one equal to a user name finds that person anywhere.
    """

    text: str = ""
    school: str = ""
    district: str = ""
    role: str = ""
    scope_schools: tuple[str, ...] | None = None
    scope_districts: tuple[str, ...] = ()


def affiliation_of(row: Mapping[str, Any]) -> AffiliationRecord:
    """Read a row of the view affiliation_place."""
    held = Affiliation(
        Role(row["role"]), row["since"], row["until"], row["school_id"], row["district_id"],
        row["group_id"], row["classroom_id"],
    )  # fmt: skip
    return AffiliationRecord(
        row["id"], held, row["school_name"], row["district_name"], row["classroom_name"]
    )


async def read_person(
    connection: Connection, person: str, lock: bool = False
) -> PersonRecord | None:
    """Give one account; with lock, held for update until the transaction ends."""
    query = _PEOPLE + " where p.id = %s" + (" for update of p" if lock else "")
    row = await (await connection.execute(query, (person,))).fetchone()
    return (await _with_affiliations(connection, [row]))[0] if row else None


_LIST: LiteralString = """
where (%(text)s = '' or p.username = %(text)s
    or strpos(lower(p.name), %(text)s) > 0 or strpos(p.username, %(text)s) > 0)
  and (%(anywhere)s or (%(text)s <> '' and p.username = %(text)s)
    or exists (select from affiliation_place a where a.person_id = p.id
      and (a.school_id = any(%(schools)s) or a.district_id = any(%(districts)s))))
  and (%(any_place)s or exists (select from affiliation_place a where a.person_id = p.id
      and (%(school)s = '' or a.school_id = %(school)s)
      and (%(district)s = '' or a.district_id = %(district)s)
      and (%(role)s = '' or a.role = %(role)s)))
  and (p.username, p.id) > (%(after_name)s, %(after_id)s)
order by p.username, p.id limit %(limit)s
"""


async def list_people(
    connection: Connection, wanted: PeopleFilter, limit: int, after: tuple[str, str] = ("", "")
) -> list[PersonRecord]:
    """Give accounts ordered by user name, those after (user name, id)."""
    rows = await (
        await connection.execute(
            _PEOPLE + _LIST,
            {"text": wanted.text.casefold(), "anywhere": wanted.scope_schools is None,
             "schools": list(wanted.scope_schools or ()),
             "districts": list(wanted.scope_districts),
             "any_place": not (wanted.school or wanted.district or wanted.role),
             "school": wanted.school, "district": wanted.district, "role": wanted.role,
             "after_name": after[0], "after_id": after[1], "limit": limit},
        )
    ).fetchall()  # fmt: skip
    return await _with_affiliations(connection, rows)


async def _with_affiliations(
    connection: Connection, people: Sequence[Mapping[str, Any]]
) -> list[PersonRecord]:
    cursor = await connection.execute(
        "select * from affiliation_place where person_id = any(%s) order by since, id",
        ([p["id"] for p in people],),
    )
    held: dict[str, list[AffiliationRecord]] = {row["id"]: [] for row in people}
    for row in await cursor.fetchall():
        held[row["person_id"]].append(affiliation_of(row))
    return [
        PersonRecord(p["id"], p["username"], p["name"], p["disabled"], p["quota_bytes"],
                     p["used_bytes"], tuple(held[p["id"]]))
        for p in people
    ]  # fmt: skip


async def insert_person(
    connection: Connection, person: str, username: str, name: str, password_hash: str
) -> None:
    """Add an account. Raises: Conflict when the user name is taken."""
    with told("person"):
        await connection.execute(
            "insert into person (id, username, name, password_hash) values (%s, %s, %s, %s)",
            (person, username, name, password_hash),
        )


async def update_person(
    connection: Connection,
    person: str,
    name: str | None = None,
    quota_bytes: int | None = None,
    disabled: bool | None = None,
) -> None:
    """Set what is not None."""
    await connection.execute(
        "update person set name = coalesce(%s, name), quota_bytes = coalesce(%s, quota_bytes),"
        " disabled = coalesce(%s, disabled) where id = %s",
        (name, quota_bytes, disabled, person),
    )


async def set_password(connection: Connection, person: str, password_hash: str) -> None:
    """Keep a new password's hash."""
    await connection.execute(
        "update person set password_hash = %s where id = %s", (password_hash, person)
    )


async def delete_person(connection: Connection, person: str) -> None:
    """Remove an account. Raises: Conflict while lessons or uploads are theirs."""
    with told("person"):
        await connection.execute("delete from person where id = %s", (person,))


async def resolve_place(connection: Connection, asked: Affiliation) -> Affiliation:
    """Give the affiliation with its whole place filled in. Raises: Invalid for an unknown place."""
    with told("affiliation"):
        cursor = await connection.execute(
            "select sc.id as school_id, d.id as district_id, sc.group_id, c.id as classroom_id"
            " from (select) as one left join classroom c on c.id = %(classroom)s"
            " left join school sc on sc.id = coalesce(%(school)s, c.school_id)"
            " left join district d on d.id = coalesce(%(district)s, sc.district_id)",
            {"classroom": asked.classroom_id, "school": asked.school_id,
             "district": asked.district_id},
        )  # fmt: skip
    found = await cursor.fetchone()
    assert found is not None
    for kind in ("classroom", "school", "district"):
        wanted = getattr(asked, f"{kind}_id")
        if wanted and found[f"{kind}_id"] != wanted:
            raise Invalid(f"there is no such {kind}", {kind: "there is none with this id"})
    return Affiliation(asked.role, asked.since, asked.until, **found)


async def insert_affiliation(
    connection: Connection, affiliation: str, person: str, asked: Affiliation
) -> None:
    """Add a role at a place as it was asked for: only the narrowest place is kept."""
    with told("affiliation"):
        await connection.execute(
            "insert into affiliation (id, person_id, role, district_id, school_id, classroom_id,"
            " since, until) values (%s, %s, %s, %s, %s, %s, %s, %s)",
            (affiliation, person, asked.role.value, asked.district_id, asked.school_id,
             asked.classroom_id, asked.since, asked.until),
        )  # fmt: skip


async def end_affiliation(connection: Connection, affiliation: str, day: date) -> None:
    """End it with yesterday; one that has not held for a day yet is removed."""
    await connection.execute(
        "delete from affiliation where id = %s and since >= %s", (affiliation, day)
    )
    await connection.execute(
        "update affiliation set until = %(day)s where id = %(id)s and since < %(day)s"
        " and (until is null or until > %(day)s)",
        {"id": affiliation, "day": day},
    )


async def other_administrators(connection: Connection, person: str, day: date) -> int:
    """Count the enabled administrators of that day besides this one, and hold their rows."""
    await connection.execute("lock table affiliation in share row exclusive mode")
    cursor = await connection.execute(
        "select count(distinct p.id) as n from affiliation a join person p on p.id = a.person_id"
        " where a.role = 'administrator' and not p.disabled and p.id <> %(person)s"
        " and a.since <= %(day)s and a.until is null",
        {"person": person, "day": day},
    )
    row = await cursor.fetchone()
    assert row is not None
    return int(row["n"])
