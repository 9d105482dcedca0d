"""Simulated viewers of a live lesson, in a process of their own.

    python -m loadtests.live_viewers ws|hls|flv|files COUNT SECONDS [--join-s 2] < addresses

One address a line on standard input, dealt round. `ws` reads the WebSocket `stream`, `flv` an
HTTP-FLV stream, `files` a plain HLS playlist, `hls` the LL-HLS media playlists `video,audio` of one
line, by blocking reload and each part as it is named (its first line is a `stream`, for the clock).
Prints `ready` when everybody has media, measures for SECONDS, prints one line of JSON. A delay is
how old a fragment or part is when its last byte is here, from the end of what it shows: encoding
and ingest are in it, the time that it lasts is not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

import uvloop

from loadtests.live_readers import FilesReader, PlaylistReader, Reader, StreamReader, Tally
from loadtests.live_spread import spread

JOIN_EVERY_S = 0.01
READY_LIMIT_S = 60.0
SETTLE_S = 2.0
SIMPLE = {"ws": StreamReader, "flv": Reader, "files": FilesReader}


def readers(kind: str, tally: Tally, viewer: int, line: str) -> list[Reader]:
    """Make the connections of one viewer."""
    if kind == "hls":
        urls = line.split(",")
        return [PlaylistReader(tally, viewer, url, url == urls[0]) for url in urls]
    return [SIMPLE[kind](tally, viewer, line)]


async def connect(reader: Reader) -> asyncio.BaseTransport:
    """Open one connection."""
    parts = urlsplit(reader.url)
    loop = asyncio.get_running_loop()
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    transport, _ = await loop.create_connection(lambda: reader, host, port)
    return transport


async def learn_clock(tally: Tally, line: str) -> None:
    """Let one WebSocket viewer tell what parts cannot: media time 0 and the timescale."""
    transport = await connect(StreamReader(tally, -1, line))
    async with asyncio.timeout(READY_LIMIT_S):
        await tally.knows_clock.wait()
    transport.close()


async def run(
    kind: str, count: int, seconds: float, join_s: float, lines: Sequence[str]
) -> dict[str, object]:
    """Join, wait until all have media, measure."""
    tally = Tally(count)
    if kind == "hls":
        await learn_clock(tally, lines[0])
        lines = lines[1:]
    began_at = time.monotonic()
    async with asyncio.TaskGroup() as joining:
        for viewer in range(count):
            line = lines[viewer % len(lines)]
            for reader in readers(kind, tally, viewer, line):
                joining.create_task(connect(reader))
            due_at = began_at + (viewer + 1) * join_s / count
            await asyncio.sleep(max(0.0, due_at - time.monotonic()))
    async with asyncio.timeout(READY_LIMIT_S):
        await tally.all_have_media.wait()
    await asyncio.sleep(SETTLE_S)
    before = used_s()
    tally.begin()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.sleep(seconds)
    tally.open = False
    late = spread([1000 * one for one in tally.delays])
    return {
        "bytes": tally.bytes, "errors": tally.errors, "cpu_s": used_s() - before,
        "timed": late.count, "p50_ms": late.p50, "p95_ms": late.p95, "most_ms": late.most,
    }  # fmt: skip


def used_s() -> float:
    """Give the CPU seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(arguments: Sequence[str]) -> None:
    """Read addresses, run, print."""
    parser = argparse.ArgumentParser(description="Simulated viewers of a live lesson")
    parser.add_argument("kind", choices=["hls", *SIMPLE])
    parser.add_argument("count", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--join-s", type=float, default=0.0, help="0: a hundred a second")
    asked = parser.parse_args(arguments)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    join_s = asked.join_s or asked.count * JOIN_EVERY_S
    lines = sys.stdin.read().split()
    found = uvloop.run(run(asked.kind, asked.count, asked.seconds, join_s, lines))
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
