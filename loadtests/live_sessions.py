"""How many lessons one machine takes in, when their pictures are copied, and what is full first.

    python -m loadtests.live_sessions [--first 4] [--most 128] [--seconds 20] [--judge]

Every lesson is a recording host that pushes 720p-sized bytes (H.264 2 Mbit/s at 30 frames/s, AAC
128 kbit/s) by RTMP; the picture is small, so that no lower rung is made of it. More lessons begin
until p95 of a part's age, from capture to when it can be fetched, passes 100 ms, or one is refused.
Each is packed as LL-HLS, recorded, and told of as in any lesson; nobody watches. The hosts send one
file that was encoded before, with `-re`; they take part of the same machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
from prometheus_client.parser import text_string_to_metric_families

from loadtests.client import Client, Refused, signed_in
from loadtests.live_cpu import children_of, cpu_s, machine_s
from loadtests.live_session import book, until_state
from loadtests.service import ADMIN_PASSWORD, Service, running

LATE_S, LATE_MOST = 0.1, 0.05
FIRST = 4
AT_ONCE = 8
STEP_MOST = 16
WARM_UP_S = 12.0
FILE_S = 60
ROOM_S = {"TONGBU_LIVE_ENCODE_CORES": "64"}


@dataclass(frozen=True, slots=True)
class Load:
    """What a number of lessons cost in a window, and how old their parts were."""

    lessons: int
    parts: int
    late: float
    service_cores: float
    encoder_cores: float
    machine: float

    def markdown(self) -> str:
        """One line of the table."""
        busy = {"the service's core": self.service_cores, "the machine": self.machine}
        full = " and ".join(name for name, part in busy.items() if part >= 0.85) or "nothing yet"
        return (
            f"| {self.lessons} | {self.parts} | {100 * self.late:.1f} % | {self.service_cores:.2f} "
            f"| {self.encoder_cores:.2f} | {100 * self.machine:.0f} % | {full} |"
        )


def make_film(
    path: Path, size: str = "320x180", graph: str = "noise=alls=40:allf=t", seconds: int = FILE_S
) -> None:
    """Encode what hosts send; of a picture that is small no lower rung is made."""
    subprocess.run([
        imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y",
        "-f", "lavfi", "-i", f"testsrc2=size={size}:rate=30:duration={seconds}",
        "-f", "lavfi", "-i", f"sine=frequency=330:sample_rate=48000:duration={seconds}",
        "-vf", graph, "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast",
        "-tune", "zerolatency", "-b:v", "2M", "-minrate", "2M", "-maxrate", "2M", "-bufsize", "1M",
        "-g", "60", "-keyint_min", "60", "-sc_threshold", "0",
        "-c:a", "aac", "-b:a", "128k", "-ac", "2", "-f", "flv", str(path),
    ], check=True)  # fmt: skip


@contextmanager
def host(film: Path, url: str) -> Iterator[None]:
    """Push the film again and again."""
    process = subprocess.Popen([
        imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-stream_loop", "-1", "-re",
        "-i", str(film), "-c", "copy", "-flvflags", "no_duration_filesize", "-f", "flv", url,
    ], stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        yield
    finally:
        process.kill()
        process.wait()


async def ages(client: Client) -> tuple[float, float]:
    """Give how many parts there were, and how many of them in time."""
    async with client.http.get(f"{client.url}/metrics") as answer:
        text = await answer.text()
    samples = [
        sample
        for family in text_string_to_metric_families(text)
        if family.name == "tongbu_live_part_age_seconds"
        for sample in family.samples
    ]
    all_of = sum(one.value for one in samples if one.name.endswith("_count"))
    in_time = sum(one.value for one in samples if one.labels.get("le") == str(LATE_S))
    return all_of, in_time


def used(service: Service) -> tuple[float, float]:
    """Give CPU seconds of the service's process and of its encoders."""
    pid = service.process.pid
    return cpu_s(pid), sum(cpu_s(child) for child in children_of(pid) if _lives(child))


def _lives(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").exists()


@dataclass(frozen=True, slots=True)
class Class:
    """A classroom and its teacher: each has one lesson at a time."""

    room: str
    teacher: str


async def classes(client: Client, count: int) -> list[Class]:
    """Found a school with so many classrooms and teachers."""
    district = await client.post("districts", {"name": "市南区"})
    school = await client.post(
        "schools", {"name": "海风小学", "district": district["id"], "setting": "urban"}
    )
    role = {"role": "teacher", "school": school["id"]}
    found = []
    for number in range(count):
        room = {"name": f"智慧教室 {number}", "school": school["id"]}
        person = {"username": f"teacher{number}", "name": f"王芳 {number}", "affiliations": [role]}
        made = await client.post("classrooms", room), await client.post("users", person)
        found.append(Class(str(made[0]["id"]), str(made[1]["id"])))
    return found


async def measure(service: Service, client: Client, lessons: int, seconds: float) -> Load:
    """Watch the figures for a while."""
    before, cpu, machine, began_at = (
        await ages(client),
        used(service),
        machine_s(),
        time.monotonic(),
    )
    await asyncio.sleep(seconds)
    after, cpu_after, machine_after = await ages(client), used(service), machine_s()
    took_s = time.monotonic() - began_at
    parts = after[0] - before[0]
    in_time = after[1] - before[1]
    return Load(
        lessons, round(parts), 1 - in_time / parts if parts else 1.0,
        (cpu_after[0] - cpu[0]) / took_s, (cpu_after[1] - cpu[1]) / took_s,
        (machine_after[0] - machine[0]) / (machine_after[1] - machine[1]),
    )  # fmt: skip


async def go_live(client: Client, one: Class, film: Path, hosts: ExitStack) -> None:
    """Book a lesson, let its host push, and wait until it is live."""
    session = await book(client, one.room, "许多课同时上", teacher=one.teacher)
    hosts.enter_context(host(film, session.rtmp))
    await until_state(client, session.id, "live")


async def bench(service: Service, film: Path, first: int, most: int, seconds: float) -> list[Load]:
    """Let more lessons begin until parts come late."""
    found: list[Load] = []
    print("| lessons | parts | older than 100 ms | service's cores | encoders' cores | machine "
          "| full |\n|---|---|---|---|---|---|---|")  # fmt: skip
    async with signed_in(service.url, "admin", ADMIN_PASSWORD) as client:
        school = await classes(client, most)
        with ExitStack() as hosts:
            lessons = 0
            for wanted in _steps(first, most):
                for at in range(lessons, wanted, AT_ONCE):
                    begin = school[at : min(at + AT_ONCE, wanted)]
                    await asyncio.gather(*(go_live(client, one, film, hosts) for one in begin))
                lessons = wanted
                await asyncio.sleep(WARM_UP_S)
                found.append(await measure(service, client, lessons, seconds))
                print(found[-1].markdown(), flush=True)
                if found[-1].late > LATE_MOST:
                    break
    return found


def _steps(first: int, most: int) -> Sequence[int]:
    """Double while that is cheap, then go on by a few: the limit is wanted, not its octave."""
    steps = [first]
    while (following := min(2 * steps[-1], steps[-1] + STEP_MOST)) <= most:
        steps.append(following)
    return steps


def main(arguments: list[str]) -> int:
    """Run; 1 when judged and not even the first step was in time."""
    parser = argparse.ArgumentParser(description="Lessons whose pictures are copied, per machine")
    parser.add_argument("--first", type=int, default=FIRST)
    parser.add_argument("--most", type=int, default=128)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--judge", action="store_true", help="exit with 1 when none is in time")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="tongbu-film-") as home:
        film = Path(home) / "film.flv"
        make_film(film)
        with running(extra=ROOM_S) as service:
            try:
                found = asyncio.run(bench(service, film, asked.first, asked.most, asked.seconds))
            except Refused as error:
                print(f"\nNo more: {error}")
                found = []
    good = [load.lessons for load in found if load.late <= LATE_MOST]
    print(f"\n{max(good, default=0)} lessons with p95 of a part's age within 100 ms "
          f"on {os.cpu_count()} cores.")  # fmt: skip
    return int(asked.judge and not good)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
