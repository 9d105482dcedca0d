"""People's accounts for officers: list, add, change, close, reset, and what each is where.

Every officer sees the people of the own place. Giving or ending a role needs the right to appoint
it there; renaming, closing or resetting an account is power over all that the person may do, so it
needs that right for each of their roles (catalog/rights.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import date
from typing import Literal

from aiohttp import web

from catalog.accounts import (
    NewPerson,
    add_person,
    keep_an_administrator,
    make_secret,
    reset_password,
    set_disabled,
)
from catalog.db.people import (
    AffiliationRecord,
    PeopleFilter,
    PersonRecord,
    delete_person,
    end_affiliation,
    insert_affiliation,
    list_people,
    read_person,
    resolve_place,
    update_person,
)
from catalog.db.pool import Connection, Pool
from catalog.errors import Conflict, Invalid, NotFound
from catalog.http.endpoint import Endpoint, viewer_of
from catalog.http.listing import IdOrNone, ListQuery, Page, id_in_path, page_of, read_cursor
from catalog.http.payload import answer, body_of, query_of
from catalog.http.person_json import (
    AddedUser,
    AffiliationBody,
    NewAffiliation,
    NewUser,
    PasswordAnswer,
    RoleName,
    UserBody,
    UserChange,
    added_user,
    affiliation_body,
    user_body,
)
from catalog.ids import new_id
from catalog.passwords import Passwords
from catalog.people import Affiliation, Role, Viewer, city_day
from catalog.rights import (
    Place,
    check_affiliation,
    may_appoint,
    may_govern,
    may_see_people,
    may_take_on,
    require,
    rules,
)
from catalog.text import line

AFFILIATIONS_LIMIT = 50
ROOT = "/api/v1/users"
NOT_YOURS = "this person has roles outside your place: ask an administrator"


class UserQuery(ListQuery):
    """Which people; `q` is part of a name, or a whole user name of anybody in the city."""

    school: IdOrNone = ""
    district: IdOrNone = ""
    role: RoleName | Literal[""] = ""


class UsersApi:
    """Accounts and affiliations."""

    def __init__(
        self, pool: Pool, passwords: Passwords, clock: Callable[[], float] = time.time
    ) -> None:
        self._pool = pool
        self._passwords = passwords
        self._clock = clock

    def endpoints(self) -> Sequence[Endpoint]:
        """List what this part answers."""
        one, held = f"{ROOT}/{{id}}", f"{ROOT}/{{id}}/affiliations"
        full = (401, 403, 404, 409, 422)
        return [
            Endpoint("GET", ROOT, self.list, "List people of the own place", "people",
                     query=UserQuery, result=Page[UserBody], errors=(401, 403, 422)),
            Endpoint("POST", ROOT, self.add, "Add an account", "people", body=NewUser,
                     result=AddedUser, status=201, errors=(401, 403, 409, 422)),
            Endpoint("GET", one, self.read, "Read an account", "people", result=UserBody,
                     errors=(401, 404)),
            Endpoint("PATCH", one, self.change, "Rename, close or open an account, set its quota",
                     "people", body=UserChange, result=UserBody, errors=full),
            Endpoint("DELETE", one, self.remove, "Remove an account that owns nothing", "people",
                     status=204, errors=(401, 403, 404, 409)),
            Endpoint("POST", f"{one}/reset", self.reset, "Make a person's new password", "people",
                     result=PasswordAnswer, errors=(401, 403, 404, 409)),
            Endpoint("POST", held, self.affiliate, "Give a role at a place", "people",
                     body=NewAffiliation, result=AffiliationBody, status=201, errors=full),
            Endpoint("DELETE", f"{held}/{{affiliation}}", self.end, "End a role today", "people",
                     status=204, errors=(401, 403, 404, 409)),
        ]  # fmt: skip

    async def list(self, request: web.Request) -> web.Response:
        """Give a page of accounts, ordered by user name."""
        asked, viewer = query_of(request, UserQuery), viewer_of(request)
        require(may_see_people(viewer), "only officers of a place see its people")
        wanted = PeopleFilter(asked.q, asked.school, asked.district, asked.role, *_scope(viewer))
        async with self._pool.connection() as connection:
            found = await list_people(
                connection, wanted, asked.limit + 1, read_cursor(asked.cursor)
            )
        return answer(page_of(found, asked.limit, user_body, lambda p: (p.username, p.id)))

    async def read(self, request: web.Request) -> web.Response:
        """Give one account."""
        async with self._pool.connection() as connection:
            person = await _visible(connection, request)
        return answer(user_body(person))

    async def add(self, request: web.Request) -> web.Response:
        """Add an account; its password is answered once when it was made here."""
        asked, viewer, day = await body_of(request, NewUser), viewer_of(request), self._day()
        require(may_see_people(viewer), "only officers add accounts")
        require(bool(asked.affiliations) or viewer.has(Role.ADMINISTRATOR),
                "give the person a role at your place")  # fmt: skip
        items = tuple(_asked(item, day) for item in asked.affiliations)
        secret = await make_secret(self._passwords, asked.username, asked.password)
        async with self._pool.connection() as connection:
            for item in items:
                _require_appoint(viewer, await resolve_place(connection, item))
            new = NewPerson(asked.username, asked.name, secret, items)
            key = await add_person(connection, new)
            await _set_quota(connection, viewer, key, asked.quota_bytes)
            person = await _known(connection, key)
        return answer(added_user(person, secret.made), 201, {"Location": f"{ROOT}/{person.id}"})

    async def change(self, request: web.Request) -> web.Response:
        """Change what was given."""
        asked, viewer = await body_of(request, UserChange), viewer_of(request)
        async with self._pool.connection() as connection:
            person = await self._governed(connection, request)
            if asked.name is not None:
                await update_person(connection, person.id, name=line(asked.name, "name"))
            await _set_quota(connection, viewer, person.id, asked.quota_bytes)
            if asked.disabled is not None:
                _require_other(viewer, person, "close")
                await set_disabled(connection, person.id, asked.disabled, self._day())
            person = await _known(connection, person.id)
        return answer(user_body(person))

    async def remove(self, request: web.Request) -> web.Response:
        """Remove an account; one that owns lessons is closed instead."""
        async with self._pool.connection() as connection:
            person = await self._governed(connection, request)
            _require_other(viewer_of(request), person, "remove")
            await keep_an_administrator(connection, person.id, self._day())
            await delete_person(connection, person.id)
        return web.Response(status=204)

    async def reset(self, request: web.Request) -> web.Response:
        """Make a new password and end the person's sessions."""
        async with self._pool.connection() as connection:
            person = await self._resettable(connection, request)
        secret = await make_secret(self._passwords, person.username)
        async with self._pool.connection() as connection:
            person = await self._resettable(connection, request)
            await reset_password(connection, person.id, secret)
        return answer(PasswordAnswer(secret.made or ""))

    async def affiliate(self, request: web.Request) -> web.Response:
        """Give a person a role at a place."""
        body, viewer, day = await body_of(request, NewAffiliation), viewer_of(request), self._day()
        asked, key = _asked(body, day), new_id()
        async with self._pool.connection() as connection:
            person = await _known(connection, id_in_path(request), lock=True)
            item = await resolve_place(connection, asked)
            require(may_take_on(viewer, item, person.held, day), _no_appointment(item))
            _check_number(person)
            await insert_affiliation(connection, key, person.id, asked)
            person = await _known(connection, person.id)
        return answer(affiliation_body(_affiliation(person, key)), 201)

    async def end(self, request: web.Request) -> web.Response:
        """End a role with yesterday; one that has not begun is removed."""
        viewer, day = viewer_of(request), self._day()
        async with self._pool.connection() as connection:
            person = await _known(connection, id_in_path(request), lock=True)
            item = _affiliation(person, id_in_path(request, "affiliation"))
            _require_appoint(viewer, item.held)
            if item.held.until is not None and item.held.until <= day:
                raise Conflict("this role has ended already; the past stays as it was")
            if item.held.role is Role.ADMINISTRATOR and item.held.holds_on(day):
                await keep_an_administrator(connection, person.id, day)
            await end_affiliation(connection, item.id, day)
        return web.Response(status=204)

    def _day(self) -> date:
        return city_day(self._clock())

    async def _resettable(self, connection: Connection, request: web.Request) -> PersonRecord:
        person = await self._governed(connection, request)
        _require_other(viewer_of(request), person, "reset")
        return person

    async def _governed(self, connection: Connection, request: web.Request) -> PersonRecord:
        person = await _visible(connection, request, lock=True)
        require(may_govern(viewer_of(request), person.held, self._day()), NOT_YOURS)
        return person


def _scope(viewer: Viewer) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    if viewer.has(Role.ADMINISTRATOR):
        return None, ()
    held = viewer.affiliations
    return (
        tuple(a.school_id for a in held if a.role is Role.SCHOOL and a.school_id),
        tuple(a.district_id for a in held if a.role is Role.DISTRICT and a.district_id),
    )


async def _visible(
    connection: Connection, request: web.Request, lock: bool = False
) -> PersonRecord:
    """Give the person in the path to an officer of a place of theirs, and to themselves."""
    viewer, person = viewer_of(request), await _known(connection, id_in_path(request), lock)
    seen = viewer.has(Role.ADMINISTRATOR) or viewer.person_id == person.id
    if not seen and not any(rules(viewer, Place(a.district_id, a.school_id)) for a in person.held):
        raise NotFound("there is no such person at your place")
    return person


async def _known(connection: Connection, key: str, lock: bool = False) -> PersonRecord:
    person = await read_person(connection, key, lock)
    if person is None:
        raise NotFound("there is no such person")
    return person


def _affiliation(person: PersonRecord, key: str) -> AffiliationRecord:
    for item in person.affiliations:
        if item.id == key:
            return item
    raise NotFound("this person has no such role")


def _asked(body: NewAffiliation, day: date) -> Affiliation:
    item = Affiliation(
        Role(body.role), body.since or day, body.until, body.school, body.district,
        classroom_id=body.classroom,
    )  # fmt: skip
    check_affiliation(item)
    return item


def _require_appoint(viewer: Viewer, item: Affiliation) -> None:
    require(may_appoint(viewer, item), _no_appointment(item))


def _no_appointment(item: Affiliation) -> str:
    return f"you may not give or end the role {item.role.value} at this place for this person"


async def _set_quota(
    connection: Connection, viewer: Viewer, person: str, quota_bytes: int | None
) -> None:
    if quota_bytes is not None:
        require(viewer.has(Role.ADMINISTRATOR, Role.DISTRICT),
                "only district officers and administrators set quotas")  # fmt: skip
        await update_person(connection, person, quota_bytes=quota_bytes)


def _require_other(viewer: Viewer, person: PersonRecord, what: str) -> None:
    if viewer.person_id == person.id:
        raise Conflict(f"you cannot {what} your own account; another officer can")


def _check_number(person: PersonRecord) -> None:
    if len(person.affiliations) >= AFFILIATIONS_LIMIT:
        raise Invalid(f"a person has at most {AFFILIATIONS_LIMIT} roles, past ones counted")
