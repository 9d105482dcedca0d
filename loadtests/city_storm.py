"""Eight o'clock: everybody joins one lesson within seconds. Scaled to the machine at hand.

    python -m loadtests.city_storm [--viewers 400] [--join-s 5] [--rounds 2] [--figures FILE]

A real service, one lesson whose picture is copied, pushed by RTMP. Before anybody comes the API is
asked each 100 ms (GET /api/v1/me with a token, whether or not the last answer is there); then
viewers, in a process of their own, all join by WebSocket, and after them as many by LL-HLS; the API
is asked on all the while. Joined is who has an init and a keyframe; storm_joins.py says what is
asked for. Then everybody watches for a while: cores, bytes, memory of the service. The yardstick of
each round is a process that copies the same bytes to as many sockets (socket_copying.py). At last a
lesson of which lower rungs are made is taken in by a fresh service: its cores are the encoders'.

city_day.py adds its figures to these; then city_report.py draws them, extrapolates to the city
(capacity.py) and compares their ratios with baseline.json. Not in it: TLS, the room's WebSocket,
shaped lines.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from loadtests.city_figures import KINDS, Figures, to_json
from loadtests.live_fanout import Target, load
from loadtests.live_publisher import ROOT, publishing
from loadtests.live_session import booked, until_state
from loadtests.live_sessions import ROOM_S, host, make_film
from loadtests.service import Service, running
from loadtests.storm_crowd import Crowd, come, quiet
from loadtests.storm_figures import Session, Stormed
from loadtests.storm_probe import ASK_EVERY_S, Used, look, window

BEFORE_S, STEADY_S, WARM_UP_S, REST_S = 10.0, 8.0, 8.0, 4.0
RUNGS_LIMIT_S = 30.0


@asynccontextmanager
async def copying() -> AsyncIterator[Target]:
    """Run the yardstick."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtests.socket_copying", cwd=ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin
    assert process.stdout
    try:
        address = (await process.stdout.readline()).decode().strip()
        yield Target("copying", "flv", (address,), process.pid)
    finally:
        process.stdin.close()
        await process.wait()


async def copying_cpu_a_megabyte(viewers: int, seconds: float) -> float:
    """Measure the yardstick."""
    async with copying() as target:
        found = await load(target, viewers, seconds)
    return 1e6 / found.bytes_a_cpu_s


def costs(idle: tuple[Used, Used], busy: tuple[Used, Used]) -> Session:
    """Give what is more with a lesson than without."""
    cores = busy[0].cores_until(busy[1])
    before, after = idle[1].bytes, busy[1].bytes
    return Session(
        cores.above(idle[0].cores_until(idle[1])).origin, cores.encoders,
        after.origin + after.encoders - before.origin - before.encoders,
    )  # fmt: skip


async def encoded_session(seconds: float) -> Session:
    """Measure what a lesson costs of which a lower rung is made. Raises: TimeoutError."""
    async with AsyncExitStack() as stack:
        service = stack.enter_context(running(extra=ROOM_S))
        client, session = await stack.enter_async_context(booked(service, "转码的一节课"))
        await asyncio.sleep(REST_S)
        idle = await window(service, seconds)
        stack.enter_context(publishing(session.rtmp))
        await until_state(client, session.id, "live")
        await until_encoding(service)
        await asyncio.sleep(WARM_UP_S)
        return costs(idle, await window(service, seconds))


async def until_encoding(service: Service) -> None:
    """Wait until lower rungs are made of a lesson. Raises: TimeoutError."""
    give_up_at = time.monotonic() + RUNGS_LIMIT_S
    while True:
        if (await look(service)).seconds.encoders > 0:
            return
        if time.monotonic() > give_up_at:
            raise TimeoutError("no lower rung is made of this lesson")
        await asyncio.sleep(ASK_EVERY_S)


async def bench(asked: argparse.Namespace, film: Path) -> Figures:
    """Measure everything, one after the other."""
    async with AsyncExitStack() as stack:
        service = stack.enter_context(running(extra=ROOM_S))
        client, session = await stack.enter_async_context(booked(service, "早上八点"))
        await asyncio.sleep(REST_S)
        idle = await window(service, asked.seconds)
        stack.enter_context(host(film, session.rtmp))
        await until_state(client, session.id, "live")
        await asyncio.sleep(WARM_UP_S)
        copied = costs(idle, await window(service, asked.seconds))
        rest = (await quiet(service, client, asked.before_s)).rest
        url = f"{service.url}/api/v1/sessions/{session.id}"
        storms, yardsticks = [], []
        for _ in range(asked.rounds):
            for kind in KINDS:
                crowd = Crowd(kind, asked.viewers, asked.join_s, asked.seconds, (url,))
                storms.append((await come(service, client, crowd)).stormed())
                print(line_of(storms[-1]), flush=True)
                await asyncio.sleep(REST_S)
            yardsticks.append(await copying_cpu_a_megabyte(asked.viewers, asked.seconds))
    encoded = await encoded_session(asked.seconds)
    command = (
        f"python -m loadtests.city_storm --viewers {asked.viewers} "
        f"--join-s {asked.join_s:g} --rounds {asked.rounds}"
    )
    return Figures(
        command, os.cpu_count() or 1, rest, tuple(storms), min(yardsticks), copied, encoded
    )  # fmt: skip


def line_of(one: Stormed) -> str:
    """One line of the table."""
    return (
        f"| {one.kind} | {one.viewers} | {one.join_p50_s:.2f} / {one.join_p95_s:.2f} / "
        f"{one.join_most_s:.2f} | {one.until_95_s:.2f} | {1000 * one.api_p95_s:.0f} "
        f"| {one.steady_cores:.2f} | {one.viewers_cores:.2f} | {100 * one.machine:.0f} % "
        f"| {one.steady_bytes_s / 1e6:.1f} | {100 * one.slowest:.0f} % | {one.errors} |"
    )


def parsed(arguments: list[str]) -> argparse.Namespace:
    """Read what is asked for."""
    parser = argparse.ArgumentParser(description="Everybody joins one lesson within seconds")
    parser.add_argument("--viewers", type=int, default=400)
    parser.add_argument("--join-s", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=STEADY_S, help="of watching after it")
    parser.add_argument("--before-s", type=float, default=BEFORE_S, help="of asking before it")
    parser.add_argument("--figures", type=Path, help="where the JSON goes")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Run, print, write down."""
    asked = parsed(arguments)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print("| delivery | viewers | join p50 / p95 / max s | 95 % play after s | API p95 ms "
          "| service's cores | viewers' cores | machine | MB/s | slowest | lost |\n"
          "|---|---|---|---|---|---|---|---|---|---|---|")  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="tongbu-film-") as home:
        film = Path(home) / "film.flv"
        make_film(film)
        figures = asyncio.run(bench(asked, film))
    print(f"\nAPI p95 before: {1000 * figures.rest.api_p95_s:.0f} ms. A copied lesson: "
          f"{figures.copied.cores:.3f} cores; encoded: {figures.encoded.cores:.3f}.")  # fmt: skip
    if asked.figures:
        asked.figures.parent.mkdir(parents=True, exist_ok=True)
        asked.figures.write_text(to_json(figures), "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
