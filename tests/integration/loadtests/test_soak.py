"""A short soak of a real service: all is as it must be, and what is not would have been found."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from loadtests.service_processes import Role
from loadtests.soak import Soak, soak
from loadtests.soak_books import What, reports
from loadtests.soak_reports import report_of
from loadtests.soak_table import DESCRIPTORS_SLACK, TASKS_SLACK, Taken, leaks, unbalanced
from tests.support.wait import eventually

SECONDS, SETTLE_S, LIMIT_S = 30.0, 12.0, 60.0
LEAKED = DESCRIPTORS_SLACK + TASKS_SLACK + 2
HAPPENS = (What.WS, What.HLS, What.BEHIND_BOX, What.SLOW, What.DROPPED, What.REPORTS_CITY,
           What.REPORTS_BOX, What.REPORTS_AGAIN, What.HEARD, What.UPLOADS, What.FINISHED,
           What.MEMBERS, What.HANDS, What.LESSON, What.PUBLISHER, What.ENCODER, What.WORKER,
           What.BOX)  # fmt: skip


@asynccontextmanager
async def who_stay(url: str, session: str, count: int) -> AsyncIterator[None]:
    """Viewers who do not leave with the others: each keeps a connection and its tasks."""
    async with aiohttp.ClientSession() as http, AsyncExitStack() as stack:
        for _ in range(count):
            socket = await http.ws_connect(f"{url}/live/{session}/stream", max_msg_size=0)
            stack.push_async_callback(socket.close)
            await socket.receive()
        yield


async def leaks_are_found(running: Soak, before: Taken) -> None:
    environment = running.environment
    session = environment.lessons[0].booked.id
    urls = {Role.ORIGIN: environment.service.url, Role.BOX: environment.box.box.url}
    wanted = {f"{what}, {role.value}" for role in urls for what in ("descriptors", "tasks")}

    async def named() -> bool:
        return wanted <= {one.name for one in leaks(before, await environment.take(0.0))}

    async with AsyncExitStack() as stack:
        for url in urls.values():
            await stack.enter_async_context(who_stay(url, session, LEAKED))
        await eventually(named, LIMIT_S)


async def a_report_counted_twice_is_found(running: Soak) -> None:
    """Somebody reports whom the soak does not know: to it, one of its own came twice."""
    stray = report_of(random.Random(99))
    url = f"{running.environment.service.url}/qoe"
    async with aiohttp.ClientSession() as http, http.post(url, json=stray) as answer:
        assert answer.status == 204
    books = list(reports(running.ledger, await running.environment.figures(Role.ORIGIN)))
    assert [one.name for one in unbalanced(books)] == ["reports to the city = counted"]


async def short_soak(folder: Path) -> None:
    async with soak(folder, 1, SECONDS) as running:
        running.settle_s = SETTLE_S
        before = await running.begin()
        await leaks_are_found(running, before)
        done = await running.run(before)
        said = "\n".join(done.text())
        assert not done.faults(), said
        assert all(done.ledger[what] for what in HAPPENS), said
        assert {role for role in Role if done.before.bytes(role)} == set(Role)
        assert all(done.before.tasks.values()), done.before.tasks
        await a_report_counted_twice_is_found(running)


@pytest.mark.timeout(300)
def test_nothing_is_left_over_or_lost_and_what_is_would_be_found(tmp_path: Path) -> None:
    asyncio.run(short_soak(tmp_path))
