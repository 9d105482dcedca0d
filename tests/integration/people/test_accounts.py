"""What `tongbu user` and the first start do with accounts, on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from functools import partial
from typing import Any

import pytest
from argon2 import PasswordHasher

from catalog.accounts import (
    ADMINISTRATOR,
    LIST_STEP,
    NewPerson,
    Secret,
    add_person,
    all_people,
    find_person,
    first_administrator,
    make_secret,
    reset_password,
    set_disabled,
)
from catalog.db.logins import read_credentials
from catalog.db.people import insert_person
from catalog.db.pool import Pool
from catalog.errors import Conflict, Invalid, NotFound
from catalog.http.users import UsersApi
from catalog.ids import new_id
from catalog.passwords import Passwords
from catalog.people import Affiliation, Role
from tests.support.api import PASSWORD, QUICK, open_desk

DAY = date(2026, 11, 23)


@pytest.fixture
async def passwords() -> Passwords:
    return Passwords(QUICK)


async def fits(pool: Pool, passwords: Passwords, username: str, password: str) -> bool:
    async with pool.connection() as connection:
        known = await read_credentials(connection, username)
    return (await passwords.check(known.password_hash if known else None, password)).fits


async def test_the_first_start_makes_one_administrator(pool: Pool, passwords: Passwords) -> None:
    made = await first_administrator(pool, passwords, DAY)
    assert made is not None
    assert await fits(pool, passwords, ADMINISTRATOR, made)
    assert await first_administrator(pool, passwords, DAY) is None
    async with pool.connection() as connection:
        (person,) = await all_people(connection)
    assert [item.role for item in person.held] == [Role.ADMINISTRATOR]


async def test_a_given_password_is_taken_and_not_told(pool: Pool, passwords: Passwords) -> None:
    assert await first_administrator(pool, passwords, DAY, PASSWORD) is None
    assert await fits(pool, passwords, ADMINISTRATOR, PASSWORD)


async def test_a_weak_given_password_is_refused(pool: Pool, passwords: Passwords) -> None:
    with pytest.raises(Invalid, match="at least"):
        await first_administrator(pool, passwords, DAY, "admin")
    assert await first_administrator(pool, passwords, DAY) is not None


async def test_origins_that_start_together_make_one(pool: Pool, passwords: Passwords) -> None:
    made = await asyncio.gather(*(first_administrator(pool, passwords, DAY) for _ in range(4)))
    assert sum(password is not None for password in made) == 1


async def test_reset_and_disable_by_user_name(pool: Pool, passwords: Passwords) -> None:
    first, second = [await make_secret(passwords, "wang") for _ in range(2)]
    assert first.made
    assert second.made
    async with pool.connection() as connection:
        added = await add_person(connection, NewPerson("Wang", "王老师", first))
        person = await find_person(connection, " WANG ")
        assert person.id == added
        await reset_password(connection, person.id, second)
        await set_disabled(connection, person.id, True, DAY)
        assert (await find_person(connection, "wang")).disabled
    assert not await fits(pool, passwords, "wang", first.made)
    assert await fits(pool, passwords, "wang", second.made)


async def test_no_connection_is_held_while_a_password_is_hashed(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under load hashing takes longer than a transaction may be idle."""
    hasher = Watching()
    monkeypatch.setattr(pool, "connection", partial(lending, hasher, pool.connection))
    assert await first_administrator(pool, Passwords(hasher), DAY, PASSWORD) is None
    async with open_desk(pool, lambda p, w: [UsersApi(p, w)], hasher=hasher) as desk:
        admin = await desk.enter(ADMINISTRATOR)
        status, added = await admin.ask("POST", "/users", {"username": "wang", "name": "王老师"})
        assert status == 201
        assert (await admin.ask("POST", f"/users/{added['id']}/reset"))[0] == 200
        change = {"old": PASSWORD, "new": PASSWORD + "2"}
        assert (await admin.ask("POST", "/me/password", change))[0] == 204
    assert len(hasher.lent) >= 4
    assert set(hasher.lent) == {0}


class Watching(PasswordHasher):
    """Notes at each hash how many connections are lent; `lending` counts them."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)
        self.lent_now = 0
        self.lent: list[int] = []

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        """Hash and note."""
        self.lent.append(self.lent_now)
        return super().hash(password, salt=salt)


@asynccontextmanager
async def lending(watching: Watching, connection: Any, *asked: Any) -> AsyncIterator[Any]:
    """Lend a connection and count it while it is held; the pool counts those on their way, too."""
    async with connection(*asked) as lent:
        watching.lent_now += 1
        try:
            yield lent
        finally:
            watching.lent_now -= 1


async def test_unknown_people_are_told(pool: Pool, passwords: Passwords) -> None:
    async with pool.connection() as connection:
        with pytest.raises(NotFound, match="tongbu user list"):
            await find_person(connection, "nobody")
        with pytest.raises(NotFound):
            await reset_password(connection, new_id(), Secret("x"))
        with pytest.raises(NotFound):
            await set_disabled(connection, new_id(), True, DAY)


async def test_the_last_administrator_is_not_disabled(pool: Pool, passwords: Passwords) -> None:
    await first_administrator(pool, passwords, DAY)
    async with pool.connection() as connection:
        admin = await find_person(connection, ADMINISTRATOR)
        with pytest.raises(Conflict, match="last administrator"):
            await set_disabled(connection, admin.id, True, DAY)


async def test_a_role_without_its_place_is_refused(pool: Pool, passwords: Passwords) -> None:
    wrong = NewPerson("wang", "王老师", Secret("x"), (Affiliation(Role.TEACHER, DAY),))
    async with pool.connection() as connection:
        with pytest.raises(Invalid, match="needs a school"):
            await add_person(connection, wrong)
        assert await all_people(connection) == []


async def test_the_list_is_whole_and_ordered(pool: Pool) -> None:
    names = [f"user{number:04}" for number in range(2 * LIST_STEP + 1)]
    async with pool.connection() as connection:
        for name in reversed(names):
            await insert_person(connection, new_id(), name, name, "")
        assert [person.username for person in await all_people(connection)] == names
