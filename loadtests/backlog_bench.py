"""Import of many micro-videos: lessons a minute, and how fast a fresh upload starts meanwhile.

    python -m loadtests.backlog_bench                 1000 micro-videos, all of them to the end
    python -m loadtests.backlog_bench 60 10           60 micro-videos, fresh uploads 10 s apart
    python -m loadtests.backlog_bench 1000 20 10      1000 in the queue, ten minutes of their work

Starts `tongbu serve` in a fresh directory, imports a table with `tongbu import`, and uploads fresh
videos over tus while the backlog is worked on. A fresh upload starts when its lesson is no longer
queued. Goal: within 2 s, always.
"""

from __future__ import annotations

import asyncio
import csv
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

from loadtests.client import Client, signed_in
from loadtests.lectures import Lecture, describe, make
from loadtests.service import ADMIN_PASSWORD, ROOT, Service, running, service_environment

CLIP_S = 20
CLIPS = tuple(
    Lecture(kind, CLIP_S, 640, 360, 25, slide_s) for kind in ("slides", "camera")
    for slide_s in (4.0, 7.0)
)  # fmt: skip
FRESH_EVERY_S = 20.0
START_LIMIT_S = 2.0
FRESH_LIMIT_S = 300.0
BACKLOG_LIMIT_S = 6 * 3600.0


@dataclass(slots=True)
class Fresh:
    """Seconds from the last uploaded byte to the start and to something that plays."""

    started_s: list[float] = field(default_factory=list)
    playable_s: list[float] = field(default_factory=list)


def write_table(folder: Path, lessons: int) -> Path:
    """Make the clips and a table that names each of them many times."""
    clips = [make(clip, folder / f"clip-{n}.mp4") for n, clip in enumerate(CLIPS)]
    table = folder / "lessons.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["文件", "标题", "学段", "年级", "学科"])
        for number, clip in zip(range(lessons), cycle(clips), strict=False):
            name = f"{number:04d}.mp4"
            os.link(clip, folder / name)
            rows.writerow([name, f"青快学微视频 {number}", "", "", ""])
    return table


async def import_table(service: Service, table: Path) -> float:
    """Run `tongbu import`; give how long it took."""
    began_at = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "deploy", "import", str(table), env=service_environment(service.data),
        cwd=ROOT, stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    if await process.wait():
        raise AssertionError("tongbu import failed")
    return time.monotonic() - began_at


async def upload_fresh(client: Client, clip: Path, fresh: Fresh) -> None:
    """Upload one video and watch its beginning."""
    lesson = await client.upload(clip, {"title": "刚刚上传的课"})
    done_at = time.monotonic()
    for states, found in (
        (("transcoding", "playable", "ready"), fresh.started_s),
        (("playable", "ready"), fresh.playable_s),
    ):
        row = await client.until(lesson, *states, limit_s=FRESH_LIMIT_S)
        if row["state"] == "failed":
            raise AssertionError(f"a fresh upload failed: {row['error']}")
        found.append(time.monotonic() - done_at)


async def upload_now_and_then(client: Client, clip: Path, every_s: float, fresh: Fresh) -> None:
    """Upload until cancelled."""
    while True:
        await upload_fresh(client, clip, fresh)
        await asyncio.sleep(every_s)


async def work_off(client: Client, lessons: int, limit_s: float) -> tuple[int, float]:
    """Wait until the whole backlog is ready, or limit_s; give how much is, and the time it took."""
    began_at = time.monotonic()
    while True:
        found = await client.get("lessons", q="青快学微视频", state="ready", limit="1")
        took_s = time.monotonic() - began_at
        if found["total"] >= lessons or took_s >= limit_s:
            return found["total"], took_s
        await asyncio.sleep(1)


async def measure(
    service: Service, table: Path, lessons: int, every_s: float, limit_s: float
) -> bool:
    """Import and upload; print the figures, tell whether the goal is met."""
    fresh = Fresh()
    async with signed_in(service.url, "admin", ADMIN_PASSWORD) as client:
        import_s = await import_table(service, table)
        before, _ = await work_off(client, lessons, 0.0)
        clip = table.parent / "clip-0.mp4"
        uploading = asyncio.create_task(upload_now_and_then(client, clip, every_s, fresh))
        done, done_s = await work_off(client, lessons, limit_s)
        uploading.cancel()
        await asyncio.gather(uploading, return_exceptions=True)
    rate = 60 * (done - before) / done_s
    print(f"| {lessons} micro-videos of {CLIP_S} s | imported in {import_s:.0f} s |"
          f" {rate:.0f} lessons a minute over {done_s:.0f} s |")  # fmt: skip
    print(f"| fresh uploads meanwhile | {len(fresh.started_s)} | start {_spread(fresh.started_s)} |"
          f" playable {_spread(fresh.playable_s)} |")  # fmt: skip
    return bool(fresh.started_s) and max(fresh.started_s) <= START_LIMIT_S


def _spread(seconds: Sequence[float]) -> str:
    ordered = sorted(seconds) or [0.0]
    return f"median {ordered[len(ordered) // 2]:.2f} s, longest {ordered[-1]:.2f} s"


def main(arguments: Sequence[str]) -> int:
    """Run the bench; exit code 1 when a fresh upload had to wait."""
    lessons = int(arguments[0]) if arguments else 1000
    every_s = float(arguments[1]) if len(arguments) > 1 else FRESH_EVERY_S
    limit_s = 60 * float(arguments[2]) if len(arguments) > 2 else BACKLOG_LIMIT_S
    print(f"clips: {describe()}; {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory(prefix="tongbu-backlog-") as folder, running() as service:
        table = write_table(Path(folder), lessons)
        met = asyncio.run(measure(service, table, lessons, every_s, limit_s))
    print("goal met" if met else f"goal missed: a fresh upload starts within {START_LIMIT_S:g} s")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
