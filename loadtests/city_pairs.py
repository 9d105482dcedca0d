"""Lessons of pairs for a bench: teachers, boards that have signed in, hosts that push. A shell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from loadtests.city_registry import Pair
from loadtests.client import Client, token_of
from loadtests.live_session import Booked, book, until_state
from loadtests.live_sessions import host

PASSWORD = "a-board-on-the-wall-1"
# The service hashes two passwords at once and lets few wait for it.
SIGNED_IN_AT_ONCE, ON_AIR_AT_ONCE = 4, 8


@dataclass(frozen=True, slots=True)
class Taught:
    """A pair with its teacher, and the tokens of the boards in its two classrooms."""

    pair: Pair
    teacher: str
    boards: tuple[str, str]


async def staffed(client: Client, pairs: Sequence[Pair]) -> list[Taught]:
    """Make the accounts of pairs, and let their boards sign in."""
    turns = asyncio.Semaphore(SIGNED_IN_AT_ONCE)

    async def one(number: int, pair: Pair) -> Taught:
        async with turns:
            teacher = await _account(
                client, f"teacher{number}", "王芳", role="teacher", school=pair.school
            )
            main = await _board(client, http, f"board{number}-1", pair.main)
            listening = await _board(client, http, f"board{number}-2", pair.listening)
            return Taught(pair, teacher, (main, listening))

    async with aiohttp.ClientSession() as http:
        return await asyncio.gather(*(one(number, pair) for number, pair in enumerate(pairs)))


async def _board(client: Client, http: aiohttp.ClientSession, name: str, classroom: str) -> str:
    await _account(client, name, "智慧教室", role="classroom", classroom=classroom)
    return await token_of(http, client.url, name, PASSWORD)


async def _account(client: Client, username: str, name: str, **affiliation: str) -> str:
    made = await client.post("users", {
        "username": username, "name": name, "password": PASSWORD, "affiliations": [affiliation],
    })  # fmt: skip
    return str(made["id"])


@asynccontextmanager
async def pushing() -> AsyncIterator[ExitStack]:
    """Hold hosts that push until the end."""
    hosts = ExitStack()
    try:
        yield hosts
    finally:
        await asyncio.to_thread(hosts.close)


async def on_air(client: Client, hosts: ExitStack, session: Booked, film: Path) -> Booked:
    """Let a host push, and wait until the lesson is live."""
    await asyncio.to_thread(hosts.enter_context, host(film, session.rtmp))
    await until_state(client, session.id, "live")
    return session


async def lessons_on_air(
    client: Client, hosts: ExitStack, lessons: Sequence[tuple[Taught, Path]]
) -> list[Booked]:
    """Let pairs begin with what their hosts send, a few at once; give the lessons in order."""
    turns = asyncio.Semaphore(ON_AIR_AT_ONCE)

    async def one(taught: Taught, film: Path) -> Booked:
        async with turns:
            session = await book(
                client, taught.pair.main, "两位数乘两位数", kind="sync_class", open_to_all=False,
                teacher=taught.teacher, listening_classrooms=[taught.pair.listening],
            )  # fmt: skip
            return await on_air(client, hosts, session, film)

    return await asyncio.gather(*(one(*lesson) for lesson in lessons))
