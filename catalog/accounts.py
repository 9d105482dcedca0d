"""Accounts: what `tongbu user` and the pages do with people, without asking who asks.

Adds, resets, disables; makes the first administrator. Rights are checked by the caller: the HTTP
part by catalog/rights.py, the command line by being on the server. Each call is one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from catalog.credentials import password_of, random_password, username_of
from catalog.db.logins import end_logins, read_credentials
from catalog.db.people import (
    PeopleFilter,
    PersonRecord,
    insert_affiliation,
    insert_person,
    list_people,
    other_administrators,
    read_person,
    set_password,
    update_person,
)
from catalog.db.pool import Connection, Pool
from catalog.errors import Conflict, NotFound
from catalog.ids import new_id
from catalog.passwords import Passwords
from catalog.people import Affiliation, Role
from catalog.rights import check_affiliation
from catalog.text import line

ADMINISTRATOR = "admin"
LIST_STEP = 200


@dataclass(frozen=True, slots=True)
class Secret:
    """A password's hash, and the password itself if it was made here (shown once)."""

    hashed: str
    made: str | None = None


@dataclass(frozen=True, slots=True)
class NewPerson:
    """An account to add."""

    username: str
    name: str
    secret: Secret
    affiliations: tuple[Affiliation, ...] = ()


async def make_secret(passwords: Passwords, username: str, password: str | None = None) -> Secret:
    """Hash a password, made unless given. Takes long: do it before a transaction begins.

    Raises: Invalid.
    """
    if password:
        return Secret(await passwords.hash(password_of(password, username_of(username))))
    made = random_password()
    return Secret(await passwords.hash(made), made)


async def add_person(connection: Connection, new: NewPerson) -> str:
    """Add an account with its affiliations and give its id. Raises: Invalid, Conflict."""
    for item in new.affiliations:
        check_affiliation(item)
    username, name, person = username_of(new.username), line(new.name, "name"), new_id()
    await insert_person(connection, person, username, name, new.secret.hashed)
    for item in new.affiliations:
        await insert_affiliation(connection, new_id(), person, item)
    return person


async def reset_password(connection: Connection, person: str, secret: Secret) -> None:
    """Set a new password and end all sessions."""
    if await read_person(connection, person, lock=True) is None:
        raise NotFound("there is no such person")
    await set_password(connection, person, secret.hashed)
    await end_logins(connection, person)


async def set_disabled(connection: Connection, person: str, disabled: bool, day: date) -> None:
    """Close or open an account; closing ends its sessions at once.

    Raises: Conflict when it is the last administrator's.
    """
    if disabled:
        await keep_an_administrator(connection, person, day)
        await end_logins(connection, person)
    await update_person(connection, person, disabled=disabled)


async def keep_an_administrator(connection: Connection, person: str, day: date) -> None:
    """Raise Conflict when nobody else could administer the city without this person."""
    found = await read_person(connection, person, lock=True)
    if found is None:
        raise NotFound("there is no such person")
    is_one = any(a.role is Role.ADMINISTRATOR and a.holds_on(day) for a in found.held)
    if is_one and not found.disabled and not await other_administrators(connection, person, day):
        raise Conflict("this is the last administrator: appoint another one first")


async def find_person(connection: Connection, username: str) -> PersonRecord:
    """Give an account by user name. Raises: Invalid, NotFound."""
    known = await read_credentials(connection, username_of(username))
    found = await read_person(connection, known.id) if known else None
    if found is None:
        raise NotFound(f"there is no user {username!r}: see `tongbu user list`")
    return found


async def all_people(connection: Connection) -> Sequence[PersonRecord]:
    """Give every account by user name."""
    found: list[PersonRecord] = []
    while True:
        after = (found[-1].username, found[-1].id) if found else ("", "")
        step = await list_people(connection, PeopleFilter(), LIST_STEP, after)
        found.extend(step)
        if len(step) < LIST_STEP:
            return found


async def first_administrator(
    pool: Pool, passwords: Passwords, day: date, password: str = ""
) -> str | None:
    """Make the account `admin` when there is nobody yet, and give its password if it was made.

    The composition root prints it once. Raises: Invalid when the given password is too weak.
    """
    async with pool.connection() as connection:
        if await _is_anybody(connection):
            return None
    secret = await make_secret(passwords, ADMINISTRATOR, password or None)
    first = NewPerson(ADMINISTRATOR, "管理员", secret, (Affiliation(Role.ADMINISTRATOR, day),))
    async with pool.connection() as connection:
        await connection.execute("lock table person in share row exclusive mode")
        if await _is_anybody(connection):
            return None
        await add_person(connection, first)
    return secret.made


async def _is_anybody(connection: Connection) -> bool:
    cursor = await connection.execute("select 1 from person limit 1")
    return await cursor.fetchone() is not None
