"""The real origin of the edge bench: our service, in a network of its own, with lessons.

    with city() as found, live_lessons(found, 1) as sessions: …

Every school's line ends in the city's network, and what stands in a school reaches the service by
a `city_door` at its line. A live lesson is a picture that was encoded once (960x540, 30 frames,
2 Mbit/s, keyframes 2 s apart, no sound) and is published again and again by ffmpeg over RTMP; the
service copies it, announces it as 2.5 Mbit/s, and makes 360p (0.6) and 180p (0.25) of it. The
stored lesson is the recording of one: the same rungs, the same segments of 2 s, about 100 s of it.
"""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import imageio_ffmpeg

from loadtests.client import Client, signed_in
from loadtests.line import MACHINE, Home, line, namespace
from loadtests.line_way import Shape
from loadtests.live_publisher import publishing
from loadtests.live_session import Booked, book, until_state
from loadtests.live_sessions import Class, classes
from loadtests.school import new_code
from loadtests.service import ADMIN_PASSWORD, Service, running

# No number of a school's line, and not that of another bench.
WAY_NUMBER = 201
BEFORE_S = 14.0
MADE_S, STORED_S = 30, 90
RUNGS_LIMIT_S, RECORDED_LIMIT_S = 120.0, 300.0
END_LIMIT_S = 5.0
RUNGS = 2
MOST_LESSONS = 3


@dataclass(frozen=True, slots=True)
class City:
    """The service's network; `target` is where the service listens in there."""

    home: Home
    service: Service
    folder: Path
    classes: list[Class]
    school: str

    @property
    def target(self) -> str:
        """Host and port of the service."""
        return urlsplit(self.service.url).netloc

    def code(self, name: str) -> str:
        """Make a box for the countryside school; give its code."""
        return asyncio.run(new_code(self.service.url, self.school, name))


@contextmanager
def city() -> Iterator[City]:
    """Start a service and found a small city."""
    with (
        tempfile.TemporaryDirectory(prefix="tongbu-city-") as folder,
        namespace() as home,
        line(MACHINE, home, Shape(), number=WAY_NUMBER) as way,
        running("--listen", f"{way.far_address}:0", inside=home.inside()) as service,
    ):
        rooms, school = asyncio.run(_found(service))
        yield City(home, service, Path(folder), rooms, school)


async def _found(service: Service) -> tuple[list[Class], str]:
    async with signed_in(service.url, "admin", ADMIN_PASSWORD) as client:
        rooms = await classes(client, MOST_LESSONS)
        districts = (await client.get("districts"))["items"]
        rural = await client.post("schools", {
            "name": "西海岸希望小学", "district": districts[0]["id"], "setting": "rural",
        })  # fmt: skip
        return rooms, str(rural["id"])


@contextmanager
def live_lessons(found: City, count: int, **more: str) -> Iterator[list[Booked]]:
    """Publish lessons that are open to all; each has gone on for a while when this begins."""
    video = _picture(found.folder / "live.mp4")
    with ExitStack() as stack:
        sessions = asyncio.run(_book(found, count, **more))
        for one in sessions:
            stack.enter_context(_publishing(found.home, video, inside_city(one.rtmp)))
        asyncio.run(_until_live(found, sessions))
        time.sleep(BEFORE_S)
        yield sessions
    asyncio.run(_end(found, sessions))


@contextmanager
def stamped_lesson(found: City) -> Iterator[Booked]:
    """Let a lesson go on whose pictures carry the time (`live_publisher`)."""
    (session,) = asyncio.run(_book(found, 1))
    with publishing(inside_city(session.rtmp), inside=found.home.inside()):
        asyncio.run(_until_live(found, [session]))
        yield session
    asyncio.run(_end(found, [session]))


def inside_city(url: str) -> str:
    """Give an encoder's address as it is in the city's network."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"127.0.0.1:{parts.port}").geturl()


def stored_lesson(found: City) -> str:
    """Record a lesson that is public and wait until it is as it stays; give its id."""
    with live_lessons(found, 1, visibility="public") as sessions:
        time.sleep(STORED_S)
    lesson = asyncio.run(_recorded(found, sessions[0].id))
    _until_joined(found.service.data / "objects" / "media" / lesson)
    return lesson


def _until_joined(media: Path) -> None:
    """Wait until the many small objects of each rendition are one: a box keeps pieces of those."""
    give_up_at = time.monotonic() + RECORDED_LIMIT_S
    while not all(any(one.glob("*-a*.mp4")) for one in media.glob("*/*") if one.is_dir()):
        if time.monotonic() > give_up_at:
            raise SystemExit("the recording is not joined")
        time.sleep(1.0)


async def _book(found: City, count: int, **more: str) -> list[Booked]:
    async with signed_in(found.service.url, "admin", ADMIN_PASSWORD) as client:
        return [
            await book(client, one.room, "轴对称图形", teacher=one.teacher, **more)
            for one in found.classes[:count]
        ]


async def _end(found: City, sessions: list[Booked]) -> None:
    async with signed_in(found.service.url, "admin", ADMIN_PASSWORD) as client:
        for one in sessions:
            await client.post(f"sessions/{one.id}/end")


async def _until_live(found: City, sessions: list[Booked]) -> None:
    async with signed_in(found.service.url, "admin", ADMIN_PASSWORD) as client:
        for one in sessions:
            await until_state(client, one.id, "live")
            await _until_rungs(client, one.id)


async def _until_rungs(client: Client, session: str) -> None:
    """A lesson begins with the rung that comes first: wait for those below it."""
    url = f"{client.url}/live/{session}/multivariant.m3u8"
    give_up_at = time.monotonic() + RUNGS_LIMIT_S
    async with aiohttp.ClientSession() as guest:
        while time.monotonic() < give_up_at:
            async with guest.get(url) as answer:
                text = await answer.text()
            if text.count("#EXT-X-STREAM-INF") >= RUNGS:
                return
            await asyncio.sleep(1.0)
    raise SystemExit(f"{session} has no lower rungs: is the machine too busy for its encoder?")


async def _recorded(found: City, session: str) -> str:
    async with signed_in(found.service.url, "admin", ADMIN_PASSWORD) as client:
        ended = await until_state(client, session, "recorded", limit_s=RECORDED_LIMIT_S)
        lesson = str(ended["lesson"])
        ready = await client.until(lesson, "ready", limit_s=RECORDED_LIMIT_S)
        if ready["state"] != "ready":
            raise SystemExit(f"the recording is {ready['state']}")
        return lesson


def _picture(path: Path) -> Path:
    if not path.exists():
        source = "testsrc2=size=960x540:rate=30,noise=alls=12:allf=t"
        subprocess.run(
            [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-f", "lavfi", "-i",
             source, "-t", str(MADE_S), "-c:v", "libx264", "-preset", "superfast", "-tune",
             "zerolatency", "-profile:v", "main", "-pix_fmt", "yuv420p", "-b:v", "2000k",
             "-maxrate", "2300k", "-bufsize", "2000k", "-g", "60",
             "-keyint_min", "60", "-sc_threshold", "0", "-y", str(path)],
            check=True,
        )  # fmt: skip
    return path


@contextmanager
def _publishing(home: Home, video: Path, url: str) -> Iterator[None]:
    command = home.inside(
        imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-re", "-stream_loop", "-1",
        "-i", str(video), "-c", "copy", "-flvflags", "no_duration_filesize", "-f", "flv", url,
    )  # fmt: skip
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", *command], stdin=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(END_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
