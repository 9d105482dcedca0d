"""A school's line, shaped: what a class sees behind nothing, nginx, Varnish, an edge.

    python -m loadtests.edge_bench [--scenarios S1,S2] [--peers nginx_tuned,varnish] [--seconds 45]
                                   [--seed 1] [--abreast 4] [--congestion cubic]         as root

Each peer stands in a network of its own with its pupils; a line process joins it to its origin's
(real kernel TCP, 40 ms round trip, 0.5 % random loss). Peers of one scenario run side by side
(`--abreast` at most), with the same seed, the same clock of the live lesson and the same bytes. A
pupil's player has the rules of hls.js; three of ten have small screens.

S1, S2, S4: 40 pupils, one live lesson, 8 / 1.6 / 2.4 Mbit/s. S3: 42 pupils, three lessons, 8. V1:
12 pupils follow one recording, 1.6. COME: S4 with pupils who leave in the middle of what they fetch
after 4 to 12 s, and others who join. THIN: 8 Mbit/s, from the middle on 1.6. CUT: 8 Mbit/s, no line
in the middle third. PART: 40 ask for a new part of 40 KB at once, 8 Mbit/s, no loss.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from loadtests.edge_peers import PEERS, Peer, Place, Standing, standing
from loadtests.edge_rows import HEAD, PART_HEAD, Spent, asked_of, class_row, part_row
from loadtests.line import ROOT, Home, Line, begun, line, namespace
from loadtests.line_way import Shape
from loadtests.live_cpu import children_of, cpu_s
from loadtests.pupils import REST_S, Class, Part
from loadtests.school_origin import bytes_of

ORIGIN_PORT, PUPILS_PORT = 8000, 8080
WAY_S = 0.02
LOSS = 0.005
LIVE_SINCE_S = 60.0
VERDICT_LIMIT_S = 60.0
RESULT_LIMIT_BYTES = 1 << 24


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to the line after a part of the run; a rate of None cuts it."""

    after: float
    rate_bps: int | None


@dataclass(frozen=True, slots=True)
class Scenario:
    """A line, and who watches what behind it."""

    rate_bps: int
    pupils: int
    lessons: tuple[str, ...]
    join_s: float = 5.0
    loss: float = LOSS
    stay_s: tuple[float, float] | None = None
    changes: tuple[Change, ...] = ()

    @property
    def shape(self) -> Shape:
        """The line at the beginning."""
        return Shape(self.rate_bps, WAY_S, self.loss)


ONE, THREE = ("live/1",), ("live/1", "live/2", "live/3")
SCENARIOS = {
    "S1": Scenario(8_000_000, 40, ONE),
    "S2": Scenario(1_600_000, 40, ONE),
    "S4": Scenario(2_400_000, 40, ONE),
    "S3": Scenario(8_000_000, 42, THREE),
    "V1": Scenario(1_600_000, 12, ("recorded/1",), join_s=30.0),
    "COME": Scenario(2_400_000, 40, ONE, stay_s=(4.0, 12.0)),
    "THIN": Scenario(8_000_000, 40, ONE, changes=(Change(0.5, 1_600_000),)),
    "CUT": Scenario(8_000_000, 40, ONE, changes=(Change(1 / 3, None), Change(2 / 3, 8_000_000))),
    "PART": Scenario(8_000_000, 40, (), loss=0.0),
}


@dataclass(frozen=True, slots=True)
class Stand:
    """A peer in its place, with everything around it."""

    peer: Peer
    school: Home
    line: Line
    origin: subprocess.Popen[str]
    standing: Standing

    def asked(self) -> dict[str, int]:
        """Give how often its origin was asked for each path."""
        assert self.origin.stdin is not None
        assert self.origin.stdout is not None
        self.origin.stdin.write("\n")
        self.origin.stdin.flush()
        found: dict[str, int] = json.loads(self.origin.stdout.readline())
        return found

    def cpu_s(self) -> float:
        """Give the CPU seconds that the peer and its children have used."""
        pid = self.standing.pid
        return sum(map(cpu_s, (pid, *children_of(pid)))) if pid else 0.0


@contextmanager
def stand(peer: Peer, scenario: Scenario, epoch_s: float, asked: argparse.Namespace
          ) -> Iterator[Stand]:  # fmt: skip
    """Put a peer between an origin and a school."""
    with (
        tempfile.TemporaryDirectory(prefix="tongbu-peer-", ignore_cleanup_errors=True) as folder,
        namespace() as far,
        namespace() as school,
        line(far, school, scenario.shape, seed=asked.seed) as made,
    ):
        upstream = f"{made.near_address}:{ORIGIN_PORT}"
        command = far.inside(sys.executable, "-m", "loadtests.school_origin", upstream,
                             str(epoch_s), asked.congestion)  # fmt: skip
        place = Place(school, upstream, f"127.0.0.1:{PUPILS_PORT}", Path(folder))
        with begun(command) as origin, standing(peer, place) as stands:
            yield Stand(peer, school, made, origin, stands)


def order_of(scenario: Scenario, address: str, seconds: float, seed: int) -> dict[str, Any]:
    """Say what the pupils' process is to do."""
    if not scenario.lessons:
        part = Part(
            f"http://{address}/part/", scenario.pupils, max(1, round(seconds / (2 * REST_S)))
        )
        return {"kind": "part", **asdict(part)}
    urls = [f"http://{address}/{lesson}/index.m3u8" for lesson in scenario.lessons]
    join_s = min(scenario.join_s, seconds / 2)
    found = Class(urls, scenario.pupils, join_s, seconds, seed, stay_s=scenario.stay_s)
    return {"kind": "class", **asdict(found)}


async def change(stands: Stand, changes: Sequence[Change], seconds: float) -> None:
    """Do to the line what the scenario says."""
    passed_s = 0.0
    for one in changes:
        await asyncio.sleep(one.after * seconds - passed_s)
        passed_s = one.after * seconds
        if one.rate_bps is None:
            await asyncio.to_thread(stands.line.cut)
        else:
            shape = replace(stands.line.shape, rate_bps=one.rate_bps)
            await asyncio.to_thread(stands.line.reshape, shape)
            await asyncio.to_thread(stands.line.mend)


async def attend(stands: Stand, scenario: Scenario, asked: argparse.Namespace) -> Any:
    """Let the pupils watch; give what they say."""
    order = order_of(scenario, stands.standing.address, asked.seconds, asked.seed)
    process = await asyncio.create_subprocess_exec(
        "setpriv", "--pdeathsig", "KILL",
        *stands.school.inside(sys.executable, "-m", "loadtests.pupils"), cwd=ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=RESULT_LIMIT_BYTES,
    )  # fmt: skip
    changing = asyncio.create_task(change(stands, scenario.changes, asked.seconds))
    try:
        async with asyncio.timeout(2 * asked.seconds + VERDICT_LIMIT_S):
            said, _ = await process.communicate(json.dumps(order).encode())
    finally:
        changing.cancel()
        await asyncio.gather(changing, return_exceptions=True)
        if process.returncode is None:
            process.kill()
        await process.wait()
    if process.returncode:
        raise SystemExit(f"the pupils behind {stands.peer.name} ended with {process.returncode}")
    return json.loads(said)


async def measure(stands: Stand, name: str, asked: argparse.Namespace) -> str:
    """Run a scenario behind one peer; give its line."""
    used_s = stands.cpu_s()
    said = await attend(stands, SCENARIOS[name], asked)
    found = asked_of(stands.asked(), bytes_of)
    if not SCENARIOS[name].lessons:
        return part_row(stands.peer.name, said, found)
    down, _ = stands.line.counted()
    spent = Spent(down.bytes, stands.cpu_s() - used_s)
    return class_row(name, stands.peer.name, said, found, spent)


async def abreast(name: str, peers: Sequence[Peer], asked: argparse.Namespace) -> list[str]:
    """Run a scenario behind several peers at once."""
    epoch_s = float(round(time.time() - LIVE_SINCE_S))
    with ExitStack() as stack:
        stands = [
            stack.enter_context(stand(peer, SCENARIOS[name], epoch_s, asked)) for peer in peers
        ]
        return await asyncio.gather(*(measure(one, name, asked) for one in stands))


def bench(peers: Sequence[Peer], asked: argparse.Namespace) -> None:
    """Run and print every scenario."""
    head = ""
    for name in asked.scenarios.split(","):
        if head != (head := HEAD if SCENARIOS[name].lessons else PART_HEAD):
            print(f"\n{head}")
        for first in range(0, len(peers), asked.abreast):
            rows = asyncio.run(abreast(name, peers[first : first + asked.abreast], asked))
            print("\n".join(rows), flush=True)


def chosen(names: str) -> list[Peer]:
    """Give the peers that are named and installed; say which are not."""
    peers = [PEERS[name] for name in names.split(",")]
    for peer in peers:
        if peer.missing:
            print(f"{peer.name}: {peer.command[0]} is not installed, skipped.\n")
    return [peer for peer in peers if not peer.missing]


def main(arguments: list[str]) -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description="A class behind a thin line, by what is between")
    parser.add_argument("--scenarios", default=",".join(SCENARIOS), help="with commas between")
    parser.add_argument("--peers", default=",".join(PEERS), help="with commas between")
    parser.add_argument("--seconds", type=float, default=45.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--abreast", type=int, default=4, help="peers at the same time")
    parser.add_argument("--congestion", default="cubic", help="the origin's: cubic, reno or bbr")
    asked = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    bench(chosen(asked.peers), asked)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
