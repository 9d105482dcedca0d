"""`tongbu user add | list | disable | enable | reset`: accounts from the server's own shell."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import date

from catalog.accounts import (
    NewPerson,
    add_person,
    all_people,
    find_person,
    make_secret,
    reset_password,
    set_disabled,
)
from catalog.db.pool import Connection, make_pool
from catalog.db.registry import CLASSROOMS, DISTRICTS, SCHOOLS, Table, list_rows
from catalog.errors import Invalid
from catalog.passwords import Passwords
from catalog.people import Affiliation, Role, city_day
from deploy.command import Argument, Command
from deploy.database import catalogue
from deploy.settings import Settings

Work = Callable[[Connection], Awaitable[str]]
SHOWN_NAMES = 5


def _in_catalogue(settings: Settings, work: Work) -> int:
    async def run(dsn: str) -> str:
        async with make_pool(dsn, 2) as pool, pool.connection() as connection:
            return await work(connection)

    with catalogue(settings, beside=True) as dsn:
        sys.stdout.write(asyncio.run(run(dsn)))
    return 0


def _add(settings: Settings, asked: argparse.Namespace) -> int:
    async def work(connection: Connection) -> str:
        secret = await make_secret(Passwords(), asked.username)
        place = Affiliation(
            Role(asked.role), _today(),
            school_id=await _named(connection, SCHOOLS, asked.school),
            district_id=await _named(connection, DISTRICTS, asked.district),
            classroom_id=await _named(connection, CLASSROOMS, asked.classroom),
        )  # fmt: skip
        new = NewPerson(asked.username, asked.name or asked.username, secret, (place,))
        await add_person(connection, new)
        return f"added {asked.username}; password {secret.made} (shown only now)\n"

    return _in_catalogue(settings, work)


async def _named(connection: Connection, table: Table, name: str | None) -> str | None:
    """Give the id of the one row with this name. Raises: Invalid, naming what comes near."""
    if not name:
        return None
    rows = await list_rows(connection, table, name, {}, SHOWN_NAMES + 1, ("", ""))
    exact = [row["id"] for row in rows if row["sort"] == name]
    if len(exact) == 1:
        return str(exact[0])
    near = ", ".join(row["sort"] for row in rows[:SHOWN_NAMES]) or "nothing comes near"
    raise Invalid(f"there is no {table.name} {name!r} ({near})")


def _list(settings: Settings, asked: argparse.Namespace) -> int:
    async def work(connection: Connection) -> str:
        lines = []
        for person in await all_people(connection):
            roles = ", ".join(sorted({a.role.value for a in person.held if a.holds_on(_today())}))
            state = "disabled" if person.disabled else roles or "no role today"
            lines.append(f"{person.username:<24}{state:<32}{person.name}\n")
        return "".join(lines)

    return _in_catalogue(settings, work)


def _switch(disabled: bool) -> Callable[[Settings, argparse.Namespace], int]:
    def run(settings: Settings, asked: argparse.Namespace) -> int:
        async def work(connection: Connection) -> str:
            person = await find_person(connection, asked.username)
            await set_disabled(connection, person.id, disabled, _today())
            return f"{person.username} is {'disabled' if disabled else 'enabled'}\n"

        return _in_catalogue(settings, work)

    return run


def _reset(settings: Settings, asked: argparse.Namespace) -> int:
    async def work(connection: Connection) -> str:
        secret = await make_secret(Passwords(), asked.username)
        person = await find_person(connection, asked.username)
        await reset_password(connection, person.id, secret)
        return f"{person.username} has the password {secret.made} (shown only now)\n"

    return _in_catalogue(settings, work)


def _today() -> date:
    return city_day(time.time())


_NAME = Argument(("username",), {"help": "user name"})
COMMANDS = (
    Command("user add", "add a person and print a one-time password", _add, (
        _NAME,
        Argument(("--role",), {"required": True, "choices": [role.value for role in Role]}),
        Argument(("--name",), {"help": "name as people say it, such as 王老师"}),
        Argument(("--school",), {"help": "name of the school"}),
        Argument(("--district",), {"help": "name of the district"}),
        Argument(("--classroom",), {"help": "school and classroom, such as '海风小学 智慧教室 1'"}),
    )),
    Command("user list", "list people with their roles of today", _list),
    Command("user disable", "close an account and end its sessions", _switch(True), (_NAME,)),
    Command("user enable", "open a closed account", _switch(False), (_NAME,)),
    Command("user reset", "set a new one-time password", _reset, (_NAME,)),
)  # fmt: skip
