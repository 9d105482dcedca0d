"""All that stands in a soak: a service with its lessons, a worker of its own, a school with a box.

What can be broken here (publishers, encoders, a worker, the box) is broken by its method, and whole
again when that returns.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import (
    AbstractContextManager,
    AsyncExitStack,
    ExitStack,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import aiohttp

from loadtests import soak_figures
from loadtests.client import Client, signed_in
from loadtests.live_cpu import children_of
from loadtests.live_session import Booked, book, until_state
from loadtests.live_sessions import ROOM_S, host
from loadtests.school import Box, new_code, new_school, running_box
from loadtests.service import (
    ADMIN_PASSWORD,
    Service,
    end,
    running,
    service_environment,
    wait_for_address,
)
from loadtests.service_processes import Role, environment_of, look
from loadtests.soak_figures import Figures
from loadtests.soak_table import Taken

WORKER_LIMIT_S = 60.0
POLL_S = 0.2
T = TypeVar("T")
TITLES = ("两位数乘法", "分数的初步认识")


@dataclass(frozen=True, slots=True)
class Classroom:
    """A classroom with its teacher, and what is shown there in one lesson after the other."""

    room: str
    teacher: str
    film: Path
    title: str


class Lesson:
    """A lesson on air and the host that pushes it."""

    def __init__(self, classroom: Classroom, booked: Booked) -> None:
        self.classroom, self.booked, self.ended = classroom, booked, False
        self._host = ExitStack()

    def push(self) -> None:
        """Push from now on."""
        self._host.enter_context(host(self.classroom.film, self.booked.rtmp))

    def drop(self) -> None:
        """Kill the host."""
        self._host.close()


class SchoolBox:
    """A box that can be killed; it comes back at its address with what it had."""

    def __init__(self, origin: str, home: Path) -> None:
        self._origin, self._home = origin, home
        self._stack = ExitStack()
        self.box: Box

    def start(self, *how: str) -> None:
        """Start it, at first with its code."""
        made = running_box(self._origin, *how, data=self._home)
        self.box = self._stack.enter_context(made)

    def kill(self) -> None:
        """Kill it with -9."""
        self.box.process.kill()
        self.box.process.wait()

    def again(self) -> None:
        """Start it anew, where it was."""
        self._stack.close()
        self.start("", "--listen", urlsplit(self.box.url).netloc)

    def close(self) -> None:
        """Stop it."""
        self._stack.close()


@contextmanager
def standing_worker(service: Service) -> Iterator[tuple[str, int]]:
    """A worker that nobody kills and that tells figures, beside the service's own."""
    theirs = _first_worker(service)
    extra = {"TONGBU_DATABASE_URL": environment_of(theirs)["TONGBU_DATABASE_URL"]}
    log = service.data.parent / "worker.log"
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy", "worker", "--transcode-listen", "127.0.0.1:0"],
            cwd=service.data.parent, env=service_environment(service.data, extra), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
        )  # fmt: skip
    try:
        yield wait_for_address(process, log), process.pid
    finally:
        end(process)


def _first_worker(service: Service) -> int:
    """Wait for the service's worker, which it starts when it listens. Raises: TimeoutError."""
    give_up_at = time.monotonic() + WORKER_LIMIT_S
    while not (found := worker_pids(service)):
        if time.monotonic() > give_up_at:
            raise TimeoutError("the service has no worker")
        time.sleep(POLL_S)
    return found[0]


def worker_pids(service: Service) -> list[int]:
    """Find the workers that the service keeps running."""
    found = children_of(service.process.pid)
    return [pid for pid, command in found.items() if "-m deploy worker" in command]


@dataclass
class Environment:
    """What stands."""

    service: Service
    client: Client
    http: aiohttp.ClientSession
    lessons: list[Lesson]
    box: SchoolBox
    worker_url: str
    worker_pid: int
    past: list[Lesson] = field(default_factory=list)

    @property
    def roots(self) -> dict[int, Role]:
        """The processes that others hang below."""
        return {
            self.service.process.pid: Role.ORIGIN,
            self.box.box.process.pid: Role.BOX,
            self.worker_pid: Role.WORKER,
        }

    async def figures(self, role: Role) -> Figures:
        """Ask a role; nothing when it is away."""
        urls = {Role.ORIGIN: self.service.url, Role.BOX: self.box.box.url,
                Role.WORKER: self.worker_url}  # fmt: skip
        with suppress(aiohttp.ClientError, OSError, ValueError):
            return await soak_figures.ask(self.http, urls[role])
        return soak_figures.NOTHING

    async def take(self, at_s: float) -> Taken:
        """Take one sample."""
        looks = await asyncio.to_thread(look, self.roots)
        told = {role: await self.figures(role) for role in (Role.ORIGIN, Role.BOX, Role.WORKER)}
        tasks = {role: int(one.sum("tongbu_loop_tasks")) for role, one in told.items()}
        return Taken(at_s, looks, tasks)

    def silence(self) -> None:
        """Kill every host."""
        for lesson in self.lessons:
            lesson.drop()

    async def drop_publisher(self, lesson: Lesson, away_s: float) -> None:
        """Let a publisher be away for a while."""
        await asyncio.to_thread(lesson.drop)
        await asyncio.sleep(away_s)
        await asyncio.to_thread(lesson.push)

    async def begin(self, classroom: Classroom) -> Lesson:
        """Let a lesson begin."""
        booked = await book(self.client, classroom.room, classroom.title, teacher=classroom.teacher)
        lesson = Lesson(classroom, booked)
        await asyncio.to_thread(lesson.push)
        try:
            await until_state(self.client, booked.id, "live")
        except BaseException:
            await asyncio.to_thread(lesson.drop)
            raise
        return lesson

    async def next_lesson(self, number: int) -> None:
        """End a lesson, with all who watch it; the next one in its classroom begins."""
        ended = self.lessons[number]
        await asyncio.to_thread(ended.drop)
        ended.ended = True
        await self.client.post(f"sessions/{ended.booked.id}/end")
        self.past.append(ended)
        self.lessons[number] = await self.begin(ended.classroom)

    async def kill_encoder(self, number: int) -> bool:
        """Kill one ffmpeg of a lesson; its feed starts another."""
        found = await asyncio.to_thread(children_of, self.service.process.pid)
        encoders = sorted(pid for pid, command in found.items() if "ffmpeg" in command)
        if not encoders:
            return False
        with suppress(ProcessLookupError):
            os.kill(encoders[number % len(encoders)], signal.SIGKILL)
        return True

    async def kill_worker(self) -> None:
        """Kill the service's worker; its supervisor starts another. Raises: TimeoutError."""
        before = await asyncio.to_thread(worker_pids, self.service)
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        give_up_at = time.monotonic() + WORKER_LIMIT_S
        while not set(await asyncio.to_thread(worker_pids, self.service)) - set(before):
            if time.monotonic() > give_up_at:
                raise TimeoutError("the worker did not come back")
            await asyncio.sleep(POLL_S)

    async def kill_box(self, away_s: float) -> None:
        """Kill the box and start it again."""
        await asyncio.to_thread(self.box.kill)
        await asyncio.sleep(away_s)
        await asyncio.to_thread(self.box.again)


@asynccontextmanager
async def _off_the_loop(manager: AbstractContextManager[T]) -> AsyncIterator[T]:
    """Enter and leave in a thread what starts and stops processes."""
    found = await asyncio.to_thread(manager.__enter__)
    try:
        yield found
    finally:
        await asyncio.to_thread(manager.__exit__, None, None, None)


@asynccontextmanager
async def environment(films: Sequence[Path], home: Path) -> AsyncIterator[Environment]:
    """Let everything stand, a lesson on air for each film."""
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(_off_the_loop(running(extra=ROOM_S)))
        worker = await stack.enter_async_context(_off_the_loop(standing_worker(service)))
        client = await stack.enter_async_context(signed_in(service.url, "admin", ADMIN_PASSWORD))
        school, rooms = await school_with_rooms(client, len(films))
        box = SchoolBox(service.url, home / "box")
        code = await new_code(service.url, school)
        await asyncio.to_thread(box.start, code)
        stack.push_async_callback(asyncio.to_thread, box.close)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        found = Environment(service, client, http, [], box, *worker)
        stack.push_async_callback(asyncio.to_thread, found.silence)
        for room, teacher, film, title in zip(*rooms, films, TITLES, strict=True):
            found.lessons.append(await found.begin(Classroom(room, teacher, film, title)))
        yield found


async def school_with_rooms(client: Client, count: int) -> tuple[str, tuple[list[str], list[str]]]:
    """Found a school with so many classrooms and teachers."""
    school = await new_school(client)
    role = {"role": "teacher", "school": school}
    rooms, teachers = [], []
    for number in range(count):
        room = {"name": f"智慧教室 {number}", "school": school}
        rooms.append(str((await client.post("classrooms", room))["id"]))
        person = {"username": f"teacher{number}", "name": f"王芳 {number}", "affiliations": [role]}
        teachers.append(str((await client.post("users", person))["id"]))
    return school, (rooms, teachers)
