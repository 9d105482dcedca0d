"""A crowd of viewers in a process of its own, and what it does to a service that is looked at.

The process says `storm`, `playing`, `steady` and then what it counted (storm_viewers.py); at each
word the service's processes are looked at, and its API is asked by the clock all the while.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loadtests.by_role import ByRole
from loadtests.client import Client
from loadtests.live_publisher import ROOT
from loadtests.live_spread import Spread
from loadtests.service import Service
from loadtests.storm_figures import Rest, Stormed
from loadtests.storm_probe import Used, asking, look, waits, window

LIMIT_S, SETTLE_S = 180.0, 2.0
LIVE, EVENING = "loadtests.storm_viewers", "loadtests.evening_homes"


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who comes and how; `lines` are their addresses, dealt round."""

    kind: str
    viewers: int
    join_s: float
    seconds: float
    lines: Sequence[str]
    settle_s: float = SETTLE_S

    @property
    def command(self) -> list[str]:
        """Give the words that start it."""
        module = EVENING if self.kind == "recorded" else LIVE
        return ["-m", module, self.kind, str(self.viewers), str(self.join_s), str(self.seconds),
                f"--settle-s={self.settle_s}"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Crowded:
    """What a crowd told, and the service at its four words."""

    crowd: Crowd
    told: Mapping[str, float]
    before: Used
    playing: Used
    steady: Used
    after: Used
    joining: Spread
    watching: Spread

    @property
    def cores(self) -> ByRole:
        """Give what everybody's watching takes."""
        viewers = self.told["viewers_cpu_s"] / self.told["steady_s"]
        return self.steady.cores_until(self.after).with_viewers(viewers)

    def stormed(self) -> Stormed:
        """Give it as a figure."""
        told, cores, memory = self.told, self.cores, self.after.bytes
        storm_cpu_s = self.playing.seconds.origin - self.before.seconds.origin
        return Stormed(
            self.crowd.kind, self.crowd.viewers, self.crowd.join_s, told["join_p50_s"],
            told["join_p95_s"], told["join_most_s"], told["until_95_s"],
            self.playing.at - self.before.at, told["watched_s"],
            storm_cpu_s, cores.origin, told["bytes"] / told["steady_s"],
            told["slowest"], cores.viewers, self.steady.machine_until(self.after),
            memory.origin + memory.encoders, self.joining.p50, self.joining.p95,
            int(told["errors"]), cores.encoders, cores.workers, cores.database, self.watching.p95,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Quiet:
    """The service while nobody watches, its API asked by the clock."""

    cores: ByRole
    memory: ByRole
    api: Spread

    @property
    def rest(self) -> Rest:
        """Give it as a figure."""
        memory = self.memory.origin + self.memory.encoders
        return Rest(self.api.p50, self.api.p95, self.cores.origin, memory)


async def quiet(service: Service, client: Client, seconds: float) -> Quiet:
    """Look at the service for a while."""
    async with asking(client) as answers:
        before, after = await window(service, seconds)
    return Quiet(before.cores_until(after), after.bytes, waits(answers))


async def come(service: Service, client: Client, crowd: Crowd) -> Crowded:
    """Let everybody join and watch. Raises: TimeoutError, SystemExit."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *crowd.command, cwd=ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin
    assert process.stdout
    try:
        async with asyncio.timeout(LIMIT_S):
            process.stdin.write("\n".join(crowd.lines).encode())
            process.stdin.close()
            await _line(process.stdout, "storm")
            before = await look(service)
            async with asking(client) as answers:
                await _line(process.stdout, "playing")
                playing = await look(service)
                await _line(process.stdout, "steady")
                steady = await look(service)
                told = json.loads(await process.stdout.readline())
                after = await look(service)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    joining, watching = waits(answers, until=playing.at), waits(answers, steady.at)
    return Crowded(crowd, told, before, playing, steady, after, joining, watching)


async def _line(stream: asyncio.StreamReader, wanted: str) -> None:
    line = (await stream.readline()).decode().strip()
    if line != wanted:
        raise SystemExit(f"the viewers said {line!r} instead of {wanted!r}: see their error above")
