"""An origin for comparing what may stand in a school: live lessons, a recording, parts.

    python -m loadtests.school_origin LISTEN EPOCH [CONGESTION]

Two rungs of 2 s segments (2.0 and 0.8 Mbit/s, ±15 % by a seed); live playlists hold six segments,
are good for a second, and go on since EPOCH (Unix seconds), the same for every origin that is told
the same. Segments never change. Nothing is real media: players here only count bytes. Prints
`ready`; each line on standard input is answered with {path: [count, bytes]}: how often a path was
asked for and how large it is (0: playlists, and what is never there). Ends with its standard input.
Its sockets use the congestion control that is named.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web

SEGMENT_S = 2
WINDOW_SEGMENTS, KEPT_SEGMENTS = 6, 30
RECORDED_SEGMENTS = 300
PART_BYTES = 40_000
SPREAD = 0.15
LIVE_SECONDS, FOREVER = "public, max-age=1", "public, max-age=31536000, immutable"
MEDIA_TYPE, LIST_TYPE = "video/mp4", "application/vnd.apple.mpegurl"


@dataclass(frozen=True, slots=True)
class Rate:
    """A rung: its name, mean and picture."""

    name: str
    mean_bps: int
    size_px: str

    @property
    def peak_bps(self) -> int:
        """What no segment exceeds."""
        return round(self.mean_bps * (1 + SPREAD))


RATES = (Rate("720p", 2_000_000, "1280x720"), Rate("360p", 800_000, "640x360"))
RATE = {rate.name: rate for rate in RATES}
NOISE = random.Random(4).randbytes(2 * 2_000_000 * SEGMENT_S // 8)


class Gone(Exception):
    """Not there: not yet, no longer, or never."""


def size_bytes(lesson: str, rate: Rate, number: int) -> int:
    """Give a segment's size, by its name alone."""
    chance = random.Random(f"{lesson}/{rate.name}/{number}")
    return int(rate.mean_bps * SEGMENT_S / 8 * chance.uniform(1 - SPREAD, 1 + SPREAD))


def segment(lesson: str, rate: Rate, number: int) -> memoryview:
    """Give a segment's bytes; another one begins elsewhere in the noise."""
    size = size_bytes(lesson, rate, number)
    at = number * 4099 % (len(NOISE) - size)
    return memoryview(NOISE)[at : at + size]


def bytes_of(path: str) -> int:
    """Give the bytes of what a path names; 0 for playlists and what is never there."""
    match path.strip("/").split("/"):
        case ["live" | "recorded" as kind, lesson, rate, name] if rate in RATE:
            return size_bytes(f"{kind}/{lesson}", RATE[rate], int(name.removesuffix(".m4s")))
        case ["part", _]:
            return PART_BYTES
    return 0


def multivariant() -> str:
    """Write the rungs."""
    return "#EXTM3U\n#EXT-X-INDEPENDENT-SEGMENTS\n" + "".join(
        f"#EXT-X-STREAM-INF:BANDWIDTH={rate.peak_bps},AVERAGE-BANDWIDTH={rate.mean_bps},"
        f'CODECS="avc1.64001f",RESOLUTION={rate.size_px}\n{rate.name}.m3u8\n'
        for rate in RATES
    )


def live_playlist(rate: Rate, next_number: int, epoch_s: float) -> str:
    """Write the window that ends before `next_number`."""
    first = max(0, next_number - WINDOW_SEGMENTS)
    made = datetime.fromtimestamp(epoch_s + first * SEGMENT_S, UTC)
    head = (
        f"#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:{SEGMENT_S}\n"
        f"#EXT-X-MEDIA-SEQUENCE:{first}\n"
        f"#EXT-X-PROGRAM-DATE-TIME:{made.isoformat(timespec='milliseconds')[:-6]}Z\n"
    )
    return head + "".join(_lines(rate, range(first, next_number)))


def recorded_playlist(rate: Rate) -> str:
    """Write the recording."""
    head = (
        f"#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:{SEGMENT_S}\n#EXT-X-PLAYLIST-TYPE:VOD\n"
    )
    return head + "".join(_lines(rate, range(RECORDED_SEGMENTS))) + "#EXT-X-ENDLIST\n"


def _lines(rate: Rate, numbers: range) -> Iterator[str]:
    return (f"#EXTINF:{SEGMENT_S}.000,\n{rate.name}/{number}.m4s\n" for number in numbers)


class Origin:
    """Answers, and counts what it was asked for."""

    def __init__(self, epoch_s: float) -> None:
        self._epoch_s = epoch_s
        self.asked: Counter[str] = Counter()

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Answer a request."""
        self.asked[request.path] += 1
        try:
            return self._found(request.path.strip("/").split("/"))
        except (Gone, KeyError, ValueError):
            return web.Response(status=404, headers={"Cache-Control": "no-store"})

    def _found(self, path: list[str]) -> web.Response:
        match path:
            case ["live" | "recorded", _, "index.m3u8"]:
                return _text(multivariant(), FOREVER)
            case ["live", _, name] if name.endswith(".m3u8"):
                rate = RATE[name.removesuffix(".m3u8")]
                text = live_playlist(rate, self._next_number(), self._epoch_s)
                return _text(text, LIVE_SECONDS)
            case ["recorded", _, name] if name.endswith(".m3u8"):
                return _text(recorded_playlist(RATE[name.removesuffix(".m3u8")]), FOREVER)
            case ["live" | "recorded" as kind, lesson, rate, name]:
                number = int(name.removesuffix(".m4s"))
                self._check(kind, number)
                return _bytes(segment(f"{kind}/{lesson}", RATE[rate], number))
            case ["part", _]:
                return _bytes(memoryview(NOISE)[:PART_BYTES])
        raise Gone

    def _next_number(self) -> int:
        return int((time.time() - self._epoch_s) / SEGMENT_S)

    def _check(self, kind: str, number: int) -> None:
        last = self._next_number() if kind == "live" else RECORDED_SEGMENTS
        first = last - KEPT_SEGMENTS if kind == "live" else 0
        if not first <= number < last:
            raise Gone


def _text(text: str, keep: str) -> web.Response:
    return web.Response(text=text, content_type=LIST_TYPE, headers={"Cache-Control": keep})


def _bytes(data: memoryview) -> web.Response:
    return web.Response(
        body=bytes(data), content_type=MEDIA_TYPE, headers={"Cache-Control": FOREVER}
    )


async def serve(listener: socket.socket, epoch_s: float) -> None:
    """Serve until standard input ends."""
    origin = Origin(epoch_s)
    runner = web.ServerRunner(web.Server(origin.answer))
    await runner.setup()
    await web.SockSite(runner, listener).start()
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    print("ready", flush=True)
    while await reader.readline():
        told = {path: (count, bytes_of(path)) for path, count in origin.asked.items()}
        print(json.dumps(told), flush=True)
    await runner.cleanup()


def main(arguments: list[str]) -> None:
    """Listen and serve."""
    host, _, port = arguments[0].rpartition(":")
    listener = socket.create_server((host, int(port)), backlog=512)
    if len(arguments) > 2:
        # Accepted sockets inherit it.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, arguments[2].encode())
    asyncio.run(serve(listener, float(arguments[1])))


if __name__ == "__main__":
    main(sys.argv[1:])
