"""Media as a browser's encoders give it, made by ffmpeg: messages of the publish WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from struct import pack

from tests.support.children import FFMPEG
from transcoder.live.flv import FileReader, Kind, Tag, look
from transcoder.live.webcodecs import KEYFRAME, PICTURE, SOUND

HELLO = {
    "type": "publish",
    "container": "webcodecs",
    "video": {"codec": "avc1.42e01f", "width": 640, "height": 360, "fps": 30},
    "audio": {"codec": "opus", "rate": 48000, "channels": 1},
}
START = b"\0\0\0\1"


async def made(seconds: float, form: str = "flv") -> bytes:
    """A picture and sound of so many seconds, keyframes each second, H.264 and Opus."""
    process = await asyncio.create_subprocess_exec(
        FFMPEG, "-v", "error", "-f", "lavfi", "-i", f"testsrc2=size=640x360:rate=30:d={seconds}",
        "-f", "lavfi", "-i", f"sine=sample_rate=48000:d={seconds}", "-c:v", "libx264",
        "-preset", "ultrafast", "-tune", "zerolatency", "-g", "30", "-pix_fmt", "yuv420p",
        "-c:a", "libopus", "-f", form, "-cluster_time_limit", "100", "pipe:1",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    data, _ = await process.communicate()
    return data


async def messages(seconds: float) -> list[tuple[float, bytes]]:
    """Binary messages with the time in seconds at which each is due."""
    tags = [tag for tag in FileReader().feed(await made(seconds)) if isinstance(tag, Tag)]
    found: list[tuple[float, bytes]] = []
    sets = b""
    for tag in sorted(tags, key=lambda tag: tag.time_ms):
        seen = look(tag)
        if seen.codec is None:
            continue
        body = tag.data[seen.body :]
        if seen.header:
            sets = _sets(body) if tag.kind is Kind.VIDEO else sets
            continue
        found.append((tag.time_ms / 1000, _message(tag, body, sets, key=seen.keyframe)))
    return found


def _message(tag: Tag, body: bytes, sets: bytes, *, key: bool) -> bytes:
    kind = SOUND if tag.kind is Kind.AUDIO else KEYFRAME if key else PICTURE
    if tag.kind is Kind.VIDEO:
        body = (sets if key else b"") + _annex_b(body)
    return pack(">BQ", kind, 1_000 * tag.time_ms) + body


def _annex_b(data: bytes) -> bytes:
    found, at = b"", 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        found += START + data[at + 4 : at + 4 + size]
        at += 4 + size
    return found


def _sets(avcc: bytes) -> bytes:
    """The parameter sets of a configuration record with one of each."""
    size = int.from_bytes(avcc[6:8], "big")
    rest = avcc[8 + size :]
    return START + avcc[8 : 8 + size] + START + rest[3 : 3 + int.from_bytes(rest[1:3], "big")]


async def paced(due: list[tuple[float, bytes]], send: Callable[[bytes], Awaitable[None]]) -> None:
    """Send each message when it is due, as a camera would."""
    clock = asyncio.get_running_loop().time
    begun = clock()
    for at_s, message in due:
        await asyncio.sleep(max(0.0, begun + at_s - clock()))
        await send(message)
