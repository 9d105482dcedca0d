"""Viewers per core: our fan-out beside node-media-server and nginx-rtmp, and where ours ends.

    python -m loadtests.live_fanout [--viewers 200] [--seconds 20] [--most 1600] [--judge]

One encoder pushes the same FLV to all servers at once; viewers at full rate read and count in a
process of their own, on one server after the other, A B A B. CPU is the server's process alone
(/proc/PID/stat): ours takes in RTMP, packs LL-HLS and records at the same time, and is not let off
for it. No server merges writes here: one write a tag there, one a fragment here. nginx-rtmp serves
HLS files and is another kind of thing; it stands in the table where it is installed.

Then viewers of ours are doubled, by WebSocket and by LL-HLS (picture and sound, blocking reload,
every part), until p95 of a part's age passes 100 ms; what was busy then is said. The session is
copied (no lower rungs), so that encoding does not stand in the way. Guests who join in the same
second share a token; --tokens says how many seconds they came from. Goal: 2 × node-media-server.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from loadtests.live_cpu import TICKS, cpu_s, machine_s
from loadtests.live_peers import Peer, nginx_rtmp, node_media_server
from loadtests.live_publisher import ROOT, publishing
from loadtests.live_session import booked, guests, media_playlist, until_state
from loadtests.service import Service, running

TIMES_NODE_MEDIA_SERVER = 2.0
LATE_MS = 100.0
FIRST_RAMP = 50
ROUNDS = 2
COPY_ONLY = {"TONGBU_LIVE_ENCODE_CORES": "0.03"}
READY_LIMIT_S = 120.0
AFTER_LIMIT_S = 60.0
RESULT_LIMIT_BYTES = 1 << 22
FULL_RATE = 0.95
BUSY = 0.85
WARM_UP_S = 5.0


@dataclass(frozen=True, slots=True)
class Target:
    """A server under load: how its viewers read, from where, and whose CPU counts."""

    name: str
    kind: str
    lines: tuple[str, ...]
    pid: int


@dataclass(frozen=True, slots=True)
class Load:
    """What a number of viewers got in a window, and what it cost."""

    name: str
    viewers: int
    bytes_s: float
    slowest: float
    server_cores: float
    client_cores: float
    machine: float
    p50_ms: float
    p95_ms: float
    most_ms: float
    errors: int

    @property
    def bytes_a_cpu_s(self) -> float:
        """What the server sent for a second of CPU."""
        return self.bytes_s / max(self.server_cores, 1 / TICKS)

    @property
    def at_full_rate(self) -> bool:
        """Tell whether nobody was left behind."""
        return self.slowest >= FULL_RATE and not self.errors

    @property
    def bound(self) -> str:
        """Say what had no more to give."""
        busy = {"the service's core": self.server_cores, "the viewers' process": self.client_cores}
        found = [name for name, cores in busy.items() if cores >= BUSY]
        if self.machine >= BUSY:
            found.append("the machine")
        return " and ".join(found) or "nothing yet"

    def markdown(self) -> str:
        """One line of the ramp's table."""
        return (
            f"| {self.name} | {self.viewers} | {self.p50_ms:.0f} / {self.p95_ms:.0f} / "
            f"{self.most_ms:.0f} | {self.bytes_s / 1e6:.1f} | {100 * self.slowest:.0f} % "
            f"| {self.server_cores:.2f} | {self.client_cores:.2f} | {100 * self.machine:.0f} % "
            f"| {self.errors} | {self.bound} |"
        )


async def load(target: Target, viewers: int, seconds: float) -> Load:
    """Let viewers read for a while. Raises: TimeoutError when they do not get that far."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtests.live_viewers", target.kind, str(viewers), str(seconds),
        cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        limit=RESULT_LIMIT_BYTES,
    )  # fmt: skip
    try:
        assert process.stdin
        assert process.stdout
        process.stdin.write("\n".join(target.lines).encode())
        process.stdin.close()
        async with asyncio.timeout(READY_LIMIT_S):
            if await process.stdout.readline() != b"ready\n":
                raise SystemExit(f"{viewers} viewers of {target.name} did not get their media")
        began_at, used_s, machine = time.monotonic(), cpu_s(target.pid), machine_s()
        async with asyncio.timeout(seconds + AFTER_LIMIT_S):
            said = json.loads(await process.stdout.readline())
        took_s = time.monotonic() - began_at
        used_s, after = cpu_s(target.pid) - used_s, machine_s()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    middle = statistics.median(said["bytes"]) or 1
    return Load(
        target.name, viewers, sum(said["bytes"]) / seconds, min(said["bytes"]) / middle,
        used_s / took_s, said["cpu_s"] / seconds,
        (after[0] - machine[0]) / max(after[1] - machine[1], 1 / TICKS),
        said["p50_ms"], said["p95_ms"], said["most_ms"], said["errors"],
    )  # fmt: skip


def ours(service: Service, urls: Sequence[dict[str, str]]) -> tuple[Target, Target]:
    """Give our two deliveries as guests see them."""
    ws = [service.url.replace("http", "ws", 1) + one["stream"] for one in urls]
    hls = [
        ",".join(media_playlist(service.url + one["hls"], name) for name in ("720p", "aac"))
        for one in urls
    ]
    pid = service.process.pid
    return (
        Target("Tongbu, WebSocket", "ws", tuple(ws), pid),
        Target("Tongbu, LL-HLS", "hls", (ws[0], *hls), pid),
    )


async def ramp(target: Target, most: int, seconds: float) -> list[Load]:
    """Double the viewers until parts come late, or somebody is lost."""
    found: list[Load] = []
    viewers = FIRST_RAMP
    while viewers <= most:
        found.append(await load(target, viewers, seconds))
        print(found[-1].markdown(), flush=True)
        if found[-1].p95_ms > LATE_MS or found[-1].errors:
            break
        viewers *= 2
    return found


async def compare(targets: Sequence[Target], viewers: int, seconds: float) -> list[Load]:
    """Load the servers one after the other, twice."""
    found = []
    for _ in range(ROUNDS):
        for target in targets:
            one = await load(target, viewers, seconds)
            print(
                f"| {one.name} | {one.viewers} | {one.bytes_s / 1e6:.1f} "
                f"| {100 * one.slowest:.0f} % | {one.server_cores:.2f} "
                f"| {one.bytes_a_cpu_s / 1e6:.0f} |",
                flush=True,
            )
            found.append(one)
    return found


def per_cpu(loads: Sequence[Load], name: str) -> float:
    """Give the mean bytes per CPU second of a server's rounds; 0 when it did not take part."""
    found = [one.bytes_a_cpu_s for one in loads if one.name == name]
    return statistics.fmean(found) if found else 0.0


def verdict(loads: Sequence[Load], ours_name: str, peer: str) -> tuple[bool, str]:
    """Say whether the goal against a peer is met."""
    mine, its = per_cpu(loads, ours_name), per_cpu(loads, peer)
    if not its:
        return True, f"{peer}: not there (not installed), skipped"
    full = all(one.at_full_rate for one in loads if one.name == ours_name)
    met = full and mine >= TIMES_NODE_MEDIA_SERVER * its
    return met, (
        f"{ours_name} sends {mine / its:.2f} × the bytes of {peer} for a CPU second"
        f"{'' if full else ', but not everybody had the full rate'}: "
        f"goal 2 × {'met' if met else 'MISSED'}"
    )


async def bench(asked: argparse.Namespace) -> bool:
    """Start everything, compare, ramp; tell whether the goal is met."""
    async with AsyncExitStack() as stack:
        node = stack.enter_context(node_media_server())
        nginx = stack.enter_context(nginx_rtmp())
        service = stack.enter_context(running(extra=COPY_ONLY))
        client, session = await stack.enter_async_context(booked(service, "许多人一起看"))
        peers = [peer for peer in (node, nginx) if peer is not None]
        stack.enter_context(publishing(session.rtmp, *(peer.rtmp for peer in peers)))
        await until_state(client, session.id, "live")
        await asyncio.sleep(WARM_UP_S)
        urls = await guests(service.url, session.id, asked.tokens)
        ws, hls = ours(service, urls)
        print("| server | viewers | MB/s | slowest viewer | server's cores | MB per CPU second |")
        print("|---|---|---|---|---|---|")
        loads = await compare([ws, *map(_target, peers)], asked.viewers, asked.seconds)
        met, text = verdict(loads, ws.name, "node-media-server")
        print(f"\n{text}.")
        if nginx is None:
            print("nginx-rtmp: libnginx-mod-rtmp is not installed, skipped.")
        print("\nAge of parts and fragments as p50 / p95 / max ms.\n")
        print("| delivery | viewers | age | MB/s | slowest | service's cores | viewers' cores "
              "| machine | lost | busy |")  # fmt: skip
        print("|---|---|---|---|---|---|---|---|---|---|")
        for target in (ws, hls):
            await ramp(target, asked.most, asked.seconds)
        return met


def _target(peer: Peer) -> Target:
    kind = "flv" if peer.view.endswith(".flv") else "files"
    return Target(peer.name, kind, (peer.view,), peer.pid)


def main(arguments: list[str]) -> int:
    """Run; 1 when judged and the goal is missed."""
    parser = argparse.ArgumentParser(description="Viewers per core, beside other live servers")
    parser.add_argument("--viewers", type=int, default=200, help="on each server when compared")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--most", type=int, default=1600, help="where the ramp ends at the latest")
    parser.add_argument("--tokens", type=int, default=20)
    parser.add_argument("--judge", action="store_true", help="exit with 1 when the goal is missed")
    asked = parser.parse_args(arguments)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    met = asyncio.run(bench(asked))
    return int(asked.judge and not met)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
