"""Latency beside node-media-server and nginx-rtmp: when a viewer of each has the same picture.

    python -m loadtests.live_beside [--seconds 60]

One encoder pushes the same bytes to all servers by RTMP and to this process by TCP. The latency of
a server is how long after a picture came here it has come to its viewer, one of each: ours by
WebSocket, node-media-server's by HTTP-FLV, nginx-rtmp's by RTMP through ffmpeg, which copies it to
a pipe. Pictures are known by how their coded bytes end, which no server changes. All viewers are
read in one loop, which is as late for each.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field

import aiohttp
import imageio_ffmpeg

from loadtests.live_fanout import COPY_ONLY, WARM_UP_S
from loadtests.live_peers import free_port, nginx_rtmp, node_media_server
from loadtests.live_publisher import publishing
from loadtests.live_session import booked, until_state
from loadtests.live_spread import Spread, spread
from loadtests.service import running
from transcoder.live.flv import FileReader, Kind, Tag

TAIL_BYTES = 48
CHUNK_BYTES = 1 << 16
AFTER_S = 2.0
KIND_AT, STREAM_HEADER_BYTES = 1, 4
VIDEO_KINDS = (1, 2)


@dataclass(slots=True)
class Seen:
    """When pictures came first, monotonic seconds by how they end."""

    at: dict[bytes, float] = field(default_factory=dict)

    def came(self, picture: bytes) -> None:
        """Note a picture's bytes."""
        self.at.setdefault(picture[-TAIL_BYTES:], time.monotonic())


def latencies(pushed: Mapping[bytes, float], seen: Mapping[bytes, float]) -> Spread:
    """Give the milliseconds from here to a viewer."""
    return spread([1000 * (seen[one] - at) for one, at in pushed.items() if one in seen])


async def read_flv(chunks: AsyncIterator[bytes], seen: Seen) -> None:
    """Read an FLV stream to its end."""
    reader = FileReader()
    async for chunk in chunks:
        for tag in reader.feed(chunk):
            if isinstance(tag, Tag) and tag.kind is Kind.VIDEO:
                seen.came(tag.data)


async def _of(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while chunk := await reader.read(CHUNK_BYTES):
        yield chunk


@asynccontextmanager
async def pushed_here(seen: Seen) -> AsyncIterator[str]:
    """Take what the encoder pushes, at the address that this gives."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_flv(_of(reader), seen)
        writer.close()

    port = free_port()
    async with await asyncio.start_server(take, "127.0.0.1", port):
        yield f"tcp://127.0.0.1:{port}"


async def watch_ours(url: str, seen: Seen) -> None:
    """Watch by WebSocket: 4 bytes of head, moof, mdat with one picture."""
    async with aiohttp.ClientSession() as http, http.ws_connect(url, max_msg_size=0) as socket:
        async for message in socket:
            data = message.data
            if message.type is aiohttp.WSMsgType.BINARY and data[KIND_AT] in VIDEO_KINDS:
                seen.came(data[STREAM_HEADER_BYTES:])


async def watch_flv(url: str, seen: Seen) -> None:
    """Watch by HTTP-FLV."""
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        await read_flv(answer.content.iter_any(), seen)


async def watch_rtmp(url: str, seen: Seen) -> None:
    """Watch by RTMP: ffmpeg copies the pictures as they come."""
    process = await asyncio.create_subprocess_exec(
        imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-fflags", "nobuffer",
        "-i", url, "-map", "0:v", "-c", "copy", "-flush_packets", "1", "-f", "flv", "pipe:1",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        await read_flv(_of(process.stdout), seen)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def ended(task: asyncio.Task[None]) -> None:
    """Watch no longer."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def bench(seconds: float) -> None:
    """Start everything, watch, print."""
    pushed = Seen()
    viewers: dict[str, Seen] = {}
    async with AsyncExitStack() as stack:
        node = stack.enter_context(node_media_server())
        nginx = stack.enter_context(nginx_rtmp())
        service = stack.enter_context(running(extra=COPY_ONLY))
        client, session = await stack.enter_async_context(booked(service, "几台服务器一起播"))
        here = await stack.enter_async_context(pushed_here(pushed))
        peers = [peer for peer in (node, nginx) if peer is not None]
        stack.enter_context(publishing(session.rtmp, *(peer.rtmp for peer in peers), here))
        await until_state(client, session.id, "live")
        await asyncio.sleep(WARM_UP_S)
        watch = {"Tongbu, WebSocket": (watch_ours, session.stream)}
        if node is not None:
            watch[node.name] = (watch_flv, node.view)
        if nginx is not None:
            watch[nginx.name] = (watch_rtmp, nginx.rtmp)
        for name, (watching, url) in watch.items():
            viewers[name] = Seen()
            task = asyncio.create_task(watching(url, viewers[name]), name=name)
            stack.push_async_callback(ended, task)
        await asyncio.sleep(WARM_UP_S)
        since = time.monotonic()
        await asyncio.sleep(seconds)
        until = time.monotonic()
        await asyncio.sleep(AFTER_S)
    sent = {picture: at for picture, at in pushed.at.items() if since <= at < until}
    print("| server | pictures | latency p50 / p95 / max, ms |\n|---|---|---|")
    for name, seen in viewers.items():
        found = latencies(sent, seen.at)
        print(f"| {name} | {found.count} of {len(sent)} | {found} |")


def main(arguments: list[str]) -> int:
    """Run."""
    parser = argparse.ArgumentParser(description="Latency beside other live servers")
    parser.add_argument("--seconds", type=float, default=60.0)
    asyncio.run(bench(parser.parse_args(arguments).seconds))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
