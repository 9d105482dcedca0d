"""`tongbu edges enrol | list | code | revoke | ca`: the boxes in the schools, from the own shell.

`add` is another word for `enrol`. A running service hears of each change within the second.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

from catalog.db.edges import (
    EdgeRecord,
    NewCode,
    add_edge,
    find_edge,
    give_code,
    list_edges,
    revoke,
)
from catalog.db.pool import Connection, make_pool
from catalog.db.registry import SCHOOLS, list_rows
from catalog.edge_ca_files import CaFolder
from catalog.edges import shown_code
from catalog.errors import Invalid, NotFound
from catalog.people import CITY_ZONE
from catalog.text import line
from deploy.command import Argument, Command
from deploy.config import ConfigError
from deploy.database import catalogue
from deploy.settings import Settings

EDGE_CA = "edge-ca"
PAGE = 200
SHOWN_NAMES = 5
Work = Callable[[Connection], Awaitable[str]]


def _in_catalogue(settings: Settings, work: Work) -> int:
    async def run(dsn: str) -> str:
        async with make_pool(dsn, 2) as pool, pool.connection() as connection:
            return await work(connection)

    with catalogue(settings, beside=True) as dsn:
        sys.stdout.write(asyncio.run(run(dsn)))
    return 0


def _enrol(settings: Settings, asked: argparse.Namespace) -> int:
    async def work(connection: Connection) -> str:
        school = await _school(connection, asked.school)
        name = line(asked.name, "name")
        key, made = await add_edge(connection, name, school, None, time.time())
        return f"added {name} ({key})\n{_told(settings, made)}"

    return _in_catalogue(settings, work)


def _code(settings: Settings, asked: argparse.Namespace) -> int:
    async def work(connection: Connection) -> str:
        edge = await _found(connection, asked.edge)
        return _told(settings, await give_code(connection, edge.id, time.time()))

    return _in_catalogue(settings, work)


def _told(settings: Settings, made: NewCode) -> str:
    origin = settings.server.public_url or f"http://{settings.server.listen}"
    return (
        f"code {shown_code(made.code)}, good once until {_clock(made.expires_at)}; in the school:\n"
        f"  tongbu edge --origin {origin} --enrol {shown_code(made.code)} --data DIR"
        " --listen HOST:PORT\n"
    )


def _list(settings: Settings, asked: argparse.Namespace) -> int:
    async def work(connection: Connection) -> str:
        lines: list[str] = []
        after = ("", "")
        while page := await list_edges(connection, PAGE, after):
            lines += map(_row, page)
            after = (page[-1].name, page[-1].id)
        return "".join(lines) or "no edges yet: `tongbu edges enrol NAME --school SCHOOL`\n"

    return _in_catalogue(settings, work)


def _row(edge: EdgeRecord) -> str:
    seen = _clock(edge.seen_at) if edge.seen_at else "never seen"
    version = edge.version or "-"
    return f"{edge.name:<24}{edge.state:<10}{seen:<18}{version:<10}{edge.school_name}\n"


def _clock(at: datetime) -> str:
    return f"{at.astimezone(CITY_ZONE):%Y-%m-%d %H:%M}"


def _revoke(settings: Settings, asked: argparse.Namespace) -> int:
    async def work(connection: Connection) -> str:
        edge = await _found(connection, asked.edge)
        await revoke(connection, edge.id)
        return f"{edge.name} is shut out; `tongbu edges code` lets a box come in again\n"

    return _in_catalogue(settings, work)


def _ca(settings: Settings, asked: argparse.Namespace) -> int:
    folder = CaFolder(settings.server.data / EDGE_CA)
    brought = (asked.certificate, asked.key)
    if asked.domain is None and brought == (None, None):
        return _show_ca(folder)
    if asked.domain is None or (None in brought and brought != (None, None)):
        raise ConfigError("give --domain, and to bring an authority --certificate and --key")
    if asked.certificate:
        folder.bring(_read(asked.key), _read(asked.certificate), asked.domain)
    else:
        folder.make(asked.domain)
    return _show_ca(folder)


def _show_ca(folder: CaFolder) -> int:
    ca = folder.read()
    if ca is None:
        raise Invalid("there is no authority yet: `tongbu edges ca --domain school.example.cn`")
    sys.stdout.write(
        f"{folder.certificate}: for names below edge.{ca.domain}, until "
        f"{_clock(ca.certificate.not_valid_after_utc)}; the schools' devices are to trust it\n"
    )
    return 0


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error


async def _school(connection: Connection, name: str) -> str:
    rows = await list_rows(connection, SCHOOLS, name, {}, SHOWN_NAMES + 1, ("", ""))
    exact = [row["id"] for row in rows if row["sort"] == name]
    if len(exact) != 1:
        near = ", ".join(row["sort"] for row in rows[:SHOWN_NAMES]) or "nothing comes near"
        raise Invalid(f"there is no school {name!r} ({near})")
    return str(exact[0])


async def _found(connection: Connection, name: str) -> EdgeRecord:
    edge = await find_edge(connection, name)
    if edge is None:
        raise NotFound(f"there is no edge {name!r}: `tongbu edges list` shows all")
    return edge


_NEW = (
    Argument(("name",), {"help": "name of the edge; letters, digits, hyphens: also in the DNS"}),
    Argument(("--school",), {"required": True, "help": "name of the school"}),
)
_EDGE = (Argument(("edge",), {"help": "name or id of the edge"}),)
COMMANDS = (
    Command("edges enrol", "add an edge and print its one-time code", _enrol, _NEW),
    Command("edges add", "the same as enrol", _enrol, _NEW),
    Command("edges list", "list edges: state, last seen, version, school", _list),
    Command("edges code", "print a new one-time code for an edge", _code, _EDGE),
    Command("edges revoke", "shut an edge out at once", _revoke, _EDGE),
    Command("edges ca", "make or show the authority of the edges' certificates", _ca, (
        Argument(("--domain",), {"help": "edges are called NAME.edge.DOMAIN"}),
        Argument(("--certificate",), {"type": Path, "help": "an authority brought along (PEM)"}),
        Argument(("--key",), {"type": Path, "help": "and its private key (PEM)"}),
    )),
)  # fmt: skip
