"""A day of the city, played on one machine: pairs, one lesson to all, an evening's recording.

    python -m loadtests.city_day [--pairs 24] [--encoded 2] [--classrooms 1400] [--homes 600]
                                 [--figures FILE]

A real service that holds the whole registry (city_registry.py), and in it, one after the other:
lessons of real pairs at once, each pushed by RTMP, a few of them encoded, with a main and a
listening classroom that have signed in, watch by WebSocket and are members of the room; one lesson
to all classrooms by WebSocket; and the recording of that lesson, watched from homes by HLS at play
pace. Before each the service is looked at with nothing on air, and with its lessons while nobody
watches. Cores and memory are told by role (storm_probe.py), the API is asked by the clock.

The figures go beside those of city_storm in FILE, for city_report.py. Not in it: TLS, the room's
WebSocket of the lesson to all, shaped lines.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from loadtests.by_role import ByRole
from loadtests.city_figures import from_json, to_json
from loadtests.city_pairs import lessons_on_air, on_air, pushing, staffed
from loadtests.city_registry import CLASSROOMS, Pair, Registry, found, registry
from loadtests.city_storm import until_encoding
from loadtests.client import Client, signed_in
from loadtests.day_figures import EVENING, ONE_TO_ALL, PAIRS, Day, Played
from loadtests.live_session import RECORDED_LIMIT_S, book, recording, until_state
from loadtests.live_sessions import ROOM_S, ages, make_film
from loadtests.service import ADMIN_PASSWORD, Service, running
from loadtests.storm_crowd import Crowd, come, quiet
from loadtests.storm_probe import window

CORES = os.cpu_count() or 1
LOOK_S, QUIET_CORES, QUIET_LIMIT_S = 0.5, 0.05, 90.0


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of the city is played, and for how long it is looked at."""

    pairs: int = 12 * CORES
    encoded: int = CORES
    classrooms: int = CLASSROOMS
    homes: int = 300 * CORES
    join_s: float = 20.0
    seconds: float = 15.0
    warm_up_s: float = 8.0
    settle_s: float = 2.0
    city: Registry = field(default_factory=registry)


@dataclass(frozen=True, slots=True)
class Films:
    """What hosts send: one that is copied, and one of which lower rungs are made."""

    copied: Path
    encoded: Path


@dataclass(frozen=True, slots=True)
class Stage:
    """A service that holds the city, with nothing on air."""

    service: Service
    client: Client
    scale: Scale
    films: Films
    pairs: Sequence[Pair]
    empty: ByRole

    def crowd(self, kind: str, viewers: int, join_s: float, lines: Sequence[str]) -> Crowd:
        """Give a crowd that is looked at as long as this scale says."""
        return Crowd(kind, viewers, join_s, self.scale.seconds, lines, self.scale.settle_s)


async def pairs_at_once(stage: Stage) -> Played:
    """Let pairs have their lessons, with both classrooms in the room."""
    scale = stage.scale
    taught = await staffed(stage.client, stage.pairs[: scale.pairs])
    films = [stage.films.encoded if number < scale.encoded else stage.films.copied
             for number in range(len(taught))]  # fmt: skip
    async with pushing() as hosts:
        lessons = list(zip(taught, films, strict=True))
        sessions = await lessons_on_air(stage.client, hosts, lessons)
        if scale.encoded:
            await until_encoding(stage.service)
        lines = [f"{stage.service.url}/api/v1/sessions/{session.id} {token}"
                 for session, pair in zip(sessions, taught, strict=True)
                 for token in pair.boards]  # fmt: skip
        crowd = stage.crowd("rooms", len(lines), scale.join_s / 4, lines)
        played = await _played(stage, PAIRS, crowd, len(sessions), scale.encoded)
        for one in sessions:
            await stage.client.post(f"sessions/{one.id}/end")
        for one in sessions:
            await until_state(stage.client, one.id, "recorded", limit_s=RECORDED_LIMIT_S)
    return played


async def one_to_all(stage: Stage) -> tuple[Played, str]:
    """Let one lesson come to all classrooms; give the id of its recording, too."""
    async with pushing() as hosts:
        session = await book(
            stage.client, stage.pairs[0].main, "名师空中课堂：勾股定理", visibility="public"
        )
        await on_air(stage.client, hosts, session, stage.films.copied)
        lines = [f"{stage.service.url}/api/v1/sessions/{session.id}"]
        crowd = stage.crowd("ws", stage.scale.classrooms, stage.scale.join_s, lines)
        played = await _played(stage, ONE_TO_ALL, crowd, 1, 0)
        lesson = await recording(stage.client, session.id)
    return played, str(lesson["id"])


async def evening(stage: Stage, lesson: str) -> Played:
    """Let homes watch a recording."""
    lines = [f"{stage.service.url}/api/v1/lessons/{lesson}"]
    crowd = stage.crowd("recorded", stage.scale.homes, stage.scale.join_s, lines)
    return await _played(stage, EVENING, crowd, 0, 0)


async def _played(stage: Stage, name: str, crowd: Crowd, lessons: int, encoded: int) -> Played:
    """Look at the service before a crowd comes, and while it is there."""
    await asyncio.sleep(stage.scale.warm_up_s)
    alone = await quiet(stage.service, stage.client, stage.scale.seconds)
    parts, in_time = await ages(stage.client)
    crowded = await come(stage.service, stage.client, crowd)
    parts_after, in_time_after = await ages(stage.client)
    more = parts_after - parts
    played = Played(
        name, lessons, encoded, stage.empty, alone.cores, alone.rest, crowded.stormed(),
        1 - (in_time_after - in_time) / more if more else 0.0,
        int(crowded.told.get("stalls", 0)), crowded.told.get("stalled_s", 0.0),
        alone.memory, crowded.after.bytes,
    )  # fmt: skip
    print(line_of(played), flush=True)
    return played


async def until_quiet(stage: Stage) -> None:
    """Wait until what the last programme left behind is done: recordings are put together.

    It is quiet when it was for as long as a service warms up.
    """
    give_up_at = time.monotonic() + QUIET_LIMIT_S
    while time.monotonic() < give_up_at:
        before, after = await window(stage.service, max(LOOK_S, stage.scale.warm_up_s))
        if before.cores_until(after).service <= stage.empty.service + QUIET_CORES:
            return
    raise TimeoutError(f"not quiet within {QUIET_LIMIT_S:g} s: something still runs")


async def play(service: Service, scale: Scale, films: Films, command: str) -> Day:
    """Found the city and play everything, one after the other."""
    async with signed_in(service.url, "admin", ADMIN_PASSWORD) as client:
        began_at = time.monotonic()
        pairs = await found(client, scale.city)
        founded_s = time.monotonic() - began_at
        await asyncio.sleep(scale.warm_up_s)
        empty = await quiet(service, client, scale.seconds)
        stage = Stage(service, client, scale, films, pairs, empty.cores)
        played = [await pairs_at_once(stage)]
        await until_quiet(stage)
        everybody, lesson = await one_to_all(stage)
        await until_quiet(stage)
        played += [everybody, await evening(stage, lesson)]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Day(command, CORES, memory, scale.city.entries, founded_s, tuple(played))


def line_of(one: Played) -> str:
    """One line of the table."""
    crowd, cores = one.crowd, one.crowd.by_role
    return (
        f"| {one.name} | {one.lessons} / {crowd.viewers} | {crowd.join_p50_s:.2f} / "
        f"{crowd.join_p95_s:.2f} | {crowd.until_95_s:.1f} | {1000 * one.rest.api_p95_s:.0f} / "
        f"{1000 * crowd.api_p95_s:.0f} / {1000 * crowd.api_watching_p95_s:.0f} "
        f"| {cores.origin:.2f} | {cores.encoders:.2f} | {cores.workers:.2f} | {cores.database:.2f} "
        f"| {cores.viewers:.2f} | {100 * crowd.machine:.0f} % | {crowd.steady_bytes_s / 1e6:.1f} "
        f"| {100 * crowd.slowest:.0f} % | {100 * one.late:.1f} % | {one.stalls} "
        f"| {one.memory.service / 1e6:.0f} | {crowd.errors} |"
    )


HEAD = (
    "| programme | lessons / viewers | join p50 / p95 s | 95 % play after s "
    "| API p95 before / joining / watching ms | origin | encoders | workers | database | viewers "
    "| machine | MB/s | slowest | late parts | stalls | MB | errors |\n" + "|---" * 17 + "|"
)


def parsed(arguments: list[str]) -> argparse.Namespace:
    """Read what is asked for."""
    usual = Scale()
    parser = argparse.ArgumentParser(description="A day of the city, played on one machine")
    parser.add_argument("--pairs", type=int, default=usual.pairs)
    parser.add_argument("--encoded", type=int, default=usual.encoded, help="of the pairs")
    parser.add_argument("--classrooms", type=int, default=usual.classrooms)
    parser.add_argument("--homes", type=int, default=usual.homes)
    parser.add_argument("--join-s", type=float, default=usual.join_s)
    parser.add_argument("--seconds", type=float, default=usual.seconds, help="of each look")
    parser.add_argument("--figures", type=Path, help="what city_storm wrote, to be added to")
    return parser.parse_args(arguments)


def staged(scale: Scale, command: str) -> Day:
    """Make what hosts send, start a service and play in it."""
    with tempfile.TemporaryDirectory(prefix="tongbu-film-") as home:
        films = Films(Path(home) / "copied.flv", Path(home) / "encoded.flv")
        make_film(films.copied)
        make_film(films.encoded, "1280x720", "null")
        print(HEAD)
        with running(extra=ROOM_S) as service:
            return asyncio.run(play(service, scale, films, command))


def main(arguments: list[str]) -> int:
    """Run, print, write down."""
    asked = parsed(arguments)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    scale = Scale(
        asked.pairs, min(asked.encoded, asked.pairs), asked.classrooms, asked.homes, asked.join_s,
        asked.seconds,
    )  # fmt: skip
    command = (
        f"python -m loadtests.city_day --pairs {scale.pairs} --encoded {scale.encoded} "
        f"--classrooms {scale.classrooms} --homes {scale.homes}"
    )
    day = staged(scale, command)
    print(f"\nThe registry of {day.founded} entries was founded within {day.founded_s:.1f} s.")
    for one in day.played:
        first, share = day.full_first(one)
        print(f"{one.name}: full first is {first} ({100 * share:.0f} %).")
    if asked.figures:
        text = asked.figures.read_text("utf-8")
        asked.figures.write_text(to_json(replace(from_json(text), day=day)), "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
