"""A school's line, shaped: what a class sees behind nothing, nginx, Varnish, an edge.

    python -m loadtests.edge_bench [--scenarios S1,S2] [--peers tongbu,varnish] [--seconds 45]
                                   [--seed 1] [--abreast 5] [--origin tongbu]           as root

Each peer stands in a network of its own with its pupils; a line process joins it to the city's
(real kernel TCP, 40 ms round trip, 0.5 % random loss). Peers of one scenario run side by side
(`--abreast` at most), with the same seed and the same lesson of our own service (`city.py`: 2.0 and
0.6 Mbit/s), or of a made-up origin (`--origin synthetic`: 2.0 and 0.8; without our box, which
knows only its service). A pupil's player has the rules of hls.js and reads plain HLS; three of ten
have small screens. Our box is enrolled anew each time and is not told how fast its line is; peers
stand for 5 s before the pupils come. Memory is a peer's highest resident (VmHWM); `--shelf-gb 100`
gives our box a shelf that is full already.

S1, S2, S4: 40 pupils, one live lesson, 8 / 1.6 / 2.4 Mbit/s. S3: 42 pupils, three lessons, 8. V1:
12 pupils follow one recording, 1.6. COME: S4 with pupils who leave in the middle of what they fetch
after 4 to 12 s, and others who join. THIN: 8 Mbit/s, from the middle on 1.6. CUT: 8 Mbit/s, no line
in the middle third. PART: 40 ask for the newest part (50 KB; 40 KB of the made-up origin) at once,
8 Mbit/s, no loss; alone: one fetches another over the line, without a peer (made up: behind it).
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

from loadtests.city import city
from loadtests.edge_origins import MadeUp, Origin, Tongbu
from loadtests.edge_peers import PEERS, Peer, Place, Standing, standing
from loadtests.edge_rows import HEAD, PART_HEAD, Asked, Spent, asked_of, class_row, part_row
from loadtests.edge_scenarios import SCENARIOS, Change, Scenario
from loadtests.edge_shelf import fill
from loadtests.line import ROOT, Home, Line, begun, line, namespace
from loadtests.live_cpu import children_of, cpu_s, peak_bytes
from loadtests.pupils import Class
from loadtests.pupils_at_once import REST_S, Newest, Part

ORIGIN_PORT, PUPILS_PORT = 8000, 8080
SETTLE_S = 5.0
VERDICT_LIMIT_S = 60.0
RESULT_LIMIT_BYTES = 1 << 24


@dataclass(frozen=True, slots=True)
class Ground:
    """A scenario that is to be run, before which origin, and what the bench was asked for."""

    name: str
    scenario: Scenario
    origin: Origin
    asked: argparse.Namespace


@dataclass(frozen=True, slots=True)
class Stand:
    """A peer in its place, with everything around it."""

    peer: Peer
    school: Home
    line: Line
    origin: subprocess.Popen[str]
    standing: Standing
    upstream: str

    def asked(self) -> Asked:
        """Sum up what its origin was asked for."""
        assert self.origin.stdin is not None
        assert self.origin.stdout is not None
        self.origin.stdin.write("\n")
        self.origin.stdin.flush()
        found: dict[str, tuple[int, int]] = json.loads(self.origin.stdout.readline())
        return asked_of(found)

    def cpu_s(self) -> float:
        """Give the CPU seconds that the peer and its children have used."""
        return sum(map(cpu_s, self._pids()))

    def memory_bytes(self) -> int:
        """Give the most memory that the peer and its children have had."""
        return sum(map(peak_bytes, self._pids()))

    def _pids(self) -> list[int]:
        pid = self.standing.pid
        return [pid, *children_of(pid)] if pid else []


@contextmanager
def stand(peer: Peer, number: int, ground: Ground) -> Iterator[Stand]:
    """Put a peer between an origin and a school."""
    origin, scenario, asked = ground.origin, ground.scenario, ground.asked
    with (
        tempfile.TemporaryDirectory(prefix="tongbu-peer-", ignore_cleanup_errors=True) as own,
        origin.home() as far,
        namespace() as school,
        line(far, school, scenario.shape, number=number, seed=asked.seed) as made,
    ):
        upstream = f"{made.near_address}:{ORIGIN_PORT}"
        command = far.inside(*origin.door(upstream, asked.congestion or origin.congestion))
        folder = Path(own)
        if asked.keep:
            folder = Path(asked.keep) / f"{ground.name}-{peer.name}"
            folder.mkdir(parents=True)
        ours = peer.name == "tongbu"
        code = origin.code(peer.name) if ours else ""
        if ours and asked.shelf_gb:
            fill(folder / "data/edge/shelf", round(asked.shelf_gb * 1e9))
        place = Place(school, upstream, f"127.0.0.1:{PUPILS_PORT}", folder, code)
        with begun(command) as door, standing(peer, place) as stands:
            yield Stand(peer, school, made, door, stands, upstream)


def order_of(ground: Ground, address: str, upstream: str, lessons: Sequence[str]) -> dict[str, Any]:
    """Say what the pupils' process is to do."""
    scenario, asked = ground.scenario, ground.asked
    urls = [f"http://{address}/{lesson}" for lesson in lessons]
    rounds = max(1, round(asked.seconds / (2 * REST_S)))
    if scenario.parts and asked.origin == "synthetic":
        return {"kind": "part", **asdict(Part(f"http://{address}/part/", scenario.pupils, rounds))}
    if scenario.parts:
        alone = f"http://{upstream}/{lessons[0]}"
        return {"kind": "newest", **asdict(Newest(urls[0], alone, scenario.pupils, rounds))}
    join_s = min(scenario.join_s, asked.seconds / 2)
    found = Class(
        urls, scenario.pupils, join_s, asked.seconds, asked.seed, stay_s=scenario.stay_s,
        least_px=ground.origin.least_px,
    )  # fmt: skip
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


async def attend(stands: Stand, ground: Ground, lessons: Sequence[str]) -> Any:
    """Let the pupils watch; give what they say."""
    asked = ground.asked
    order = order_of(ground, stands.standing.address, stands.upstream, lessons)
    process = await asyncio.create_subprocess_exec(
        "setpriv", "--pdeathsig", "KILL",
        *stands.school.inside(sys.executable, "-m", "loadtests.pupils"), cwd=ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=RESULT_LIMIT_BYTES,
    )  # fmt: skip
    changing = asyncio.create_task(change(stands, ground.scenario.changes, asked.seconds))
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


async def measure(stands: Stand, ground: Ground, lessons: Sequence[str]) -> str:
    """Run a scenario behind one peer; give its line."""
    used_s, before = stands.cpu_s(), stands.line.counted()[0].bytes
    said = await attend(stands, ground, lessons)
    found = stands.asked()
    if ground.scenario.parts:
        return part_row(stands.peer.name, said, found)
    wan_bytes, busy_s = stands.line.counted()[0].bytes - before, stands.cpu_s() - used_s
    spent = Spent(wan_bytes, busy_s, stands.memory_bytes())
    return class_row(ground.name, stands.peer.name, said, found, spent)


async def abreast(stands: Sequence[Stand], ground: Ground, lessons: Sequence[str]) -> list[str]:
    """Run a scenario behind several peers at once."""
    return await asyncio.gather(*(measure(one, ground, lessons) for one in stands))


def bench(peers: Sequence[Peer], origin: Origin, asked: argparse.Namespace) -> None:
    """Run and print every scenario."""
    head = ""
    for name in asked.scenarios.split(","):
        ground = Ground(name, SCENARIOS[name], origin, asked)
        if head != (head := PART_HEAD if ground.scenario.parts else HEAD):
            print(f"\n{head}")
        for first in range(0, len(peers), asked.abreast):
            with ExitStack() as stack:
                lessons = stack.enter_context(origin.lessons(ground.scenario.lessons))
                stands = [
                    stack.enter_context(stand(peer, number + 1, ground))
                    for number, peer in enumerate(peers[first : first + asked.abreast])
                ]
                time.sleep(SETTLE_S)
                rows = asyncio.run(abreast(stands, ground, lessons))
            print("\n".join(rows), flush=True)


def chosen(names: str, origin: str = "tongbu") -> list[Peer]:
    """Give the peers that are named and installed; say which are not."""
    peers = [PEERS[name] for name in names.split(",")]
    if origin == "synthetic":
        peers = [peer for peer in peers if peer.name != "tongbu"]
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
    parser.add_argument("--abreast", type=int, default=5, help="peers at the same time")
    parser.add_argument("--origin", default="tongbu", choices=("tongbu", "synthetic"))
    parser.add_argument("--congestion", help="the origin's: cubic, reno or bbr")
    parser.add_argument(
        "--shelf-gb", type=float, default=0.0, help="what our box has on its shelf already"
    )
    parser.add_argument("--keep", metavar="FOLDER", help="keep the peers' logs and caches here")
    asked = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    peers = chosen(asked.peers, asked.origin)
    if asked.origin == "synthetic":
        bench(peers, MadeUp(), asked)
        return 0
    with city() as found:
        bench(peers, Tongbu(found), asked)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
